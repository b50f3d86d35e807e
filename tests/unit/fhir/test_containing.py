"""What no server stores goes inside what refers to it."""

from engine.fhir.containing import contain
from engine.fhir.entries import Entry

OUTCOME = Entry(
    resource={
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "required"}],
    },
    resource_id="o1",
)
PATIENT = Entry(resource={"resourceType": "Patient", "active": True}, resource_id="p1")


def header(reference: str) -> Entry:
    response = {"code": "fatal-error", "details": {"reference": reference}}
    return Entry(resource={"resourceType": "MessageHeader", "response": response}, resource_id="h1")


def test_outcome_of_an_answer_is_contained_in_its_header() -> None:
    [made, patient] = contain([header("OperationOutcome/o1"), OUTCOME, PATIENT])
    assert made.resource["response"]["details"] == {"reference": "#outcome"}
    assert made.resource["contained"] == [{**OUTCOME.resource, "id": "outcome"}]
    assert patient is PATIENT


def test_outcome_that_nothing_refers_to_stays_an_entry() -> None:
    assert contain([header("Patient/p1"), OUTCOME, PATIENT])[1] is OUTCOME


def test_the_header_that_was_given_is_not_changed() -> None:
    given = header("OperationOutcome/o1")
    contain([given, OUTCOME])
    assert given.resource["response"]["details"] == {"reference": "OperationOutcome/o1"}
