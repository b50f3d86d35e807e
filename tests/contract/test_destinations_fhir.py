"""What the FHIR destination makes of every way a server can answer, on real sockets."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
import pytest_asyncio

from engine.channel.connection import SecretReference
from engine.channel.model import FhirDestinationConfig
from engine.destinations.fhir import FhirDestination
from engine.destinations.interface import Outgoing, Presence, Settlement
from engine.pipeline.states import FailureClass

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class StubServer:
    """Reads each request and lets the next script answer it."""

    port: int = 0
    scripts: list[Script] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in lines[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append((lines[0], headers, body))
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        await script(reader, writer)
        return not writer.is_closing()


def answer(
    status: int, body: Any = b"", content_type: str = "application/fhir+json", **headers: str
) -> Script:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    head = [f"HTTP/1.1 {status} X", f"Content-Type: {content_type}"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head.append(f"Content-Length: {len(content)}")

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + content)
        await writer.drain()

    return script


async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()
    raise ConnectionResetError


async def half_an_answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    await writer.drain()
    writer.transport.abort()


async def no_http(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x0bMSH|^~\\&|\x1c\r\r\n\r\n")
    await writer.drain()
    writer.close()


async def slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    await writer.drain()
    await hang(reader, writer)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[StubServer]:
    stub = StubServer()
    listening = await asyncio.start_server(stub.serve, "127.0.0.1", 0)
    stub.port = listening.sockets[0].getsockname()[1]
    yield stub
    listening.close()


def secret(_reference: SecretReference) -> str:
    return "opensesame"


@pytest_asyncio.fixture
async def make(
    server: StubServer,
) -> AsyncIterator[Callable[..., FhirDestination]]:
    made: list[FhirDestination] = []

    def build(**changes: Any) -> FhirDestination:
        config = FhirDestinationConfig(
            name="ehr", url=f"http://127.0.0.1:{server.port}/fhir", timeout_seconds=5.0
        )
        made.append(FhirDestination(replace(config, **changes), secret))
        return made[-1]

    yield build
    for destination in made:
        await destination.close()


def entry(method: str, url: str, **request: str) -> dict[str, Any]:
    resource = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:x", "value": "1"}],
    }
    return {"resource": resource, "request": {"method": method, "url": url, **request}}


def outgoing(*entries: dict[str, Any], possibly_sent: bool = False) -> Outgoing:
    chosen = list(entries) or [entry("PUT", "Patient/p1")]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": chosen}
    return Outgoing(
        delivery_id=7,
        message_id=3,
        channel="adt",
        content_type="application/fhir+json",
        body=orjson.dumps(bundle),
        possibly_sent=possibly_sent,
    )


def answer_bundle(*statuses: str) -> dict[str, Any]:
    entries = [{"response": {"status": status}} for status in statuses]
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}


def operation_outcome(code: str, severity: str = "error") -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code, "diagnostics": "free text"}],
    }


Make = Callable[..., FhirDestination]
TRANSIENT, AMBIGUOUS, PERMANENT = (
    FailureClass.TRANSIENT,
    FailureClass.AMBIGUOUS,
    FailureClass.PERMANENT,
)


@pytest.mark.parametrize(
    ("script", "failure_class", "code"),
    [
        (answer(200, answer_bundle("201 Created")), None, "http-200"),
        (answer(200), None, "http-200"),
        (answer(200, b"<html>log in", "text/html"), AMBIGUOUS, "answer-unexpected"),
        (answer(200, answer_bundle("201", "422")), PERMANENT, "entry-422"),
        (answer(302, Location="/elsewhere"), PERMANENT, "http-302"),
        (answer(400, operation_outcome("invalid")), PERMANENT, "http-400"),
        (answer(401), TRANSIENT, "http-401"),
        (answer(409), TRANSIENT, "http-409"),
        (answer(412, operation_outcome("multiple-matches")), PERMANENT, "http-412"),
        (answer(422, operation_outcome("invariant")), PERMANENT, "http-422"),
        (answer(422, operation_outcome("lock-error")), TRANSIENT, "http-422"),
        (answer(429, Retry_After="7"), TRANSIENT, "http-429"),
        (answer(500), AMBIGUOUS, "http-500"),
        (answer(500, operation_outcome("exception")), TRANSIENT, "http-500"),
        (answer(502, b"<html>", "text/html"), AMBIGUOUS, "http-502"),
        (answer(503), TRANSIENT, "http-503"),
        (answer(504), AMBIGUOUS, "http-504"),
        (reset, AMBIGUOUS, "reset"),
        (half_an_answer, AMBIGUOUS, "answer-broken"),
        (no_http, AMBIGUOUS, "answer-broken"),
    ],
)
async def test_answer_has_its_class_and_code(
    server: StubServer, make: Make, script: Script, failure_class: FailureClass, code: str
) -> None:
    server.scripts = [script]
    result = await make().send(outgoing())
    assert (result.classification.failure_class, result.classification.code) == (
        failure_class,
        code,
    )


async def test_transaction_is_posted_to_the_base_as_fhir_json(
    server: StubServer, make: Make
) -> None:
    server.scripts = [answer(200, answer_bundle("200"))]
    message = outgoing()
    await make().send(message)
    line, headers, body = server.requests[0]
    assert line == "POST /fhir HTTP/1.1"
    assert headers["content-type"] == "application/fhir+json"
    assert body == message.body


async def test_connection_is_kept_for_the_next_message(server: StubServer, make: Make) -> None:
    server.scripts = [answer(200, answer_bundle("200"))]
    destination = make()
    for _ in range(3):
        assert (await destination.send(outgoing())).classification.accepted
    assert server.connections == 1


async def test_refused_connection_is_transient(make: Make, unused_tcp_port: int) -> None:
    result = await make(url=f"http://127.0.0.1:{unused_tcp_port}/fhir").send(outgoing())
    assert result.classification.failure_class is TRANSIENT
    assert result.classification.code == "connect-refused"


async def test_unknown_name_is_transient(make: Make) -> None:
    result = await make(url="http://no-such-host.invalid/fhir").send(outgoing())
    assert result.classification.failure_class is TRANSIENT
    assert result.classification.code == "name-unknown"


async def test_tls_to_a_plain_port_sends_nothing_and_is_transient(
    server: StubServer, make: Make
) -> None:
    server.scripts = [answer(200)]
    destination = make(url=f"https://127.0.0.1:{server.port}/fhir", timeout_seconds=0.4)
    result = await destination.send(outgoing())
    assert result.classification.failure_class is TRANSIENT
    assert server.requests == []


@pytest.mark.parametrize("script", [hang, slow_body])
async def test_no_answer_in_time_is_ambiguous(
    server: StubServer, make: Make, script: Script
) -> None:
    server.scripts = [script]
    result = await make(timeout_seconds=0.2).send(outgoing())
    assert result.classification.failure_class is AMBIGUOUS
    assert result.classification.code == "timeout"


async def test_connection_the_server_closed_is_not_mistaken_for_one_that_never_opened(
    server: StubServer, make: Make
) -> None:
    server.scripts = [answer(200, answer_bundle("200")), reset]
    destination = make()
    await destination.send(outgoing())
    result = await destination.send(outgoing())
    assert result.classification.failure_class is AMBIGUOUS


async def test_retry_after_is_read(server: StubServer, make: Make) -> None:
    server.scripts = [answer(503, Retry_After="17")]
    result = await make().send(outgoing())
    assert result.classification.retry_after_seconds == 17.0


async def test_operation_outcome_is_kept_with_the_attempt(server: StubServer, make: Make) -> None:
    server.scripts = [answer(422, operation_outcome("invariant"))]
    result = await make().send(outgoing())
    assert result.status == "422"
    assert b'"code":"invariant"' in result.response


async def test_kept_answer_is_bounded(server: StubServer, make: Make) -> None:
    server.scripts = [answer(422, b"x" * 500_000)]
    result = await make(response_bytes_max=1000).send(outgoing())
    assert result.classification.code == "http-422"
    assert len(result.response) == 1000


async def test_endless_answer_is_not_read_to_its_end(server: StubServer, make: Make) -> None:
    server.scripts = [answer(200, b"[" + b" " * 9_000_000 + b"]")]
    result = await make().send(outgoing())
    assert result.classification.accepted
    assert len(result.response) <= 256_000


async def test_compressed_answer_is_read_and_bounded_by_its_full_size(
    server: StubServer, make: Make
) -> None:
    small = gzip.compress(orjson.dumps(answer_bundle("422")))
    bomb = gzip.compress(b" " * 200_000_000)
    server.scripts = [answer(200, small, Content_Encoding="gzip")]
    assert (await make().send(outgoing())).classification.code == "entry-422"
    server.scripts = [answer(400, bomb, Content_Encoding="gzip")]
    assert (await make().send(outgoing())).classification.code == "http-400"


async def test_secrets_are_sent_and_never_kept(server: StubServer, make: Make) -> None:
    server.scripts = [answer(200, answer_bundle("200"))]
    destination = make(
        bearer=SecretReference("env", "EHR_TOKEN"),
        headers=(("X-Key", SecretReference("file", "/run/key")), ("X-Site", "north")),
    )
    result = await destination.send(outgoing())
    headers = server.requests[0][1]
    assert headers["authorization"] == "Bearer opensesame"
    assert headers["x-key"] == "opensesame"
    assert headers["x-site"] == "north"
    assert b"opensesame" not in result.request
    assert b"Authorization: Bearer (env:EHR_TOKEN)" in result.request


async def test_missing_secret_sends_nothing_and_is_transient(server: StubServer) -> None:
    def missing(_reference: SecretReference) -> str:
        raise KeyError

    config = FhirDestinationConfig(
        name="ehr",
        url=f"http://127.0.0.1:{server.port}/fhir",
        bearer=SecretReference("env", "NONE"),
    )
    result = await FhirDestination(config, missing).send(outgoing())
    assert (result.classification.failure_class, result.classification.code) == (
        TRANSIENT,
        "secret-missing",
    )
    assert server.requests == []


# -- batch --


async def test_batch_is_accepted_when_every_entry_is(server: StubServer, make: Make) -> None:
    server.scripts = [answer(200, answer_bundle("200 OK", "201 Created"))]
    message = outgoing(entry("PUT", "Patient/1"), entry("PUT", "Patient/2"))
    assert (await make(interaction="batch").send(message)).classification.accepted


async def test_batch_with_a_passing_failure_is_tried_again_as_a_whole(
    server: StubServer, make: Make
) -> None:
    server.scripts = [answer(200, answer_bundle("200", "503"))]
    message = outgoing(entry("PUT", "Patient/1"), entry("PUT", "Patient/2"))
    result = await make(interaction="batch").send(message)
    assert (result.classification.failure_class, result.classification.code) == (
        TRANSIENT,
        "entry-503",
    )


async def test_batch_of_creates_with_a_part_taken_is_ambiguous(
    server: StubServer, make: Make
) -> None:
    server.scripts = [answer(200, answer_bundle("201", "503"))]
    message = outgoing(entry("POST", "Patient"), entry("POST", "Patient"))
    result = await make(interaction="batch").send(message)
    assert result.classification.failure_class is AMBIGUOUS


async def test_batch_answer_with_too_few_entries_is_ambiguous(
    server: StubServer, make: Make
) -> None:
    server.scripts = [answer(200, answer_bundle("200"))]
    message = outgoing(entry("PUT", "Patient/1"), entry("PUT", "Patient/2"))
    assert (await make(interaction="batch").send(message)).classification.code == (
        "answer-unexpected"
    )


# -- single --


async def test_single_sends_each_entry_in_order(server: StubServer, make: Make) -> None:
    server.scripts = [answer(201)]
    message = outgoing(
        entry("PUT", "Patient/1"),
        entry("POST", "Encounter", ifNoneExist="identifier=urn:x|9"),
    )
    result = await make(interaction="single").send(message)
    assert result.classification.accepted
    lines = [line for line, _, _ in server.requests]
    assert lines == ["PUT /fhir/Patient/1 HTTP/1.1", "POST /fhir/Encounter HTTP/1.1"]
    assert server.requests[1][1]["if-none-exist"] == "identifier=urn:x|9"
    assert orjson.loads(server.requests[0][2])["resourceType"] == "Patient"


async def test_single_stops_at_the_first_entry_that_is_refused(
    server: StubServer, make: Make
) -> None:
    server.scripts = [answer(201), answer(422, operation_outcome("invariant"))]
    message = outgoing(*(entry("PUT", f"Patient/{number}") for number in range(3)))
    result = await make(interaction="single").send(message)
    assert result.classification.code == "http-422"
    assert len(server.requests) == 2


async def test_single_create_with_a_part_taken_is_ambiguous(server: StubServer, make: Make) -> None:
    server.scripts = [answer(201), answer(503)]
    message = outgoing(entry("POST", "Patient"), entry("POST", "Patient"))
    result = await make(interaction="single").send(message)
    assert result.classification.failure_class is AMBIGUOUS


async def test_unusable_body_is_permanent(server: StubServer, make: Make) -> None:
    server.scripts = [answer(200)]
    message = replace(outgoing(), body=b"{")
    result = await make(interaction="single").send(message)
    assert result.classification.failure_class is PERMANENT


# -- settling --


@pytest.mark.parametrize(
    ("entries", "settlement"),
    [
        ([entry("PUT", "Patient/1")], Settlement.REPEAT),
        ([entry("PUT", "Patient?identifier=urn:x|1")], Settlement.REPEAT),
        ([entry("POST", "Patient", ifNoneExist="identifier=urn:x|1")], Settlement.REPEAT),
        ([entry("PUT", "Patient/1"), entry("POST", "Patient")], Settlement.ASK),
        ([{"resource": {}, "request": {"method": "POST", "url": "X"}}], Settlement.PERSON),
    ],
)
def test_how_a_lost_answer_is_settled_depends_on_the_form(
    entries: list[dict[str, Any]], settlement: Settlement
) -> None:
    config = FhirDestinationConfig(name="ehr", url="http://127.0.0.1:1/fhir")
    assert FhirDestination(config, secret).settlement(outgoing(*entries)) is settlement


def count(total: int) -> Script:
    return answer(200, {"resourceType": "Bundle", "type": "searchset", "total": total})


@pytest.mark.parametrize(
    ("scripts", "presence"),
    [
        ([count(1), count(1)], Presence.PRESENT),
        ([count(0), count(0)], Presence.ABSENT),
        ([count(1), count(0)], Presence.UNKNOWABLE),
        ([answer(503)], Presence.UNREACHABLE),
        ([answer(200, b"{}")], Presence.UNREACHABLE),
    ],
)
async def test_probe_asks_for_each_identifier(
    server: StubServer, make: Make, scripts: list[Script], presence: Presence
) -> None:
    server.scripts = scripts
    message = outgoing(entry("POST", "Patient"), entry("POST", "Patient"))
    assert await make().probe(message) is presence
    line, _, body = server.requests[0]
    assert line == "POST /fhir/Patient/_search HTTP/1.1"
    assert body == b"identifier=urn%3Ax%7C1&_summary=count"
