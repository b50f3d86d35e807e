"""Rim. What MLLP and HTTP ports share: listening, turning peers away, TLS, counting, closing."""

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from engine.channel.connection import TlsConfig
from engine.listeners.admission import Admission
from engine.listeners.interface import ListenerStatus
from engine.listeners.reactor import Reactor
from engine.listeners.tls import ServerTls
from engine.telemetry.events import ConnectionRefused, ListenerStarted, ListenerStopped
from engine.telemetry.recorder import Recorder

BACKLOG = 512
"""Connections the kernel keeps waiting: senders come back all at once after an outage."""


@implementer(IProtocolFactory)
class Door:
    """Lets peers in, or not, before a byte is read, and before a TLS handshake.

    Args:
        name: the listener's name.
        admission: who may connect; may be replaced while open, for connections to come.
        inner: makes the protocol of a connection.
        count: the connections open now.
        recorder: takes the events.
    """

    noisy = False

    def __init__(
        self,
        name: str,
        admission: Admission,
        inner: Any,
        count: Callable[[], int],
        recorder: Recorder,
    ) -> None:
        self.admission = admission
        self.closed_because: str | None = None
        """Set while every peer is turned away, such as `store`."""
        self._name = name
        self._inner = inner
        self._count = count
        self._recorder = recorder

    def doStart(self) -> None:  # noqa: N802  Twisted's name
        """The port is open."""

    def doStop(self) -> None:  # noqa: N802  Twisted's name
        """The port is closed."""

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802
        """A protocol for the peer, or None, which closes its connection."""
        host = str(getattr(addr, "host", ""))
        refusal = self.closed_because or self.admission.refusal(host, self._count())
        if refusal is None:
            return self._inner.buildProtocol(addr)
        peer = f"{host}:{getattr(addr, 'port', '')}"
        self._recorder.record(ConnectionRefused(listener=self._name, peer=peer, reason=refusal))
        return None


class Port:
    """A listening TCP port behind a door.

    Args:
        reactor: where to listen.
        name: the listener's name.
        address: IP address to bind.
        port: port number; 0 lets the system choose (tests).
        recorder: takes the events.
    """

    def __init__(
        self, reactor: Reactor, name: str, address: str, port: int, recorder: Recorder
    ) -> None:
        self.state = "stopped"
        self._reactor = reactor
        self._name = name
        self._address = address
        self._port = port
        self._recorder = recorder
        self._listening: Any = None

    def open(self, door: Door) -> None:
        """Listen. Raises OSError."""
        self._listening = self._reactor.listenTCP(self._port, door, BACKLOG, self._address)
        self.state = "listening"
        self._recorder.record(ListenerStarted(listener=self._name))

    @property
    def number(self) -> int:
        """The port listened on."""
        return int(self._listening.getHost().port) if self._listening is not None else self._port

    def stop(self, reason: str) -> None:
        """Listen no more."""
        if self._listening is None:
            return
        self._listening.stopListening()
        self._listening = None
        self.state = "stopped"
        self._recorder.record(ListenerStopped(listener=self._name, reason=reason))

    def status(self, connections: int) -> ListenerStatus:
        """State and count, as health shows them."""
        draining = self.state == "stopped" and connections > 0
        state = "draining" if draining else self.state
        return ListenerStatus(name=self._name, state=state, connections=connections)


class Secured:
    """A factory behind TLS where it is asked for; its files may be exchanged while it runs."""

    def __init__(
        self, inner: Any, config: TlsConfig | None, name: str, clock: Any, recorder: Recorder
    ) -> None:
        self._inner = inner
        self._name = name
        self._recorder = recorder
        self._tls = ServerTls(config, name, recorder) if config is not None else None
        self._factory = inner
        if self._tls is not None:
            creator: Any = self._tls
            self._factory = TLSMemoryBIOFactory(creator, False, inner, clock)

    def load(self) -> None:
        """Read the TLS files. Raises OSError."""
        if self._tls is not None:
            self._tls.load()

    def update(self, config: TlsConfig | None) -> None:
        """Other files, for connections to come. Raises OSError, and then the old ones stay.

        A port cannot go from plain to TLS or back: that is another listener.
        """
        if self._tls is not None and config is not None:
            self._tls.replace(config)

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802
        """The protocol of an admitted peer."""
        return self._factory.buildProtocol(addr)
