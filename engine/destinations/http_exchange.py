"""Rim. One HTTP request and its answer, bounded in time and in bytes, with every failure told
apart.

httpx requests go straight to the httpx-aiohttp transport. The client object on top of it would add
redirects, cookies and a log line with the URL of every request: none is wanted here (a redirect is
an answer to be classified, a URL may hold an identifier), and it costs as much CPU as the exchange.

The transport reports a connection that broke after the request was sent as a connect timeout. That
difference is the one between "send again" and "may have arrived twice", so failures are told
apart by the aiohttp exception underneath.
"""

import asyncio
import errno
import ssl
import zlib
from dataclasses import dataclass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from engine.pipeline.response import Fault

READ_BYTES_MAX = 4_000_000
"""An answer is read this far, after decompression: room for the statuses of a large batch."""

_KEEP_ALIVE_SECONDS = 10.0
"""Shorter than servers' usual 15 to 75 s: they must not close a connection as we write to it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: httpx.Headers
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
        self._timeout = {"connect": connect_seconds, "pool": None, "read": None, "write": None}
        self._transport: AiohttpTransport | None = None
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def exchange(self, request: httpx.Request, *, timeout_seconds: float) -> Answer | Fault:
        """Send one request and read its answer. Never raises, cancellation apart."""
        request.extensions["timeout"] = self._timeout
        if self._server_name:
            request.extensions["sni_hostname"] = self._server_name
        self._in_flight += 1
        self._idle.clear()
        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._open().handle_async_request(request)
                try:
                    body, complete = await _read(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            return Fault.TIMEOUT
        except Exception as problem:  # noqa: BLE001  every attempt ends in a class
            return fault_of(problem)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()
        return Answer(response.status_code, response.headers, body, complete)

    async def close_when_idle(self) -> None:
        """End all connections once no exchange uses them."""
        await self._idle.wait()
        await self.close()

    async def close(self) -> None:
        """End all connections."""
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    def _open(self) -> AiohttpTransport:
        if self._transport is None:
            connector = aiohttp.TCPConnector(
                limit=self._connections_max,
                keepalive_timeout=_KEEP_ALIVE_SECONDS,
                ssl=self._context,
            )
            session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept"),
            )
            self._transport = AiohttpTransport(verify=self._context, client=session)
        return self._transport


async def _read(response: httpx.Response) -> tuple[bytes, bool]:
    """The body, decompressed, up to READ_BYTES_MAX; and whether that was all of it."""
    gzip = response.headers.get("content-encoding", "") == "gzip"
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if gzip else None
    parts: list[bytes] = []
    room = READ_BYTES_MAX
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101  what the transport makes
    async for chunk in stream:
        # The bound is on what comes out: a small compressed body can hold gigabytes.
        part = chunk[:room] if inflate is None else inflate.decompress(chunk, room)
        parts.append(part)
        room -= len(part)
        if room <= 0:
            return b"".join(parts), False
    return b"".join(parts), True


def fault_of(problem: BaseException) -> Fault:
    """Which fault an exception of the HTTP stack is."""
    cause = problem.__cause__ if isinstance(problem, httpx.HTTPError) else problem
    match cause:
        case aiohttp.ClientConnectorDNSError():
            return Fault.NAME_UNKNOWN
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return Fault.TLS_REFUSED
        case aiohttp.ClientConnectorError():
            refused = cause.os_error.errno == errno.ECONNREFUSED
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
