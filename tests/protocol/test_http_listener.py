"""The HTTP listener without a network: POST in, acknowledgment out."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from engine.channel.model import HttpListenerConfig
from engine.listeners.http import HttpListener
from engine.mllp import FrameFault
from engine.telemetry.recorder import MemoryRecorder

CONFIG = HttpListenerConfig(port=8080, path="/adt", body_bytes_max=1000, request_timeout_seconds=10)


@dataclass
class Sink:
    requests: list[tuple[Any, bytes]] = field(default_factory=list)
    faults: list[tuple[Any, FrameFault]] = field(default_factory=list)
    gone: int = 0

    def receive(self, connection: Any, payload: bytes) -> None:
        self.requests.append((connection, payload))

    def receive_fault(self, connection: Any, fault: FrameFault) -> None:
        self.faults.append((connection, fault))

    def lost(self, connection: Any) -> None:
        self.gone += 1


class Bench:
    def __init__(self, config: HttpListenerConfig = CONFIG) -> None:
        self.clock, self.sink, self.other = Clock(), Sink(), Sink()
        self.listener = HttpListener(
            config,
            {"/adt": self.sink, "/lab": self.other},
            self.clock,  # type: ignore[arg-type]
            MemoryRecorder(),
        )

    def connect(self) -> tuple[Any, StringTransport]:
        peer = IPv4Address("TCP", "10.0.0.1", 50000)
        protocol: Any = self.listener.door.buildProtocol(peer)
        transport = StringTransport(peerAddress=peer)
        if protocol is not None:
            protocol.makeConnection(transport)
        return protocol, transport

    def post(
        self, body: bytes, path: str = "/adt", method: str = "POST", headers: str = ""
    ) -> StringTransport:
        protocol, transport = self.connect()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        )
        protocol.dataReceived(head.encode() + body)
        return transport


def status(transport: StringTransport) -> int:
    return int(transport.value().split(b" ", 2)[1])


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_body_goes_to_the_sink_and_the_acknowledgment_comes_back(bench: Bench) -> None:
    transport = bench.post(
        b"MSH|message", headers="Content-Type: application/x-www-form-urlencoded\r\n"
    )
    ((exchange, body),) = bench.sink.requests
    assert body == b"MSH|message"
    assert exchange.source == "http 10.0.0.1:50000"
    assert transport.value() == b""
    assert exchange.answer([b"MSA|AA"])
    assert status(transport) == 200
    assert transport.value().endswith(b"\r\n\r\nMSA|AA")
    assert b"application/hl7-v2" in transport.value()


def test_a_refused_message_is_answered_400_with_the_acknowledgment(bench: Bench) -> None:
    transport = bench.post(b"x")
    bench.sink.requests[0][0].answer([b"MSA|AR"], accepted=False)
    assert status(transport) == 400
    assert transport.value().endswith(b"MSA|AR")


def test_without_an_acknowledgment_the_answer_has_no_content(bench: Bench) -> None:
    transport = bench.post(b"x")
    bench.sink.requests[0][0].answer([b""])
    assert status(transport) == 204


def test_when_nothing_may_be_said_the_sender_is_asked_to_come_again(bench: Bench) -> None:
    transport = bench.post(b"x")
    bench.sink.requests[0][0].abandon("store")
    assert status(transport) == 503
    assert b"Retry-After: 5" in transport.value()


def test_an_answer_that_took_too_long_is_a_gateway_timeout(bench: Bench) -> None:
    transport = bench.post(b"x")
    bench.sink.requests[0][0].skip()
    assert status(transport) == 504


def test_each_path_has_its_own_sink_and_others_do_not_exist(bench: Bench) -> None:
    bench.post(b"x", "/lab?a=b")
    assert len(bench.other.requests) == 1
    assert status(bench.post(b"x", "/elsewhere")) == 404


def test_only_post_and_plain_bodies_are_taken(bench: Bench) -> None:
    transport = bench.post(b"", method="GET")
    assert status(transport) == 405
    assert b"Allow: POST" in transport.value()
    assert status(bench.post(b"x", headers="Content-Encoding: gzip\r\n")) == 415


def test_a_body_that_is_too_large_is_a_fault_and_answered_413(bench: Bench) -> None:
    transport = bench.post(b"x" * 2000)
    ((exchange, fault),) = bench.sink.faults
    assert fault.code == "M150"
    assert len(fault.data) <= 2000
    exchange.answer([b"MSA|AR"], accepted=False)
    assert status(transport) == 413


def test_a_chunked_body_that_grows_too_large_is_a_fault_too(bench: Bench) -> None:
    protocol, _ = bench.connect()
    protocol.dataReceived(b"POST /adt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(3):
        protocol.dataReceived(b"200\r\n" + b"x" * 512 + b"\r\n")
    protocol.dataReceived(b"0\r\n\r\n")
    assert [fault.code for _, fault in bench.sink.faults] == ["M150"]


def test_while_nothing_is_taken_requests_are_answered_503(bench: Bench) -> None:
    protocol, transport = bench.connect()
    bench.listener.refuse("store")
    protocol.dataReceived(b"POST /adt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
    assert status(transport) == 503
    assert bench.connect()[0] is None
    assert bench.sink.requests == []


def test_a_request_that_is_not_complete_in_time_loses_its_connection(bench: Bench) -> None:
    protocol, transport = bench.connect()
    protocol.dataReceived(b"POST /adt HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
    for _ in range(30):
        bench.clock.advance(0.5)
        if not transport.disconnecting:
            protocol.dataReceived(b".")
    assert transport.disconnecting


def test_a_sender_that_leaves_before_its_answer_is_reported(bench: Bench) -> None:
    protocol, _ = bench.connect()
    protocol.dataReceived(b"POST /adt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
    from twisted.internet.error import ConnectionDone
    from twisted.python.failure import Failure

    protocol.connectionLost(Failure(ConnectionDone()))
    assert bench.sink.gone == 1
    assert bench.sink.requests[0][0].answer([b"MSA|AA"]) is False


def test_a_connection_serves_one_request_after_the_other(bench: Bench) -> None:
    protocol, transport = bench.connect()
    request = b"POST /adt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
    protocol.dataReceived(request + b"1" + request + b"2")
    assert [body for _, body in bench.sink.requests] == [b"1"]
    bench.sink.requests[0][0].answer([b"A1"])
    assert [body for _, body in bench.sink.requests] == [b"1", b"2"]
    bench.sink.requests[1][0].answer([b"A2"])
    assert transport.value().count(b"HTTP/1.1 200") == 2


def test_connections_beyond_the_limit_and_outside_the_networks_are_turned_away() -> None:
    bench = Bench(replace(CONFIG, connections_max=1))
    assert bench.connect()[0] is not None
    assert bench.connect()[0] is None
    assert Bench(replace(CONFIG, allow=("192.168.0.0/16",))).connect()[0] is None
