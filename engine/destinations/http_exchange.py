"""Rim. One HTTP request and its answer, bounded in time and in bytes, with every failure told
apart.

Opening a connection and using it fail in different ways, and that difference is the one between
"send again" and "may have arrived twice": so they are two steps here, each with its own faults.
Redirects, cookies and proxies of the environment do not exist: a redirect is an answer to be
classified, and nothing may change where a patient's data goes.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from yarl import URL

from engine.destinations.http_connection import Answer, AnswerBroken, HttpConnection
from engine.pipeline.response import Fault

_KEEP_ALIVE_SECONDS = 10.0
"""Shorter than servers' usual 15 to 75 s: they must not close a connection as we write to it."""

_WITHOUT_CONTENT = frozenset({"GET", "DELETE"})


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. URL and headers may be shared between requests, and are never changed."""

    method: str
    url: URL
    headers: Mapping[str, str]
    content: bytes | None


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
        """Args: how many connections are kept, how long one may take to open, TLS for https
        URLs."""
        self._connections_max = connections_max
        self._connect_seconds = connect_seconds
        self._server_name = server_name
        self._context = context
        self._kept: list[HttpConnection] = []
        """Those that wait for the next exchange, the one used last at the end."""
        self._head_of: tuple[str, URL, Mapping[str, str], bytes] | None = None
        """The head made last: requests of one form differ in their content alone."""
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def exchange(self, request: Request, *, timeout_seconds: float) -> Answer | Fault:
        """Send one request and read its answer. Never raises, cancellation apart."""
        if timeout_seconds <= 0:
            return Fault.TIMEOUT
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        self._in_flight += 1
        self._idle.clear()
        try:
            head = self._head(request)
            connection = self._take() or await self._connect(request.url, timeout_seconds)
            if isinstance(connection, Fault):
                return connection
            return await self._use(connection, head, request.content, deadline)
        except ValueError:  # a header that cannot be written: nothing was sent
            return Fault.BODY_UNUSABLE
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def close_when_idle(self) -> None:
        """End all connections once no exchange uses them."""
        await self._idle.wait()
        await self.close()

    async def close(self) -> None:
        """End all connections."""
        kept, self._kept = self._kept, []
        for connection in kept:
            connection.abort()

    # -- connections --

    def _take(self) -> HttpConnection | None:
        """A connection that can be used again."""
        oldest = asyncio.get_running_loop().time() - _KEEP_ALIVE_SECONDS
        while self._kept:
            connection = self._kept.pop()
            if connection.usable and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    def _give_back(self, connection: HttpConnection) -> None:
        if not connection.usable or len(self._kept) >= self._connections_max:
            connection.abort()
            return
        now = connection.idle_since = asyncio.get_running_loop().time()
        self._kept.append(connection)
        while self._kept[0].idle_since < now - _KEEP_ALIVE_SECONDS:
            self._kept.pop(0).abort()

    async def _connect(self, url: URL, timeout_seconds: float) -> HttpConnection | Fault:
        """A new connection. Nothing of the message has left us when this fails."""
        secure = url.scheme == "https"
        try:
            async with asyncio.timeout(min(self._connect_seconds, timeout_seconds)):
                _, connection = await asyncio.get_running_loop().create_connection(
                    HttpConnection,
                    url.host or "",
                    url.port or 0,
                    ssl=self._context if secure else None,
                    server_hostname=self._server_name or url.host if secure else None,
                )
        except TimeoutError:
            return Fault.CONNECT_TIMEOUT
        except socket.gaierror:
            return Fault.NAME_UNKNOWN
        except ssl.SSLError:
            return Fault.TLS_REFUSED
        except ConnectionRefusedError:
            return Fault.CONNECT_REFUSED
        except OSError:
            return Fault.UNREACHABLE
        return connection

    async def _use(
        self, connection: HttpConnection, head: bytes, content: bytes | None, deadline: float
    ) -> Answer | Fault:
        """The exchange itself. Some or all of the message has left us when this fails."""
        try:
            async with asyncio.timeout_at(deadline):
                answer = await connection.exchange(head, content)
        except TimeoutError:
            return Fault.TIMEOUT
        except AnswerBroken:
            return Fault.ANSWER_BROKEN
        except OSError:
            return Fault.RESET
        except Exception:  # noqa: BLE001  every attempt ends in a class
            return Fault.INTERNAL
        finally:
            self._give_back(connection)
        return answer

    # -- what is written --

    def _head(self, request: Request) -> bytes:
        """Request line and headers. Raises ValueError when one would break out of its line."""
        known = self._head_of
        method, url, headers = request.method, request.url, request.headers
        if known is not None and known[0] == method and known[1] is url and known[2] is headers:
            common = known[3]
        else:
            common = _head(method, url, headers)
            self._head_of = (method, url, headers, common)
        if request.content is None and method in _WITHOUT_CONTENT:
            return common + b"\r\n"
        return b"%bContent-Length: %d\r\n\r\n" % (common, len(request.content or b""))


def _head(method: str, url: URL, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1", f"Host: {url.host_port_subcomponent}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line or "\0" in line for line in lines):
        raise ValueError("a header holds a line break")
    return "".join([f"{line}\r\n" for line in lines]).encode()
