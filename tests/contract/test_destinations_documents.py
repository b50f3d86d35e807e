"""What the FHIR destination does with a document that is sent whole."""

from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest_asyncio
from aiohttp import web

from engine.channel.model import FhirDestinationConfig
from engine.destinations.fhir import FhirDestination
from engine.destinations.interface import Outgoing, Presence, Settlement
from engine.pipeline.result import FHIR_DOCUMENT
from engine.pipeline.states import FailureClass
from engine.simulator.fhir_server import FhirServer

IDENTIFIER = {"system": "urn:oid:2.16.840.1.113883.19.5.1", "value": "D1"}


def outgoing(identifier: dict[str, str] = IDENTIFIER) -> Outgoing:
    bundle = {
        "resourceType": "Bundle",
        "identifier": identifier,
        "type": "document",
        "timestamp": "2024-01-31T16:15:00Z",
        "entry": [{"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient"}}],
    }
    return Outgoing(
        delivery_id=1,
        message_id=1,
        channel="ccd",
        content_type=FHIR_DOCUMENT,
        body=orjson.dumps(bundle),
    )


@pytest_asyncio.fixture
async def sent() -> AsyncIterator[tuple[FhirServer, FhirDestination, FhirDestination]]:
    """A server, a destination that creates conditionally, and one that cannot."""
    server = FhirServer()
    runner = web.AppRunner(server.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/fhir"
    config = FhirDestinationConfig(name="ehr", url=url, bundle="document", timeout_seconds=5.0)
    plain = replace(config, capabilities=frozenset({"transaction", "update-create"}))
    made = [FhirDestination(one, lambda _: "") for one in (config, plain)]
    yield server, made[0], made[1]
    for destination in made:
        await destination.close()
    await runner.cleanup()


Sent = tuple[FhirServer, FhirDestination, FhirDestination]


async def test_a_document_sent_twice_is_on_the_server_once(sent: Sent) -> None:
    server, destination, _ = sent
    for _ in range(2):
        result = await destination.send(outgoing())
        assert result.classification.accepted
    assert len(server.memory.matches("Bundle", "")) == 1
    assert destination.settlement(outgoing()) is Settlement.REPEAT


async def test_the_bundle_goes_to_its_own_place_without_the_identifier_in_what_is_shown(
    sent: Sent,
) -> None:
    _, destination, _ = sent
    result = await destination.send(outgoing())
    assert result.request.splitlines()[0].endswith(b"/fhir/Bundle")
    assert b"D1" not in result.request
    assert result.status == "201"


async def test_a_server_without_conditional_create_is_asked_before_sending_again(
    sent: Sent,
) -> None:
    plain = sent[2]
    assert plain.settlement(outgoing()) is Settlement.ASK
    assert await plain.probe(outgoing()) is Presence.ABSENT
    assert (await plain.send(outgoing())).classification.accepted
    assert await plain.probe(outgoing()) is Presence.PRESENT


async def test_a_body_without_an_identifier_is_refused_before_it_is_sent(sent: Sent) -> None:
    server, destination, _ = sent
    result = await destination.send(outgoing({}))
    assert result.classification.failure_class is FailureClass.PERMANENT
    assert server.requests == 0
