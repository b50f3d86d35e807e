"""The gate alone: what it is sure of, and what it leaves to the checker."""

from decimal import Decimal
from typing import Any

import pytest

from engine.fhir import compiled

Json = dict[str, Any]
UUID = "0f6d1f8e-5b7a-5c3e-9d42-7d1a0c5b9e11"

OBSERVATION: Json = {
    "resourceType": "Observation",
    "id": UUID,
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "täglich\n"},
    "subject": {"reference": f"Patient/{UUID}", "type": "Patient"},
    "effectiveDateTime": "2024-02-29T10:00:00+01:00",
    "valueQuantity": {"value": Decimal("1.50"), "unit": "mmol/L"},
    "_issued": {"extension": [{"url": "urn:oid:2.999.1", "valueCode": "unknown"}]},
}


def test_the_gate_is_sure_of_ordinary_resources() -> None:
    assert compiled.is_surely_valid(OBSERVATION)


@pytest.mark.parametrize(
    "change",
    [
        {"contained": [{"resourceType": "Organization", "id": "o", "name": "x"}]},
        {"subject": {"reference": "https://example.org/fhir/Patient/1"}},
        {"performer": [{"display": "x", "type": "http://example.org/kind"}]},
        {"note": [{"text": "x" * 1000, "authorString": "x", "time": "2024"}]},
        {"device": {"identifier": {"assigner": {"identifier": {"value": "1"}}}}},
    ],
)
def test_what_the_gate_doubts_is_still_valid(change: Json) -> None:
    assert compiled.is_valid({**OBSERVATION, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"valueString": "x"},
        {"_valueString": {"id": "a"}},
        {"subject": {}},
        {"code": None},
        {"status": ["final"]},
        {"status": "finished"},
        {"effectiveDateTime": "2023-02-29"},
        {"valueQuantity": {"value": True}},
        {"valueQuantity": {"value": float("inf")}},
        {"subject": {"reference": f"Slot/{UUID}"}},
        {"subject": {"reference": f"Patient/{UUID}\n"}},
        {"subject": {"reference": "#a"}},
        {"_issued": {"extension": [{"url": "a"}]}},
        {"_id": {"id": "a"}},
        {"_code": {"id": "a"}},
        {"unknown": 1},
        {"category": {"text": "x"}},
    ],
)
def test_no_fault_gets_past_the_gate(change: Json) -> None:
    assert not compiled.is_surely_valid({**OBSERVATION, **change})
    assert not compiled.is_valid({**OBSERVATION, **change})


def test_answers_do_not_depend_on_what_was_asked_before() -> None:
    faulty = {**OBSERVATION, "unknown": 1}
    for _ in range(3):
        assert not compiled.is_valid(faulty)
        assert compiled.is_valid(OBSERVATION)


@pytest.mark.parametrize("key", ["extension", "contained", "code", "note", "unknown"])
def test_hostile_depth_is_refused_and_harms_nobody(key: str) -> None:
    nested: Any = {"url": "a", "valueString": "x"}
    for _ in range(50_000):
        nested = {"url": "a", "extension": [nested]}
    assert not compiled.is_surely_valid({**OBSERVATION, key: nested})
    assert not compiled.is_surely_valid({**OBSERVATION, key: [nested]})
    while "extension" in nested:  # freeing it all at once would exhaust the stack
        nested = nested["extension"][0]


def test_a_period_may_not_end_before_it_starts() -> None:
    period = {"start": "2024-02-01", "end": "2024-01-31"}
    resource = {**OBSERVATION, "effectivePeriod": period}
    del resource["effectiveDateTime"]
    assert not compiled.is_surely_valid(resource)
    assert compiled.is_surely_valid({**resource, "effectivePeriod": {"start": "2024"}})
