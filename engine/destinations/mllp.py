"""Rim. Another HL7 v2 system: send the message in a frame, wait for its acknowledgment, check
both codes.

One message in flight per connection. The acknowledgment must carry our MSH-10 in MSA-2. A
connection on which an answer is owed and did not come is closed, never used again: so a late
acknowledgment can never be taken for the next message's. Sources: HL7 v2.5.1 chapter 2.9, MLLP
release 1.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections import deque
from dataclasses import dataclass, field

from engine.channel.model import MllpDestinationConfig
from engine.destinations.interface import AttemptResult, Outgoing, Presence, Settlement
from engine.destinations.tls import client_context
from engine.hl7v2.header import Header, peek, peek_fields
from engine.mllp import Frame, FrameDecoder, FrameFault, encode_frame
from engine.pipeline.response import (
    ACKNOWLEDGMENT_FOREIGN,
    ACKNOWLEDGMENT_UNREADABLE,
    Classification,
    Fault,
    classify_fault,
    classify_mllp,
)

_READ_BYTES = 65_536
_ANSWERED_KEPT = 32
"""Control ids answered on a connection: an answer to one of them may come again (the application
acknowledgment after CA, or a repeated one) and is passed over."""
_NOT_OWED = Classification(None, "ack-not-owed")
_CLOSE_SECONDS = 2.0


@dataclass(slots=True)
class _Connection:
    """An open connection, with what is known about acknowledgments still to come."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    decoder: FrameDecoder
    answered: deque[str] = field(default_factory=lambda: deque(maxlen=_ANSWERED_KEPT))
    """Control ids of this connection that have had their answer."""
    frames: deque[bytes] = field(default_factory=deque)

    @property
    def usable(self) -> bool:
        """False when the peer has closed it: nothing may be written to it any more."""
        return not self.reader.at_eof() and not self.writer.is_closing()


class _BrokenAnswerError(Exception):
    """Bytes came that are no frame."""


class MllpDestination:
    """Sends messages to one system over up to `connections_max` connections."""

    def __init__(self, config: MllpDestinationConfig) -> None:
        """Args: the checked configuration."""
        self._config = config
        self._free: list[_Connection] = []
        self._slots = asyncio.Semaphore(config.connections_max)
        self._shown = f"mllp {config.host}:{config.port}\n".encode()

    async def send(self, outgoing: Outgoing) -> AttemptResult:
        """One attempt: connect where needed, write the frame, read its acknowledgment."""
        async with self._slots:
            opened = await self._connection()
            if isinstance(opened, Fault):
                return AttemptResult(classification=classify_fault(opened), request=self._shown)
            try:
                async with asyncio.timeout(self._config.timeout_seconds):
                    result = await self._exchange(opened, outgoing)
            except TimeoutError:
                result = self._failed(Fault.TIMEOUT)
            except _BrokenAnswerError:
                result = self._failed(Fault.ANSWER_BROKEN)
            except OSError:
                result = self._failed(Fault.RESET)
            except asyncio.CancelledError:
                opened.writer.transport.abort()
                raise
            except Exception:  # noqa: BLE001  the attempt must end in a class, whatever happened
                result = self._failed(Fault.INTERNAL)
            if result.status or result.classification is _NOT_OWED:
                self._free.append(opened)
            else:
                # An answer may still come: it must find nobody listening.
                opened.writer.transport.abort()
            return result

    def settlement(self, outgoing: Outgoing) -> Settlement:  # noqa: ARG002
        """A person, unless the site says that the receiver knows repeats by their control id."""
        return Settlement.REPEAT if self._config.lost_answer == "resend" else Settlement.PERSON

    async def probe(self, outgoing: Outgoing) -> Presence:  # noqa: ARG002
        """MLLP has no question to ask."""
        return Presence.UNKNOWABLE

    async def close(self) -> None:
        """End all free connections."""
        while self._free:
            writer = self._free.pop().writer
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await writer.wait_closed()

    # -- the exchange --

    async def _exchange(self, connection: _Connection, outgoing: Outgoing) -> AttemptResult:
        header = peek(outgoing.body)
        connection.writer.write(encode_frame(outgoing.body))
        await connection.writer.drain()
        if header.accept_type == "NE" and header.application_type == "NE":
            return AttemptResult(classification=_NOT_OWED, request=self._shown)
        while True:
            acknowledgment = await self._frame(connection)
            classification = classify_mllp(acknowledgment, header.control_id)
            if classification is ACKNOWLEDGMENT_FOREIGN and _is_late(connection, acknowledgment):
                continue
            break
        code = _text(acknowledgment, 1) if _is_answer(classification) else ""
        if code:
            connection.answered.append(header.control_id)
        return AttemptResult(
            classification=classification,
            status=code,
            request=self._shown + _routing(header),
            response=acknowledgment[: self._config.response_bytes_max],
        )

    async def _frame(self, connection: _Connection) -> bytes:
        """The next frame's bytes. Raises _BrokenAnswerError or ConnectionError."""
        while not connection.frames:
            data = await connection.reader.read(_READ_BYTES)
            if not data:
                raise ConnectionResetError
            for found in connection.decoder.feed(data):
                if isinstance(found, FrameFault):
                    raise _BrokenAnswerError
                if isinstance(found, Frame):
                    connection.frames.append(found.payload)
        return connection.frames.popleft()

    def _failed(self, fault: Fault) -> AttemptResult:
        return AttemptResult(classification=classify_fault(fault), request=self._shown)

    # -- connections --

    async def _connection(self) -> _Connection | Fault:
        """A free connection that is still open and silent, or a new one."""
        while self._free:
            found = self._free.pop()
            stray = [frame for frame in found.frames if not _is_late(found, frame)]
            if found.usable and not stray:
                found.frames.clear()
                return found
            found.writer.transport.abort()
        config = self._config
        try:
            tls = client_context(config.tls) if config.tls else None
        except (OSError, ssl.SSLError):
            return Fault.TLS_REFUSED
        try:
            name = config.tls.server_name if config.tls else None
            async with asyncio.timeout(config.connect_timeout_seconds):
                reader, writer = await asyncio.open_connection(
                    config.host, config.port, ssl=tls, server_hostname=name
                )
        except Exception as problem:  # noqa: BLE001  nothing was sent, whatever happened
            return _connect_fault(problem)
        _keep_alive(writer)
        decoder = FrameDecoder(frame_bytes_max=config.response_bytes_max, final_cr_required=False)
        return _Connection(reader, writer, decoder)


def _connect_fault(problem: Exception) -> Fault:
    match problem:
        case TimeoutError():
            return Fault.CONNECT_TIMEOUT
        case socket.gaierror():
            return Fault.NAME_UNKNOWN
        case ssl.SSLError():
            return Fault.TLS_REFUSED
        case OSError() if problem.errno == errno.ECONNREFUSED:
            return Fault.CONNECT_REFUSED
        case _:
            return Fault.UNREACHABLE


def _is_answer(classification: Classification) -> bool:
    """True when the acknowledgment was this message's, whatever it said."""
    return classification not in (ACKNOWLEDGMENT_FOREIGN, ACKNOWLEDGMENT_UNREADABLE)


def _is_late(connection: _Connection, acknowledgment: bytes) -> bool:
    """True for a further acknowledgment of an earlier message that has been answered."""
    return _text(acknowledgment, 2) in connection.answered


def _text(acknowledgment: bytes, field_number: int) -> str:
    return peek_fields(acknowledgment, (("MSA", field_number),))[0].strip()


def _routing(header: Header) -> bytes:
    return f"{header.message_type}\n".encode()


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """A peer that vanished without a word is noticed by the kernel within minutes, not hours."""
    plain = writer.get_extra_info("socket")
    if plain is None:
        return
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
