"""Pure. The small functions generated code calls, bound to the delimiters of a message.

Delimiters are the same for nearly all messages, so a generated module is executed once for each set
of delimiters it meets, with `C`, `R`, `S` and `E` as plain global texts.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.hl7v2.delimiters import Delimiters
from engine.hl7v2.escape import unescape
from engine.hl7v2.groups import Group
from engine.hl7v2.message import Segment
from engine.mapping.codes import HELD_CODE, STOOD_IN, UNMAPPED_CODE
from engine.mapping.functions.codes import codings_of, concept_of, original_text
from engine.mapping.functions.systems import coding_system
from engine.mapping.identifiers import identifier_key
from engine.mapping.kept_text import beside_text, drop_text, keep_text
from engine.mapping.made import Made
from engine.mapping.nulls import delete_nulls
from engine.mapping.run import Run
from engine.mapping.terminology import CodeTable, TableRow, Unmapped
from engine.mapping.text_kinds import PLAIN_TYPES

_FILL_MAX = 200

PADDING: tuple[list[str], ...] = tuple([""] * count for count in range(_FILL_MAX))
"""Lists of empty texts by length, to fill up `fields` and `parts`."""


def _cutter(mark: str) -> Callable[[str, int], str]:
    """A function that takes a part of a text by its number, counted from 1."""

    def cut(text: str, number: int) -> str:
        parts = text.split(mark, number)
        return parts[number - 1] if len(parts) >= number else ""

    return cut


def _picker(
    repetition_mark: str,
    component: Callable[[str, int], str],
    subcomponent: Callable[[str, int], str],
    first: Callable[[str], str],
) -> Callable[[str, tuple[int, ...], str], tuple[str, int]]:
    """A function that finds the first repetition whose component has a value."""

    def pick(text: str, numbers: tuple[int, ...], value: str) -> tuple[str, int]:
        for index, one in enumerate(text.split(repetition_mark), 1):
            part = component(one, numbers[0])
            for number in numbers[1:]:
                part = subcomponent(part, number)
            if part and first(part) == value:
                return one, index
        return "", 1

    return pick


def _valuer(separators: str) -> Callable[[Segment | None, int, Run], bool]:
    """A function that tells whether a field has anything besides separators."""

    def valued_of(segment: Segment | None, number: int, run: Run) -> bool:
        if segment is None:
            return False
        fields = run.cleaned(segment) if run.has_nulls else segment.fields
        return number < len(fields) and fields[number].strip(separators) != ""

    return valued_of


def _part_taker(
    repetition_mark: str, component_mark: str, component: Callable[[str, int], str]
) -> Callable[[Segment | None, int, int, Run], str]:
    """A function for a component, or with 0 all, of a field's first repetition; not decoded."""

    def part_of(segment: Segment | None, number: int, part: int, run: Run) -> str:
        text = field_of(segment, number, run) if segment is not None else ""
        if repetition_mark in text:
            text = text.partition(repetition_mark)[0]
        if part == 0:
            return text
        if component_mark in text:
            return component(text, part)
        return text if part == 1 else ""

    return part_of


def _leaf_reader(delimiters: Delimiters, decode: Callable[[str], str]) -> Callable[[str], str]:
    """A function for the first component of the first repetition, decoded."""
    component_mark, repetition_mark = delimiters.component, delimiters.repetition
    subcomponent_mark, escape_mark = delimiters.subcomponent, delimiters.escape

    def leaf1(text: str) -> str:
        if repetition_mark in text:
            text = text.partition(repetition_mark)[0]
        if component_mark in text:
            text = text.partition(component_mark)[0]
        if subcomponent_mark in text:
            text = text.partition(subcomponent_mark)[0]
        if escape_mark in text:
            text = decode(text)
        return text.strip()

    return leaf1


def _field_reader(leaf1: Callable[[str], str]) -> Callable[[Segment | None, int, Run], str]:
    """The same of a field of any segment."""

    def leaf_of(segment: Segment | None, number: int, run: Run) -> str:
        if segment is None:
            return ""
        fields = run.cleaned(segment) if run.has_nulls else segment.fields
        return leaf1(fields[number]) if number < len(fields) and fields[number] else ""

    return leaf_of


def _composer(delimiters: Delimiters, first: Callable[[str], str]) -> Callable[[str], list[str]]:
    """A function for the components of a text, decoded."""
    component_mark = delimiters.component
    subcomponent_mark, escape_mark = delimiters.subcomponent, delimiters.escape

    def composite1(text: str) -> list[str]:
        if subcomponent_mark in text or escape_mark in text:
            return _stripped([first(part) for part in text.split(component_mark)])
        if component_mark not in text:
            text = text.strip()
            return [text] if text else []
        return _stripped([part.strip() for part in text.split(component_mark)])

    return composite1


def bound_names(delimiters: Delimiters, codec: str) -> dict[str, Any]:
    """The globals that depend on delimiters and character set."""
    component_mark, repetition_mark = delimiters.component, delimiters.repetition
    subcomponent_mark, escape_mark = delimiters.subcomponent, delimiters.escape
    separators = component_mark + repetition_mark + subcomponent_mark + " "

    def decode(text: str) -> str:
        return unescape(text, delimiters, codec)

    def plain(text: str) -> str:
        return (decode(text) if escape_mark in text else text).strip()

    def first(text: str) -> str:
        """The first subcomponent, decoded."""
        if subcomponent_mark in text:
            text = text.partition(subcomponent_mark)[0]
        if escape_mark in text:
            text = decode(text)
        return text.strip()

    component, subcomponent = _cutter(component_mark), _cutter(subcomponent_mark)

    leaf1 = _leaf_reader(delimiters, decode)
    composite1 = _composer(delimiters, first)

    def composite2(text: str) -> list[str]:
        return _stripped([decode(part).strip() for part in text.split(subcomponent_mark)])

    def composite3(text: str) -> list[str]:
        return _stripped([decode(text).strip()])

    def key_text(run: Run, text: str) -> str:
        """A business key: the text without separators at its end, in standard delimiters."""
        text = text.strip().rstrip(separators)
        if run.escaped and escape_mark in text:
            text = decode(text)
        if component_mark != "^" or subcomponent_mark != "&":
            text = text.translate({ord(component_mark): "^", ord(subcomponent_mark): "&"})
        return text

    return {
        "C": component_mark,
        "R": repetition_mark,
        "S": subcomponent_mark,
        "E": escape_mark,
        "BLANK": separators,
        "unescape": decode,
        "component": component,
        "subcomponent": subcomponent,
        "repetition": _cutter(repetition_mark),
        "pick": _picker(repetition_mark, component, subcomponent, first),
        "leaf1": leaf1,
        "leaf_of": _field_reader(leaf1),
        "leaf2": first,
        "leaf3": plain,
        "composite1": composite1,
        "composite2": composite2,
        "composite3": composite3,
        "key_text": key_text,
        "valued_of": _valuer(separators),
        "part_of": _part_taker(repetition_mark, component_mark, component),
    }


def _stripped(parts: list[str]) -> list[str]:
    while parts and not parts[-1]:
        parts.pop()
    return parts


def field_of(segment: Segment, number: int, run: Run) -> str:
    """A field of any segment, explicit nulls blanked."""
    fields = run.cleaned(segment) if run.has_nulls else segment.fields
    return fields[number] if number < len(fields) else ""


def segment_in(group: Group, names: tuple[str, ...], segment: str) -> Segment | None:
    """The first segment of the first groups of these names, one inside the other."""
    for name in names:
        inner = group.first_group(name)
        if inner is None:
            return None
        group = inner
    return group.first(segment)


def nth_segment(group: Group, name: str, number: int) -> Segment | None:
    """The segment of that occurrence directly in the group."""
    found = group.segments(name)
    return found[number - 1] if number <= len(found) else None


def nth_group(group: Group, name: str, number: int) -> Group | None:
    """The group of that occurrence directly in the group."""
    found = group.groups(name)
    return found[number - 1] if number <= len(found) else None


def below(
    group: Group, steps: list[tuple[str, int | None]], segment: str | None
) -> Sequence[Group | Segment]:
    """All groups, or all segments, that a path of groups leads to; an index takes one."""
    groups = [group]
    for name, index in steps:
        following: list[Group] = []
        for one in groups:
            found = one.groups(name)
            following += found if index is None else found[index - 1 : index]
        groups = following
    if segment is None:
        return groups
    return [found for one in groups for found in one.segments(segment)]


def as_text(value: object) -> str:
    """A value as text: `true` and `false` in small letters, resources by their id."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        reference = value.get("reference")
        return reference if isinstance(reference, str) else str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Made):
        return value.resource_id
    return "" if value is None else str(value)


def reference_of(value: Any) -> Any:
    """The Reference of a resource; a Reference or list is passed on."""
    return value.reference if isinstance(value, Made) else value


def compared(left: str, operator: str, right: str) -> bool:
    """`<` and the like as numbers; false when one side is none."""
    try:
        first, second = Decimal(left), Decimal(right)
        if operator == "<":
            return first < second
        if operator == "<=":
            return first <= second
        return first > second if operator == ">" else first >= second
    except InvalidOperation:
        return False


def unmapped(run: Run, table: str, hold: bool) -> None:
    """Note a code without a row."""
    run.fault(HELD_CODE if hold else UNMAPPED_CODE, table=table)


def stood_in(run: Run, table: str, fixed: str) -> str:
    """Note that the fixed code of a rule was taken for a code without a row; gives it back."""
    run.fault(STOOD_IN, table=table, fixed=fixed)
    return fixed


def _find(table: CodeTable, parts: list[str]) -> TableRow | None:
    """The row of a CWE: by its first coding, else by its alternate."""
    for code_at, system_at in ((0, 2), (3, 5)):
        if code_at < len(parts) and parts[code_at]:
            row = table.find(parts[code_at], parts[system_at] if system_at < len(parts) else "")
            if row is not None:
                return row
    return None


def _fixed_coding(table: CodeTable, code: str) -> dict[str, str]:
    """A fixed code of a rule with the system and text the table gives it."""
    row = next((row for row in table.rows if row.target_code == code), None)
    return row.coding if row is not None else {"code": code}


def table_concept(
    table: CodeTable, parts: list[str], policy: str, run: Run
) -> dict[str, Any] | None:
    """A CodeableConcept: the mapped coding, then the sender's own codings and text."""
    row = _find(table, parts)
    if row is not None and row.target_code:
        mapped = row.coding
        if len(parts) == 1 and parts[0] == row.target_code:
            return {"coding": [mapped]}
        own = []
        for one in codings_of(parts, run):
            if _repeats(one, row.coding):
                mapped = _with_versions(mapped, one)
            else:
                own.append(_with_system(one, row))
        if run.document is not None:
            # the code of an element or attribute came without its system: it was a key, no more
            own = [one for one in own if "system" in one]
        found: dict[str, Any] = {"coding": [mapped, *own]}
        text = original_text(parts)
        if text:
            found["text"] = text
        return found
    if row is not None or policy == Unmapped.KEEP.value:
        return concept_of(parts, run) if policy != Unmapped.REJECT.value else None
    if policy == Unmapped.TEXT.value:
        text = original_text(parts) or (parts[0] if parts else "")
        return {"text": text} if text else None
    if policy in (Unmapped.REJECT.value, Unmapped.HOLD.value):
        unmapped(run, table.name, policy == Unmapped.HOLD.value)
        return None
    stood_in(run, table.name, policy)
    found = {"coding": [_fixed_coding(table, policy), *codings_of(parts, run)]}
    text = original_text(parts)
    return {**found, "text": text} if text else found


def _with_system(own: dict[str, str], row: TableRow) -> dict[str, str]:
    """The sender's coding; a code of an HL7 table that came without its name is of that table."""
    if "system" in own or "_system" in own or own.get("code") != row.source_code:
        return own
    if not row.source_system:
        return own
    system = coding_system(row.source_system, {})
    return {"system": system, **own} if system else own


def _repeats(own: dict[str, str], mapped: dict[str, str]) -> bool:
    """True when the sender's coding is the mapped one."""
    if own.get("code") != mapped["code"] or "_system" in own:
        return False
    return own.get("system", mapped.get("system")) == mapped.get("system")


def _with_versions(mapped: dict[str, str], own: dict[str, str]) -> dict[str, str]:
    """The mapped coding with the version and the value set that the sender named with it."""
    named: dict[str, str] = {key: own[key] for key in ("version", "extension") if key in own}
    return {**mapped, **named} if named else mapped


def table_coding(
    table: CodeTable, parts: list[str], policy: str, run: Run
) -> dict[str, str] | None:
    """A Coding: the mapped one, or the sender's as the policy says."""
    row = _find(table, parts)
    if row is not None:
        if not row.target_code:
            return None
        own = (one for one in codings_of(parts, run) if _repeats(one, row.coding))
        return _with_versions(row.coding, next(own, row.coding))
    if policy == Unmapped.KEEP.value:
        return next(iter(codings_of(parts, run)), None)
    if policy == Unmapped.TEXT.value:
        text = original_text(parts) or (parts[0] if parts else "")
        return {"display": text} if text else None
    if policy in (Unmapped.REJECT.value, Unmapped.HOLD.value):
        unmapped(run, table.name, policy == Unmapped.HOLD.value)
        return None
    return _fixed_coding(table, stood_in(run, table.name, policy))


SUPPORT: dict[str, Any] = {
    "PADDING": PADDING,
    "PLAIN_TYPES": PLAIN_TYPES,
    "as_text": as_text,
    "below": below,
    "beside_text": beside_text,
    "coding_system": coding_system,
    "compared": compared,
    "delete_nulls": delete_nulls,
    "drop_text": drop_text,
    "field_of": field_of,
    "identifier_key": identifier_key,
    "keep_text": keep_text,
    "nth_group": nth_group,
    "nth_segment": nth_segment,
    "reference_of": reference_of,
    "segment_in": segment_in,
    "stood_in": stood_in,
    "table_coding": table_coding,
    "table_concept": table_concept,
    "unmapped": unmapped,
}
"""Globals of generated code that do not depend on the message."""
