"""Pure. Paths into a message, such as `PID-3[type=MR].1`, `OBX[2]-5`,
`ORDER_OBSERVATION[1].OBX-5.2`.

Numbers are 1-based as in the standard. A path that stops early means everything below it: `PID-5`
is every leaf of every repetition. A group step finds groups of that name at any depth, and a
segment below a group at any depth.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.diagnostics import Diagnostic
from engine.hl7v2 import codes, definitions
from engine.hl7v2.charset import byte_offset
from engine.hl7v2.escape import unescape
from engine.hl7v2.groups import Group, group
from engine.hl7v2.message import Message, Segment

_STEP = re.compile(r"([A-Za-z][A-Za-z0-9_]*)(?:\[(\d{1,6})\])?")
_FIELD = re.compile(r"-(\d{1,3})(?:\[([^\]]*)\])?(?:\.(\d{1,3}))?(?:\.(\d{1,3}))?")
_SELECTOR = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*|\d{1,3})\s*=\s*(?:\"([^\"]*)\"|(.*?))\s*")


@dataclass(frozen=True, slots=True)
class GroupStep:
    """A group, and which one; None for all of them."""

    name: str
    occurrence: int | None


@dataclass(frozen=True, slots=True)
class Selector:
    """Repetitions whose component has a value. `component` is a short name or a number."""

    component: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePath:
    """A parsed path; None means not said, thus all."""

    text: str
    groups: tuple[GroupStep, ...] = ()
    segment: str
    occurrence: int | None = None
    field: int | None = None
    repetition: int | Selector | None = None
    component: int | None = None
    subcomponent: int | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A populated place: a subcomponent, or what stands where nothing is divided further."""

    text: str
    """Decoded; empty for the explicit null."""
    null: bool
    """The sender wrote `\"\"`: delete what you have."""
    segment_name: str
    segment_index: int
    """0-based in the message."""
    occurrence: int
    """1-based among the segments of that name in the message."""
    field: int
    repetition: int
    component: int
    subcomponent: int
    start: int
    """Characters in `Message.text`."""
    end: int

    @property
    def path(self) -> str:
        """The canonical path, complete: `PID[1]-3[2].4.1`."""
        return (
            f"{self.segment_name}[{self.occurrence}]-{self.field}[{self.repetition}]"
            f".{self.component}.{self.subcomponent}"
        )


def parse_path(text: str) -> tuple[MessagePath | None, Diagnostic | None]:
    """Read a path; exactly one of the two results is None."""
    word = text.strip()
    position = 0
    steps: list[GroupStep] = []
    while True:
        matched = _STEP.match(word, position)
        if matched is None:
            return _wrong(text, "a segment or group name is expected")
        name, occurrence = matched[1], int(matched[2]) if matched[2] else None
        if occurrence == 0:
            return _wrong(text, "numbers begin with 1")
        steps.append(GroupStep(name, occurrence))
        position = matched.end()
        if not word.startswith(".", position):
            break
        position += 1
    last = steps.pop()
    if len(last.name) != 3:
        return _wrong(text, f"{last.name} is no segment name")
    path = MessagePath(
        text=word, groups=tuple(steps), segment=last.name, occurrence=last.occurrence
    )
    if position == len(word):
        return path, None
    return _with_field(path, word, position)


def _with_field(
    path: MessagePath, word: str, position: int
) -> tuple[MessagePath | None, Diagnostic | None]:
    matched = _FIELD.fullmatch(word, position)
    if matched is None:
        return _wrong(word, "after the segment comes -FIELD[REPETITION].COMPONENT.SUBCOMPONENT")
    number, bracket, component, subcomponent = matched.groups()
    if "0" in {number.lstrip("0") or "0", component, subcomponent}:
        return _wrong(word, "numbers begin with 1")
    repetition: int | Selector | None = None
    if bracket is not None:
        if bracket.isdigit() and int(bracket):
            repetition = int(bracket)
        else:
            chosen = _SELECTOR.fullmatch(bracket)
            if chosen is None:
                return _wrong(word, "in brackets stands a number or name=value")
            value = chosen[2] if chosen[2] is not None else chosen[3]
            repetition = Selector(chosen[1], value)
    found = MessagePath(
        text=word,
        groups=path.groups,
        segment=path.segment,
        occurrence=path.occurrence,
        field=int(number),
        repetition=repetition,
        component=int(component) if component else None,
        subcomponent=int(subcomponent) if subcomponent else None,
    )
    return found, None


def _wrong(text: str, problem: str) -> tuple[None, Diagnostic]:
    return None, codes.PATH_SYNTAX(text=text, problem=problem)


def find(message: Message, path: MessagePath) -> list[Leaf]:
    """The populated leaves a path means, in the order of the message; an empty list for none."""
    same_name = message.segment_list(path.segment)
    if path.groups:
        segments = _below_groups(group(message).root, path)
        numbered = {segment.index: number for number, segment in enumerate(same_name, 1)}
        chosen = [(numbered[segment.index], segment) for segment in segments]
    else:
        chosen = list(enumerate(same_name, 1))
    if path.occurrence is not None:
        chosen = chosen[path.occurrence - 1 : path.occurrence]
    found: list[Leaf] = []
    for occurrence, segment in chosen:
        numbers = [path.field] if path.field else range(1, len(segment.fields))
        for number in numbers:
            found += _field_leaves(message, segment, occurrence, number, path)
    return found


def leaves(message: Message) -> Iterator[Leaf]:
    """Every populated leaf but the delimiters themselves (MSH-1, MSH-2)."""
    counts: dict[str, int] = {}
    for segment in message.segments:
        occurrence = counts[segment.name] = counts.get(segment.name, 0) + 1
        first = 3 if segment.name == "MSH" else 1
        for number in range(first, len(segment.fields)):
            yield from _field_leaves(message, segment, occurrence, number, _WHOLE)


_WHOLE = MessagePath(text="", segment="")


def _below_groups(root: Group, path: MessagePath) -> list[Segment]:
    current = [root]
    for step in path.groups:
        following: list[Group] = []
        for each in current:
            matches = [found for found in _inner_groups(each) if found.name == step.name]
            if each is root and root.name == step.name:
                matches = [root, *matches]
            if step.occurrence is not None:
                matches = matches[step.occurrence - 1 : step.occurrence]
            following += matches
        current = following
    found: list[Segment] = []
    for each in current:
        found += [segment for segment in each.all_segments() if segment.name == path.segment]
    return found


def _inner_groups(outer: Group) -> Iterator[Group]:
    for child in outer.children:
        if isinstance(child, Group):
            yield child
            yield from _inner_groups(child)


def _field_leaves(
    message: Message, segment: Segment, occurrence: int, number: int, path: MessagePath
) -> Iterator[Leaf]:
    """The populated leaves of one field that the path means."""
    text = segment.field(number)
    if not text:
        return
    start = segment.field_start(number)
    if segment.name == "MSH" and number < 3:
        yield Leaf(text, False, "MSH", 0, occurrence, number, 1, 1, 1, start, start + len(text))
        return
    marks = message.delimiters
    wanted = path.repetition
    chosen = _component_number(message, segment, number, wanted)
    for repetition, (part, begin) in enumerate(_parts(text, start, marks.repetition), 1):
        if isinstance(wanted, int):
            if wanted != repetition:
                continue
        elif wanted is not None and not _selects(message, part, chosen, wanted.value):
            continue
        place = (segment.name, segment.index, occurrence, number, repetition)
        yield from _repetition_leaves(message, part, begin, place, path)


def _repetition_leaves(
    message: Message,
    text: str,
    start: int,
    place: tuple[str, int, int, int, int],
    path: MessagePath,
) -> Iterator[Leaf]:
    """The populated leaves of one repetition; `place` is the first part of what a leaf says."""
    marks = message.delimiters
    for component, (piece, begin) in enumerate(_parts(text, start, marks.component), 1):
        if not piece or path.component not in (None, component):
            continue
        for number, (leaf, leaf_begin) in enumerate(_parts(piece, begin, marks.subcomponent), 1):
            if leaf and path.subcomponent in (None, number):
                null = leaf == '""'
                yield Leaf(
                    "" if null else unescape(leaf, marks, message.codec),
                    null,
                    *place,
                    component,
                    number,
                    leaf_begin,
                    leaf_begin + len(leaf),
                )


def _parts(text: str, start: int, mark: str) -> Iterable[tuple[str, int]]:
    """The parts of a text with the offset at which each begins."""
    if mark not in text:
        return ((text, start),)
    found = []
    for part in text.split(mark):
        found.append((part, start))
        start += len(part) + 1
    return found


def _selects(message: Message, repetition: str, component: int | None, value: str) -> bool:
    """True when that component of a repetition has the value."""
    if component is None:
        return False
    marks = message.delimiters
    pieces = repetition.split(marks.component)
    if component > len(pieces):
        return False
    first = pieces[component - 1].split(marks.subcomponent, 1)[0]
    return unescape(first, marks, message.codec) == value


def _component_number(
    message: Message, segment: Segment, number: int, wanted: int | Selector | None
) -> int | None:
    """The component a selector names, by the dictionary of the message's version."""
    if not isinstance(wanted, Selector):
        return None
    if wanted.component.isdigit():
        return int(wanted.component)
    known = definitions.segment(message.version, segment.name)
    field = known.fields.get(number) if known else None
    if field is None:
        return None
    name = field.datatype
    if name == "varies":
        name = segment.field(2)
    datatype = definitions.datatype(message.version, name)
    component = datatype.component(wanted.component) if datatype else None
    return component.number if component else None


def byte_range(message: Message, leaf: Leaf) -> tuple[int, int]:
    """The bytes of `Message.raw` that hold a leaf: (first, one past the last).

    Works on the text as it was received, before line ends were mended; for traces, not for the hot
    path.
    """
    raw = message.raw
    marked = raw[:3] == b"\xef\xbb\xbf"
    received = raw.decode("utf-8-sig" if marked else message.codec)
    if received.startswith(message.text[:-1]):
        first, last = leaf.start, leaf.end
    else:
        first, last = _received_range(message, received, leaf)
    return (
        byte_offset(raw, message.codec, received, first),
        byte_offset(raw, message.codec, received, last),
    )


def _received_range(message: Message, received: str, leaf: Leaf) -> tuple[int, int]:
    """Characters of the received text, found segment by segment and line by line."""
    cursor = 0
    for segment in message.segments[: leaf.segment_index + 1]:
        lines: list[tuple[int, int]] = []
        offset = segment.start
        for line in segment.text.split("\n"):
            # the name may have been mended, so look for what follows it
            skip = 3 if offset == segment.start and len(line) > 3 else 0
            cursor = max(received.find(line[skip:], cursor), cursor)
            lines.append((offset, cursor - skip))
            cursor += len(line) - skip
            offset += len(line) + 1
    first = max(pair for pair in lines if pair[0] <= leaf.start)
    last = max(pair for pair in lines if pair[0] <= leaf.end)
    return first[1] + leaf.start - first[0], last[1] + leaf.end - last[0]
