"""Rim. Connections that say nothing, or too slowly: closed, so that others find a place.

uvicorn waits for ever for the head of a request, and counts whoever is connected. A few hundred
half-written requests would keep everybody out.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0
"""From the connection, or the first byte of a further request, to the end of its head."""


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with a limit on how long a head may take."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._begin_to_wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; a whole head ends the wait, a part of one does not."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._end_to_wait()
        else:
            self._begin_to_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._end_to_wait()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """What is waited for now is another request, for as long as uvicorn keeps a connection."""
        self._end_to_wait()
        super().on_response_complete()

    def _begin_to_wait(self) -> None:
        if self._patience is None and not self.transport.is_closing():
            self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _end_to_wait(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
