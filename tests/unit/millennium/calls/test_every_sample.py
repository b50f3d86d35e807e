"""Every sample of the project as Millennium calls: what must hold of any of them."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from composed import composer_of, shipped_calls
from shipped import shipped_library, shipped_program

from engine.cda.reader import parse_document
from engine.fhir.entries import Entry
from engine.hl7v2.batch import split
from engine.hl7v2.groups import group
from engine.hl7v2.parser import parse
from engine.mapping.compiler.documents import compile_documents
from engine.mapping.run import MapContext
from engine.millennium.calls.body import CHANGE, MessageFacts
from engine.millennium.calls.compose import Composed, compose
from engine.millennium.calls.references import engine_names

SAMPLES = Path(__file__).parents[4] / "samples"
CALLS = [
    "allergy.record", "appointment.request", "chargeItem.create", "condition.record",
    "coverage.record", "document.file", "encounter.register", "familyHistory.record",
    "immunization.record", "medication.record", "observation.record", "organization.register",
    "patient.register", "practitioner.register", "procedure.record", "relatedPerson.record",
    "report.file",
]  # fmt: skip
ANY_CODE = {
    f"{kind}.{one.path}": "pass"
    for kind, rules in shipped_calls().rules.items()
    for one in rules.codes
}
CONTEXT = MapContext(
    time_zone="America/Chicago",
    source_system="urn:oid:1.2.3",
    authorities={name: f"urn:oid:1.2.3.{number}" for number, name in enumerate(
        ("NVMRN", "NVVISIT", "FIN", "NORTH", "NVSTAFF", "NVORG", "NVPLAN"), 1
    )},
)  # fmt: skip


def composed(entries: list[Entry]) -> Composed:
    return compose(entries, composer_of(CALLS, policies=ANY_CODE), MessageFacts())


def messages() -> Iterator[tuple[str, bytes]]:
    for file in sorted((SAMPLES / "hl7v2").rglob("*.hl7")):
        raw = file.read_bytes().replace(b"\r\n", b"\r").replace(b"\n", b"\r")
        for one in split(raw).messages:
            yield file.name, one


def from_messages() -> Iterator[tuple[str, Composed]]:
    for name, raw in messages():
        message = parse(raw).message
        if message is not None:
            made = shipped_program().convert(group(message), CONTEXT)
            yield name, composed(made.entries)


def from_documents() -> Iterator[tuple[str, Composed]]:
    program = compile_documents(shipped_library("cda"))
    for file in sorted((SAMPLES / "cda").glob("*.xml")):
        document = parse_document(file.read_bytes(), repair_cp1252=True).document
        if document is not None:
            yield file.name, composed(program.convert(document, CONTEXT).entries)


@pytest.fixture(scope="module")
def every_sample() -> list[tuple[str, Composed]]:
    return [*from_messages(), *from_documents()]


def codings(value: Any) -> Iterator[list[dict[str, Any]]]:
    if isinstance(value, dict):
        if isinstance(value.get("coding"), list):
            yield value["coding"]
        for item in value.values():
            yield from codings(item)
    elif isinstance(value, list):
        for item in value:
            yield from codings(item)


def test_a_call_stands_after_those_it_refers_to(every_sample: list[tuple[str, Composed]]):
    for name, found in every_sample:
        known: set[str] = set()
        for call in found.calls:
            missing = set(engine_names(call.get("resource", {}))) - known
            assert missing == set(), name
            known.add(call.get("name", ""))


def test_no_resource_lacks_what_its_rules_require(every_sample: list[tuple[str, Composed]]):
    rules = shipped_calls().rules
    for name, found in every_sample:
        for call in found.calls:
            resource = call.get("resource")
            if resource is None or call.get("only") == CHANGE:
                continue  # what is there already has it
            required = rules[resource["resourceType"]].required
            plain = [path for path in required if "." not in path and "[x]" not in path]
            assert [path for path in plain if not resource.get(path)] == [], (name, call["call"])


def test_no_array_of_codings_is_empty_or_of_both_kinds(every_sample: list[tuple[str, Composed]]):
    for name, found in every_sample:
        for call in found.calls:
            for listed in codings(call.get("resource", {})):
                own = {"cerner.com" in one.get("system", "") for one in listed}
                assert len(own) == 1, (name, call["call"])


def test_every_resource_has_its_once_key_or_an_identifier(
    every_sample: list[tuple[str, Composed]],
):
    for name, found in every_sample:
        for call in found.calls:
            if "resource" in call:
                assert call.get("once") or call["identifiers"], (name, call["call"])


def test_the_samples_exercise_the_calls(every_sample: list[tuple[str, Composed]]):
    made = Counter(call["call"] for _, found in every_sample for call in found.calls)
    # No sample names a payer by a system, or has a report of cardiology or pathology with its text.
    assert [one for one in CALLS if not made[one]] == ["coverage.record", "report.file"]
