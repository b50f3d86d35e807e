"""What is left out of a resource that is not valid, and that nothing more is."""

from typing import Any

from engine.fhir.checker import check
from engine.fhir.entries import Entry
from engine.pipeline.repair import repair_entries

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"family": "Okafor"}, {"family": "Obi"}],
    "birthDate": "1987-04-12",
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "x"},
    "subject": {"reference": "Patient/p"},
}


def entry(resource: dict[str, Any], identity: str = "p") -> Entry:
    return Entry(resource=resource, resource_id=identity)


def repaired(*entries: Entry) -> tuple[list[dict[str, Any]], list[str]]:
    kept, problems = repair_entries(entries)
    for found in kept:
        assert not check(found.resource)
    return [found.resource for found in kept], [
        f"{found.code} {found.place.path}" for found in problems
    ]


def test_valid_resources_stay_as_they_are() -> None:
    entries = [entry(PATIENT), entry(OBSERVATION, "o")]
    kept, problems = repair_entries(entries)
    assert kept == entries
    assert kept[0] is entries[0]
    assert problems == []


def test_element_at_fault_is_left_out_alone() -> None:
    found, problems = repaired(entry({**PATIENT, "birthDate": "1987-02-30", "gender": "female"}))
    assert found == [{key: PATIENT[key] for key in ("resourceType", "name")} | {"gender": "female"}]
    assert problems == ["S725 Patient.birthDate"]


def test_item_of_a_list_that_becomes_empty_is_left_out_with_it() -> None:
    names = [{"family": "Okafor"}, {"use": "nonsense"}]
    found, problems = repaired(entry({**PATIENT, "name": names}))
    assert found[0]["name"] == [{"family": "Okafor"}]
    assert problems == ["S725 Patient.name[1]"]


def test_part_without_its_required_element_is_left_out_as_a_whole() -> None:
    links = [{"other": {"reference": "Patient/q"}}]
    found, problems = repaired(entry({**PATIENT, "link": links}))
    assert "link" not in found[0]
    assert problems == ["S725 Patient.link"]


def test_resource_without_its_required_element_is_left_out_with_an_error() -> None:
    without = {key: value for key, value in OBSERVATION.items() if key != "status"}
    found, problems = repaired(entry(PATIENT), entry(without, "o"))
    assert found == [PATIENT]
    assert problems == ["S726 Observation"]


def test_references_to_a_resource_left_out_go_with_it() -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "x"},
        "result": [{"reference": "Observation/o"}, {"reference": "Observation/p"}],
    }
    without = {key: value for key, value in OBSERVATION.items() if key != "status"}
    found, _ = repaired(entry(report, "r"), entry(without, "o"), entry(OBSERVATION, "p"))
    assert found[0]["result"] == [{"reference": "Observation/p"}]


def test_several_faults_are_all_repaired() -> None:
    found, problems = repaired(
        entry({**PATIENT, "birthDate": "x", "gender": "X", "active": "yes", "nonsense": 1})
    )
    assert found == [{key: PATIENT[key] for key in ("resourceType", "name")}]
    assert len(problems) == 4


def test_no_value_stands_in_a_diagnostic() -> None:
    _, problems = repair_entries([entry({**PATIENT, "birthDate": "SECRET", "gender": "SECRET"})])
    assert problems
    assert not any("SECRET" in found.message for found in problems)
