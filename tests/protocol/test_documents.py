"""Documents through intake: what is stored, and what their senders are told."""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, channel, channel_intake, message, open_log

from engine.channel.model import (
    Acknowledge,
    ChannelConfig,
    DuplicatePolicy,
    HttpListenerConfig,
    RouteConfig,
)
from engine.listeners.codes import body_fault
from engine.pipeline.states import State, Verdict
from engine.runtime.intake.intake import ListenerIntake
from engine.runtime.intake.reception import Reception

OID = "2.16.840.1.113883.19.5"


def document(number: int = 1, version: int = 1, text: str = "", patient: str = "12345") -> bytes:
    return f"""\
<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="{OID}.1" extension="D{number}"/>
<code code="34133-9"/><title>{text}</title><effectiveTime value="20240131"/>
<setId root="{OID}.2"/><versionNumber value="{version}"/>
<recordTarget><patientRole><id root="{OID}.3" extension="{patient}"/></patientRole></recordTarget>
<custodian><assignedCustodian><representedCustodianOrganization><id root="{OID}.5"/>
</representedCustodianOrganization></assignedCustodian></custodian>
<component/></ClinicalDocument>""".encode()


class Request:
    """A connection that is asked once, as HTTP is."""

    def __init__(self) -> None:
        self.source = "http 10.0.0.9:1"
        self.body: bytes | None = None
        self.accepted = True
        self.abandoned = ""
        self.held: list[str] = []

    def answer(self, payloads: Sequence[bytes], *, accepted: bool = True) -> bool:
        self.body, self.accepted = b"".join(payloads), accepted
        return True

    def skip(self) -> None:
        self.abandoned = "late"

    def abandon(self, reason: str) -> None:
        self.abandoned = reason

    def push(self, payload: bytes) -> bool:
        del payload
        return False

    def hold(self, reason: str) -> None:
        self.held.append(reason)

    def release(self, reason: str) -> None:
        self.held.remove(reason)

    @property
    def said(self) -> Any:
        return json.loads(self.body or b"null")


class Desk:
    """Intake with an HTTP listener's sink."""

    def __init__(self, bench: Bench, *configs: ChannelConfig) -> None:
        self.bench = bench
        bench.start(channel())
        bench.channels = [channel_intake(config) for config in configs]
        answers = bench.intake.answers
        self.sink = ListenerIntake(
            bench.intake, Reception("http x:1", bench.channels, answers, "rev1")
        )

    def post(self, body: bytes) -> Request:
        request = Request()
        self.sink.receive(request, body)
        for _ in range(5):
            self.bench.turn()
        return request


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    log = open_log(tmp_path)
    yield Bench(log)
    log.close()


def http(name: str = "ccd", **options: Any) -> ChannelConfig:
    return replace(channel(), name=name, listener=HttpListenerConfig(port=8080), **options)


def archive(*documents: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for number, data in enumerate(documents):
            opened.writestr(f"{number}.xml", data)
    return made.getvalue()


def test_a_document_is_stored_with_its_keys_and_answered_in_json(bench: Bench) -> None:
    request = Desk(bench, http()).post(document())
    assert request.said == {"status": "accepted", "document": f"{OID}.1^D1"}
    stored = bench.stored()[0]
    assert (stored.message_type, stored.control_id) == ("CDA^34133-9", f"{OID}.1^D1")
    assert (stored.sender, stored.version) == (f"|{OID}.5", "1")
    assert stored.lanes == ("patient 12345",)
    assert stored.raw == document()
    assert stored.acknowledgment_code == "AA"


def test_a_document_has_the_lane_of_messages_about_its_patient(bench: Bench) -> None:
    desk = Desk(bench, http())
    desk.post(message("C1", patient="12345"))
    desk.post(document())
    first, second = bench.stored()
    assert first.lanes == second.lanes


def test_the_same_document_again_gets_the_first_answer(bench: Bench) -> None:
    desk = Desk(bench, http())
    first, second = desk.post(document()), desk.post(document())
    assert second.body == first.body
    assert [one.verdict for one in bench.stored()] == [Verdict.NEW, Verdict.DUPLICATE]
    assert not bench.stored()[1].runnable


def test_another_document_under_a_known_id_is_what_the_channel_says(bench: Bench) -> None:
    desk = Desk(bench, http(duplicates=DuplicatePolicy(different="reject")))
    desk.post(document())
    request = desk.post(document(text="mended"))
    assert request.said["status"] == "rejected"
    assert request.said["problems"][0]["code"] == "205"
    assert not request.accepted
    assert bench.stored()[1].verdict is Verdict.CONFLICT


def test_an_older_version_that_comes_late_is_taken(bench: Bench) -> None:
    desk = Desk(bench, http())
    desk.post(document(2, version=2))
    request = desk.post(document(1, version=1))
    assert request.said["status"] == "accepted"
    assert bench.stored()[1].runnable


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"<!DOCTYPE x><ClinicalDocument/>", "D303"), (b"<Patient/>", "D308"), (b"<a", "D304")],
)
def test_what_is_no_document_is_a_fault_with_its_code(bench: Bench, body: bytes, code: str) -> None:
    request = Desk(bench, http()).post(body)
    assert request.said["problems"][0]["code"] == code
    assert not request.accepted
    assert bench.stored()[0].verdict is Verdict.FAULT


def test_each_document_of_an_archive_is_a_message_and_a_bad_one_costs_no_other(
    bench: Bench,
) -> None:
    request = Desk(bench, http()).post(archive(document(1), b"%PDF", b"<Patient/>", document(2)))
    statuses = [one["status"] for one in request.said["documents"]]
    assert statuses == ["accepted", "error", "error", "accepted"]
    assert not request.accepted
    stored = bench.stored()
    assert [one.verdict for one in stored] == [
        Verdict.NEW,
        Verdict.FAULT,
        Verdict.FAULT,
        Verdict.NEW,
    ]
    assert stored[3].source == "http 10.0.0.9:1 part 4"
    assert request.held == []


def test_the_same_document_twice_in_an_archive_is_one(bench: Bench) -> None:
    request = Desk(bench, http()).post(archive(document(1), document(1)))
    assert [one["status"] for one in request.said["documents"]] == ["accepted"] * 2
    assert [one.verdict for one in bench.stored()] == [Verdict.NEW, Verdict.DUPLICATE]


def test_an_archive_that_cannot_be_read_is_one_fault(bench: Bench) -> None:
    request = Desk(bench, http()).post(archive(document(1))[:-9])
    assert request.said["problems"][0]["code"] == "D360"
    assert [one.verdict for one in bench.stored()] == [Verdict.FAULT]


def test_a_large_archive_leaves_room_for_others(bench: Bench) -> None:
    desk = Desk(bench, http())
    request = Request()
    desk.sink.receive(request, archive(*(document(number) for number in range(900))))
    bench.turn()
    desk.sink.receive(other := Request(), document(901))
    for _ in range(2):
        bench.turn()
    assert other.said["status"] == "accepted"
    assert request.body is None
    for _ in range(5):
        bench.turn()
    assert len(request.said["documents"]) == 900


def test_documents_are_routed_by_their_type_as_messages_are(bench: Bench) -> None:
    adt = http("adt", route=RouteConfig(fields=(("MSH-9.1", ("ADT",)),)))
    cda = http("ccd", route=RouteConfig(fields=(("MSH-9.1", ("CDA",)),)))
    desk = Desk(bench, adt, cda)
    desk.post(document())
    desk.post(message("C1"))
    assert [one.channel for one in bench.stored()] == ["ccd", "adt"]


def test_a_document_no_channel_takes_is_rejected(bench: Bench) -> None:
    adt = http("adt", route=RouteConfig(fields=(("MSH-9.1", ("ADT",)),)))
    request = Desk(bench, adt).post(document())
    assert request.said["status"] == "rejected"
    assert bench.stored()[0].verdict is Verdict.FAULT


def test_a_document_can_be_answered_after_processing(bench: Bench) -> None:
    desk = Desk(bench, http(acknowledge=Acknowledge.TRANSFORMED))
    request = desk.post(document())
    assert request.body is None
    found = {"code": "D304", "severity": "error", "message": "broken"}
    bench.states[1] = (State.ERROR, [found])
    bench.pass_time(1)
    assert request.said["status"] == "error"
    assert request.said["problems"] == [{"code": "D304", "message": "broken"}]


def test_a_document_that_is_too_large_is_told_so(bench: Bench) -> None:
    desk = Desk(bench, http())
    request = Request()
    desk.sink.receive_fault(request, body_fault(document() + b" " * 1000, 1000))
    bench.turn()
    assert request.said["problems"][0]["code"] == "M150"


def test_a_store_that_fails_answers_nothing_of_an_archive(bench: Bench) -> None:
    desk = Desk(bench, http())
    bench.log.failing = True
    request = desk.post(archive(document(1), document(2)))
    assert request.abandoned == "store"
    assert request.body is None
