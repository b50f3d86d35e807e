"""Rim. One HTTP request and its answer, bounded in time and in bytes, with every failure told
apart.

On aiohttp itself: with httpx over it an exchange took half as much CPU again, and httpx's own
transport six times as much (docs/decisions.md 37). Redirects, cookies and proxies of the
environment are off: a redirect is an answer to be classified, and nothing may change where a
patient's data goes.
"""

import asyncio
import errno
import io
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from engine.pipeline.response import Fault

READ_BYTES_MAX = 4_000_000
"""An answer is read this far, after decompression: room for the statuses of a large batch."""

_KEEP_ALIVE_SECONDS = 10.0
"""Shorter than servers' usual 15 to 75 s: they must not close a connection as we write to it."""

_WHOLE_BYTES_MAX = 1_000_000
"""A larger body is written in pieces, so that it does not hold the event loop."""

Headers = CIMultiDict[str]


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. Headers are shared between requests and never changed."""

    method: str
    url: URL
    headers: Headers
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    raw_headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    complete: bool
    """False when the body was longer than is read."""


class HttpExchange:
    """Keep-alive connections to one server."""

    def __init__(
        self,
        *,
        connections_max: int,
        connect_seconds: float,
        context: ssl.SSLContext,
        server_name: str | None = None,
    ) -> None:
        """Args: how many connections, how long one may take to open, TLS for https URLs."""
        self._connections_max = connections_max
        self._server_name = server_name
        self._context = context
        # Reads have no limit of their own: the whole exchange has one.
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds)
        self._session: aiohttp.ClientSession | None = None
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def exchange(self, request: Request, *, timeout_seconds: float) -> Answer | Fault:
        """Send one request and read its answer. Never raises, cancellation apart."""
        self._in_flight += 1
        self._idle.clear()
        try:
            async with (
                asyncio.timeout(timeout_seconds),
                self._open().request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    data=_piecemeal(request.content),
                    allow_redirects=False,
                    timeout=self._timeout,
                    server_hostname=self._server_name,
                ) as response,
            ):
                body, complete = await _read(response)
        except TimeoutError as problem:
            connecting = isinstance(problem, aiohttp.ConnectionTimeoutError)
            return Fault.CONNECT_TIMEOUT if connecting else Fault.TIMEOUT
        except Exception as problem:  # noqa: BLE001  every attempt ends in a class
            return fault_of(problem)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()
        return Answer(response.status, response.headers, response.raw_headers, body, complete)

    async def close_when_idle(self) -> None:
        """End all connections once no exchange uses them."""
        await self._idle.wait()
        await self.close()

    async def close(self) -> None:
        """End all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._connections_max,
                keepalive_timeout=_KEEP_ALIVE_SECONDS,
                ssl=self._context,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept"),
                auto_decompress=False,
            )
        return self._session


def _piecemeal(content: bytes | None) -> bytes | io.BytesIO | None:
    if content is not None and len(content) > _WHOLE_BYTES_MAX:
        return io.BytesIO(content)
    return content


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The body, decompressed, up to READ_BYTES_MAX; and whether that was all of it."""
    gzip = response.headers.get("Content-Encoding", "") == "gzip"
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if gzip else None
    parts: list[bytes] = []
    room = READ_BYTES_MAX
    while chunk := await response.content.readany():
        # The bound is on what comes out: a small compressed body can hold gigabytes.
        part = chunk[:room] if inflate is None else inflate.decompress(chunk, room)
        parts.append(part)
        room -= len(part)
        if room <= 0:
            response.close()
            return b"".join(parts), False
    return b"".join(parts), True


def fault_of(problem: BaseException) -> Fault:
    """Which fault an exception of the HTTP stack is."""
    match problem:
        case aiohttp.ClientConnectorDNSError():
            return Fault.NAME_UNKNOWN
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return Fault.TLS_REFUSED
        case aiohttp.ClientConnectorError():
            refused = problem.os_error.errno == errno.ECONNREFUSED
            return Fault.CONNECT_REFUSED if refused else Fault.UNREACHABLE
        case aiohttp.ConnectionTimeoutError():
            return Fault.CONNECT_TIMEOUT
        case aiohttp.ServerTimeoutError():
            return Fault.TIMEOUT
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return Fault.RESET
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError() | zlib.error():
            return Fault.ANSWER_BROKEN
        case ssl.SSLError() | OSError():
            return Fault.RESET
        case aiohttp.ClientConnectionError():
            return Fault.RESET
        case _:
            return Fault.INTERNAL
