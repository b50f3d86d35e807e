"""Pure. A site's own segments: the fields of a Z segment as its interface specification lists them.

    segment: ZPV
    description: what the visit of Southmoor adds to PV1
    in: message
    fields:
      1: {name: set id, type: SI}
      2: {name: diet, type: CWE, repeats: true, table: SouthmoorDiet}

A declared segment is checked like any other; of one that is not declared nothing is known. Z
segments: HL7 v2.5.1 chapter 2.11.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from engine.diagnostics import Diagnostic, Place, did_you_mean
from engine.mapping.checker.checker_source import check_components
from engine.mapping.codes import MISSING_KEY, UNKNOWN_FIELD, UNKNOWN_KEY, UNKNOWN_TABLE, WRONG_SHAPE
from engine.mapping.source_types import datatype_exists
from engine.mapping.syntax import Path
from engine.yamltext import Mapping as Pairs
from engine.yamltext import Node, Scalar

SEGMENT_KEYS = ("segment", "description", "in", "fields")
FIELD_KEYS = ("name", "type", "repeats", "length", "table")
WHOLE_MESSAGE = "message"

_NAME = re.compile(r"Z[A-Z0-9]{2}")
_GROUP = re.compile(r"[A-Z][A-Z0-9_]*")
_TABLE_NUMBER = re.compile(r"[0-9]{4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalField:
    """One field of a site's own segment."""

    number: int
    datatype: str
    place: Place
    name: str = ""
    repeats: bool = False
    length: int | None = None
    """As the sender's specification says it; longer values are mapped all the same."""
    table: str = ""
    """A table of the library, or the number of one of HL7's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSegment:
    """A site's own segment."""

    name: str
    file: str
    place: Place
    description: str = ""
    group: str = ""
    """The group it stands in, `message` for none; empty: that of the segment it follows."""
    fields: dict[int, LocalField] = field(default_factory=dict)


def read_segment(root: Pairs, file: str, problems: list[Diagnostic]) -> LocalSegment | None:
    """Read a `segment:` file; None when its name cannot be used."""
    _check_keys(root, SEGMENT_KEYS, problems)
    name, described, group = (root.get(key) for key in ("segment", "description", "in"))
    if not isinstance(name, Scalar) or _NAME.fullmatch(name.text) is None:
        place = name.place if name is not None else root.place
        shape = "Z and two more capitals or digits"
        problems.append(WRONG_SHAPE(place, what="`segment`", shape=shape))
        return None
    if group is not None and not (isinstance(group, Scalar) and _is_group(group.text)):
        shape = "the name of a group, or `message`"
        problems.append(WRONG_SHAPE(group.place, what="`in`", shape=shape))
    listed = root.get("fields")
    if not isinstance(listed, Pairs):
        place = listed.place if listed is not None else root.place
        problems.append(
            MISSING_KEY(root.place, key="fields")
            if listed is None
            else WRONG_SHAPE(place, what="`fields`", shape="field numbers with what they hold")
        )
    fields: dict[int, LocalField] = {}
    for number, node in listed if isinstance(listed, Pairs) else ():
        found = _read_field(number, node, problems)
        if found is not None:
            fields[found.number] = found
    return LocalSegment(
        name=name.text,
        file=file,
        place=name.place,
        description=described.text if isinstance(described, Scalar) else "",
        group=group.text if isinstance(group, Scalar) else "",
        fields=fields,
    )


def _is_group(text: str) -> bool:
    return text == WHOLE_MESSAGE or _GROUP.fullmatch(text) is not None


def _check_keys(node: Pairs, known: tuple[str, ...], problems: list[Diagnostic]) -> None:
    for key, _ in node:
        if key.text not in known:
            hint = did_you_mean(key.text, known) or f"the keys are {', '.join(known)}"
            problems.append(UNKNOWN_KEY(key.place, key=key.text, hint=hint))


def _read_field(number: Scalar, node: Node, problems: list[Diagnostic]) -> LocalField | None:
    what = f"field {number.text}"
    if not number.text.isdecimal() or not 0 < int(number.text) < 1000:
        problems.append(WRONG_SHAPE(number.place, what=what, shape="a number from 1 to 999"))
        return None
    if not isinstance(node, Pairs):
        problems.append(WRONG_SHAPE(node.place, what=what, shape="such as {name: diet, type: CWE}"))
        return None
    _check_keys(node, FIELD_KEYS, problems)
    texts = {key.text: value.text for key, value in node if isinstance(value, Scalar)}
    datatype, length = texts.get("type", ""), texts.get("length", "")
    repeats = texts.get("repeats", "false")
    if not datatype:
        problems.append(MISSING_KEY(number.place, key="type"))
    elif not datatype_exists(datatype):
        problems.append(
            WRONG_SHAPE(node.place, what=f"`type` of {what}", shape="a datatype of HL7")
        )
    if repeats not in ("true", "false"):
        shape = "true or false"
        problems.append(WRONG_SHAPE(node.place, what=f"`repeats` of {what}", shape=shape))
    if length and not length.isdecimal():
        problems.append(WRONG_SHAPE(node.place, what=f"`length` of {what}", shape="a number"))
    return LocalField(
        number=int(number.text),
        datatype=datatype,
        place=number.place,
        name=texts.get("name", ""),
        repeats=repeats == "true",
        length=int(length) if length.isdecimal() else None,
        table=texts.get("table", ""),
    )


def check_local_path(path: Path, segment: LocalSegment) -> list[Diagnostic]:
    """Check field, selector and components of a path in a declared segment."""
    if path.field is None:
        return []
    declared = segment.fields.get(path.field)
    if declared is None:
        known = ", ".join(str(number) for number in sorted(segment.fields)) or "none"
        hint = f"{segment.file} declares the fields {known}"
        return [UNKNOWN_FIELD(path.place, segment=segment.name, field=path.field, hint=hint)]
    selector = path.repetition
    if selector is not None and selector.component and not selector.component[0].isdigit():
        shape = "the number of a component, such as [5=MR]"
        return [WRONG_SHAPE(path.place, what=f"[{selector.component}=...]", shape=shape)]
    return check_components(path, (declared.datatype,), f"{segment.name}-{path.field}")


def check_tables(segments: Mapping[str, LocalSegment], tables: Collection[str]) -> list[Diagnostic]:
    """A problem for each field that names a table which does not exist."""
    return [
        UNKNOWN_TABLE(one.place, name=one.table, hint=did_you_mean(one.table, tables))
        for segment in segments.values()
        for one in segment.fields.values()
        if one.table and _TABLE_NUMBER.fullmatch(one.table) is None and one.table not in tables
    ]
