"""What the MLLP destination makes of every acknowledgment and of none, on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from engine.channel.model import MllpDestinationConfig
from engine.destinations.interface import Outgoing, Settlement
from engine.destinations.mllp import MllpDestination
from engine.mllp import Frame, FrameDecoder, encode_frame
from engine.pipeline.states import FailureClass

TRANSIENT, AMBIGUOUS, PERMANENT = (
    FailureClass.TRANSIENT,
    FailureClass.AMBIGUOUS,
    FailureClass.PERMANENT,
)
Script = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


def message(control_id: str = "C1", accept: str = "", application: str = "") -> bytes:
    header = f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|{control_id}|P|2.5.1|||{accept}|{application}"
    return f"{header}\rPID|1||7\r".encode()


def acknowledgment(code: str = "AA", control_id: str = "C1", error: str = "") -> bytes:
    text = f"MSH|^~\\&|C|D|A|B|20260101||ACK|9|P|2.5.1\rMSA|{code}|{control_id}\r"
    if error:
        text += f"ERR|||{error}^x^HL70357|E\r"
    return encode_frame(text.encode())


def answer(*frames: bytes) -> Script:
    async def script(_received: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(frames))
        await writer.drain()

    return script


async def reset(_received: bytes, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def silence(_received: bytes, _writer: asyncio.StreamWriter) -> None:
    return


@dataclass
class StubReceiver:
    port: int = 0
    scripts: list[Script] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        decoder = FrameDecoder(frame_bytes_max=100_000)
        try:
            while data := await reader.read(65536):
                for found in decoder.feed(data):
                    assert isinstance(found, Frame)
                    self.received.append(found.payload)
                    script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                    await script(found.payload, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.closed.set()
            writer.close()


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[StubReceiver]:
    stub = StubReceiver()
    listening = await asyncio.start_server(stub.serve, "127.0.0.1", 0)
    stub.port = listening.sockets[0].getsockname()[1]
    yield stub
    listening.close()
    for writer in stub.writers:
        writer.close()


@pytest_asyncio.fixture
async def make(receiver: StubReceiver) -> AsyncIterator[Callable[..., MllpDestination]]:
    made: list[MllpDestination] = []

    def build(**changes: Any) -> MllpDestination:
        options = {"host": "127.0.0.1", "port": receiver.port, "timeout_seconds": 5.0, **changes}
        made.append(MllpDestination(MllpDestinationConfig(name="lab", **options)))
        return made[-1]

    yield build
    for destination in made:
        await destination.close()


Make = Callable[..., MllpDestination]


def outgoing(body: bytes | None = None) -> Outgoing:
    return Outgoing(
        delivery_id=1,
        message_id=1,
        channel="adt",
        content_type="x-application/hl7-v2+er7",
        body=message() if body is None else body,
    )


@pytest.mark.parametrize(
    ("script", "failure_class", "code"),
    [
        (answer(acknowledgment("AA")), None, "ack-AA"),
        (answer(acknowledgment("CA")), None, "ack-CA"),
        (answer(acknowledgment("AE")), PERMANENT, "ack-AE"),
        (answer(acknowledgment("CE")), PERMANENT, "ack-CE"),
        (answer(acknowledgment("AR")), TRANSIENT, "ack-AR"),
        (answer(acknowledgment("CR")), TRANSIENT, "ack-CR"),
        (answer(acknowledgment("AR", error="200")), PERMANENT, "ack-AR-200"),
        (answer(acknowledgment("AE", error="207")), TRANSIENT, "ack-AE-207"),
        (answer(acknowledgment("AE", error="101")), PERMANENT, "ack-AE"),
        (answer(acknowledgment("AA", "OTHER")), AMBIGUOUS, "ack-foreign"),
        (answer(encode_frame(b"MSH|^~\\&|x\r")), AMBIGUOUS, "ack-unreadable"),
        (answer(encode_frame(b"garbage")), AMBIGUOUS, "ack-unreadable"),
        (answer(b"HTTP/1.1 400\r\n\r\n"), AMBIGUOUS, "answer-broken"),
        (reset, AMBIGUOUS, "reset"),
    ],
)
async def test_answer_has_its_class_and_code(
    receiver: StubReceiver, make: Make, script: Script, failure_class: FailureClass, code: str
) -> None:
    receiver.scripts = [script]
    result = await make().send(outgoing())
    assert (result.classification.failure_class, result.classification.code) == (
        failure_class,
        code,
    )


async def test_message_is_sent_as_received_in_a_frame(receiver: StubReceiver, make: Make) -> None:
    receiver.scripts = [answer(acknowledgment())]
    result = await make().send(outgoing())
    assert receiver.received == [message()]
    assert result.status == "AA"
    assert b"MSA|AA|C1" in result.response


async def test_connection_is_kept_after_an_acknowledgment(
    receiver: StubReceiver, make: Make
) -> None:
    receiver.scripts = [answer(acknowledgment()), answer(acknowledgment("AE", "C2"))]
    destination = make()
    await destination.send(outgoing())
    await destination.send(outgoing(message("C2")))
    assert len(receiver.writers) == 1


async def test_timeout_is_ambiguous_and_the_connection_is_never_used_again(
    receiver: StubReceiver, make: Make
) -> None:
    receiver.scripts = [silence, answer(acknowledgment("AA", "C2"))]
    destination = make(timeout_seconds=0.2)
    result = await destination.send(outgoing())
    assert result.classification.code == "timeout"
    assert result.classification.failure_class is AMBIGUOUS
    await receiver.closed.wait()
    assert (await destination.send(outgoing(message("C2")))).classification.accepted
    assert len(receiver.writers) == 2


async def test_late_acknowledgment_is_never_taken_for_the_next_message(
    receiver: StubReceiver, make: Make
) -> None:
    """The receiver says AA to message 1 once more before it says AE to message 2."""
    receiver.scripts = [
        answer(acknowledgment("AA", "C1"), acknowledgment("AA", "C1")),
        answer(acknowledgment("AA", "C1"), acknowledgment("AE", "C2")),
    ]
    destination = make()
    assert (await destination.send(outgoing())).classification.accepted
    result = await destination.send(outgoing(message("C2")))
    assert result.classification.code == "ack-AE"


async def test_acknowledgment_of_a_message_never_sent_closes_the_connection(
    receiver: StubReceiver, make: Make
) -> None:
    receiver.scripts = [answer(acknowledgment("AA", "OTHER"), acknowledgment("AA", "C1"))]
    assert (await make().send(outgoing())).classification.code == "ack-foreign"
    await receiver.closed.wait()


async def test_application_acknowledgment_of_a_committed_message_is_passed_over(
    receiver: StubReceiver, make: Make
) -> None:
    receiver.scripts = [
        answer(acknowledgment("CA", "C1")),
        answer(acknowledgment("AA", "C1"), acknowledgment("CA", "C2")),
    ]
    destination = make()
    await destination.send(outgoing(message("C1", "AL", "AL")))
    result = await destination.send(outgoing(message("C2", "AL", "AL")))
    assert (result.status, result.classification.accepted) == ("CA", True)


async def test_message_that_asks_for_no_acknowledgment_waits_for_none(
    receiver: StubReceiver, make: Make
) -> None:
    receiver.scripts = [silence]
    result = await make().send(outgoing(message("C1", "NE", "NE")))
    assert (result.classification.accepted, result.classification.code) == (True, "ack-not-owed")


async def test_refused_connection_is_transient(make: Make, unused_tcp_port: int) -> None:
    result = await make(port=unused_tcp_port).send(outgoing())
    assert (result.classification.failure_class, result.classification.code) == (
        TRANSIENT,
        "connect-refused",
    )


async def test_unknown_name_is_transient(make: Make) -> None:
    result = await make(host="no-such-host.invalid").send(outgoing())
    assert result.classification.failure_class is TRANSIENT


async def test_connection_closed_while_idle_is_opened_again(
    receiver: StubReceiver, make: Make
) -> None:
    receiver.scripts = [answer(acknowledgment()), answer(acknowledgment("AA", "C2"))]
    destination = make()
    await destination.send(outgoing())
    receiver.writers[0].close()
    await receiver.closed.wait()
    connection = destination._free[0]
    async with asyncio.timeout(5):
        while not connection.reader.at_eof():  # noqa: ASYNC110  the stream has no such event
            await asyncio.sleep(0.005)
    assert (await destination.send(outgoing(message("C2")))).classification.accepted


async def test_endless_answer_is_bounded(receiver: StubReceiver, make: Make) -> None:
    receiver.scripts = [answer(b"\x0b" + b"x" * 200_000)]
    result = await make(response_bytes_max=1000).send(outgoing())
    assert result.classification.code == "answer-broken"


async def test_messages_of_one_connection_go_one_after_the_other(
    receiver: StubReceiver, make: Make
) -> None:
    async def echo(received: bytes, writer: asyncio.StreamWriter) -> None:
        control_id = received.split(b"|")[9].decode()
        writer.write(acknowledgment("AA", control_id))

    receiver.scripts = [echo]
    destination = make()
    sends = [destination.send(outgoing(message(f"C{number}"))) for number in range(5)]
    results = await asyncio.gather(*sends)
    assert all(result.classification.accepted for result in results)
    assert len(receiver.writers) == 1


@pytest.mark.parametrize(
    ("lost_answer", "settlement"),
    [("hold", Settlement.PERSON), ("resend", Settlement.REPEAT)],
)
def test_site_says_how_a_lost_answer_is_settled(lost_answer: str, settlement: Settlement) -> None:
    config = MllpDestinationConfig(name="lab", host="h", port=1, lost_answer=lost_answer)
    assert MllpDestination(config).settlement(outgoing()) is settlement
