"""Pure. A file or frame with several messages, split into the bytes of each. HL7 v2.5.1 chapter
2.10.3.

`[FHS] {[BHS] {MSH ...} [BTS]} [FTS]`. The envelopes are optional in practice: messages that simply
follow each other are split too. The counts in BTS-1 and FTS-1 are checked. Works on bytes, as each
message may have its own character set.
"""

import re
from dataclasses import dataclass

from engine.diagnostics import Diagnostic, Place
from engine.hl7v2 import codes

MESSAGES_MAX = 1_000_000
"""Messages of one batch."""
_BOM = b"\xef\xbb\xbf"
_HEAD = re.compile(
    rb"(?:(?<=[\r\n\x0b\x1c])|\A)[\x0b \t]{0,8}(MSH|FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9]|\Z)"
)
_BLANK = b"\r\n\x0b\x1c \t\x00"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_STRAYS_REPORTED_MAX = 20


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages in order, and what stood around them."""

    messages: tuple[bytes, ...]
    envelope: tuple[bytes, ...]
    """FHS, BHS, BTS and FTS as received, in order, without line ends."""
    diagnostics: tuple[Diagnostic, ...]


@dataclass(slots=True)
class _Counts:
    """What was seen since the batch or file was opened."""

    messages: int = 0
    batches: int = 0
    open_file: bool = False
    open_batch: bool = False


def split(raw: bytes) -> Batch:
    """Split what may be a batch; a single message gives one, garbage gives none and a diagnostic.

    A byte order mark is given to every message, so that each decodes alone as it would have
    together.
    """
    marked = raw[:3] == _BOM
    text = raw[3:] if marked else raw
    heads = list(_HEAD.finditer(text))
    if len(heads) > MESSAGES_MAX:
        return Batch((), (), (codes.BATCH_TOO_MANY(limit=MESSAGES_MAX),))
    messages: list[bytes] = []
    envelope: list[bytes] = []
    problems: list[Diagnostic] = []
    counts = _Counts()
    if heads:
        _report_strays(text[: heads[0].start(1)], text, problems)
    for number, head in enumerate(heads):
        end = heads[number + 1].start(1) if number + 1 < len(heads) else len(text)
        chunk = text[head.start(1) : end]
        if head[1] == b"MSH":
            counts.messages += 1
            messages.append((_BOM if marked else b"") + _trimmed(chunk))
            continue
        line = _LINE_END.split(chunk, maxsplit=1)
        envelope.append(line[0].rstrip(_BLANK))
        if len(line) > 1:
            _report_strays(line[1], text, problems)
        _check(head[1], line[0], counts, problems)
    _check_closed(counts, problems)
    if not messages:
        problems.append(codes.NO_MSH() if raw.strip(_BLANK) else codes.EMPTY())
    if len(messages) > 1 and not envelope:
        problems.append(codes.BATCH_NO_HEADERS(count=len(messages)))
    return Batch(tuple(messages), tuple(envelope), tuple(problems))


def _trimmed(chunk: bytes) -> bytes:
    """A message with the end of its last segment and no blank lines or frame bytes after it."""
    kept = chunk.rstrip(_BLANK)
    ending = _LINE_END.search(chunk, len(kept))
    return kept + (ending[0] if ending else b"")


def _check(name: bytes, line: bytes, counts: _Counts, problems: list[Diagnostic]) -> None:
    """Follow the envelope and compare its counts."""
    if name == b"FHS":
        counts.open_file, counts.batches = True, 0
        counts.messages = 0
    elif name == b"BHS":
        if counts.open_batch:
            problems.append(codes.BATCH_UNCLOSED(opened="BHS", closed="BTS"))
        counts.open_batch, counts.messages = True, 0
    elif name == b"BTS":
        _compare("BTS", line, counts.messages, problems)
        counts.open_batch, counts.messages = False, 0
        counts.batches += 1
    else:
        _compare("FTS", line, counts.batches, problems)
        counts.open_file = False


def _compare(name: str, line: bytes, found: int, problems: list[Diagnostic]) -> None:
    parts = line.rstrip(_BLANK).split(line[3:4]) if line[3:4] else []
    declared = parts[1].strip().decode("ascii", "replace") if len(parts) > 1 else ""
    if not declared:
        return
    if not declared.isdigit() or int(declared[:9]) != found:
        shown = declared if declared.isdigit() else "no number"
        place = Place(path=f"{name}-1")
        problems.append(codes.BATCH_COUNT(place, name=name, declared=shown, found=found))


def _check_closed(counts: _Counts, problems: list[Diagnostic]) -> None:
    if counts.open_batch:
        problems.append(codes.BATCH_UNCLOSED(opened="BHS", closed="BTS"))
    if counts.open_file:
        problems.append(codes.BATCH_UNCLOSED(opened="FHS", closed="FTS"))


def _report_strays(between: bytes, text: bytes, problems: list[Diagnostic]) -> None:
    """Lines outside every message: said, so that nothing is lost in silence."""
    if not between.strip(_BLANK):
        return
    start = text.find(between)
    for found in _lines(between):
        if len(problems) >= _STRAYS_REPORTED_MAX:
            return
        line = len(_LINE_END.findall(text, 0, start + found)) + 1
        problems.append(codes.BATCH_STRAY(Place(line=line), line=line))


def _lines(between: bytes) -> list[int]:
    """The offsets of lines that are not blank."""
    found = []
    offset = 0
    for line in between.replace(b"\r\n", b"\n\n").replace(b"\r", b"\n").split(b"\n"):
        if line.strip(_BLANK):
            found.append(offset)
        offset += len(line) + 1
    return found
