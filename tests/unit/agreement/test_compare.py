"""Bundles are compared by what they say, not by ids, order, or how often a thing is repeated."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.agreement.assignment import assign
from benchmarks.agreement.compare import Comparison, Tally, compare
from benchmarks.agreement.elements import read_bundle


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}


def compared(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> Comparison:
    return compare(read_bundle(bundle(*ours)), read_bundle(bundle(*theirs)))


def patient(number: str, own_id: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": own_id,
        "identifier": [{"value": number}],
        **more,
    }


def test_ids_order_and_narrative_do_not_count() -> None:
    ours = [patient("1", "a"), patient("2", "b")]
    theirs = [
        patient("2", "x", text={"div": "words"}, meta={"source": "other"}),
        patient("1", "y"),
    ]
    found = compared(ours, theirs).total()
    assert (found.both, found.differ, found.ours, found.theirs) == (2, 0, 0, 0)


def test_lists_are_multisets() -> None:
    name = {"given": ["Ann", "Ann", "Eve"]}
    found = compared(
        [patient("1", "a", name=[name])], [patient("1", "b", name=[{"given": ["Eve", "Ann"]}])]
    )
    given_names = found.paths["Patient.name.given"]
    assert (given_names.both, given_names.ours) == (2, 1)


def test_other_value_at_one_path_is_a_difference_and_not_two_gaps() -> None:
    found = compared(
        [patient("1", "a", gender="female", birthDate="1980-01-01")],
        [patient("1", "b", gender="unknown", active=True)],
    )
    assert found.paths["Patient.gender"].differ == 1
    assert found.paths["Patient.birthDate"].ours == 1
    assert found.paths["Patient.active"].theirs == 1


def test_reference_is_equal_when_its_target_is_paired() -> None:
    def about(patient_id: str) -> dict[str, Any]:
        return {
            "resourceType": "Condition",
            "id": "c",
            "subject": {"reference": f"Patient/{patient_id}"},
        }

    ours = [patient("1", "a"), patient("2", "b"), about("a")]
    right = [patient("2", "x"), patient("1", "y"), about("y")]
    wrong = [patient("2", "x"), patient("1", "y"), about("x")]
    assert compared(ours, right).paths["Condition.subject"].both == 1
    assert compared(ours, wrong).paths["Condition.subject"].differ == 1


def test_reference_by_full_url_and_by_type_and_id_are_one() -> None:
    condition = {"resourceType": "Condition", "subject": {"reference": "urn:uuid:9"}}
    theirs = {
        "entry": [
            {"fullUrl": "urn:uuid:9", "resource": patient("1", "p")},
            {"resource": condition},
        ]
    }
    ours = bundle(
        patient("1", "a"), {"resourceType": "Condition", "subject": {"reference": "Patient/a"}}
    )
    found = compare(read_bundle(ours), read_bundle(theirs))
    assert found.paths["Condition.subject"].both == 1


def test_copies_of_a_practitioner_are_one_and_copies_of_a_patient_are_not() -> None:
    def practitioner(own_id: str) -> dict[str, Any]:
        return {"resourceType": "Practitioner", "id": own_id, "identifier": [{"value": "9"}]}

    found = read_bundle(
        bundle(practitioner("a"), practitioner("b"), patient("1", "c"), patient("1", "d"))
    )
    assert [one.resource_type for one in found.resources] == ["Practitioner", "Patient", "Patient"]
    assert found.target("Practitioner/a") == found.target("Practitioner/b") == 0


def test_private_extensions_are_left_out_and_public_ones_named() -> None:
    extensions = [
        {"url": "https://converter.test/own", "valueString": "x"},
        {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueString": "y"},
    ]
    [found] = read_bundle(bundle(patient("1", "a", extension=extensions))).resources
    assert set(found.leaves) == {
        ("identifier.value", "1"),
        ("extension(patient-birthTime).valueString", "y"),
    }


def test_unresolved_systems_are_as_if_absent() -> None:
    theirs = patient("1", "a")
    theirs["identifier"] = [{"value": "1", "system": "http://example.com/HCD"}]
    assert compared([patient("1", "b")], [theirs]).total().recall == 1.0


def test_resource_without_a_counterpart_counts_with_all_it_says() -> None:
    found = compared([patient("1", "a")], [patient("1", "a"), patient("7", "b", gender="male")])
    assert found.total().theirs == 2
    assert found.resource_total().theirs == 1


def test_nothing_made_recalls_nothing() -> None:
    found = compared([], [patient("1", "a")]).total()
    assert (found.precision, found.recall, found.f1) == (0.0, 0.0, 0.0)


def test_shares_of_a_tally() -> None:
    found = Tally(both=6, differ=2, ours=4, theirs=0)
    assert (found.precision, found.recall, found.agreement) == (0.5, 0.75, 0.75)


@given(st.data())
def test_pairing_is_as_good_as_trying_everything(data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 4))
    columns = data.draw(st.integers(1, 4))
    cell = st.integers(0, 9).map(float)
    matrix = data.draw(
        st.lists(st.lists(cell, min_size=columns, max_size=columns), min_size=rows, max_size=rows)
    )
    pairs = assign(matrix)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert sum(matrix[row][column] for row, column in pairs) == best(matrix, 0, frozenset())


def best(matrix: list[list[float]], row: int, taken: frozenset[int]) -> float:
    if row == len(matrix):
        return 0.0
    found = best(matrix, row + 1, taken)
    for column, value in enumerate(matrix[row]):
        if column not in taken:
            found = max(found, value + best(matrix, row + 1, taken | {column}))
    return found
