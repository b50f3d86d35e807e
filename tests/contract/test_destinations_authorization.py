"""The FHIR destination with client credentials: one token for all, one repeat after a 401."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest
import pytest_asyncio
import token_host
from token_host import TokenHost, refused

from engine.channel.connection import SecretReference
from engine.channel.environment import AuthorizationConfig
from engine.channel.model import FhirDestinationConfig
from engine.destinations.authorization.sources import TokenSources
from engine.destinations.interface import Destination, Outgoing, Presence
from engine.destinations.opening import attempt_seconds_max, open_destination
from engine.pipeline.states import FailureClass

BODY = orjson.dumps(
    {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": {"resourceType": "Patient", "id": "a"},
                "request": {"method": "PUT", "url": "Patient/a"},
            }
        ],
    }
)
OUTGOING = Outgoing(
    delivery_id=1, message_id=1, channel="adt", content_type="application/fhir+json", body=BODY
)
AUTHORIZATION = AuthorizationConfig(
    client_id="engine", secret=SecretReference("env", "S"), scopes=("system/Patient.crus",)
)


@pytest_asyncio.fixture
async def host() -> AsyncIterator[TokenHost]:
    async with token_host.running() as found:
        yield found


def config(host: TokenHost, name: str = "records") -> FhirDestinationConfig:
    return FhirDestinationConfig(name=name, url=f"{host.root}/", authorization=AUTHORIZATION)


def opened(host: TokenHost, tokens: TokenSources | None = None) -> Destination:
    return open_destination(config(host), lambda _: "s3cret", None, tokens)


async def test_two_hundred_deliveries_of_two_destinations_ask_for_one_token(host: TokenHost):
    tokens = TokenSources()
    one, two = opened(host, tokens), opened(host, tokens)
    results = await asyncio.gather(*(each.send(OUTGOING) for each in (one, two) * 100))
    assert all(result.classification.accepted for result in results)
    assert host.issued == 1
    assert set(host.bearers) == {"token-1"}
    await asyncio.gather(one.close(), two.close())


async def test_a_token_the_server_refuses_is_renewed_within_the_attempt(host: TokenHost):
    destination = opened(host)
    assert (await destination.send(OUTGOING)).classification.accepted
    host.refused_tokens.add("token-1")
    results = await asyncio.gather(*(destination.send(OUTGOING) for _ in range(20)))
    assert all(result.classification.accepted for result in results)
    assert host.issued == 2
    await destination.close()


async def test_when_the_new_token_is_refused_too_the_deliveries_wait(host: TokenHost):
    host.refused_tokens.update(("token-1", "token-2"))
    destination = opened(host)
    first = await destination.send(OUTGOING)
    assert first.classification.code == "http-401"
    second = await destination.send(OUTGOING)
    assert second.classification.code == "auth-token"
    assert second.classification.failure_class is FailureClass.TRANSIENT
    assert second.classification.retry_after_seconds is not None
    assert host.issued == 2
    await destination.close()


async def test_without_a_token_nothing_is_sent_and_the_attempt_says_why(host: TokenHost):
    host.answer = lambda _: refused(401, "invalid_client", "invalid-client-credentials")
    destination = opened(host)
    result = await destination.send(OUTGOING)
    assert result.classification.code == "auth-client"
    assert result.response.startswith(b"S770 ")
    assert b"engine jwks" in result.response
    assert b"token of engine" in result.request
    assert host.bearers == []
    assert await destination.probe(replace(OUTGOING, body=BODY)) is Presence.UNKNOWABLE
    await destination.close()


async def test_neither_secret_nor_token_is_kept_with_an_attempt(host: TokenHost):
    destination = opened(host)
    result = await destination.send(OUTGOING)
    assert b"s3cret" not in result.request + result.response
    assert b"token-1" not in result.request + result.response
    await destination.close()


async def test_a_lease_outlives_the_wait_for_a_token(host: TokenHost):
    plain = replace(config(host), authorization=None)
    assert attempt_seconds_max(config(host)) > attempt_seconds_max(plain)


@pytest.mark.parametrize("interaction", ["single", "batch"])
async def test_every_interaction_carries_the_token(host: TokenHost, interaction: str):
    changed = replace(config(host), interaction=interaction)
    destination = open_destination(changed, lambda _: "s3cret", None)
    await destination.send(OUTGOING)
    assert host.issued == 1
    await destination.close()
