"""The simulated FHIR server through its port, with our own FHIR destination and with plain
requests."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest_asyncio
from aiohttp import web

from engine.channel.model import FhirDestinationConfig
from engine.destinations.fhir import FhirDestination
from engine.destinations.interface import AttemptResult, Outgoing, Presence
from engine.fhir.bundle import encode_bundle
from engine.fhir.entries import Entry
from engine.simulator.faults import FaultRule, Kind
from engine.simulator.fhir_server import FhirServer

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:x", "value": "1"}],
    "birthDate": "1970-01-01",
}
ID = "6f1f5ad6-6a40-5c7e-9f0e-0d4d5c1f2a3b"
OTHER = "7f1f5ad6-6a40-5c7e-9f0e-0d4d5c1f2a3b"
ENCOUNTER: dict[str, Any] = {
    "resourceType": "Encounter",
    "identifier": [{"system": "urn:v", "value": "9"}],
    "status": "in-progress",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
    "subject": {"reference": f"Patient/{ID}"},
}


class Running:
    def __init__(self, server: FhirServer, base: str) -> None:
        self.server = server
        self.base = base
        self.session = aiohttp.ClientSession()
        self.destinations: list[FhirDestination] = []

    async def call(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        data = orjson.dumps(body) if body is not None else None
        url = f"{self.base}{path}"
        async with self.session.request(method, url, data=data, headers=headers) as answer:
            content = await answer.read()
            return answer.status, orjson.loads(content) if content else None

    async def deliver(
        self, entries: list[Entry], interaction: str = "transaction", identity: str = "update"
    ) -> AttemptResult:
        config = FhirDestinationConfig(
            name="ehr",
            url=f"{self.base}/fhir",
            interaction=interaction,
            identity=identity,
            timeout_seconds=5.0,
        )
        destination = FhirDestination(config, lambda _reference: "")
        self.destinations.append(destination)
        encoded = encode_bundle(
            entries,
            interaction=interaction,
            identity=identity,
            capabilities=config.capabilities,
        )
        self.last = Outgoing(
            delivery_id=1,
            message_id=1,
            channel="adt",
            content_type="application/fhir+json",
            body=encoded.body,
        )
        return await destination.send(self.last)


@pytest_asyncio.fixture
async def running() -> AsyncIterator[Running]:
    server = FhirServer()
    runner = web.AppRunner(server.application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    found = Running(server, f"http://127.0.0.1:{port}")
    yield found
    for destination in found.destinations:
        await destination.close()
    await found.session.close()
    await runner.cleanup()


def entries() -> list[Entry]:
    return [
        Entry(resource=PATIENT, resource_id=ID, identifier=("urn:x", "1")),
        Entry(resource=ENCOUNTER, resource_id=OTHER, identifier=("urn:v", "9")),
    ]


async def test_every_form_of_delivery_is_taken_and_taken_again_without_doubling(
    running: Running,
) -> None:
    for interaction in ("transaction", "batch", "single"):
        for identity in ("update", "conditional", "create"):
            await running.call("POST", "/_simulator/reset")
            for _ in range(2):
                result = await running.deliver(entries(), interaction, identity)
                assert result.classification.accepted, (interaction, identity, result.response)
            counts = running.server.memory.resource_counts()
            assert counts == {"Patient": 1, "Encounter": 1}, (interaction, identity)


async def test_references_of_a_transaction_name_the_stored_resources(running: Running) -> None:
    await running.deliver(entries(), identity="create")
    _, patients = await running.call("GET", "/fhir/Patient?identifier=urn:x%7C1")
    _, encounters = await running.call("GET", "/fhir/Encounter")
    identity = patients["entry"][0]["resource"]["id"]
    subject = encounters["entry"][0]["resource"]["subject"]["reference"]
    assert subject == f"Patient/{identity}"


async def test_invalid_resource_refuses_the_whole_transaction(running: Running) -> None:
    bad = {**ENCOUNTER, "status": "nonsense"}
    result = await running.deliver([entries()[0], Entry(resource=bad, resource_id=OTHER)])
    assert result.classification.code == "http-422"
    assert b"OperationOutcome" in result.response
    assert running.server.memory.resource_counts() == {}


async def test_batch_takes_what_is_valid(running: Running) -> None:
    bad = {**ENCOUNTER, "status": "nonsense"}
    result = await running.deliver(
        [entries()[0], Entry(resource=bad, resource_id=OTHER)], interaction="batch"
    )
    assert result.classification.code == "entry-422"
    assert running.server.memory.resource_counts() == {"Patient": 1}


async def test_answer_lost_after_the_commit_is_repeated_without_doubling(
    running: Running,
) -> None:
    rule = FaultRule(fault=Kind.RESET, after_commit=True, times=1)
    running.server.faults.set([rule])
    lost = await running.deliver(entries())
    assert lost.classification.code == "reset"
    again = await running.deliver(entries())
    assert again.classification.accepted
    assert running.server.memory.resource_counts() == {"Patient": 1, "Encounter": 1}


async def test_probe_finds_what_a_lost_create_made(running: Running) -> None:
    result = await running.deliver(entries(), identity="create")
    assert result.classification.accepted
    plain = orjson.loads(running.last.body)
    for entry in plain["entry"]:
        entry["request"].pop("ifNoneExist")
    lost = Outgoing(
        delivery_id=1,
        message_id=1,
        channel="adt",
        content_type="application/fhir+json",
        body=orjson.dumps(plain),
    )
    assert await running.destinations[-1].probe(lost) is Presence.PRESENT
    await running.call("POST", "/_simulator/reset")
    assert await running.destinations[-1].probe(lost) is Presence.ABSENT


async def test_conditional_update_with_several_matches_is_412(running: Running) -> None:
    for _ in range(2):
        await running.call("POST", "/fhir/Patient", PATIENT)
    status, body = await running.call("PUT", "/fhir/Patient?identifier=urn:x%7C1", PATIENT)
    assert status == 412
    assert body["issue"][0]["code"] == "multiple-matches"


async def test_single_interactions(running: Running) -> None:
    status, created = await running.call("POST", "/fhir/Patient", PATIENT)
    assert (status, created["meta"]["versionId"]) == (201, "1")
    path = f"/fhir/Patient/{created['id']}"
    assert (await running.call("PUT", path, {**PATIENT, "active": True}))[0] == 200
    status, read = await running.call("GET", path)
    assert (status, read["active"], read["meta"]["versionId"]) == (200, True, "2")
    assert (await running.call("DELETE", path))[0] == 204
    assert (await running.call("GET", path))[0] == 404


async def test_metadata_says_what_the_server_can_do(running: Running) -> None:
    status, body = await running.call("GET", "/fhir/metadata")
    assert status == 200
    assert body["fhirVersion"] == "4.0.1"


async def test_fault_rules_come_over_http_and_strike_when_told(running: Running) -> None:
    rules = [{"fault": "status", "status": 429, "retry_after_seconds": 3, "times": 1}]
    assert (await running.call("PUT", "/_simulator/faults", rules))[0] == 204
    struck = await running.deliver(entries())
    assert struck.classification.code == "http-429"
    assert struck.classification.retry_after_seconds == 3.0
    assert (await running.deliver(entries())).classification.accepted
    assert (await running.call("PUT", "/_simulator/faults", [{"fault": "no"}]))[0] == 400


async def test_counts_tell_requests_and_resources(running: Running) -> None:
    await running.deliver(entries())
    _, counts = await running.call("GET", "/_simulator/counts")
    assert counts["requests"] == 1
    assert counts["events"] == {"Patient created": 1, "Encounter created": 1}


async def test_oldest_resources_are_forgotten_beyond_the_bound() -> None:
    memory = FhirServer(resources_max=2).memory
    for number in range(3):
        memory.update("Patient", f"p{number}", {"resourceType": "Patient"})
    assert memory.resource_counts() == {"Patient": 2}
    assert memory.matches("Patient", "") == ["p1", "p2"]
