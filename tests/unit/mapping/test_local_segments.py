"""A site's own segments: declared in YAML, checked and mapped like any other."""

from typing import Any

import pytest

from engine.hl7v2.groups import group
from engine.hl7v2.parser import parse
from engine.mapping.checker.checker import check_library
from engine.mapping.compiler.compiler import compile_library
from engine.mapping.library import read_library, with_overlays
from engine.mapping.run import MapContext

ZPV = """
segment: ZPV
description: more of the visit
in: message
fields:
  1: {name: set id, type: SI}
  2: {name: diet, type: CWE, repeats: true, length: 250}
  3: {name: wishes, type: ST}
"""
MAP = """
map: ZPV[Encounter]
from: ZPV
to: Encounter
rules:
  status: '"unknown"'
  class.code: '"IMP"'
  identifier[]:
    - value: SOURCE
"""
CWE = "map: CWE[string]\nfrom: CWE\nto: string\nvalue: CWE.2 | CWE.1\n"
MESSAGE = "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nrules:\n  - ZPV -> ZPV[Encounter] as visit\n"
HEADER = "MSH|^~\\&|P|N|R|S|20260102030405+0000||ADT^A01^ADT_A01|C1|P|2.5.1"


def checked(source: str, definition: str = ZPV, **files: str) -> list[Any]:
    library, problems = read_library(
        {"z.yaml": definition, "m.yaml": MAP.replace("SOURCE", source), "c.yaml": CWE, **files}
    )
    return [*problems, *check_library(library)]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("ZPV-3", None),
        ("ZPV-2[1].2", None),
        ("ZPV-2[1=VEG].2", None),
        ("ZPV-2[1] -> CWE[string]", None),
        ("ZPV-9", "T521"),
        ("ZPV-3.2", "T522"),
        ("ZPV-2[1].30", "T522"),
        ("ZPV-2.1", "T524"),
        ("ZPV-2[type=VEG].1", "T503"),
        ("ZPV-1 -> CWE[string]", None),
    ],
)
def test_paths_of_a_declared_segment_are_checked(source: str, code: str | None) -> None:
    problems = checked(source)
    assert [one.code for one in problems] == ([code] if code else [])
    assert all((one.place.file, one.place.line) == ("m.yaml", 9) for one in problems)


def test_of_a_segment_that_is_not_declared_nothing_is_known() -> None:
    assert checked("ZPV-99.3", definition="segment: ZXX\nfields:\n  1: {type: ST}\n") == []


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("segment: PID\nfields:\n  1: {type: ST}\n", "T503", 1),
        ("segment: ZPV\n", "T502", 1),
        ("segment: ZPV\nfield:\n  1: {type: ST}\nfields:\n  1: {type: ST}\n", "T501", 2),
        ("segment: ZPV\nfields:\n  one: {type: ST}\n", "T503", 3),
        ("segment: ZPV\nfields:\n  1: ST\n", "T503", 3),
        ("segment: ZPV\nfields:\n  1: {name: x}\n", "T502", 3),
        ("segment: ZPV\nfields:\n  1: {type: XYZ}\n", "T503", 3),
        ("segment: ZPV\nfields:\n  1: {type: ST, repeats: often}\n", "T503", 3),
        ("segment: ZPV\nfields:\n  1: {type: ST, length: long}\n", "T503", 3),
        ("segment: ZPV\nfields:\n  1: {type: ST, tabel: x}\n", "T501", 3),
        ("segment: ZPV\nin: the visit\nfields:\n  1: {type: ST}\n", "T503", 2),
        ("segment: ZPV\nfields:\n  1: {type: IS, table: Diets}\n", "T513", 3),
    ],
)
def test_a_wrong_declaration_is_refused_at_its_line(text: str, code: str, line: int) -> None:
    library, problems = read_library({"z.yaml": text})
    problems = [*problems, *check_library(library)]
    assert [(one.code, one.place.file, one.place.line) for one in problems] == [
        (code, "z.yaml", line)
    ]


def test_a_later_layer_declares_the_segment_anew() -> None:
    library, _ = read_library({"z.yaml": ZPV})
    library, problems = with_overlays(library, {"o/z.yaml": ZPV.replace("3:", "7:")})
    assert problems == []
    assert sorted(library.segments["ZPV"].fields) == [1, 2, 7]


def test_two_declarations_of_one_layer_are_refused() -> None:
    _, problems = read_library({"a.yaml": ZPV, "b.yaml": ZPV})
    assert [(one.code, one.place.file) for one in problems] == [("T506", "b.yaml")]


def converted(*segments: str, source: str = "ZPV-3", definition: str = ZPV) -> Any:
    files = {"z.yaml": definition, "m.yaml": MAP.replace("SOURCE", source), "a.yaml": MESSAGE}
    library, problems = read_library(files)
    assert problems == []
    program = compile_library(library)
    message = parse("".join(f"{one}\r" for one in (HEADER, *segments)).encode()).message
    assert message is not None
    grouped = group(message, program.places)
    assert [one.code for one in grouped.diagnostics if "ZPV" in str(one.place)] == []
    return program.convert(grouped, MapContext(source_system="urn:test")).entries


def test_a_text_of_a_declared_segment_keeps_the_separators_its_sender_forgot_to_escape() -> None:
    (entry,) = converted("EVN|A01", "PID|1", "PV1|1|I", "ZPV|1|VEG|no visitors & calls")
    assert entry.resource["identifier"] == [{"value": "no visitors & calls"}]  # ZPV-3


def test_a_segment_of_the_message_is_found_behind_an_open_group() -> None:
    segments = ("EVN|A01", "PID|1", "PV1|1|I", "PR1|1||1", "ROL|1|AD", "ZPV|1||late")
    (entry,) = converted(*segments)
    assert entry.resource["identifier"] == [{"value": "late"}]  # ZPV-3


def test_a_segment_stands_in_its_group_or_with_what_it_follows() -> None:
    lines = (
        HEADER.replace("ADT^A01^ADT_A01", "ORU^R01^ORU_R01"),
        "PID|1",
        "OBR|1",
        "OBX|1",
        "ZPV|1",
    )
    message = parse("".join(f"{one}\r" for one in lines).encode()).message
    assert message is not None
    order = group(message, {"ZPV": "ORDER_OBSERVATION"}).root.groups("PATIENT_RESULT")[0]
    assert order.groups("ORDER_OBSERVATION")[0].segments("ZPV")
    followed = group(message, {"ZPV": ""}).root.groups("PATIENT_RESULT")[0]
    (observation,) = followed.groups("ORDER_OBSERVATION")[0].groups("OBSERVATION")
    assert observation.segments("ZPV")


def test_a_segment_whose_group_is_not_open_is_reported() -> None:
    message = parse(f"{HEADER}\rEVN|A01\rPID|1\rZPV|1\r".encode()).message
    assert message is not None
    grouped = group(message, {"ZPV": "INSURANCE"})
    assert any("ZPV" in str(one.place) for one in grouped.diagnostics)
