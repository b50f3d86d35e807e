"""Pure. Reads and writes one place of a segment as it stands: field, repetition, component.

Segments are never changed: a write gives a new one. HL7 v2.5.1 chapter 2.5.
"""

from engine.hl7v2.delimiters import Delimiters
from engine.hl7v2.escape import unescape
from engine.hl7v2.message import Segment
from engine.mapping.source_types import component_number
from engine.mapping.syntax import Path


def read_at(segment: Segment, path: Path, delimiters: Delimiters) -> str:
    """The text at a path, not decoded; empty when there is none."""
    text = segment.field(path.field or 0)
    if path.repetition is not None or path.components:
        parts = text.split(delimiters.repetition)
        at = _repetition(parts, path, delimiters)
        text = parts[at] if at is not None and at < len(parts) else ""
    for number, mark in zip(
        path.components, (delimiters.component, delimiters.subcomponent), strict=False
    ):
        found = text.split(mark)
        text = found[number - 1] if number <= len(found) else ""
    return text


def write_at(
    segment: Segment, path: Path, text: str, delimiters: Delimiters, *, append: bool = False
) -> Segment | None:
    """The segment with the text at the path; None when the path names no place of it.

    Args:
        segment: what is changed.
        path: a field, one repetition of it, or a part.
        text: encoded.
        delimiters: of the message.
        append: a whole field that is populated gets a further repetition.
    """
    number = path.field or 0
    field = segment.field(number)
    if path.repetition is None and not path.components:
        if append and field:
            repeated = text in field.split(delimiters.repetition)
            text = field if repeated else f"{field}{delimiters.repetition}{text}"
        return _with_field(segment, number, text)
    parts = field.split(delimiters.repetition)
    at = _repetition(parts, path, delimiters)
    if at is None:
        return None
    parts += [""] * (at + 1 - len(parts))
    parts[at] = _part(parts[at], path.components, text, delimiters)
    return _with_field(segment, number, delimiters.repetition.join(parts))


def delete_at(segment: Segment, path: Path, delimiters: Delimiters) -> Segment | None:
    """The segment without what is at the path; a repetition goes with its mark."""
    if path.components or path.repetition is None:
        return write_at(segment, path, "", delimiters)
    parts = segment.field(path.field or 0).split(delimiters.repetition)
    at = _repetition(parts, path, delimiters)
    if at is None or at >= len(parts):
        return None
    del parts[at]
    return _with_field(segment, path.field or 0, delimiters.repetition.join(parts))


def _repetition(parts: list[str], path: Path, delimiters: Delimiters) -> int | None:
    """The place of the repetition a path names; the first without a selector."""
    selector = path.repetition
    if selector is None or selector.every:
        return 0
    if selector.index is not None:
        return selector.index - 1
    wanted = component_number(path.segment or "", path.field or 0, selector.component or "") or 0
    for at, part in enumerate(parts):
        components = part.split(delimiters.component)
        if wanted and wanted <= len(components):
            first = components[wanted - 1].split(delimiters.subcomponent)[0]
            if unescape(first, delimiters) == selector.value:
                return at
    return None


def _part(text: str, numbers: tuple[int, ...], value: str, delimiters: Delimiters) -> str:
    """The repetition with a component or subcomponent set."""
    if not numbers:
        return value
    mark = delimiters.component
    parts = text.split(mark)
    parts += [""] * (numbers[0] - len(parts))
    inner = parts[numbers[0] - 1]
    if len(numbers) > 1:
        subs = inner.split(delimiters.subcomponent)
        subs += [""] * (numbers[1] - len(subs))
        subs[numbers[1] - 1] = value
        value = delimiters.subcomponent.join(subs)
    parts[numbers[0] - 1] = value
    return mark.join(parts)


def _with_field(segment: Segment, number: int, text: str) -> Segment:
    fields = list(segment.fields)
    fields += [""] * (number + 1 - len(fields))
    fields[number] = text
    if segment.name == "MSH":
        del fields[1]
    whole = segment.separator.join(fields)
    return Segment(segment.name, whole, segment.index, segment.start, segment.separator)
