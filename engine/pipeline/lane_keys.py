"""Pure. Which lane a message belongs to, read from its bytes without parsing it.

Messages of a lane are processed and delivered in the order received. The default lane is the
patient; a message without one takes its visit, and without either it has no lane and waits for
nobody. A message that names several patients (merge: MRG-1; link, swap, batch of results: several
PID) stands in the lanes of all of them, so it comes after everything that arrived before it about
any of them.

HL7 v2.5.1 ch. 3.3.18 (A18) to 3.3.51 (A51), 3.4.2 PID, 3.4.9 MRG.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.hl7v2.header import Header
from engine.hl7v2.parser import parse
from engine.hl7v2.path import MessagePath, find, parse_path

LANES_MAX = 16
"""A message about more patients than this takes the first ones; a batch of results can name
hundreds.
"""
LANE_CHARACTERS_MAX = 200
IDENTIFIER_TYPES = ("MR", "PI", "PT")
"""CX.5 (table 0203) in order of preference: medical record number, internal, external id. Else the
first repetition that has an id."""

_ORDER = {kind: order for order, kind in enumerate(IDENTIFIER_TYPES)}
_SIMPLE = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[1\])?-([0-9]+)(?:\[1\])?(?:\.([0-9]+))?")

KeyReader = Callable[[bytes, Header], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePlan:
    """How a channel finds the lane of a message; made once by `plan_lanes`."""

    readers: tuple[KeyReader, ...] = ()
    """Tried in order; none: the default, by patient."""
    paths: tuple[str, ...] = ()
    """As configured, one for each reader."""


def plan_lanes(paths: tuple[str, ...]) -> LanePlan:
    """Compile a channel's `lane` paths; lint has checked them. Raises ValueError on a bad path."""
    return LanePlan(readers=tuple(_reader(text) for text in paths), paths=tuple(paths))


def lane_keys(raw: bytes, header: Header, plan: LanePlan) -> tuple[str, ...]:
    """The lanes of a message, such as `("patient 12345",)`; empty when it has none."""
    if plan.readers:
        for reader in plan.readers:
            text = reader(raw, header)
            if text:
                return (f"key {text[:LANE_CHARACTERS_MAX]}",)
        return ()
    patients = _patients(raw, header)
    if patients:
        return patients
    visit = _component(_field(raw, header, b"PV1", 19), header, 1)
    return (f"visit {visit}",) if visit else ()


def _patients(raw: bytes, header: Header) -> tuple[str, ...]:
    separator = header.delimiters.field
    mark = b"|" if separator == "|" else separator.encode("latin-1", "replace")
    found = [_patient(line, header, mark) for line in _segments(raw, b"PID", mark)]
    if raw.find(b"MRG") >= 0:
        for line in _segments(raw, b"MRG", mark):
            # Each identifier may be a patient of its own: all of them are merged away.
            found += [f"patient {text}" for _, text in _identifiers(line, header, mark, 1)]
    if len(found) == 1:
        return (found[0],) if found[0] else ()
    return tuple(dict.fromkeys(key for key in found if key))[:LANES_MAX]


def _patient(line: bytes, header: Header, mark: bytes) -> str:
    """The lane of the patient in PID-3: the best identifier by type, the first of equals."""
    found = _identifiers(line, header, mark, 3)
    if not found:
        return ""
    best = found[0] if len(found) == 1 else min(found, key=lambda one: one[0])
    return f"patient {best[1]}"


def _identifiers(line: bytes, header: Header, mark: bytes, number: int) -> list[tuple[int, str]]:
    """(order by type, CX.1) of each repetition of a field that has an id."""
    parts = line.split(mark, number + 1)
    if len(parts) <= number or not parts[number]:
        return []
    marks = header.delimiters
    found = []
    text = parts[number].decode("utf-8", "backslashreplace")
    for repetition in text.split(marks.repetition):
        components = repetition.split(marks.component, 5)
        identifier = components[0].strip()
        if identifier and identifier != '""':
            kind = components[4] if len(components) > 4 else ""
            found.append((_ORDER.get(kind, len(_ORDER)), identifier[:LANE_CHARACTERS_MAX]))
    return found


def _segments(raw: bytes, name: bytes, mark: bytes) -> list[bytes]:
    """The lines of a segment name, in order, at most `LANES_MAX`."""
    head = name + mark
    begin = raw.find(head)
    found: list[bytes] = []
    while begin >= 0 and len(found) < LANES_MAX:
        if begin and raw[begin - 1] in b"\r\n":
            end = raw.find(b"\r", begin)
            if end < 0:
                end = raw.find(b"\n", begin)
            found.append(raw[begin:end] if end >= 0 else raw[begin:])
        begin = raw.find(head, begin + 4)
    return found


def _field(raw: bytes, header: Header, name: bytes, number: int) -> str:
    """The text of a field of the first segment of that name, or ""."""
    mark = header.delimiters.field.encode("latin-1", "replace")
    for line in _segments(raw, name, mark):
        parts = line.split(mark, number + 1)
        if len(parts) > number:
            return parts[number].rstrip(b"\n\x1c").decode("utf-8", "backslashreplace")
        break
    return ""


def _component(text: str, header: Header, number: int) -> str:
    """A component of the first repetition; explicit null is no key."""
    marks = header.delimiters
    parts = text.split(marks.repetition, 1)[0].split(marks.component)
    found = parts[number - 1].strip() if len(parts) >= number else ""
    return "" if found == '""' else found


def _reader(text: str) -> KeyReader:
    """Reads one path: from the bytes where it names a plain field, else from the parsed message."""
    simple = _SIMPLE.fullmatch(text)
    if simple is not None:
        name, number, component = simple[1], int(simple[2]), int(simple[3] or 1)
        if name == "MSH":
            return lambda _, header: header.component(number, component)
        encoded = name.encode("ascii")
        return lambda raw, header: _component(
            _field(raw, header, encoded, number), header, component
        )
    path, problem = parse_path(text)
    if path is None:
        raise ValueError(f"{text} is no path: {problem.message if problem else ''}")
    return _parsed_reader(path)


def _parsed_reader(path: MessagePath) -> KeyReader:
    def read(raw: bytes, header: Header) -> str:
        del header
        message = parse(raw).message
        leaves = find(message, path) if message is not None else []
        return next((leaf.text for leaf in leaves if leaf.text and not leaf.null), "")

    return read
