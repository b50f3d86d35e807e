"""Rim. Writing acknowledgments: straight to the socket when nothing waits before them.

Twisted's `write` queues, and needs two epoll calls and another turn of the loop for each
acknowledgment; a direct `send` on an idle plain TCP socket takes a third off the cost of a message.
What the socket does not take goes through the transport, and until that has drained so does all
that follows, so bytes keep their order.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPullProducer, IPushProducer
from zope.interface import implementer


@implementer(IPullProducer, IPushProducer)
class Writer:
    """Writes to a connection and knows whether the peer is behind in taking it.

    Args:
        transport: the connection's transport.
        on_change: called with True when the peer falls behind, with False when it has caught up.
        direct: True for plain TCP: the socket may be written to. False for TLS and for tests.
    """

    def __init__(self, transport: Any, on_change: Callable[[bool], None], *, direct: bool) -> None:
        self._transport = transport
        self._on_change = on_change
        self._send: Callable[[bytes], int] | None = transport.getHandle().send if direct else None
        self._registered = False
        self.behind = False
        if not direct:
            self._register(streaming=True)

    def write(self, data: bytes) -> None:
        """Send now as much as the socket takes, the rest when it can."""
        if self._send is None or self.behind:
            self._transport.write(data)
            return
        try:
            sent = self._send(data)
        except OSError:  # full, or gone: the transport finds out which
            sent = 0
        if sent != len(data):
            self._transport.write(data[sent:])
            # A transport calls resumeProducing at once when a pull producer registers, and again
            # when its buffer is empty: `behind` is set between the two.
            self._register(streaming=False)
            self.pauseProducing()

    def settle(self) -> None:
        """Before closing: a transport stays open while a producer is registered."""
        self.behind = False
        if self._registered:
            self._registered = False
            self._transport.unregisterProducer()

    def _register(self, *, streaming: bool) -> None:
        self._registered = True
        self._transport.registerProducer(self, streaming)

    def pauseProducing(self) -> None:  # noqa: N802  Twisted's name
        """More is buffered than should be."""
        self.behind = True
        self._on_change(True)

    def resumeProducing(self) -> None:  # noqa: N802  Twisted's name
        """The transport's buffer is empty."""
        if not self.behind:
            return
        self.behind = False
        if self._send is not None:
            self.settle()
        self._on_change(False)

    def stopProducing(self) -> None:  # noqa: N802  Twisted's name
        """The connection is gone; it is told of that apart."""
        self._registered = False
