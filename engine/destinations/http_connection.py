"""Rim. One keep-alive HTTP/1.1 connection: a request goes out, its answer comes back, bounded.

Answers are parsed by llhttp (httptools); here is only what surrounds it: who waits, how much is
kept, and whether the connection may serve again. A general client spends ten times as much on a
request of ours, whose head is always the same (docs/decisions.md 45).
RFC 9112 sections 6.3 (where a body ends) and 9.3 (keep-alive).
"""

import asyncio
import zlib
from dataclasses import dataclass
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

READ_BYTES_MAX = 4_000_000
"""An answer is read this far, after decompression: room for the statuses of a large batch."""
HEAD_BYTES_MAX = 65_536
"""Of an answer's status line and headers."""


class AnswerBroken(Exception):  # noqa: N818  what happened to the answer
    """It is no HTTP, or it ended too early."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    raw_headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    complete: bool
    """False when the body was longer than is read."""


class HttpConnection(asyncio.Protocol):
    """Serves one exchange at a time."""

    def __init__(self) -> None:
        self.usable = False
        """True while it is open and nothing unexpected came over it."""
        self.idle_since = 0.0
        """Loop time of its last exchange; kept by the pool."""
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._begin()

    def _begin(self) -> None:
        """Forget the last answer."""
        self._parser = HttpResponseParser(self)
        self._head_bytes = 0
        self._parts: list[bytes] = []
        self._room = READ_BYTES_MAX
        self._begin_head()

    def _begin_head(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._in_body = False
        self._until_closed = False
        self._inflate: zlib._Decompress | None = None

    async def exchange(self, head: bytes, content: bytes | None) -> Answer:
        """Send a request and wait for its answer; the caller bounds the time.

        Raises OSError when the connection broke, AnswerBroken when what came is no whole answer.
        Afterwards `usable` says whether it may serve again.
        """
        transport = self._transport
        if transport is None or not self.usable:
            raise ConnectionResetError
        self._begin()
        self._waiter = asyncio.get_running_loop().create_future()
        transport.writelines((head, content) if content else (head,))
        try:
            return await self._waiter
        finally:
            if self._waiter is not None:  # nobody waits any more: the answer has no use
                self._waiter = None
                self.abort()

    def abort(self) -> None:
        """Close at once."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    # -- what the transport says --

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast("asyncio.Transport", transport)
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer; when none is waited for, the connection is not used again."""
        if self._waiter is None:
            self.abort()
            return
        if not self._in_body:
            if self._head_bytes > HEAD_BYTES_MAX:
                self._fail(AnswerBroken())
                return
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._fail(AnswerBroken())

    def connection_lost(self, problem: Exception | None) -> None:
        """It is closed, by whichever side."""
        self.usable = False
        if self._waiter is None:
            return
        if self._in_body and self._until_closed and problem is None:
            self._finish(complete=True)
        elif self._in_body:
            self._fail(AnswerBroken())
        else:
            self._fail(problem or ConnectionResetError())

    # -- what the parser says --

    def on_message_begin(self) -> None:
        """An answer begins; one that nobody asked for spoils the connection."""
        if self._waiter is None:
            self.usable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there."""
        names = {name.lower(): value for name, value in self._headers}
        self._in_body = True
        self._until_closed = b"content-length" not in names and b"transfer-encoding" not in names
        if names.get(b"content-encoding", b"").lower() == b"gzip":
            self._inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    def on_body(self, chunk: bytes) -> None:
        """A part of the body."""
        if self._waiter is None:
            return
        # The bound is on what comes out: a small compressed body can hold gigabytes.
        inflate = self._inflate
        part = chunk[: self._room] if inflate is None else inflate.decompress(chunk, self._room)
        self._parts.append(part)
        self._room -= len(part)
        if self._room <= 0:
            self._finish(complete=False)
            self.abort()

    def on_message_complete(self) -> None:
        """The answer is whole; one of 1xx only announces another."""
        if self._parser.get_status_code() < 200:
            self._begin_head()
            return
        if self._waiter is not None:
            # A server that answers before it has read all may never read the rest.
            read = self._transport is not None and not self._transport.get_write_buffer_size()
            self.usable = self.usable and read and self._parser.should_keep_alive()
            self._finish(complete=True)

    def _finish(self, *, complete: bool) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            return
        raw = tuple(self._headers)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
        status = self._parser.get_status_code()
        waiter.set_result(Answer(status, headers, raw, b"".join(self._parts), complete))

    def _fail(self, problem: Exception) -> None:
        waiter, self._waiter = self._waiter, None
        self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_exception(problem)
