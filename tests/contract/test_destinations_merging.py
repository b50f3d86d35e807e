"""Resources a message says only a part of, against the simulated FHIR server through its port."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import web

from engine.channel.model import FhirDestinationConfig
from engine.destinations.fhir import FhirDestination
from engine.destinations.interface import AttemptResult, Outgoing, Settlement
from engine.fhir.bundle import encode_bundle
from engine.fhir.entries import Entry
from engine.fhir.marks import write_marks
from engine.fhir.merge_plan import draw
from engine.pipeline.states import FailureClass
from engine.simulator.faults import FaultRule, Kind
from engine.simulator.fhir_server import FhirServer

P = "6f1f5ad6-6a40-5c7e-9f0e-0d4d5c1f2a3b"
D = "7f1f5ad6-6a40-5c7e-9f0e-0d4d5c1f2a3b"
E = "8f1f5ad6-6a40-5c7e-9f0e-0d4d5c1f2a3b"
MRN = {"system": "urn:mrn", "value": "1"}
WHOLE: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [MRN],
    "birthDate": "1970-01-01",
    "address": [{"city": "Northvale"}],
    "telecom": [{"system": "phone", "value": "555", "use": "home"}],
}
THIN: dict[str, Any] = {"resourceType": "Patient", "identifier": [MRN], "gender": "female"}
DOCTOR: dict[str, Any] = {
    "resourceType": "Practitioner",
    "identifier": [{"system": "urn:staff", "value": "7"}],
    "name": [{"family": "Osei"}],
}


def encounter() -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "identifier": [{"system": "urn:v", "value": "9"}],
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{P}"},
        "participant": [{"individual": {"reference": f"Practitioner/{D}"}}],
    }


def person(
    resource: dict[str, Any], *, merges: bool = True, deletes: tuple[str, ...] = ()
) -> Entry:
    key = (MRN["system"], MRN["value"])
    return Entry(resource=resource, resource_id=P, identifier=key, merges=merges, deletes=deletes)


def doctor(*, deletes: tuple[str, ...] = (), **more: Any) -> Entry:
    key = ("urn:staff", "7")
    resource = {**DOCTOR, **more}
    return Entry(resource=resource, resource_id=D, identifier=key, merges=True, deletes=deletes)


def visit() -> Entry:
    return Entry(resource=encounter(), resource_id=E, identifier=("urn:v", "9"))


class Site:
    """The server, and destinations that send to it."""

    def __init__(self, server: FhirServer, url: str) -> None:
        self.server = server
        self.url = url
        self.made: list[FhirDestination] = []
        self.stored = b""
        self.now = 1000.0

    def destination(self, **options: Any) -> FhirDestination:
        config = FhirDestinationConfig(name="ehr", url=self.url, timeout_seconds=5.0, **options)
        self.options = config
        self.made.append(FhirDestination(config, lambda _reference: "", lambda: self.now))
        return self.made[-1]

    async def send(
        self, destination: FhirDestination, *entries: Entry, in_full: bool = False
    ) -> AttemptResult:
        return await destination.send(replace(self.outgoing(*entries), in_full=in_full))

    async def sent(self, destination: FhirDestination, *entries: Entry) -> int:
        """Send, which is accepted; the requests it took."""
        before = self.server.requests
        result = await self.send(destination, *entries)
        assert result.classification.accepted, result
        return self.server.requests - before

    def outgoing(self, *entries: Entry) -> Outgoing:
        encoded = encode_bundle(
            entries,
            interaction=self.options.interaction,
            identity=self.options.identity,
            capabilities=self.options.capabilities,
            merging=True,
        )
        self.stored = encoded.body
        return Outgoing(
            delivery_id=1,
            message_id=1,
            channel="adt",
            content_type=write_marks("application/fhir+json", encoded.marks),
            body=encoded.body,
        )

    def held(self, kind: str) -> dict[str, Any]:
        (identity,) = self.server.memory.matches(kind, "")
        found = self.server.memory.read(kind, identity).body
        assert found is not None
        return found


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    server = FhirServer()
    runner = web.AppRunner(server.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found = Site(server, f"http://127.0.0.1:{runner.addresses[0][1]}/fhir")
    yield found
    for destination in found.made:
        await destination.close()
    await runner.cleanup()


FORMS = [
    (interaction, identity, capabilities)
    for interaction in ("transaction", "batch", "single")
    for identity in ("update", "conditional")
    for capabilities in (
        {"transaction", "batch", "conditional-update", "update-create", "conditional-reference"},
        {"transaction", "conditional-update", "update-create", "conditional-reference"},
    )
]


@pytest.mark.parametrize(("interaction", "identity", "capabilities"), FORMS)
async def test_a_thin_patient_does_not_wipe_what_an_admission_said(
    site: Site, interaction: str, identity: str, capabilities: set[str]
) -> None:
    destination = site.destination(
        interaction=interaction, identity=identity, capabilities=frozenset(capabilities)
    )
    for entries in ((person(WHOLE, merges=False), doctor(), visit()), (person(THIN), visit())):
        result = await site.send(destination, *entries)
        assert result.classification.accepted, result
    patient = site.held("Patient")
    assert patient["address"] == [{"city": "Northvale"}]  # PID-11 of the admission
    assert patient["gender"] == "female"  # PID-8 of the result
    subject = site.held("Encounter")["subject"]["reference"]
    assert subject in (f"Patient/{patient['id']}", "Patient?identifier=urn%3Amrn%7C1")


async def test_what_a_null_deletes_is_gone(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, person(WHOLE, merges=False))
    await site.send(destination, person(THIN, deletes=("telecom",)))
    assert "telecom" not in site.held("Patient")  # PID-13
    assert "address" in site.held("Patient")


async def test_where_the_server_has_none_the_resource_is_written_whole(site: Site) -> None:
    await site.send(site.destination(), person(THIN, deletes=("telecom",)), doctor(), visit())
    assert site.held("Patient")["gender"] == "female"
    assert site.held("Practitioner")["name"] == [{"family": "Osei"}]


async def test_what_says_nothing_new_is_not_sent_and_references_hold(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, person(WHOLE, merges=False), doctor(), visit())
    result = await site.send(destination, person(THIN), doctor(), visit())
    again = await site.send(destination, person(THIN), doctor(), visit())
    assert result.classification.accepted
    assert again.classification.accepted
    assert site.server.memory.counts["Practitioner created"] == 1
    assert site.server.memory.counts["Practitioner updated"] == 0
    assert site.server.memory.counts["Patient updated"] == 1
    assert site.held("Encounter")["participant"][0]["individual"] == {
        "reference": f"Practitioner/{D}"
    }


async def test_when_all_is_there_already_nothing_is_written(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, person(WHOLE))
    before = site.server.requests
    result = await site.send(destination, person(WHOLE))
    assert result.classification.accepted
    assert site.server.requests == before + 1  # the read
    assert b"without what the server has" in result.request


async def test_staff_that_were_written_lately_are_not_read_again(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, doctor(), visit())
    before = site.server.requests
    result = await site.send(destination, doctor(), visit())
    assert site.server.requests == before + 1
    assert f"Practitioner/{D}".encode() in result.request
    assert site.server.memory.counts["Practitioner updated"] == 0


async def test_beside_a_patient_who_is_read_staff_written_lately_are_not(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, person(THIN), doctor(), visit())
    memory = site.server.memory
    memory.update("Practitioner", D, {**DOCTOR, "id": D, "active": True})
    result = await site.send(destination, person(WHOLE), doctor(), visit())
    assert result.classification.accepted
    assert memory.counts["Practitioner updated"] == 1  # not by us
    assert site.held("Patient")["address"] == [{"city": "Northvale"}]
    assert site.held("Encounter")["participant"][0]["individual"]["reference"].endswith(D)


READ, WRITE = 1, 1


async def test_what_was_seen_long_ago_is_read_and_then_known_again(site: Site) -> None:
    destination = site.destination(merge_memory_seconds=60.0)
    await site.send(destination, doctor(), visit())
    site.now += 59.0
    assert await site.sent(destination, doctor(), visit()) == WRITE
    site.now += 1.0  # a use does not make it last longer
    assert await site.sent(destination, doctor(), visit()) == READ + WRITE
    site.now += 59.0
    assert await site.sent(destination, doctor(), visit()) == WRITE


async def test_without_a_memory_staff_are_read_every_time(site: Site) -> None:
    destination = site.destination(merge_memory_seconds=0.0)
    await site.send(destination, doctor(), visit())
    assert await site.sent(destination, doctor(), visit()) == READ + WRITE


async def test_what_a_message_says_otherwise_is_read_again(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, doctor(), visit())
    assert await site.sent(destination, doctor(gender="female"), visit()) == READ + WRITE
    assert site.held("Practitioner")["gender"] == "female"


async def test_a_name_that_changes_back_is_written_back(site: Site) -> None:
    destination = site.destination()
    for family in ("Osei", "Mensah", "Osei"):
        await site.send(destination, doctor(name=[{"family": family}]), visit())
    assert site.held("Practitioner")["name"] == [{"family": "Osei"}]


async def test_two_feeds_that_say_different_parts_are_both_known(site: Site) -> None:
    destination = site.destination()
    parts = (doctor(gender="female"), doctor(active=True))
    for _ in range(2):
        for part in parts:
            await site.send(destination, part, visit())
    for part in parts:
        assert await site.sent(destination, part, visit()) == WRITE


async def test_what_another_writer_changed_is_known_no_more(site: Site) -> None:
    destination = site.destination()
    first, second = doctor(), doctor(active=True)
    for part in (first, second, first, second):
        await site.send(destination, part, visit())
    changed = {**site.held("Practitioner"), "name": [{"family": "Mensah"}], "gender": "male"}
    site.server.memory.update("Practitioner", D, changed)
    await site.send(destination, doctor(gender="female"), visit())
    assert await site.sent(destination, first, visit()) == READ + WRITE
    assert site.held("Practitioner")["name"] == [{"family": "Osei"}]


async def test_what_is_deleted_of_staff_is_written_and_not_kept(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, doctor(gender="female"), visit())
    await site.send(destination, doctor(deletes=("gender",)), visit())
    assert "gender" not in site.held("Practitioner")
    assert await site.sent(destination, doctor(gender="female"), visit()) == READ + WRITE
    assert site.held("Practitioner")["gender"] == "female"
    assert await site.sent(destination, doctor(deletes=("gender",)), visit()) == READ + WRITE


@pytest.mark.parametrize("identity", ["update", "conditional"])
@pytest.mark.parametrize("status", [400, 404, 409, 410, 412, 422])
async def test_staff_that_are_gone_from_the_server_are_written_again(
    site: Site, status: int, identity: str
) -> None:
    destination = site.destination(identity=identity)
    for _ in range(2):  # conditional: a new id is the server's, and known with the second
        await site.send(destination, doctor(), visit())
    memory = site.server.memory
    gone = site.held("Practitioner")["id"]
    memory.delete("Practitioner", gone)
    lack = f'"reference":"Practitioner/{gone}"'
    refusal = FaultRule(fault=Kind.STATUS, status=status, containing=lack, times=1)
    site.server.faults.set([refusal])
    assert await site.sent(destination, doctor(), visit()) == WRITE + READ + WRITE
    there = site.held("Practitioner")
    assert there["name"] == [{"family": "Osei"}]
    who = site.held("Encounter")["participant"][0]["individual"]
    assert who == {"reference": f"Practitioner/{there['id']}"}


async def test_a_message_refused_in_full_is_refused(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, doctor(), visit())
    site.server.memory.rule = lambda _resource: "never"
    before = site.server.requests
    result = await site.send(destination, doctor(), visit())
    assert result.classification.failure_class is FailureClass.PERMANENT
    assert site.server.requests == before + WRITE + READ + WRITE


async def test_a_refusal_makes_nothing_of_other_messages_be_read_again(site: Site) -> None:
    destination = site.destination()
    ward = Entry(resource={"resourceType": "Location", "name": "4W"}, resource_id=P, merges=True)
    await site.send(destination, doctor(), ward, visit())
    refusals = ["no"]
    site.server.memory.rule = lambda _resource: refusals.pop() if refusals else ""
    await site.send(destination, ward, person(WHOLE, merges=False))
    assert await site.sent(destination, doctor(), visit()) == WRITE


async def test_a_server_that_fails_is_asked_once(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, doctor(), visit())
    site.server.faults.set([FaultRule(fault=Kind.STATUS, status=503)])
    before = site.server.requests
    result = await site.send(destination, doctor(), visit())
    assert result.classification.failure_class is FailureClass.TRANSIENT
    assert site.server.requests == before + 1


async def test_what_was_refused_is_not_known(site: Site) -> None:
    destination = site.destination()
    refusals = ["no"]
    site.server.memory.rule = lambda _resource: refusals.pop() if refusals else ""
    result = await site.send(destination, doctor(), visit())
    assert not result.classification.accepted
    assert await site.sent(destination, doctor(), visit()) == READ + WRITE


async def test_a_message_sent_in_full_reads_all(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, doctor(), visit())
    site.server.memory.delete("Practitioner", D)
    result = await site.send(destination, doctor(), visit(), in_full=True)
    assert result.classification.accepted
    assert site.held("Practitioner")["name"] == [{"family": "Osei"}]


async def test_a_batch_of_what_may_not_be_sent_twice_is_not_sent_again(site: Site) -> None:
    destination = site.destination(
        interaction="batch",
        identity="conditional",
        capabilities=frozenset({"batch", "conditional-update", "conditional-reference"}),
    )
    note = Entry(resource={"resourceType": "Basic", "code": {"text": "n"}}, resource_id=P)
    for _ in range(2):
        await site.send(destination, doctor())
    refusals = ["no"]

    def refuse_visits(resource: dict[str, Any]) -> str:
        return refusals.pop() if refusals and resource["resourceType"] == "Encounter" else ""

    site.server.memory.rule = refuse_visits
    result = await site.send(destination, doctor(), note, visit())
    assert result.classification.failure_class is FailureClass.PERMANENT
    assert site.server.memory.counts["Basic created"] == 1


async def test_patients_are_read_every_time(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, person(THIN))
    site.server.memory.update("Patient", P, {**WHOLE, "id": P})
    await site.send(destination, person(THIN))
    assert site.held("Patient")["address"] == [{"city": "Northvale"}]


async def test_the_attempt_shows_what_was_really_sent(site: Site) -> None:
    destination = site.destination()
    first = await site.send(destination, person(WHOLE, merges=False))
    assert b"Northvale" not in first.request  # it is the stored body
    result = await site.send(destination, person(THIN))
    assert b"Northvale" not in site.stored
    sent = orjson.loads(result.request.partition(b"\n\n")[2])
    (entry,) = sent["entry"]
    assert entry["resource"]["address"] == [{"city": "Northvale"}]
    assert entry["request"]["ifMatch"] == 'W/"1"'


async def test_another_writer_between_read_and_write_is_read_again(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, person(WHOLE, merges=False))
    memory, meddled = site.server.memory, list[bool]()

    def meddle(_resource: dict[str, Any]) -> str:
        if not meddled:
            meddled.append(True)
            memory.store("Patient", P, {**WHOLE, "active": True})
        return ""

    memory.rule = meddle
    result = await site.send(destination, person(THIN))
    assert result.classification.accepted
    patient = site.held("Patient")
    assert (patient["active"], patient["gender"]) == (True, "female")


async def test_a_conflict_that_goes_on_is_transient(site: Site) -> None:
    destination = site.destination()
    await site.send(destination, person(WHOLE, merges=False))
    conflict = FaultRule(fault=Kind.STATUS, status=412, containing="ifMatch")
    site.server.faults.set([conflict])
    result = await site.send(destination, person(THIN))
    assert result.classification.failure_class is FailureClass.TRANSIENT
    assert result.classification.code == "http-412"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (FaultRule(fault=Kind.STATUS, status=502), "read-http-502"),
        (FaultRule(fault=Kind.STATUS, status=503), "read-http-503"),
        (FaultRule(fault=Kind.RESET), "read-reset"),
    ],
)
async def test_a_read_that_fails_is_never_ambiguous(
    site: Site, fault: FaultRule, code: str
) -> None:
    site.server.faults.set([fault])
    result = await site.send(site.destination(), person(THIN))
    assert result.classification.failure_class is FailureClass.TRANSIENT
    assert result.classification.code == code


async def test_several_resources_of_one_identifier_are_for_a_person(site: Site) -> None:
    for _ in range(2):
        site.server.memory.create("Patient", dict(WHOLE))
    result = await site.send(site.destination(identity="conditional"), person(THIN))
    assert result.classification.failure_class is FailureClass.PERMANENT
    assert result.classification.code == "read-several"


async def test_create_leaves_what_is_there_as_it_is(site: Site) -> None:
    destination = site.destination(merge="create")
    await site.send(destination, person(WHOLE))
    await site.send(destination, person(THIN, deletes=("telecom",)))
    assert "gender" not in site.held("Patient")
    assert "telecom" in site.held("Patient")


async def test_replace_sends_the_stored_body(site: Site) -> None:
    destination = site.destination(merge="replace")
    await site.send(destination, person(WHOLE))
    await site.send(destination, person(THIN))
    assert "address" not in site.held("Patient")
    assert site.server.requests == 2


async def test_a_merged_message_may_be_sent_again(site: Site) -> None:
    destination = site.destination()
    outgoing = site.outgoing(person(THIN), doctor(), visit())
    assert destination.settlement(outgoing) is Settlement.REPEAT
    for _ in range(2):
        assert (await destination.send(outgoing)).classification.accepted
    assert site.server.memory.counts["Patient updated"] == 0


async def test_marks_that_cannot_be_read_make_the_body_unusable(site: Site) -> None:
    destination = site.destination()
    outgoing = Outgoing(
        delivery_id=1,
        message_id=1,
        channel="adt",
        content_type="application/fhir+json; merge=[[1]]",
        body=b"{}",
    )
    result = await destination.send(outgoing)
    assert result.classification.code == "body-unusable"


async def test_numbers_of_the_server_keep_their_digits() -> None:
    said = Entry(resource={"resourceType": "Location", "alias": ["N"]}, resource_id=P, merges=True)
    encoded = encode_bundle(
        [said, Entry(resource={"resourceType": "Basic", "x": Decimal("1.50")}, resource_id=D)],
        interaction="transaction",
        identity="update",
        capabilities=FhirDestinationConfig(name="", url="").capabilities,
        merging=True,
    )
    present = {0: {"resourceType": "Location", "id": P, "name": "North"}}
    drawn = draw(encoded.body, encoded.marks, present, {}, create_only=False)
    assert b'"x":1.50' in drawn.body


async def test_a_number_the_server_has_says_nothing_new() -> None:
    position = {"longitude": Decimal("-87.10"), "latitude": Decimal("41.3")}
    ward = {"resourceType": "Location", "position": position}
    encoded = encode_bundle(
        [Entry(resource=ward, resource_id=P, merges=True)],
        interaction="transaction",
        identity="update",
        capabilities=FhirDestinationConfig(name="", url="").capabilities,
        merging=True,
    )
    there = orjson.loads(encoded.marks[0].cut(encoded.body))["resource"]
    assert draw(encoded.body, encoded.marks, {0: there}, {}, create_only=False).body == b""
    drawn = draw(encoded.body, encoded.marks, {0: there | {"position": {}}}, {}, create_only=False)
    assert b'"longitude":-87.10' in drawn.body
