"""Rim. The HTTP listener: a port that takes messages by POST."""

from collections.abc import Mapping
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.protocols.policies import WrappingFactory
from twisted.web.http import HTTPFactory

from engine.channel.model import HttpListenerConfig
from engine.listeners.admission import Admission
from engine.listeners.http_exchange import HttpExchange
from engine.listeners.interface import ListenerStatus, Sink
from engine.listeners.ports import Door, Port, Secured
from engine.listeners.reactor import Reactor
from engine.listeners.ticks import Ticks
from engine.telemetry.recorder import Recorder

BODIES_BYTES_MAX = 256_000_000
"""What the bodies of all requests of a listener may hold together; beyond it, 503."""


class HttpListener:
    """An HTTP port.

    Args:
        config: port, path, limits, TLS.
        sinks: by path, what takes payloads and faults.
        reactor: network and clock.
        recorder: takes the events.
    """

    def __init__(
        self,
        config: HttpListenerConfig,
        sinks: Mapping[str, Sink],
        reactor: Reactor,
        recorder: Recorder,
    ) -> None:
        self.name = f"http {config.address}:{config.port}"
        self.ticks = Ticks(reactor, (config.request_timeout_seconds,))
        self.closed_because: str | None = None
        self._reserved = 0
        self._take(config, sinks)
        requests = _Requests(self, reactor, config.request_timeout_seconds)
        self._channels = WrappingFactory(requests)
        self._channels.noisy = False
        self._secured = Secured(self._channels, config.tls, self.name, reactor, recorder)
        self.door = Door(
            self.name,
            Admission(config.allow, config.connections_max),
            self._secured,
            lambda: len(self._channels.protocols),
            recorder,
        )
        self.port = Port(reactor, self.name, config.address, config.port, recorder)

    def _take(self, config: HttpListenerConfig, sinks: Mapping[str, Sink]) -> None:
        self.sinks: Mapping[bytes, Sink] = {
            path.encode("utf-8"): sink for path, sink in sinks.items()
        }
        self.body_bytes_max = config.body_bytes_max
        self.request_timeout_seconds = config.request_timeout_seconds

    def start(self) -> None:
        """Read the TLS files and listen. Raises OSError."""
        self._secured.load()
        self.port.open(self.door)
        self.closed_because = None

    def update(self, config: HttpListenerConfig, sinks: Mapping[str, Sink]) -> None:
        """New limits, paths and TLS files, for requests to come; address and port stay.

        Raises OSError when the TLS files are unusable; then nothing has changed.
        """
        self._secured.update(config.tls)
        self.door.admission = Admission(config.allow, config.connections_max)
        self._take(config, sinks)

    def reserve(self, size: int) -> bool:
        """Take memory for bodies, or give it back; see `http_exchange.Home`."""
        if size > 0 and self._reserved + size > BODIES_BYTES_MAX:
            return False
        self._reserved += size
        return True

    def refuse(self, reason: str | None) -> None:
        """Take nothing in for now, or, with None, again."""
        self.closed_because = self.door.closed_because = reason

    def stop(self, reason: str) -> None:
        """Listen no more; requests under way are answered, later ones on open connections not."""
        self.closed_because = reason
        self.port.stop(reason)

    def close(self, reason: str) -> None:
        """Listen no more and end every connection now."""
        self.stop(reason)
        for channel in list(self._channels.protocols):
            channel.loseConnection()

    def status(self) -> ListenerStatus:
        """State and count of connections."""
        return self.port.status(len(self._channels.protocols))


class _Requests(HTTPFactory):
    """Makes channels whose requests are exchanges; keeps no access log, which would name paths."""

    noisy = False

    def __init__(self, home: HttpListener, reactor: Any, timeout_seconds: float) -> None:
        super().__init__(timeout=timeout_seconds, reactor=reactor)
        self._home = home

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802
        """A channel for an admitted peer."""
        channel: Any = super().buildProtocol(addr)
        channel.requestFactory = self._exchange
        return channel

    def _exchange(self, channel: Any, queued: object = None) -> HttpExchange:
        del queued
        return HttpExchange(channel, self._home)
