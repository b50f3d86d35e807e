"""A new configuration reaches the listeners without harm to those it does not touch."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock, StringTransport

from engine.channel.model import (
    ChannelConfig,
    Configuration,
    DuplicatePolicy,
    MllpListenerConfig,
    RouteConfig,
)
from engine.mllp import encode_frame
from engine.runtime.components import Surroundings
from engine.runtime.intake.intake import Intake
from engine.runtime.intake.listener_set import RETIRE_SECONDS, ListenerSet
from engine.store.interface import Control, Receipt
from engine.telemetry.events import ListenerFailed, ListenerStarted, ListenerStopped
from engine.telemetry.recorder import MemoryRecorder


class MemoryLog:
    """Numbers receipts and keeps them; what these tests look at is not the store."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []

    def append(self, receipts: Sequence[Receipt]) -> list[int]:
        first = len(self.receipts) + 1
        self.receipts.extend(receipts)
        return list(range(first, len(self.receipts) + 1))

    def record_acknowledgments(self, outcomes: Sequence[Any]) -> None:
        pass

    def recent_control_ids(self, since: float, limit: int) -> Iterator[Any]:
        return iter(())


class Reactor(MemoryReactorClock):
    """Refuses ports on demand and remembers which are open."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: set[int] = set()
        self.open: dict[int, Any] = {}

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        if port in self.taken:
            raise CannotListenError(interface, port, OSError("in use"))
        self.open[port] = factory
        reactor = self

        class Port:
            def stopListening(self) -> None:
                reactor.open.pop(port, None)

        return Port()


class Bench:
    def __init__(self) -> None:
        self.reactor, self.recorder, self.log = Reactor(), MemoryRecorder(), MemoryLog()
        around = Surroundings(self.reactor, self.recorder, lambda work: Deferred())
        self.listeners = ListenerSet(around)
        self.intake = Intake(
            self.log,  # type: ignore[arg-type]
            self.reactor,
            self.recorder,
            lambda ids: Deferred(),
            channels=lambda: self.listeners.channels,
            on_store=lambda works: None,
        )
        self.listeners.attach(self.intake)

    def apply(self, *channels: ChannelConfig, revision: str = "r1") -> int:
        return self.listeners.apply(Configuration(channels=channels, revision=revision))

    def connect(self, port: int) -> tuple[Any, StringTransport]:
        connection = self.reactor.open[port].buildProtocol(IPv4Address("TCP", "10.0.0.1", 5))
        for group in self.listeners._groups.values():
            group.listener.direct = False  # type: ignore[union-attr]
        transport = StringTransport()
        connection.makeConnection(transport)
        return connection, transport

    def send(self, connection: Any, control_id: str = "1", kind: str = "ADT^A01") -> None:
        message = f"MSH|^~\\&|A|B|C|D|2026||{kind}|{control_id}|P|2.5.1\r".encode()
        connection.dataReceived(encode_frame(message))
        self.reactor.advance(0)


def channel(name: str, port: int, **changes: Any) -> ChannelConfig:
    base = ChannelConfig(
        name=name, file=f"channels/{name}.yaml", listener=MllpListenerConfig(port=port)
    )
    return replace(base, **changes)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_each_port_is_opened_once_however_many_channels_share_it(bench: Bench) -> None:
    adt = channel("adt", 1, route=RouteConfig(fields=(("MSH-9.1", ("ADT",)),)))
    lab = channel("lab", 1, route=RouteConfig(fields=(("MSH-9.1", ("ORU",)),)))
    bench.apply(adt, lab, channel("other", 2))
    assert sorted(bench.reactor.open) == [1, 2]


def test_a_channel_that_is_switched_off_is_not_opened(bench: Bench) -> None:
    bench.apply(channel("adt", 1, enabled=False))
    assert bench.reactor.open == {}


def test_connections_of_an_unchanged_listener_stay_and_use_the_new_revision(bench: Bench) -> None:
    bench.apply(channel("adt", 1), channel("lab", 2))
    connection, transport = bench.connect(1)
    changed = bench.apply(
        channel("adt", 1), channel("lab", 2, description="changed"), revision="r2"
    )
    assert changed == 1
    bench.send(connection)
    assert not transport.disconnecting
    assert b"MSA|AA|1" in transport.value()
    assert bench.log.receipts[0].revision == "r2"


def test_new_routes_reach_open_connections(bench: Bench) -> None:
    bench.apply(channel("all", 1))
    connection, _ = bench.connect(1)
    lab = channel("lab", 1, route=RouteConfig(fields=(("MSH-9.1", ("ORU",)),)))
    bench.apply(channel("all", 1), lab)
    bench.send(connection, kind="ORU^R01")
    assert bench.log.receipts[0].channel == "lab"


def test_a_removed_listener_answers_what_it_owes_and_ends_its_connections(bench: Bench) -> None:
    bench.apply(channel("adt", 1), channel("lab", 2))
    quiet, quiet_transport = bench.connect(2)
    other, other_transport = bench.connect(1)
    bench.apply(channel("adt", 1))
    assert sorted(bench.reactor.open) == [1]
    assert quiet_transport.disconnecting
    assert not other_transport.disconnecting
    del quiet, other


def test_a_removed_listener_does_not_wait_for_ever(bench: Bench) -> None:
    bench.apply(channel("adt", 1))
    connection, transport = bench.connect(1)
    connection._owed = 1  # an answer that never comes
    bench.apply()
    assert not transport.disconnecting
    bench.reactor.advance(RETIRE_SECONDS)
    assert transport.disconnecting


def test_a_port_that_is_taken_is_tried_again_and_holds_up_no_other(bench: Bench) -> None:
    bench.reactor.taken = {1}
    bench.apply(channel("adt", 1), channel("lab", 2))
    assert sorted(bench.reactor.open) == [2]
    assert [status.state for status in bench.listeners.statuses()] == ["failed", "listening"]
    bench.reactor.taken = set()
    for _ in range(6):
        bench.listeners.set_controls({})
        bench.reactor.advance(1)
    assert sorted(bench.reactor.open) == [1, 2]
    assert len(bench.recorder.of(ListenerFailed)) == 1


def test_duplicates_are_known_across_a_reload(bench: Bench) -> None:
    bench.apply(channel("adt", 1))
    connection, _ = bench.connect(1)
    bench.send(connection)
    bench.apply(channel("adt", 1, description="changed"))
    (kept,) = bench.listeners.channels
    assert len(kept.duplicates) == 1
    bench.apply(channel("adt", 1, duplicates=DuplicatePolicy(ids_max=5)))
    (fresh,) = bench.listeners.channels
    assert len(fresh.duplicates) == 0
    assert bench.listeners.unfilled == {"adt"}


def drain(*names: str) -> dict[str, Control]:
    return {name: Control(channel=name, mode="drain", reason="", by="me", at=0.0) for name in names}


def test_draining_the_only_channel_of_a_port_closes_it_and_running_opens_it(bench: Bench) -> None:
    bench.apply(channel("adt", 1), channel("lab", 2))
    bench.listeners.set_controls(drain("adt"))
    bench.listeners.set_controls(drain("adt"))
    assert sorted(bench.reactor.open) == [2]
    assert len(bench.recorder.of(ListenerStopped)) == 1
    bench.listeners.set_controls({})
    assert sorted(bench.reactor.open) == [1, 2]
    assert len(bench.recorder.of(ListenerStarted)) == 3


def test_a_drained_channel_stays_drained_across_a_reload(bench: Bench) -> None:
    bench.apply(channel("adt", 1))
    bench.listeners.set_controls(drain("adt"))
    bench.apply(channel("adt", 1, description="changed"))
    assert bench.reactor.open == {}


def test_while_the_store_is_down_new_listeners_let_nobody_in_either(bench: Bench) -> None:
    bench.listeners.refuse("store")
    bench.apply(channel("adt", 1))
    peer = IPv4Address("TCP", "10.0.0.1", 5)
    assert bench.reactor.open[1].buildProtocol(peer) is None
    bench.listeners.refuse(None)
    assert bench.reactor.open[1].buildProtocol(peer) is not None
