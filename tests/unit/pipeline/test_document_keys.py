"""Documents stand in the lanes of the messages about the same patient, and are found by their
ids."""

from engine.cda.header import DocumentHeader, Related
from engine.hl7v2.header import peek
from engine.pipeline.document_keys import (
    document_event_at,
    document_lanes,
    document_search_keys,
)
from engine.pipeline.lane_keys import lane_keys, plan_lanes
from engine.runtime.intake.document_header import as_header

FACTS = DocumentHeader(
    identifier=("1.1", "D2"),
    set_id=("1.2", "S1"),
    version_number="2",
    code="34133-9",
    effective_time="20240131101500-0600",
    patients=(("1.3", "N100"), ("1.4", "")),
    custodian=("1.5", ""),
    related=(Related(kind="RPLC", identifier=("1.1", "D1")),),
)
MESSAGE = b"MSH|^~\\&|ADT|NORTH|||20260101||ADT^A01|1|P|2.5.1\rPID|1||N100^^^NORTH^MR\r"


def lanes(*paths: str, facts: DocumentHeader = FACTS) -> tuple[str, ...]:
    return document_lanes(facts, as_header(facts, b""), plan_lanes(paths))


def test_a_document_shares_the_lane_of_messages_about_its_patient() -> None:
    message = lane_keys(MESSAGE, peek(MESSAGE), plan_lanes(()))
    assert message == ("patient N100",)
    assert lanes() == ("patient N100", "patient 1.4")


def test_a_lane_of_pid_3_is_that_of_the_document_too() -> None:
    message = lane_keys(MESSAGE, peek(MESSAGE), plan_lanes(("PID-3.1",)))
    assert message == ("key N100",)
    assert lanes("PID-3.1") == ("key N100", "key 1.4")


def test_other_lanes_leave_the_patient_and_fields_of_msh_hold() -> None:
    assert lanes("PV1-19") == ("patient N100", "patient 1.4")
    assert lanes("MSH-9.1") == ("key CDA",)


def test_a_document_without_patient_has_no_lane() -> None:
    assert lanes(facts=DocumentHeader(identifier=("1.1", "D2"))) == ()


def test_a_document_is_found_by_patient_id_set_and_what_it_replaces() -> None:
    found = document_search_keys(FACTS)
    assert ("mrn", "N100") in found
    assert {("document", "1.1^D2"), ("document", "D2"), ("set", "1.2^S1")} <= set(found)
    assert ("related", "1.1^D1") in found


def test_the_time_of_a_document_is_its_own() -> None:
    assert document_event_at(FACTS, None) == 1706717700.0
    assert document_event_at(DocumentHeader(effective_time="2024"), None) is None


def test_the_facts_are_those_of_a_message_header() -> None:
    header = as_header(FACTS, b"")
    assert (header.message_type, header.control_id) == ("CDA^34133-9", "1.1^D2")
    assert (header.field(4), header.version) == ("1.5", "2")


def test_a_document_without_id_is_known_by_its_bytes() -> None:
    first, second = (as_header(DocumentHeader(), raw).control_id for raw in (b"<a/>", b"<b/>"))
    assert first.startswith("sha256^")
    assert first != second
