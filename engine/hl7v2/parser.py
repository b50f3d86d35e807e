"""Pure. Bytes to a `Message`: never raises, tells of everything it tolerated.

HL7 v2.5.1 chapter 2.6 asks for segments that begin with a name of three capitals or digits and end
with CR. Real feeds send LF, CRLF, frame bytes, byte order marks, wrapped lines and odd names; all
of these are read and each leaves a diagnostic. A message is refused (None) when it has no MSH, fits
no character set, holds several messages, or is beyond the limits below.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from engine.diagnostics import Code, Diagnostic, Place, has_errors
from engine.hl7v2 import codes, definitions
from engine.hl7v2.charset import decode
from engine.hl7v2.delimiters import Delimiters, read_delimiters
from engine.hl7v2.escape import lone_escapes
from engine.hl7v2.header import Header, peek
from engine.hl7v2.message import Message, Segment

MESSAGE_BYTES_MAX = 200_000_000
"""Base64 documents make messages of tens of megabytes; nothing sends more."""
LINES_MAX = 1_000_000
"""Lines before wrapped ones are joined: base64 of 70 megabytes."""
SEGMENTS_MAX = 200_000
FIELDS_MAX = 2_000
"""Fields of one segment; the largest segment of the standard has under 100."""
_REPORTED_MAX = 20
"""Diagnostics of one kind in one message; the rest would say the same."""

_ENVELOPE = frozenset({"FHS", "BHS", "BTS", "FTS"})
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")
_PLAIN = b"\t\n\r" + bytes(range(0x20, 0x7F))
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_NEWEST = definitions.VERSIONS[-1]
_TRIMMED = "\ufeff\x0b\r\n\t \x00"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message, or None where the diagnostics say why not."""

    message: Message | None
    diagnostics: tuple[Diagnostic, ...]


def parse(
    raw: bytes,
    *,
    charset: str | None = None,
    default_charset: str = "utf-8",
    repair_cp1252: bool = False,
    line_ends: str = "any",
    header: Header | None = None,
) -> Parsed:
    """Parse one message.

    Args:
        raw: the bytes of one message; split batches first.
        charset: stands above MSH-18.
        default_charset: where MSH-18 is empty.
        repair_cp1252: read undecodable bytes as Windows-1252.
        line_ends: `any`, or `strict` to accept CR only.
        header: what `peek(raw)` gave, where the caller has it.
    """
    if len(raw) > MESSAGE_BYTES_MAX:
        return Parsed(None, (codes.TOO_LARGE(limit=MESSAGE_BYTES_MAX, unit="bytes"),))
    head = header or peek(raw)
    if not head.readable:
        return Parsed(None, head.diagnostics)
    decoded = decode(
        raw,
        declared=head.charsets if len(head.parts) > 17 else None,
        override=charset,
        default=default_charset,
        repair_cp1252=repair_cp1252,
    )
    text = decoded.text
    if text is None:
        return Parsed(None, head.diagnostics + decoded.diagnostics)
    problems: list[Diagnostic] = []
    delimiters = head.delimiters
    if decoded.codec != head.codec and not text.isascii():
        delimiters = _delimiters_again(text, delimiters)
    text = _tidy(text, problems, strict=line_ends == "strict")
    split = None if has_errors(problems) else _split(text, delimiters.field, problems)
    if split is None:
        return Parsed(None, (*head.diagnostics, *decoded.diagnostics, *problems))
    text, segments = split
    problems += _inspect(text, delimiters, decoded.codec, segments)
    if has_errors(problems):
        return Parsed(None, (*head.diagnostics, *decoded.diagnostics, *problems))
    version, structure = _identify(head, problems)
    message = Message(
        text=text,
        segments=segments,
        delimiters=delimiters,
        codec=decoded.codec,
        raw=raw,
        structure=structure,
        version=version,
    )
    return Parsed(message, (*head.diagnostics, *decoded.diagnostics, *problems))


def _delimiters_again(text: str, delimiters: Delimiters) -> Delimiters:
    """The delimiters where the channel's character set, not MSH-18, decided what MSH-2 says."""
    begin = text.find("MSH")
    mark = text[begin + 3 : begin + 4]
    end = text.find(mark, begin + 4)
    if not mark or end < 0 or end - begin > 20:
        return delimiters
    return read_delimiters(mark, text[begin + 4 : end])[0]


def _tidy(text: str, problems: list[Diagnostic], *, strict: bool) -> str:
    """The text from MSH on, every segment ended by CR and nothing after the last one."""
    if text[:3] != "MSH":
        begin = _find_msh(text)
        skipped = text[:begin]
        text = text[begin:]
        if "\x0b" in skipped:
            problems.append(codes.FRAME_BYTES())
        if skipped.strip(_TRIMMED):
            problems.append(codes.TEXT_BEFORE_MSH(count=len(skipped)))
        if text[:3] != "MSH":  # the bytes say MSH, the channel's character set says otherwise
            problems.append(codes.NO_MSH())
            return text
    if "\n" in text:
        text = _end_with_cr(text, problems, strict=strict)
    if "\x1c" in text:
        kept = text.rstrip("\x1c\r")
        if len(kept) != len(text.rstrip("\r")):
            problems.append(codes.FRAME_BYTES())
            text = kept + "\r"
    if text[-1] != "\r" and not has_errors(problems):
        problems.append(codes.ENDS_WITHOUT_CR())
        text += "\r"
    return text


def _find_msh(text: str) -> int:
    """As `header.peek` found it in the bytes: after what may lead, or at the start of a line."""
    begin = len(text) - len(text.lstrip(_TRIMMED))
    if text.startswith("MSH", begin):
        return begin
    found = [text.find(mark + "MSH") + 1 for mark in ("\r", "\n", "\x0b")]
    return min((place for place in found if place > 0), default=0)


def _end_with_cr(text: str, problems: list[Diagnostic], *, strict: bool) -> str:
    if strict:
        # with CR segments, a line feed elsewhere is text
        if "\r\n" in text or "\r" not in text:
            problems.append(codes.LINE_END_REFUSED())
        return text
    ends = "CRLF" if "\r\n" in text else "LF"
    problems.append(codes.LINE_ENDS(ends=ends))
    return text.replace("\r\n", "\r").replace("\n", "\r")


def _split(text: str, mark: str, problems: list[Diagnostic]) -> tuple[str, list[Segment]] | None:
    """The text and its segments, or None when the text cannot be one message."""
    if text.count("\r") > LINES_MAX:
        problems.append(codes.TOO_LARGE(limit=LINES_MAX, unit="lines"))
        return None
    lines = text.split("\r")
    lines.pop()  # what follows the last CR: nothing
    segments: list[Segment] = []
    start = 0
    matches = _NAME.match
    for index, line in enumerate(lines):
        if line[3:4] != mark or not matches(line):
            return _split_odd(lines, mark, problems)
        segments.append(Segment(line[:3], line, index, start, mark))
        start += len(line) + 1
    return (text, segments) if _is_one_message(segments, problems) else None


def _is_one_message(segments: list[Segment], problems: list[Diagnostic]) -> bool:
    if len(segments) > SEGMENTS_MAX:
        problems.append(codes.TOO_LARGE(limit=SEGMENTS_MAX, unit="segments"))
        return False
    names = [segment.name for segment in segments]
    count = names.count("MSH")
    if count != 1:
        problems.append(codes.SEVERAL_MESSAGES(count=count))
    if not _ENVELOPE.isdisjoint(names):
        name = next(name for name in names if name in _ENVELOPE)
        problems.append(codes.BATCH_ENVELOPE(name=name))
        return False
    return count == 1


def _split_odd(
    lines: list[str], mark: str, problems: list[Diagnostic]
) -> tuple[str, list[Segment]] | None:
    """As `_split` where some lines are blank, wrapped or oddly named."""
    kept: list[tuple[str, list[str]]] = []
    found: list[Diagnostic] = []
    for number, line in enumerate(lines, 1):
        name = _segment_name(line, mark)
        if name is not None or not kept:
            if name is None or line[:3] != name:
                _report(found, codes.SEGMENT_NAME, number)
            kept.append(_renamed(line, name or line[:3], mark))
        elif line.strip():
            kept[-1][1].append(line)
            _report(found, codes.CONTINUATION, number, name=kept[-1][0])
        else:
            _report(found, codes.BLANK_LINE, number)
    problems.extend(found)
    segments = []
    start = 0
    for index, (name, parts) in enumerate(kept):
        text = "\n".join(parts)
        segments.append(Segment(name, text, index, start, mark))
        start += len(text) + 1
    if not _is_one_message(segments, problems):
        return None
    return "".join([segment.text + "\r" for segment in segments]), segments


def _report(found: list[Diagnostic], code: Code, line: int, **values: str) -> None:
    """Add a diagnostic about a line, unless there are enough of its kind."""
    if sum(known.code == code.code for known in found) < _REPORTED_MAX:
        found.append(code(Place(line=line), line=line, **values))


def _renamed(line: str, name: str, mark: str) -> tuple[str, list[str]]:
    """The line under its proper name."""
    _, found_mark, rest = line.partition(mark)
    return name, [name + found_mark + rest]


def _segment_name(line: str, mark: str) -> str | None:
    """The name of the segment a line is, tolerant of case and blanks; None for a continuation."""
    word, found_mark, _ = line.partition(mark)
    if found_mark and len(word) == 3 and _NAME.fullmatch(word):
        return word
    name = word.strip().upper()
    if not _NAME.fullmatch(name):
        return None
    if name[0] == "Z" or name in definitions.segment_names(_NEWEST):
        return name if found_mark or word == name else None
    return None


def _identify(head: Header, problems: list[Diagnostic]) -> tuple[str, str]:
    """The version and the message structure, with what had to be assumed."""
    version, structure, found = _identified(
        head.component(9, 1), head.component(9, 2), head.component(9, 3), head.version
    )
    if found:
        problems.extend(found)
    return version, structure


@lru_cache(maxsize=1024)
def _identified(
    code: str, event: str, structure: str, declared: str
) -> tuple[str, str, tuple[Diagnostic, ...]]:
    version = definitions.nearest_version(declared)
    found: list[Diagnostic] = []
    place = Place(path="MSH-12")
    if not declared.strip():
        found.append(codes.NO_VERSION(place, version=version))
    elif declared != version:
        found.append(codes.VERSION_UNKNOWN(place, version=version))
    if not event and "_" in code:
        code, _, event = code.partition("_")
    for each in (version, *reversed(definitions.VERSIONS)):
        if structure and definitions.structure(each, structure):
            return version, structure, tuple(found)
        served = definitions.structure_for(each, code, event)
        if served:
            return version, served, tuple(found)
    if code:
        found.append(codes.STRUCTURE_UNKNOWN(Place(path="MSH-9"), version=version))
    return version, "", tuple(found)


def _is_plain(text: str) -> bool:
    """True when it surely holds no control characters."""
    if text.isascii():  # a quarter of the time of `isprintable`
        return not text.encode().translate(None, _PLAIN)
    return text.replace("\r", "").isprintable()


def _inspect(
    text: str, delimiters: Delimiters, codec: str, segments: list[Segment]
) -> list[Diagnostic]:
    """What stands in the text that should not. Cheap where nothing does."""
    found: list[Diagnostic] = []
    if not _is_plain(text):
        controls = (
            codes.CONTROL_CHARACTER(Place(path=segment.name), character=f"{ord(mark):#04x}")
            for segment in segments
            for mark in sorted(set(_CONTROL.findall(segment.text)))
        )
        found += islice(controls, _REPORTED_MAX)
    if text.count(delimiters.escape) > 1:
        lone = (
            codes.LONE_ESCAPE(Place(path=segment.name))
            for segment in segments[1:]
            if lone_escapes(segment.text, delimiters, codec)
        )
        found += islice(lone, _REPORTED_MAX)
    if text.count(delimiters.field) > FIELDS_MAX:
        wide = (
            codes.TOO_LARGE(Place(path=segment.name), limit=FIELDS_MAX, unit="fields in a segment")
            for segment in segments
            if segment.text.count(delimiters.field) > FIELDS_MAX
        )
        found += islice(wide, _REPORTED_MAX)
    return found
