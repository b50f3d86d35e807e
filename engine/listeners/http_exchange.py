"""Rim. One HTTP request that carries a message or a batch; its response is the acknowledgment.

The body is the message as it would stand in an MLLP frame; or a document, a form with documents
or an archive of them, whatever the Content-Type says: labels are often wrong. 200 says that it was
taken in, 400 that the answer in the body refuses it or a part of it, 503 that it must be sent again
(RFC 9110).
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Protocol

from twisted.web import http

from engine.listeners.codes import body_fault
from engine.listeners.interface import Sink
from engine.listeners.ticks import Ticks
from engine.listeners.tls import peer_name

CONTENT_TYPE = b"application/hl7-v2"
JSON = b"application/json"
"""Of the answers to documents."""
RETRY_SECONDS = b"5"
KEPT_BYTES_MAX = 65_536
"""Of a body that is too large this much is kept with the fault."""


class Home(Protocol):
    """What a request needs of its listener."""

    sinks: Mapping[bytes, Sink]
    """By path."""
    body_bytes_max: int
    request_timeout_seconds: float
    ticks: Ticks
    closed_because: str | None
    """Set while nothing is taken in: every request is answered 503."""

    def reserve(self, size: int) -> bool:
        """Take memory for a part of a body; False when there is none. A negative size gives
        back."""
        ...


class HttpExchange(http.Request):
    """A request and its response."""

    def __init__(self, channel: Any, home: Home) -> None:
        super().__init__(channel)
        self.source = "http"
        self._home = home
        self._sink: Sink | None = None
        self._body = BytesIO()
        self._held_bytes = 0
        self._refused = 0
        self._answered = False
        self._deadline = home.ticks.now + home.ticks.of(home.request_timeout_seconds)
        self._leave_ticks = home.ticks.join(self)

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """The headers are read. Bodies stay in memory: a temporary file would hold patient data."""
        self.content = self._body
        if length is not None and length > self._home.body_bytes_max:
            self._refused = http.REQUEST_ENTITY_TOO_LARGE

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """A part of the body; of one that is refused only the beginning is kept."""
        size = self._body.tell() + len(data)
        if size > self._home.body_bytes_max:
            self._refused = self._refused or http.REQUEST_ENTITY_TOO_LARGE
        if self._refused and size > KEPT_BYTES_MAX:
            return
        if not self._home.reserve(len(data)):
            self._refused = self._refused or http.SERVICE_UNAVAILABLE
            return
        self._held_bytes += len(data)
        self._body.write(data)

    def requestReceived(  # noqa: N802
        self, command: bytes, path: bytes, version: bytes
    ) -> None:
        """The request is complete. Nothing is read from its query or as a form."""
        self.method, self.uri, self.clientproto = command, path, version
        self.path, self.args = path.split(b"?", 1)[0], {}
        self._leave_ticks()
        peer: Any = self.getClientAddress()
        name = peer_name(self.channel.transport)
        self.source = f"http {peer.host}:{peer.port}{f' {name}' if name else ''}"
        self.process()

    def process(self) -> None:
        """Hand the body to the sink, or refuse it."""
        sink = self._sink = self._home.sinks.get(self.path)
        if sink is None:
            self._respond(http.NOT_FOUND)
        elif self.method != b"POST":
            self.setHeader(b"Allow", b"POST")
            self._respond(http.NOT_ALLOWED)
        elif self.requestHeaders.hasHeader(b"Content-Encoding"):
            self._respond(http.UNSUPPORTED_MEDIA_TYPE)
        elif self._home.closed_because is not None or self._refused == http.SERVICE_UNAVAILABLE:
            self.abandon(self._home.closed_because or "memory")
        elif self._refused:
            fault = body_fault(self._body.getvalue(), self._home.body_bytes_max)
            sink.receive_fault(self, fault)
        else:
            sink.receive(self, self._body.getvalue())

    def answer(self, payloads: Sequence[bytes], *, accepted: bool = True) -> bool:
        """Respond with the acknowledgment."""
        body = b"".join(payloads)
        if self._refused:
            status = self._refused
        elif not accepted:
            status = http.BAD_REQUEST
        else:
            status = http.OK if body else http.NO_CONTENT
        return self._respond(status, body)

    def skip(self) -> None:
        """Say that no answer came in time."""
        self._respond(http.GATEWAY_TIMEOUT)

    def abandon(self, reason: str) -> None:
        """Ask the sender to come again."""
        del reason
        self.setHeader(b"Retry-After", RETRY_SECONDS)
        self._respond(http.SERVICE_UNAVAILABLE)

    def push(self, payload: bytes) -> bool:
        """A request has one response."""
        del payload
        return False

    def hold(self, reason: str) -> None:
        """A connection's next request is not read before this one is answered anyway."""

    def release(self, reason: str) -> None:
        """See `hold`."""

    def _respond(self, status: int, body: bytes = b"") -> bool:
        if self._answered or self._disconnected:
            return False
        self._answered = True
        self._give_back()
        self.setResponseCode(status)
        if body:
            self.setHeader(b"Content-Type", JSON if body[:1] == b"{" else CONTENT_TYPE)
        if status != http.NO_CONTENT:
            self.setHeader(b"Content-Length", str(len(body)).encode("ascii"))
        self.write(body)
        self.finish()
        return True

    def _give_back(self) -> None:
        self._home.reserve(-self._held_bytes)
        self._held_bytes = 0
        self._body = BytesIO()

    def tick(self, now: int) -> None:
        """A request that is not complete in time loses its connection."""
        if now > self._deadline:
            self._leave_ticks()
            self.channel.loseConnection()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """The sender is gone."""
        self._leave_ticks()
        self._give_back()
        super().connectionLost(reason)
        if self._sink is not None and not self._answered:
            self._sink.lost(self)
