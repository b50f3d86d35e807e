"""Pure. Source paths (`PID-3[type=MR].1`) and targets (`name[]`, `coding[local].code`) from text.

A name with a small letter is a variable or parameter; three capitals are a segment; other capitals
are a group, or a datatype when a component follows. Paths are written as in HL7 v2.5.1 chapter 2.
"""

import re

from engine.mapping.documents.node_paths import begins_node_path, read_node_path
from engine.mapping.scanner import Cursor
from engine.mapping.syntax import Path, Selector, Target, TargetPart

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}\Z")
_DATATYPE = re.compile(r"[A-Z][A-Z0-9_]+\Z")
_FIELD = re.compile(r"-(\d{1,3})")
_COMPONENT = re.compile(r"\.(\d{1,3})(?![A-Za-z_0-9])")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)")
_SELECTOR = re.compile(
    r"\[\s*(?:(\d{1,4})|(\*)|([A-Za-z_0-9.]+)\s*=\s*(?:\"([^\"\]]*)\"|([^\]\"]+?)))\s*\]"
)
_PART = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|\$this)(\[\s*([^\]]*)\])?")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")

GROUPS_MAX = 6
"""Variable, groups and segment of one path; the deepest message structures have four groups."""


def starts_path(cursor: Cursor) -> bool:
    """True when a path can begin here."""
    cursor.skip()
    return _NAME.match(cursor.text, cursor.at) is not None or begins_node_path(cursor)


def read_path(cursor: Cursor) -> Path:
    """Read a path at the cursor.

    Raises:
        SyntaxFault: it is not a path.
    """
    cursor.skip()
    if begins_node_path(cursor):
        return read_node_path(cursor)
    start = cursor.at
    names = [_read_name(cursor)]
    while (match := _STEP.match(cursor.text, cursor.at)) is not None:
        cursor.at = match.end()
        names.append((match.group(1), _read_selector(cursor)))
    field: int | None = None
    repetition: Selector | None = None
    match = _FIELD.match(cursor.text, cursor.at)
    if match is not None:
        cursor.at = match.end()
        field = int(match.group(1))
        repetition = _read_selector(cursor)
        if field == 0:
            raise cursor.fault("fields are numbered from 1", start=start)
    components = _read_components(cursor, start)
    return _assemble(cursor, start, names, field, repetition, components)


def _read_name(cursor: Cursor) -> tuple[str, Selector | None]:
    match = _NAME.match(cursor.text, cursor.at)
    if match is None:
        raise cursor.fault("expected a path such as PID-3.1")
    cursor.at = match.end()
    return match.group(), _read_selector(cursor)


def _read_selector(cursor: Cursor) -> Selector | None:
    if not cursor.text.startswith("[", cursor.at):
        return None
    start = cursor.at
    match = _SELECTOR.match(cursor.text, cursor.at)
    if match is None:
        cursor.at = cursor.text.find("]", start) + 1 or len(cursor.text)
        raise cursor.fault("this selector is not understood", "write [1], [type=MR] or [*]", start)
    cursor.at = match.end()
    index, every, component, quoted, plain = match.groups()
    if index is not None:
        if int(index) == 0:
            raise cursor.fault("repetitions are numbered from 1", start=start)
        return Selector(index=int(index))
    if every:
        return Selector(every=True)
    return Selector(component=component, value=quoted if quoted is not None else plain)


def _read_components(cursor: Cursor, start: int) -> tuple[int, ...]:
    found: list[int] = []
    while (match := _COMPONENT.match(cursor.text, cursor.at)) is not None:
        cursor.at = match.end()
        found.append(int(match.group(1)))
    if 0 in found:
        raise cursor.fault("components are numbered from 1", start=start)
    if len(found) > 2:
        raise cursor.fault("a path has a component and a subcomponent, no more", start=start)
    return tuple(found)


def _assemble(
    cursor: Cursor,
    start: int,
    names: list[tuple[str, Selector | None]],
    field: int | None,
    repetition: Selector | None,
    components: tuple[int, ...],
) -> Path:
    """Say what each name is."""
    text, place = cursor.text[start : cursor.at], cursor.place(start)
    variable: str | None = None
    first, first_selector = names[0]
    if len(names) > GROUPS_MAX:
        raise cursor.fault(f"a path has at most {GROUPS_MAX} names", start=start)
    if first != first.upper():
        if first_selector is not None:
            raise cursor.fault(f'"{first}" is one thing; it takes no selector', start=start)
        variable = first
        names = names[1:]
    elif len(names) == 1 and field is None and _is_datatype(first, components):
        if first_selector is not None:
            raise cursor.fault("a datatype takes no selector", start=start)
        return Path(text=text, place=place, datatype=first, components=components)
    segment: str | None = None
    segment_selector: Selector | None = None
    if names and _SEGMENT.match(names[-1][0]):
        segment, segment_selector = names[-1]
        names = names[:-1]
    if field is not None and segment is None and (variable is None or names):
        raise cursor.fault("a field number follows a segment", "write PID-3, or obx-5", start)
    if components and field is None and (segment is not None or names):
        raise cursor.fault("a component follows a field", "write PID-5.1", start)
    return Path(
        text=text,
        place=place,
        variable=variable,
        steps=tuple(names),
        segment=segment,
        segment_selector=segment_selector,
        field=field,
        repetition=repetition,
        components=components,
    )


def _is_datatype(name: str, components: tuple[int, ...]) -> bool:
    """`CX.4` and `CX` are datatypes; `PID` is left a segment until the map is known."""
    if components:
        return _DATATYPE.match(name) is not None
    return len(name) == 2 and name.isalpha()


def read_target(cursor: Cursor) -> Target:
    """Read a target at the cursor.

    Raises:
        SyntaxFault: it is not a target.
    """
    cursor.skip()
    start = cursor.at
    parts = [_read_part(cursor)]
    while cursor.text.startswith(".", cursor.at):
        cursor.at += 1
        parts.append(_read_part(cursor))
    for part in parts[:-1]:
        if part.append or part.choice:
            hint = f"label it, such as {part.name}[one], or write a block"
            raise cursor.fault(
                f'"{part.name}[]" can only be the last part of a target', hint, start
            )
    if any(part.name == "$this" for part in parts) and len(parts) > 1:
        raise cursor.fault('"$this" stands alone', start=start)
    return Target(
        text=cursor.text[start : cursor.at], parts=tuple(parts), place=cursor.place(start)
    )


def _read_part(cursor: Cursor) -> TargetPart:
    match = _PART.match(cursor.text, cursor.at)
    if match is None:
        raise cursor.fault("expected the name of an element")
    start = cursor.at
    cursor.at = match.end()
    name, bracket, inside = match.groups()
    if bracket is None:
        return TargetPart(name=name)
    inside = (inside or "").strip()
    if not inside:
        return TargetPart(name=name, append=True)
    if inside == "x":
        return TargetPart(name=name, choice=True)
    if _LABEL.match(inside):
        return TargetPart(name=name, label=inside)
    hint = "[] adds an item, [x] is a choice, [word] names an item that several rules fill"
    raise cursor.fault(f'"[{inside}]" is not understood', hint, start)
