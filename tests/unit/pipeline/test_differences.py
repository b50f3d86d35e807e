"""Where two outputs of a message differ, without values."""

from typing import Any

import orjson

from engine.pipeline.differences import Difference, differences
from engine.pipeline.result import FHIR_JSON, HL7_V2


def bundle(*resources: dict[str, Any]) -> bytes:
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources
    ]
    return orjson.dumps({"resourceType": "Bundle", "entry": entries})


def differ(before: bytes, after: bytes) -> set[tuple[str, str]]:
    found = differences(FHIR_JSON, before, f"{FHIR_JSON}; merge=[[0,1]]", after)
    return {(one.path, one.kind) for one in found}


PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "1",
    "name": [{"family": "A"}],
    "gender": "female",
}


def test_values_types_and_elements_that_come_and_go_are_told_apart() -> None:
    after = {**PATIENT, "name": [{"family": "B"}, {"family": "C"}], "deceased": True}
    del after["gender"]
    assert differ(bundle(PATIENT), bundle(after)) == {
        ("Patient.name.family", "value"),
        ("Patient.name", "added"),
        ("Patient.gender", "removed"),
        ("Patient.deceased", "added"),
    }
    changed = {**PATIENT, "name": "A"}
    assert differ(bundle(PATIENT), bundle(changed)) == {("Patient.name", "type")}


def test_whole_resources_come_and_go_and_order_does_not_matter() -> None:
    visit = {"resourceType": "Encounter", "id": "9"}
    assert differ(bundle(PATIENT), bundle(visit, PATIENT)) == {("Encounter", "added")}
    assert differ(bundle(visit, PATIENT), bundle(PATIENT)) == {("Encounter", "removed")}
    assert differ(bundle(visit, PATIENT), bundle(PATIENT, visit)) == set()


def test_other_outputs_differ_as_a_whole() -> None:
    assert differences(HL7_V2, b"a", HL7_V2, b"a") == set()
    assert differences(HL7_V2, b"a", HL7_V2, b"b") == {Difference("message", "value")}
    assert differ(b"{", bundle(PATIENT)) == {("message", "value")}
