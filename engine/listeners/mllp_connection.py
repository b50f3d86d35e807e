"""Rim. One MLLP connection: frames in, acknowledgments out, over TCP or TLS.

Thin: bytes go to `engine.mllp.FrameDecoder`, payloads to the sink, answers back in frames. It keeps
three clocks: idle (no byte), frame (a frame that has begun must end) and answer (the peer must take
its acknowledgments). HL7 v2.5.1 ch. 2.9; minimal lower layer protocol, release 1.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet import protocol
from twisted.internet.interfaces import IHandshakeListener
from zope.interface import implementer

from engine.channel.model import MllpListenerConfig
from engine.listeners.interface import Sink
from engine.listeners.ticks import Ticks
from engine.listeners.tls import peer_name
from engine.listeners.unfinished import Unfinished
from engine.listeners.writing import Writer
from engine.mllp import Frame, FrameDecoder, FrameFault, encode_frame

ANSWER_TIMEOUT_SECONDS = 60.0
"""A peer that does not take its acknowledgments for this long is disconnected."""
LINGER_SECONDS = 5.0
"""After the last answer, what the peer still sends is read and dropped for this long: closing with
unread bytes resets the connection, which may destroy the answer on its way."""


_THEIR_HOLDS = frozenset({"unfinished", "behind"})


class Home(Protocol):
    """What a connection needs of its listener."""

    direct: bool
    """Plain TCP."""
    unfinished: Unfinished

    def opened(self, connection: "MllpConnection") -> None:
        """The connection is up."""
        ...

    def closed(self, connection: "MllpConnection", reason: str) -> None:
        """The connection is gone."""
        ...


@implementer(IHandshakeListener)
class MllpConnection(protocol.Protocol):
    """One sender."""

    source = "mllp"

    def __init__(self, home: Home, config: MllpListenerConfig, sink: Sink, ticks: Ticks) -> None:
        self._home = home
        self._sink = sink
        self._decoder = FrameDecoder(
            frame_bytes_max=config.frame_bytes_max,
            final_cr_required=config.final_cr_required,
            junk_between_frames=config.junk_between_frames,
        )
        self._ticks = ticks
        self._idle_ticks = ticks.of(config.idle_timeout_seconds)
        self._frame_ticks = ticks.of(config.frame_timeout_seconds)
        self._answer_ticks = ticks.of(ANSWER_TIMEOUT_SECONDS)
        self._heard_at = ticks.now
        self._frame_at: int | None = None
        self._behind_at = 0
        self._linger_until: int | None = None
        self._unfinished = 0
        self._holds: set[str] = set()
        self._closing: str | None = None
        self._owed = 0

    def connectionMade(self) -> None:  # noqa: N802
        """The peer was let in."""
        transport: Any = self.transport
        self._transport = transport
        peer = transport.getPeer()
        self.source = f"mllp {peer.host}:{peer.port}"
        if hasattr(transport, "setTcpNoDelay"):
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        self._writer = Writer(transport, self._peer_behind, direct=self._home.direct)
        self._leave_ticks = self._ticks.join(self)
        self._home.opened(self)

    def handshakeCompleted(self) -> None:  # noqa: N802
        """TLS is up: the name in the client's certificate, if any, is part of the source."""
        name = peer_name(self.transport)
        if name:
            self.source = f"{self.source} {name}"

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Bytes of the peer."""
        self._heard_at = self._ticks.now
        if self._closing is not None:
            return
        found = self._decoder.feed(data)
        for item in found:
            self._owed += 1
            if isinstance(item, Frame):
                self._sink.receive(self, item.payload)
            else:
                self._take_fault(item)
        if self._decoder.incomplete:
            if found or self._frame_at is None:
                self._frame_at = self._ticks.now
                self._unfinished = 0
            self._count_unfinished(len(data))
        elif self._frame_at is not None:
            self._frame_at = None
            self._count_unfinished(0)

    def _take_fault(self, fault: FrameFault) -> None:
        if fault.fatal:
            self._closing = "fault"
        self._sink.receive_fault(self, fault)

    def _count_unfinished(self, size: int) -> None:
        """Large frames in the making count towards the listener's bound."""
        self._unfinished = self._unfinished + size if size else 0
        self._home.unfinished.note(self, self._unfinished)

    def answer(self, payloads: Sequence[bytes], *, accepted: bool = True) -> bool:
        """Write the acknowledgments in one write; see `Connection.answer`."""
        del accepted
        self._owed -= len(payloads)
        if not self.connected:
            return False
        if len(payloads) == 1:
            if payloads[0]:
                self._writer.write(encode_frame(payloads[0]))
        else:
            self._writer.write(b"".join([encode_frame(found) for found in payloads if found]))
        if self._closing is not None and self._owed <= 0:
            self._linger()
        return True

    def push(self, payload: bytes) -> bool:
        """Write a late application acknowledgment."""
        if not self.connected or self._closing is not None:
            return False
        self._writer.write(encode_frame(payload))
        return True

    def skip(self) -> None:
        """Stay silent about one message."""
        self.answer((b"",))

    def abandon(self, reason: str) -> None:
        """Close without an answer."""
        self._closing = reason
        self._end()

    def finish(self, reason: str) -> None:
        """Close once nothing is owed; take nothing more."""
        self._closing = self._closing or reason
        if self._owed <= 0:
            self._linger()

    def _linger(self) -> None:
        """End; after a fault say that nothing more comes and wait for the peer to close."""
        if self._linger_until is not None:
            return
        if self._closing != "fault":
            self._end()
            return
        self._linger_until = self._ticks.now + self._ticks.of(LINGER_SECONDS)
        self._writer.settle()
        if self._home.direct:
            self._transport.loseWriteConnection()
            self._holds.clear()
            self._read_as_held()
        else:
            self._end()

    def _end(self) -> None:
        self._writer.settle()
        self._transport.loseConnection()

    def hold(self, reason: str) -> None:
        """Read nothing until `release` is called for the same reason."""
        self._holds.add(reason)
        self._read_as_held()

    def release(self, reason: str) -> None:
        """Undo `hold`."""
        self._holds.discard(reason)
        self._read_as_held()

    def _read_as_held(self) -> None:
        if not self.connected or getattr(self._transport, "disconnecting", False):
            return
        if self._holds:
            self._transport.pauseProducing()
        else:
            self._transport.resumeProducing()

    def _peer_behind(self, behind: bool) -> None:
        """Who does not take acknowledgments is not read from."""
        self._behind_at = self._ticks.now
        if behind:
            self.hold("behind")
        else:
            self.release("behind")

    def tick(self, now: int) -> None:
        """End what overstays; see `Ticks`."""
        if self._holds - _THEIR_HOLDS:  # our doing: their time stands still
            self._heard_at = now
            self._frame_at = now if self._frame_at is not None else None
        if self._linger_until is not None:
            if now >= self._linger_until:
                self._end()
        elif self._writer.behind and now - self._behind_at > self._answer_ticks:
            self._closing = "answer-timeout"
            self._transport.abortConnection()
        elif self._frame_at is not None and now - self._frame_at > self._frame_ticks:
            self._closing = "frame-timeout"
            self._take_half_frame()
            self._end()
        elif now - self._heard_at > self._idle_ticks and self._owed <= 0:
            self._closing = "idle"
            self._end()

    def _take_half_frame(self) -> None:
        """Bytes of a frame that never ended are kept as a fault; no answer will reach anybody."""
        for item in self._decoder.close():
            self._owed += 1
            if isinstance(item, FrameFault):
                self._sink.receive_fault(self, item)
            else:
                self._sink.receive(self, item.payload)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802
        """The connection is gone, whoever ended it."""
        del reason
        if self._closing is None:
            self._take_half_frame()
        self._leave_ticks()
        self._home.unfinished.drop(self)
        self._home.closed(self, self._closing or "peer")
        self._sink.lost(self)
