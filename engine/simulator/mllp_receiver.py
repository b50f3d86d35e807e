"""Rim. Another HL7 v2 system over MLLP: it takes every message, says AA and counts by type.

Stands for Open Engine in front of Millennium, or for any receiver of an `mllp` destination.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from engine.hl7v2.acknowledgment import Moment, Outcome, build_acknowledgment, decide
from engine.hl7v2.header import peek
from engine.mllp import Frame, FrameDecoder, encode_frame

FRAME_BYTES_MAX = 10_000_000
TYPES_MAX = 500
"""Types told apart; what comes beyond is counted as OTHER."""
OTHER = "other"
READ_BYTES = 65_536


class MllpReceiver:
    """A listening receiver. Use as an async context manager.

    Args:
        address: where to listen.
        port: 0: any free one.

    Entering raises OSError when the port is taken.
    """

    def __init__(self, *, address: str = "127.0.0.1", port: int = 0) -> None:
        self.address = address
        self.port = port
        self.counts: Counter[str] = Counter()
        """Messages by type, such as `ADT^A40`."""
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.address, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._converse(reader, writer)
        except OSError:
            pass  # it went away
        finally:
            self._open.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the connection ends, or what comes is no frame."""
        decoder = FrameDecoder(frame_bytes_max=FRAME_BYTES_MAX, final_cr_required=False)
        while data := await reader.read(READ_BYTES):
            for found in decoder.feed(data):
                if isinstance(found, Frame):
                    await self._take(found.payload, writer)
                elif found.fatal:
                    return

    async def _take(self, message: bytes, writer: asyncio.StreamWriter) -> None:
        header = peek(message)
        kind = header.message_type
        self.counts[kind if kind in self.counts or len(self.counts) < TYPES_MAX else OTHER] += 1
        code = decide(header, Moment.RECEIVED, Outcome.ACCEPTED)
        if code is None:
            return
        answer = build_acknowledgment(
            header,
            code,
            control_id=f"R{self.counts.total():09d}",
            timestamp=datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000"),
        )
        writer.write(encode_frame(answer))
        await writer.drain()
