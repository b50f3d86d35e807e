"""Rim. The connections of one destination, opened anew when a file of its TLS changes."""

import asyncio

from engine.channel.connection import TlsConfig
from engine.destinations.http_exchange import Answer, HttpExchange, Request
from engine.destinations.tls import client_context, file_stamp
from engine.pipeline.response import Fault

_CONNECT_SECONDS_MAX = 10.0


class Connections:
    """Keep-alive connections to one server; a new certificate needs no restart.

    Args:
        tls: of the destination; None: the system's authorities.
        connections_max: how many at once.
        timeout_seconds: of a whole attempt.
    """

    __slots__ = ("_closing", "_connections_max", "_http", "_stamp", "_timeout_seconds", "_tls")

    def __init__(
        self, tls: TlsConfig | None, *, connections_max: int, timeout_seconds: float
    ) -> None:
        self._tls = tls
        self._connections_max = connections_max
        self._timeout_seconds = timeout_seconds
        self._http: HttpExchange | None = None
        self._stamp: tuple[int, ...] = ()
        self._closing: set[asyncio.Task[None]] = set()

    async def exchange(self, request: Request, *, timeout_seconds: float) -> Answer | Fault:
        """Send one request and read its answer.

        Raises:
            OSError, ssl.SSLError: a TLS file cannot be read; nothing was sent.
        """
        return await self._current().exchange(request, timeout_seconds=timeout_seconds)

    async def close(self) -> None:
        """End all connections."""
        await asyncio.gather(*self._closing)
        if self._http is not None:
            await self._http.close()
            self._http = None

    def _current(self) -> HttpExchange:
        stamp = file_stamp(self._tls)
        if self._http is not None and stamp == self._stamp:
            return self._http
        opened = HttpExchange(
            connections_max=self._connections_max,
            # Half at most, so that it ends before the whole attempt does: a connection that does
            # not open is transient, an attempt that does not end is ambiguous.
            connect_seconds=min(_CONNECT_SECONDS_MAX, self._timeout_seconds / 2),
            context=client_context(self._tls),
            server_name=self._tls.server_name if self._tls else None,
        )
        if self._http is not None:
            closing = asyncio.create_task(self._http.close_when_idle())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        self._http, self._stamp = opened, stamp
        return opened
