"""Rim. The MLLP listener: a port, its limits, its connections."""

from typing import Any

from twisted.internet.interfaces import IAddress, IProtocolFactory
from zope.interface import implementer

from engine.channel.model import MllpListenerConfig
from engine.listeners.admission import Admission
from engine.listeners.interface import ListenerStatus, Sink
from engine.listeners.mllp_connection import ANSWER_TIMEOUT_SECONDS, MllpConnection
from engine.listeners.ports import Door, Port, Secured
from engine.listeners.ticks import Ticks
from engine.listeners.unfinished import Unfinished
from engine.telemetry.events import ConnectionClosed, ConnectionOpened
from engine.telemetry.recorder import Recorder


@implementer(IProtocolFactory)
class MllpListener:
    """An MLLP port.

    Args:
        config: port, limits, tolerances, TLS.
        sink: takes payloads and faults.
        reactor: network and clock.
        recorder: takes the events.
    """

    noisy = False

    def __init__(
        self, config: MllpListenerConfig, sink: Sink, reactor: Any, recorder: Recorder
    ) -> None:
        self.name = f"mllp {config.address}:{config.port}"
        self.direct = config.tls is None
        self.unfinished = Unfinished()
        self.connections: dict[MllpConnection, None] = {}
        self._config = config
        self._sink = sink
        self._reactor = reactor
        self._recorder = recorder
        self._ticks = _ticks(config, reactor)
        self._secured = Secured(self, config.tls, self.name, reactor, recorder)
        self.door = Door(
            self.name,
            Admission(config.allow, config.connections_max),
            self._secured,
            lambda: len(self.connections),
            recorder,
        )
        self.port = Port(reactor, self.name, config.address, config.port, recorder)

    def start(self) -> None:
        """Read the TLS files and listen. Raises OSError."""
        self._secured.load()
        self.port.open(self.door)

    def update(self, config: MllpListenerConfig) -> None:
        """New limits, networks and TLS files, for connections to come; address and port stay.

        Raises OSError when the TLS files are unusable; then nothing has changed.
        """
        self._secured.update(config.tls)
        self.door.admission = Admission(config.allow, config.connections_max)
        self._ticks = _ticks(config, self._reactor)
        self._config = config

    def refuse(self, reason: str | None) -> None:
        """Let nobody in for now, or, with None, again."""
        self.door.closed_because = reason

    def stop(self, reason: str) -> None:
        """Listen no more; each connection ends when nothing is owed on it."""
        self.port.stop(reason)
        for connection in list(self.connections):
            connection.finish(reason)

    def close(self, reason: str) -> None:
        """Listen no more and end every connection now."""
        self.port.stop(reason)
        for connection in list(self.connections):
            connection.abandon(reason)

    def status(self) -> ListenerStatus:
        """State and count of connections."""
        return self.port.status(len(self.connections))

    def opened(self, connection: MllpConnection) -> None:
        """A connection is up."""
        self.connections[connection] = None
        self._recorder.record(ConnectionOpened(listener=self.name, peer=connection.source))

    def closed(self, connection: MllpConnection, reason: str) -> None:
        """A connection is gone."""
        self.connections.pop(connection, None)
        self._recorder.record(
            ConnectionClosed(listener=self.name, peer=connection.source, reason=reason)
        )

    def doStart(self) -> None:  # noqa: N802  Twisted's name
        """A factory is told when its port opens."""

    def doStop(self) -> None:  # noqa: N802  Twisted's name
        """A factory is told when its port closes."""

    def buildProtocol(self, addr: IAddress | None) -> MllpConnection:  # noqa: N802
        """The connection of an admitted peer."""
        del addr
        return MllpConnection(self, self._config, self._sink, self._ticks)


def _ticks(config: MllpListenerConfig, reactor: Any) -> Ticks:
    limits = (
        config.idle_timeout_seconds,
        config.frame_timeout_seconds,
        ANSWER_TIMEOUT_SECONDS,
    )
    return Ticks(reactor, limits)
