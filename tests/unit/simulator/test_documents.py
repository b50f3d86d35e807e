"""Documents of the synthetic hospital: of the same patients as its messages, with real faults."""

import random
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.runtime.desk.workbench import Workbench, open_workbench
from engine.simulator.documents import DOCUMENT_MISTAKES, make_document
from engine.simulator.hospital import DOCUMENT, Hospital
from engine.simulator.people import make_person

WRITTEN = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
FOUND = {"cut-short": "D304", "undeclared-prefix": "D309", "dangling-reference": "D321"}


@pytest.fixture(scope="module")
def bench() -> Workbench:
    return open_workbench(Path())


def document(number: int = 1, mistake: str | None = None) -> bytes:
    person = make_person(7, random.Random(3))
    return make_document(person, number=number, written=WRITTEN, mistake=mistake)


def resources(bench: Workbench, raw: bytes, channel: str) -> list[dict[str, Any]]:
    made = bench.convert(raw, channel)
    assert made.bundle is not None
    return [entry["resource"] for entry in orjson.loads(made.bundle)["entry"]]


def of_type(found: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [one for one in found if one["resourceType"] == name]


def test_a_document_is_the_same_for_the_same_patient_number_and_time() -> None:
    assert document() == document()


def test_a_document_converts_without_a_word_and_keeps_the_denied_problem_denied(
    bench: Workbench,
) -> None:
    assert bench.convert(document(), "documents").result.diagnostics == ()
    conditions = of_type(resources(bench, document(), "documents"), "Condition")
    denied = [
        one["code"]["coding"][0]["code"]
        for one in conditions
        if one.get("verificationStatus", {}).get("coding", [{}])[0].get("code") == "refuted"
    ]
    assert len(conditions) == 2
    assert denied == ["73211009"]


def test_two_documents_of_a_patient_tell_of_the_same_problems_and_of_other_results(
    bench: Workbench,
) -> None:
    first, second = (resources(bench, document(number), "documents") for number in (1, 2))
    for name, same in (("Condition", True), ("MedicationRequest", True), ("Observation", False)):
        ids = [{one["id"] for one in of_type(found, name)} for found in (first, second)]
        assert (ids[0] == ids[1]) is same


def test_a_patient_of_a_document_is_the_patient_of_the_messages(bench: Workbench) -> None:
    ids: dict[str, set[str]] = {}
    stream = Hospital(seed=7, start=WRITTEN, documents=True, mistakes=0).messages()
    kinds: dict[str, set[str]] = {}
    for sent in islice(stream, 120):
        made = bench.convert(sent.payload, "documents" if sent.message_type == DOCUMENT else None)
        if made.bundle is None:
            continue
        found = [entry["resource"] for entry in orjson.loads(made.bundle)["entry"]]
        for patient in of_type(found, "Patient"):
            number = patient["identifier"][0]["value"]
            ids.setdefault(number, set()).add(patient["id"])
            kinds.setdefault(number, set()).add(sent.message_type)
    shared = [number for number, seen in kinds.items() if DOCUMENT in seen and len(seen) > 1]
    assert shared
    assert all(len(ids[number]) == 1 for number in shared)


@pytest.mark.parametrize("mistake", sorted(DOCUMENT_MISTAKES))
def test_every_mistake_is_found_and_only_a_broken_document_is_refused(
    bench: Workbench, mistake: str
) -> None:
    made = bench.convert(document(mistake=mistake), "documents")
    assert {problem.code for problem in made.result.diagnostics} == {FOUND[mistake]}
    assert (made.bundle is None) is (mistake == "cut-short")
