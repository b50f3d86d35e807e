"""Pure. MLLP frames: VT, payload, FS CR. A decoder fed with bytes as they come, and an encoder.

HL7 Minimal Lower Layer Protocol, release 1 (HL7 v2.5.1 implementation guide, appendix C): start
block 0x0B, end block 0x1C 0x0D. The payload never holds 0x0B or 0x1C, so the end of a frame is
found by one search for 0x1C. Memory is bounded by `frame_bytes_max`; work is linear in the bytes
however they are sliced: parts are kept as they came and joined once. A fault carries its bytes, cut
to `FAULT_BYTES_MAX`, so that support can see what came.
"""

from dataclasses import dataclass

from engine.diagnostics import Diagnostic, error, warning

START = b"\x0b"
_CR = 0x0D
END = b"\x1c"
END_AND_CR = b"\x1c\r"
FAULT_BYTES_MAX = 65_536
"""Bytes of a fault that are kept."""
FAULTS_IN_A_ROW_MAX = 16
"""Faults without a frame between them, after which the stream is not trusted any more."""

JUNK = warning("M101", "{count} bytes stand outside a frame", "ask the sender to send VT first")
TOO_LARGE = error(
    "M102", "the frame is larger than {limit} bytes", "raise frame_bytes_max or ask the sender why"
)
NO_FINAL_CR = error("M103", "FS is not followed by CR", "ask the sender to end frames with FS CR")
START_INSIDE = error(
    "M104",
    "a new frame starts before the last one ended",
    "the sender gave up on a message or sends VT inside it",
)
INCOMPLETE = error(
    "M105", "the connection ended within a frame", "the sender will send the message again"
)
EMPTY_FRAME = warning("M106", "the frame holds nothing", "ask the sender why it sends empty frames")


@dataclass(frozen=True, slots=True)
class Frame:
    """The payload of a complete frame."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class FrameFault:
    """Bytes that are no frame. When `fatal` the connection must be closed: the stream is not
    trusted."""

    code: str
    data: bytes
    fatal: bool
    diagnostic: Diagnostic


def encode_frame(payload: bytes) -> bytes:
    """VT, payload, FS CR."""
    return START + payload + END_AND_CR


class FrameDecoder:
    """The frames of one connection.

    Args:
        frame_bytes_max: the largest payload accepted.
        final_cr_required: a frame ends with FS CR. When False it ends with FS: its sender waits for
            an answer and sends no further byte, so nothing is waited for.
        junk_between_frames: bytes outside frames are recorded and passed over instead of being
            fatal. Line ends between frames are never a fault: many senders write them.
    """

    __slots__ = (
        "_after_end",
        "_buffer",
        "_dead",
        "_faults_in_a_row",
        "_final_cr_required",
        "_in_frame",
        "_junk",
        "_junk_allowed",
        "_junk_count",
        "_limit",
    )

    def __init__(
        self,
        *,
        frame_bytes_max: int,
        final_cr_required: bool = True,
        junk_between_frames: bool = False,
    ) -> None:
        self._limit = frame_bytes_max
        self._final_cr_required = final_cr_required
        self._junk_allowed = junk_between_frames
        self._buffer = bytearray()
        self._in_frame = False
        self._after_end = False
        self._junk = bytearray()
        self._junk_count = 0
        self._dead = False
        self._faults_in_a_row = 0

    @property
    def incomplete(self) -> bool:
        """True while a frame has begun and not ended."""
        return self._in_frame

    def feed(self, data: bytes) -> list[Frame | FrameFault]:
        """Take bytes as they came and give what they complete, in order.

        After a fatal fault everything is passed over: the connection is to be closed.
        """
        found: list[Frame | FrameFault] = []
        position = 0
        length = len(data)
        while position < length and not self._dead:
            if self._after_end:
                position = self._finish(data, position, found)
            elif self._in_frame:
                position = self._collect(data, position, found)
            else:
                position = self._seek(data, position, found)
        return found

    def close(self) -> list[Frame | FrameFault]:
        """The connection ended: what is left is a fault."""
        found: list[Frame | FrameFault] = []
        if self._dead:
            return found
        self._report_junk(found)
        if self._in_frame:
            found.append(self._fault(INCOMPLETE(), bytes(self._buffer), fatal=True))
        self._dead = True
        return found

    def _seek(self, data: bytes, position: int, found: list[Frame | FrameFault]) -> int:
        """Outside a frame: find its start."""
        begin = data.find(START, position)
        end = len(data) if begin < 0 else begin
        if end > position:
            between = data[position:end]
            if between.strip(b"\r\n"):
                self._junk_count += len(between)
                self._junk += between[: FAULT_BYTES_MAX - len(self._junk)]
                if not self._junk_allowed:
                    self._report_junk(found)
                    return len(data)
        if begin < 0:
            return len(data)
        self._report_junk(found)
        self._in_frame = not self._dead
        return begin + 1

    def _collect(self, data: bytes, position: int, found: list[Frame | FrameFault]) -> int:
        """Inside a frame: find its end."""
        end = data.find(END, position)
        stop = len(data) if end < 0 else end
        again = data.find(START, position, stop)
        if again >= 0:
            stop = again
        if len(self._buffer) + stop - position > self._limit:
            found.append(
                self._fault(
                    TOO_LARGE(limit=self._limit), self._lost(data, position, stop), fatal=True
                )
            )
            return len(data)
        if again >= 0:
            found.append(self._fault(START_INSIDE(), self._lost(data, position, stop), fatal=False))
            self._buffer.clear()
            return again + 1
        if end >= 0 and data[end + 1 : end + 2] == b"\r" and not self._buffer:
            self._in_frame = False
            found.append(self._frame(data[position:end]))
            return end + 2
        self._buffer += data[position:stop]
        if end < 0:
            return len(data)
        if self._final_cr_required:
            self._after_end = True
        else:
            self._deliver(found)
        return end + 1

    def _lost(self, data: bytes, position: int, stop: int) -> bytes:
        """What a fault ends: the frame's bytes so far."""
        return bytes(self._buffer[:FAULT_BYTES_MAX]) + data[position:stop][:FAULT_BYTES_MAX]

    def _finish(self, data: bytes, position: int, found: list[Frame | FrameFault]) -> int:
        """After FS: CR ends the frame."""
        if data[position] != _CR:
            found.append(self._fault(NO_FINAL_CR(), bytes(self._buffer), fatal=True))
            return len(data)
        self._deliver(found)
        return position + 1

    def _deliver(self, found: list[Frame | FrameFault]) -> None:
        payload = bytes(self._buffer)
        self._buffer = bytearray()
        self._in_frame = self._after_end = False
        found.append(self._frame(payload))

    def _frame(self, payload: bytes) -> Frame | FrameFault:
        if payload:
            self._faults_in_a_row = 0
            return Frame(payload)
        return self._fault(EMPTY_FRAME(), b"", fatal=False)

    def _report_junk(self, found: list[Frame | FrameFault]) -> None:
        if self._junk_count:
            problem = JUNK(count=self._junk_count)
            found.append(self._fault(problem, bytes(self._junk), fatal=not self._junk_allowed))
            self._junk.clear()
            self._junk_count = 0

    def _fault(self, problem: Diagnostic, data: bytes, *, fatal: bool) -> FrameFault:
        self._faults_in_a_row += 1
        if fatal or self._faults_in_a_row > FAULTS_IN_A_ROW_MAX:
            fatal = True
            self._dead = True
            self._in_frame = self._after_end = False
            self._buffer = bytearray()
        return FrameFault(problem.code, data[:FAULT_BYTES_MAX], fatal, problem)
