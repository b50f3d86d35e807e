"""A bench for intake: a real listener, log and intake, a clock that tests move, no network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from engine.channel.model import ChannelConfig, MllpListenerConfig
from engine.listeners.mllp import MllpListener
from engine.mllp import Frame, FrameDecoder, encode_frame
from engine.pipeline.duplicate import DuplicateIndex
from engine.pipeline.states import State
from engine.runtime.intake.intake import Intake, ListenerIntake
from engine.runtime.intake.reception import ChannelIntake, Reception
from engine.store.interface import Receipt, StoreUnavailable
from engine.store.sqlite.log import SqliteLog
from engine.telemetry.recorder import MemoryRecorder

LISTENER = MllpListenerConfig(port=2575)


class FragileLog:
    """A real log that can be told to fail, and remembers what it was given."""

    def __init__(self, log: SqliteLog) -> None:
        self._log = log
        self.failing = False
        self.fail_after_commit = False
        self.commits: list[int] = []
        self.receipts: dict[int, Receipt] = {}
        self.outcomes: dict[int, str] = {}

    def append(self, receipts: Sequence[Receipt]) -> list[int]:
        if self.failing:
            raise StoreUnavailable("told to")
        ids = self._log.append(receipts)
        self.receipts.update(zip(ids, receipts, strict=True))
        if self.fail_after_commit:
            self.failing, self.fail_after_commit = True, False
            raise StoreUnavailable("told to, after the commit")
        self.commits.append(len(ids))
        return ids

    def record_acknowledgments(self, outcomes: Sequence[Any]) -> None:
        self.outcomes.update((message_id, state.value) for message_id, state, _ in outcomes)
        self._log.record_acknowledgments(outcomes)

    def rotate(self) -> None:
        if self.failing:
            raise StoreUnavailable("told to")
        self._log.rotate()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


class Sender:
    """The other end of a connection."""

    def __init__(self, listener: MllpListener, number: int) -> None:
        peer = IPv4Address("TCP", "10.0.0.1", 50000 + number)
        self.transport = StringTransport(peerAddress=peer)
        self.connection: Any = listener.door.buildProtocol(peer)
        self._decoder = FrameDecoder(frame_bytes_max=1_000_000)
        if self.connection is not None:
            self.connection.makeConnection(self.transport)

    def send(self, *messages: bytes) -> None:
        self.connection.dataReceived(b"".join(encode_frame(message) for message in messages))

    def received(self) -> list[bytes]:
        found = self._decoder.feed(self.transport.value())
        self.transport.clear()
        return [item.payload for item in found if isinstance(item, Frame)]

    def codes(self) -> list[tuple[str, str]]:
        """(MSA-1, MSA-2) of what came since the last call."""
        return [msa(payload) for payload in self.received()]

    def leave(self) -> None:
        self.connection.connected = 0
        self.connection.connectionLost()

    @property
    def closed(self) -> bool:
        return bool(self.transport.disconnecting)


def msa(payload: bytes) -> tuple[str, str]:
    fields = payload.decode().split("\rMSA|")[1].split("\r")[0].split("|")
    return fields[0], fields[1]


@dataclass
class Bench:
    log: FragileLog
    clock: Clock = field(default_factory=Clock)
    recorder: MemoryRecorder = field(default_factory=MemoryRecorder)
    states: dict[int, tuple[State, Sequence[Any]]] = field(default_factory=dict)
    channels: list[ChannelIntake] = field(default_factory=list)

    def start(self, *configs: ChannelConfig) -> None:
        self.intake = Intake(
            self.log,  # type: ignore[arg-type]
            self.clock,
            self.recorder,
            self.ask,
            channels=lambda: self.channels,
            on_store=self.on_store,
            wall=lambda: 1_700_000_000.0 + self.clock.seconds(),
        )
        self.channels = [channel_intake(config) for config in configs]
        self.sink = ListenerIntake(
            self.intake, Reception("mllp x:2575", self.channels, self.intake.answers, "rev1")
        )
        config = configs[0].listener
        assert isinstance(config, MllpListenerConfig)
        self.listener = MllpListener(config, self.sink, self.clock, self.recorder)  # type: ignore[arg-type]
        self.listener.direct = False

    def on_store(self, works: bool) -> None:
        self.listener.door.closed_because = None if works else "store"

    def ask(self, message_ids: Sequence[int]) -> "Deferred[Any]":
        return succeed(
            {number: self.states[number] for number in message_ids if number in self.states}
        )

    def connect(self) -> Sender:
        return Sender(self.listener, len(self.listener.connections))

    def turn(self) -> None:
        """The reactor's turn ends; what asks for another turn gets it at the next call."""
        due = [call for call in self.clock.calls if call.getTime() <= self.clock.seconds()]
        for call in due:
            self.clock.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([0.05] * int(seconds / 0.05 + 0.5))

    def stored(self) -> list[Receipt]:
        return [receipt for _, receipt in sorted(self.log.receipts.items())]


def channel_intake(config: ChannelConfig) -> ChannelIntake:
    policy = config.duplicates
    return ChannelIntake(config, DuplicateIndex(policy.window_days * 86400, policy.ids_max))


def open_log(folder: Path) -> FragileLog:
    return FragileLog(SqliteLog(folder))


def message(
    control_id: str,
    message_type: str = "ADT^A01",
    *,
    patient: str = "12345",
    accept: str = "",
    application: str = "",
    text: str = "",
) -> bytes:
    enhanced = f"|||{accept}|{application}" if accept or application else ""
    lines = (
        f"MSH|^~\\&|ADT|NORTH|ENG|HUB|20260101||{message_type}|{control_id}|P|2.5.1{enhanced}",
        f"PID|1||{patient}^^^NORTH^MR||TEST^ONE{text}",
    )
    return ("\r".join(lines) + "\r").encode()


Configure = Callable[..., ChannelConfig]


def channel(**changes: Any) -> ChannelConfig:
    values: dict[str, Any] = {"name": "adt", "file": "channels/adt.yaml", "listener": LISTENER}
    return ChannelConfig(**{**values, **changes})
