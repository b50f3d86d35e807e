"""The MLLP listener without a network: bytes in, frames to the sink, answers out, limits kept."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from engine.channel.model import MllpListenerConfig
from engine.listeners.mllp import MllpListener
from engine.listeners.mllp_connection import MllpConnection
from engine.listeners.unfinished import LARGE_BYTES, Unfinished
from engine.mllp import FrameFault, encode_frame
from engine.telemetry.events import ConnectionClosed, ConnectionRefused
from engine.telemetry.recorder import MemoryRecorder

CONFIG = MllpListenerConfig(
    port=2575, frame_bytes_max=1000, frame_timeout_seconds=10, idle_timeout_seconds=100
)


@dataclass
class Sink:
    payloads: list[bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    gone: list[Any] = field(default_factory=list)
    answer_at_once: bool = False

    def receive(self, connection: Any, payload: bytes) -> None:
        self.payloads.append(payload)
        if self.answer_at_once:
            connection.answer([b"AA " + payload])

    def receive_fault(self, connection: Any, fault: FrameFault) -> None:
        self.faults.append(fault.code)

    def lost(self, connection: Any) -> None:
        self.gone.append(connection)


class Transport(StringTransport):
    """Keeps what a real transport would do at the end: the connection is told."""

    def end(self, connection: MllpConnection) -> None:
        self.disconnected = True
        connection.connected = 0
        connection.connectionLost()


@dataclass
class Bench:
    listener: MllpListener
    sink: Sink
    clock: Clock
    recorder: MemoryRecorder

    def connect(self, host: str = "10.0.0.1", port: int = 50000) -> tuple[Any, Transport]:
        peer = IPv4Address("TCP", host, port)
        connection: Any = self.listener.door.buildProtocol(peer)
        transport = Transport(peerAddress=peer)
        if connection is not None:
            connection.makeConnection(transport)
        return connection, transport

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([0.5] * int(seconds / 0.5))

    def closed_because(self) -> list[str]:
        return [event.reason for event in self.recorder.of(ConnectionClosed)]  # type: ignore[attr-defined]


@pytest.fixture
def bench() -> Bench:
    return make_bench(CONFIG)


def make_bench(config: MllpListenerConfig) -> Bench:
    clock, sink, recorder = Clock(), Sink(), MemoryRecorder()
    listener = MllpListener(config, sink, clock, recorder)  # type: ignore[arg-type]
    listener.direct = False
    return Bench(listener, sink, clock, recorder)


def test_a_frame_reaches_the_sink_however_it_is_sliced(bench: Bench) -> None:
    connection, _ = bench.connect()
    for byte in encode_frame(b"MSH|one") + encode_frame(b"MSH|two"):
        connection.dataReceived(bytes([byte]))
    assert bench.sink.payloads == [b"MSH|one", b"MSH|two"]


def test_answers_of_one_turn_go_out_in_one_write_in_the_order_given(bench: Bench) -> None:
    connection, transport = bench.connect()
    connection.dataReceived(encode_frame(b"1") + encode_frame(b"2"))
    writes: list[bytes] = []
    transport.write = writes.append
    assert connection.answer([b"A1", b"A2"])
    assert writes == [encode_frame(b"A1") + encode_frame(b"A2")]


def test_an_empty_answer_writes_nothing(bench: Bench) -> None:
    connection, transport = bench.connect()
    connection.dataReceived(encode_frame(b"1"))
    assert connection.answer([b""])
    assert transport.value() == b""


def test_an_answer_to_a_sender_that_left_is_reported_as_not_given(bench: Bench) -> None:
    connection, transport = bench.connect()
    connection.dataReceived(encode_frame(b"1"))
    transport.end(connection)
    assert connection.answer([b"A1"]) is False
    assert bench.sink.gone == [connection]


def test_a_frame_that_is_too_large_is_a_fault_and_ends_the_connection(bench: Bench) -> None:
    connection, transport = bench.connect()
    connection.dataReceived(b"\x0b" + b"x" * 2000)
    assert bench.sink.faults == ["M102"]
    connection.dataReceived(b"y" * 5000 + encode_frame(b"late"))
    assert bench.sink.payloads == []
    connection.answer([b"AR"])
    assert transport.value() == encode_frame(b"AR")
    assert transport.disconnecting


def test_a_fatal_fault_waits_for_the_answers_that_are_owed_before_it(bench: Bench) -> None:
    connection, transport = bench.connect()
    connection.dataReceived(encode_frame(b"1") + b"\x0b" + b"x" * 2000)
    connection.answer([b"A1"])
    assert not transport.disconnecting
    connection.answer([b""])
    assert transport.disconnecting


def test_junk_between_frames_closes_or_is_passed_over_as_configured() -> None:
    strict, tolerant = make_bench(CONFIG), make_bench(replace(CONFIG, junk_between_frames=True))
    for bench in (strict, tolerant):
        connection, _ = bench.connect()
        connection.dataReceived(b"GET / HTTP/1.1\r\n" + encode_frame(b"MSH|"))
    assert (strict.sink.faults, strict.sink.payloads) == (["M101"], [])
    assert (tolerant.sink.faults, tolerant.sink.payloads) == (["M101"], [b"MSH|"])


def test_a_frame_that_does_not_end_in_time_closes_the_connection_without_an_answer(
    bench: Bench,
) -> None:
    connection, transport = bench.connect()
    connection.dataReceived(b"\x0bMSH|half")
    for _ in range(30):  # a byte now and then does not help
        bench.pass_time(0.5)
        connection.dataReceived(b".")
    assert transport.disconnecting
    assert transport.value() == b""
    assert bench.sink.faults == ["M105"]
    transport.end(connection)
    assert bench.closed_because() == ["frame-timeout"]


def test_a_slow_sender_within_the_frame_time_is_served(bench: Bench) -> None:
    connection, transport = bench.connect()
    for byte in encode_frame(b"slow"):
        bench.pass_time(1)
        connection.dataReceived(bytes([byte]))
    assert bench.sink.payloads == [b"slow"]
    assert not transport.disconnecting


def test_a_connection_without_a_byte_for_the_idle_time_is_closed(bench: Bench) -> None:
    connection, transport = bench.connect()
    connection.dataReceived(encode_frame(b"1"))
    connection.answer([b"A1"])
    bench.pass_time(90)
    assert not transport.disconnecting
    bench.pass_time(20)
    assert transport.disconnecting
    transport.end(connection)
    assert bench.closed_because() == ["idle"]


def test_a_connection_that_waits_for_its_answer_is_not_idle(bench: Bench) -> None:
    connection, transport = bench.connect()
    connection.dataReceived(encode_frame(b"1"))
    bench.pass_time(200)
    assert not transport.disconnecting


def test_a_peer_that_does_not_take_its_answers_is_not_read_and_then_closed(bench: Bench) -> None:
    _, transport = bench.connect()
    producer: Any = transport.producer
    producer.pauseProducing()
    assert transport.producerState == "paused"
    producer.resumeProducing()
    assert transport.producerState == "producing"
    producer.pauseProducing()
    bench.pass_time(70)
    assert transport.disconnected


def test_reading_pauses_while_the_intake_holds_the_connection(bench: Bench) -> None:
    connection, transport = bench.connect()
    connection.dataReceived(b"\x0bhalf")
    connection.hold("intake")
    assert transport.producerState == "paused"
    bench.pass_time(60)  # the frame's time stands still: it is our doing
    assert not transport.disconnecting
    connection.release("intake")
    assert transport.producerState == "producing"


def test_a_half_frame_at_disconnect_is_a_fault(bench: Bench) -> None:
    connection, transport = bench.connect()
    connection.dataReceived(b"\x0bMSH|half")
    transport.end(connection)
    assert bench.sink.faults == ["M105"]


def test_only_allowed_networks_may_connect() -> None:
    bench = make_bench(replace(CONFIG, allow=("10.20.0.0/16", "fd00::/8")))
    assert bench.connect("10.20.3.4")[0] is not None
    assert bench.connect("::ffff:10.20.3.4")[0] is not None
    assert bench.connect("fd12::1")[0] is not None
    assert bench.connect("10.21.0.1")[0] is None
    refused = bench.recorder.of(ConnectionRefused)
    assert [event.reason for event in refused] == ["not-allowed"]  # type: ignore[attr-defined]


def test_connections_beyond_the_limit_are_turned_away_until_one_ends() -> None:
    bench = make_bench(replace(CONFIG, connections_max=1))
    connection, transport = bench.connect()
    assert bench.connect()[0] is None
    transport.end(connection)
    assert bench.connect()[0] is not None


def test_new_limits_hold_for_new_connections_only(bench: Bench) -> None:
    old, _ = bench.connect()
    bench.listener.update(replace(CONFIG, frame_bytes_max=5))
    new, _ = bench.connect()
    for connection in (old, new):
        connection.dataReceived(encode_frame(b"longer than five"))
    assert bench.sink.payloads == [b"longer than five"]
    assert bench.sink.faults == ["M102"]


def test_stopping_lets_what_is_owed_be_answered_first(bench: Bench) -> None:
    waiting, waiting_transport = bench.connect()
    _, quiet_transport = bench.connect()
    waiting.dataReceived(encode_frame(b"1"))
    bench.listener.stop("drain")
    assert quiet_transport.disconnecting
    assert not waiting_transport.disconnecting
    waiting.dataReceived(encode_frame(b"2"))
    assert bench.sink.payloads == [b"1"]
    waiting.answer([b"A1"])
    assert waiting_transport.value() == encode_frame(b"A1")
    assert waiting_transport.disconnecting


def test_large_unfinished_frames_wait_for_the_oldest_when_memory_is_full() -> None:
    held: list[str] = []

    class One:
        def __init__(self, name: str) -> None:
            self.name = name

        def hold(self, reason: str = "") -> None:
            held.append(self.name)

        def release(self, reason: str = "") -> None:
            if self.name in held:
                held.remove(self.name)

    unfinished = Unfinished(bytes_max=4 * LARGE_BYTES)
    first, second, small = One("first"), One("second"), One("small")
    unfinished.note(first, 3 * LARGE_BYTES)
    unfinished.note(small, 100)
    unfinished.note(second, 2 * LARGE_BYTES)
    assert held == ["second"]
    unfinished.note(first, 5 * LARGE_BYTES)
    assert held == ["second"]
    unfinished.drop(first)
    assert held == []


def test_bytes_a_full_socket_did_not_take_follow_through_the_transport_in_order() -> None:
    sent: list[bytes] = []
    room: Callable[[], int] = lambda: 4 if not sent else 0  # noqa: E731

    class Socket:
        def send(self, data: bytes) -> int:
            taken = room()
            sent.append(data[:taken])
            return taken

    class Direct(Transport):
        def getHandle(self) -> Socket:
            return Socket()

        def registerProducer(self, producer: Any, streaming: bool) -> None:
            super().registerProducer(producer, streaming)
            if not streaming:
                producer.resumeProducing()  # as twisted.internet.abstract does

    bench = make_bench(CONFIG)
    bench.listener.direct = True
    connection: Any = bench.listener.door.buildProtocol(IPv4Address("TCP", "10.0.0.1", 1))
    transport = Direct()
    connection.makeConnection(transport)
    connection.dataReceived(encode_frame(b"1") + encode_frame(b"2"))
    connection.answer([b"answer"])
    connection.answer([b"next"])
    assert b"".join(sent) + transport.value() == encode_frame(b"answer") + encode_frame(b"next")
    assert transport.producerState == "paused"
    producer: Any = transport.producer
    producer.resumeProducing()
    assert transport.producer is None
    assert transport.producerState == "producing"
