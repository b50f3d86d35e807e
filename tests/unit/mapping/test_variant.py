from typing import Any

import pytest

from engine.hl7v2.groups import group
from engine.hl7v2.parser import parse
from engine.mapping.compiler.compiler import Program, compile_library
from engine.mapping.compiler.variant import MESSAGE, Variant, make_variant
from engine.mapping.library import Library, read_library
from engine.mapping.run import MapContext

PATIENT = """map: PID[Patient]
from: PID
to: Patient
rules:
  birthDate: PID-7 -> date
  name[]: PID-5 -> XPN[HumanName]
"""
NAME = "map: XPN[HumanName]\nfrom: XPN\nto: HumanName\nrules:\n  family: XPN.1.1\n"
VISIT = """map: PV1[Encounter]
from: PV1
to: Encounter
rules:
  status: '"in-progress"'
  class.code: PV1-2
"""


def message_map(name: str, event: str, step: str) -> str:
    return f"map: {name}\nfrom: {name}\nto: Bundle\nfor: [ADT^{event}]\nrules:\n  - {step}\n"


@pytest.fixture
def library() -> Library:
    files = {
        "p.yaml": PATIENT,
        "n.yaml": NAME,
        "v.yaml": VISIT,
        "a01.yaml": message_map("ADT_A01", "A01", "PID -> PID[Patient] as patient"),
        "a02.yaml": message_map("ADT_A02", "A02", "PV1 -> PV1[Encounter] as visit"),
        "a03.yaml": message_map("ADT_A03", "A03", "PID -> PID[Patient] as patient"),
    }
    found, problems = read_library(files)
    assert problems == []
    return found


@pytest.fixture
def variant(library: Library) -> Variant:
    return make_variant(library, traced=False)


def test_nothing_is_compiled_until_a_map_is_asked_for(variant: Variant) -> None:
    assert variant.source == ""
    variant.function("ADT_A01", MESSAGE)
    assert "map_PID_Patient" in variant.source
    assert "map_XPN_HumanName" in variant.source, "what it calls comes with it"
    assert "map_PV1_Encounter" not in variant.source


def test_a_map_that_is_there_is_not_compiled_again(variant: Variant) -> None:
    variant.function("ADT_A01", MESSAGE)
    before = variant.source
    assert variant.function("ADT_A01", MESSAGE) == variant.function("ADT_A01", MESSAGE)
    assert variant.source == before
    variant.function("ADT_A03", MESSAGE)
    assert variant.source.count("def map_PID_Patient") == 1


def test_rules_keep_their_numbers_when_more_is_compiled(variant: Variant) -> None:
    variant.function("ADT_A01", MESSAGE)
    rules, places = list(variant.rules), list(variant.places)
    variant.function("ADT_A02", MESSAGE)
    assert variant.rules[: len(rules)] == rules
    assert variant.places[: len(places)] == places
    assert len(variant.places) == len(variant.rules)


def test_whole_compiles_every_map_once(variant: Variant) -> None:
    variant.function("ADT_A02", MESSAGE)
    source = variant.whole().source
    for name in ("ADT_A01", "ADT_A02", "ADT_A03", "PID_Patient", "XPN_HumanName", "PV1_Encounter"):
        assert source.count(f"def map_{name}") == 1


def convert(program: Program, parsed: Any) -> list[str]:
    return [
        entry.resource["resourceType"]
        for entry in program.convert(parsed, MapContext(source_system="urn:test")).entries
    ]


@pytest.mark.parametrize("first", ["A01", "A02"])
def test_messages_in_any_order_and_with_any_delimiters_find_their_maps(
    library: Library, first: str
) -> None:
    def message(event: str, marks: str = "|^~\\&") -> Any:
        text = f"MSH{marks}|A|N|B|N|20240311||ADT{marks[1]}{event}|1|P|2.5\r"
        text += f"PID|||1||Doe{marks[1]}Jane||19870412\rPV1||I\r"
        found = parse(text.encode()).message
        assert found is not None
        return group(found)

    program = compile_library(library)
    expected = {"A01": ["Patient"], "A02": ["Encounter"]}
    second = "A02" if first == "A01" else "A01"
    for event in (first, second, first):
        assert convert(program, message(event)) == expected[event]
        assert convert(program, message(event, "|#~\\&")) == expected[event]
