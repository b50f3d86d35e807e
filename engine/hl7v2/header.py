"""Pure. The MSH segment, read from bytes alone: enough to store, route and answer anything.

Intake calls `peek` for every message before it is decoded or parsed, so it touches only MSH and
never raises. HL7 v2.5.1 chapter 2.15.9.
"""

from dataclasses import dataclass

from engine.diagnostics import Diagnostic, Place
from engine.hl7v2 import codes
from engine.hl7v2.charset import codec_for
from engine.hl7v2.delimiters import STANDARD, Delimiters, read_delimiters

MSH_BYTES_MAX = 16_384
"""A longer MSH is cut here; a real one has some hundred bytes."""
_SEARCH_BYTES_MAX = 65_536
_LEADING = b"\xef\xbb\xbf\x0b\r\n\t \x00"
"""What stands before MSH in files: byte order mark, frame start, blank lines."""


@dataclass(frozen=True, slots=True)
class Header:
    """MSH as text. Fields that are absent are empty."""

    parts: tuple[str, ...]
    """MSH-n at index n - 1: `("MSH", MSH-2, MSH-3, ...)`."""
    delimiters: Delimiters
    codec: str
    """The Python codec that MSH-18 means; utf-8 where it says nothing known."""
    diagnostics: tuple[Diagnostic, ...]
    readable: bool
    """False: there is no MSH, and everything else is empty."""
    start: int
    """The byte at which MSH begins."""
    exact_control_id: bytes | None = None
    """MSH-10 where it is not ASCII."""

    def field(self, number: int) -> str:
        """MSH-`number` as it stands, `""` when absent; MSH-1 and MSH-2 are the delimiters."""
        if number == 1:
            return self.delimiters.field if self.readable else ""
        parts = self.parts
        return parts[number - 1] if number <= len(parts) else ""

    def component(self, number: int, component: int) -> str:
        """A component of the first repetition of MSH-`number`, `""` when absent."""
        text = self.field(number)
        if self.delimiters.repetition in text:
            text = text.split(self.delimiters.repetition, 1)[0]
        if component == 1:
            return text.split(self.delimiters.component, 1)[0]
        found = text.split(self.delimiters.component, component)
        return found[component - 1] if len(found) >= component else ""

    @property
    def control_id(self) -> str:
        """MSH-10 as it stands."""
        return self.field(10)

    @property
    def control_id_bytes(self) -> bytes:
        """MSH-10, the very bytes, for MSA-2."""
        exact = self.exact_control_id
        return self.field(10).encode("ascii", "replace") if exact is None else exact

    @property
    def message_code(self) -> str:
        """MSH-9.1, such as ADT."""
        return self.component(9, 1)

    @property
    def trigger_event(self) -> str:
        """MSH-9.2, such as A01."""
        return self.component(9, 2)

    @property
    def structure(self) -> str:
        """MSH-9.3, such as ADT_A01."""
        return self.component(9, 3)

    @property
    def message_type(self) -> str:
        """MSH-9.1 and MSH-9.2, such as `ADT^A01`; `ADT` alone without an event."""
        code, event = self.component(9, 1), self.component(9, 2)
        return f"{code}^{event}" if event else code

    @property
    def version(self) -> str:
        """MSH-12.1 as it stands."""
        return self.component(12, 1)

    @property
    def charset(self) -> str:
        """MSH-18, first repetition."""
        return self.component(18, 1)

    @property
    def charsets(self) -> str:
        """MSH-18 with its repetitions joined by `~`, as `charset.decode` takes it."""
        return self.field(18).replace(self.delimiters.repetition, "~")

    @property
    def sending_application(self) -> str:
        """MSH-3.1."""
        return self.component(3, 1)

    @property
    def sending_facility(self) -> str:
        """MSH-4.1."""
        return self.component(4, 1)

    @property
    def receiving_application(self) -> str:
        """MSH-5.1."""
        return self.component(5, 1)

    @property
    def receiving_facility(self) -> str:
        """MSH-6.1."""
        return self.component(6, 1)

    @property
    def timestamp(self) -> str:
        """MSH-7.1."""
        return self.component(7, 1)

    @property
    def processing_id(self) -> str:
        """MSH-11.1: P, D or T."""
        return self.component(11, 1)

    @property
    def sequence_number(self) -> str:
        """MSH-13."""
        return self.field(13)

    @property
    def accept_type(self) -> str:
        """MSH-15: AL, NE, ER, SU or empty."""
        return self.field(15)

    @property
    def application_type(self) -> str:
        """MSH-16: AL, NE, ER, SU or empty."""
        return self.field(16)

    @property
    def field_separator(self) -> bytes:
        """MSH-1 in the message's codec."""
        return self.delimiters.field.encode(self.codec, "replace")

    @property
    def encoding_characters(self) -> bytes:
        """MSH-2 in the message's codec, as received."""
        return self.field(2).encode(self.codec, "replace")


def peek(raw: bytes) -> Header:
    """Read MSH from the bytes of a message. Never raises; see `Header.readable`."""
    start = 0 if raw[:3] == b"MSH" else _find_msh(raw)
    if start < 0:
        return _unreadable(raw)
    line = raw[start : start + MSH_BYTES_MAX]
    end = line.find(b"\r")
    if end < 0:
        end = line.find(b"\n")
    if end >= 0:
        line = line[:end]
    if b"\n" in line:
        line = line[: line.find(b"\n")]
    if not line.isascii() or b"\x1b" in line:
        return _peek_other(line, start)
    text = line.decode("ascii")
    mark = text[3:4]
    if not mark:
        return _unreadable(raw)
    parts = tuple(text.split(mark))
    return _header(parts, mark, start, None, None)


def _header(
    parts: tuple[str, ...], mark: str, start: int, codec: str | None, exact: bytes | None
) -> Header:
    encoding = parts[1]
    problems: tuple[Diagnostic, ...] = ()
    if mark == "|" and encoding == "^~\\&":
        delimiters = STANDARD
    else:
        delimiters, problems = read_delimiters(mark, encoding)
    if len(parts) < 10 or not parts[9]:
        problems = (*problems, codes.NO_CONTROL_ID(Place(path="MSH-10")))
    if len(parts) < 9 or not parts[8]:
        problems = (*problems, codes.NO_MESSAGE_TYPE(Place(path="MSH-9")))
    if codec is None:
        declared = parts[17] if len(parts) > 17 else ""
        codec = codec_for(declared.replace(delimiters.repetition, "~")) if declared else None
        if codec and codec.startswith(("utf-16", "utf-32")):
            codec = None  # the bytes of MSH prove it wrong
    return Header(parts, delimiters, codec or "utf-8", problems, True, start, exact)


def _find_msh(raw: bytes) -> int:
    """Where MSH begins: after what files put before it, or on a later line; -1 for nowhere."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return -1
    head = raw[:_SEARCH_BYTES_MAX]
    begin = len(head) - len(head.lstrip(_LEADING))
    if head.startswith(b"MSH", begin):
        return begin
    places = [head.find(end + b"MSH") for end in (b"\r", b"\n", b"\x0b")]
    found = [place for place in places if place >= 0]
    return min(found) + 1 if found else -1


def _unreadable(raw: bytes) -> Header:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = raw[:MSH_BYTES_MAX].decode("utf-16", "ignore").lstrip("\r\n \x0b")
        if text.startswith("MSH"):
            again = peek(text.encode("utf-8", "ignore"))
            if again.readable:
                return again
    problem = codes.NO_MSH() if raw.strip(_LEADING) else codes.EMPTY()
    return Header((), STANDARD, "utf-8", (problem,), False, 0)


def _peek_other(line: bytes, start: int) -> Header:
    """An MSH that is not ASCII: delimiters or names in the message's own character set."""
    rough = line.decode("latin-1")
    declared = rough.split(rough[3:4])[17:18] if rough[3:4] else []
    codec = (codec_for(declared[0]) if declared else None) or "utf-8"
    if "\x1b" in rough:  # JIS: its two-byte characters look like delimiters
        codec = codec_for("ISO IR87") or codec
    text = None
    for candidate in (codec, "utf-8"):
        try:
            text = line.decode(candidate)
        except (UnicodeDecodeError, LookupError):
            continue
        codec = candidate
        break
    if text is None:
        text, codec = rough, "iso8859_1"
    mark = text[3:4]
    if not mark:
        return _unreadable(b"")
    parts = tuple(text.split(mark))
    exact = parts[9].encode(codec, "replace") if len(parts) > 9 else b""
    return _header(parts, mark, start, codec, exact)


def peek_fields(raw: bytes, wanted: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    """Fields of the first segment of a name as raw text, without decoding the message.

    For lane keys: `(("PID", 3), ("PV1", 19))` gives PID-3 and PV1-19 as they stand, `""` when
    absent. Undecodable bytes become `\\xNN`. Meant for segments after MSH.
    """
    mark = raw[3:4] if raw[:3] == b"MSH" else peek(raw).field_separator
    found = []
    for name, number in wanted:
        head = name.encode("ascii", "replace") + mark
        ending = b"\r"
        begin = raw.find(b"\r" + head)
        if begin < 0:
            ending = b"\n"
            begin = raw.find(b"\n" + head)
            if begin < 0:
                found.append("")
                continue
        begin += 1
        end = raw.find(ending, begin)
        line = raw[begin:end] if end >= 0 else raw[begin:]
        parts = line.split(mark, number + 1)
        text = parts[number] if len(parts) > number else b""
        found.append(text.rstrip(b"\r\x1c").decode("utf-8", "backslashreplace"))
    return tuple(found)
