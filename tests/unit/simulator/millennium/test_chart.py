"""The chart: versions nobody can count, indexes that follow, merges without loops, a bound."""

import pytest

from engine.simulator.millennium.answers import RefusedError
from engine.simulator.millennium.chart import Chart


def chart(most: int = 100) -> Chart:
    return Chart(lambda: 0.0, most)


def person(value: str) -> dict[str, object]:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": value}]}


def test_versions_differ_and_do_not_count() -> None:
    found = chart()
    record = found.add("Patient", person("1"))
    versions = [record.etag]
    for _ in range(4):
        found.touch(record)
        versions.append(record.etag)
    assert versions[:2] == ["0", "1"]
    assert len(set(versions)) == 5
    assert versions[2] != "2"


def test_identifiers_are_found_as_they_are_now() -> None:
    found = chart()
    record = found.add("Patient", person("1"))
    found.replace(record, person("2"), "update")
    assert found.by_identifier("Patient", "urn:x", "1") == []
    assert found.by_identifier("Patient", "", "2") == [record]
    found.remove(record)
    assert found.by_identifier("Patient", "urn:x", "2") == []


def test_a_patient_is_not_combined_in_a_circle() -> None:
    found = chart()
    first, second, third = (found.add("Patient", person(n)) for n in "123")
    found.combine(first, second)
    found.combine(second, third)
    for retired, survivor in ((third, first), (third, third)):
        with pytest.raises(ValueError, match="itself"):
            found.combine(retired, survivor)


def test_what_belongs_to_a_combined_patient_moves_along() -> None:
    found = chart()
    first, second = (found.add("Patient", person(n)) for n in "12")
    visit = {"resourceType": "Encounter", "subject": {"reference": f"Patient/{first.identity}"}}
    record = found.add("Encounter", visit)
    found.combine(first, second)
    assert found.of_patient("Encounter", second.identity) == [record]
    assert found.of_patient("Encounter", first.identity) == []


def test_there_is_room_for_so_many() -> None:
    found = chart(1)
    found.add("Patient", person("1"))
    with pytest.raises(RefusedError) as refused:
        found.add("Patient", person("2"))
    assert refused.value.answer.status == 507
