"""Pure. The explicit null `""`: which element of a resource the sender wants deleted.

What a rule reads and where it writes is known when maps are compiled: `deletions` makes a table of
it. A message without `""` never gets here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.hl7v2.message import Segment
from engine.mapping.blanked import blank_nulls
from engine.mapping.made import Made
from engine.mapping.run import Run
from engine.mapping.sources import paths_of
from engine.mapping.syntax import Literal, MapFile, Pipe, Rule
from engine.mapping.target_types import TargetType, element_type, is_primitive, root_type

NULL = '""'
_UNITED = ("identifier", "link")
"""Lists of which a null takes nothing away from a merged resource: they only grow."""
_EXTENSIONS = ("extension", "modifierExtension")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What the null of one field deletes."""

    field: int
    path: str
    """`telecom`, `period.end`, `extension[url=...]`; empty: nothing of a merged resource."""
    key: str
    """The first name of the target; of a choice without its type."""
    mark: str = ""
    """`use=home`: what its rule writes into each item, which tells the items of two fields apart.
    """


def deletions(map_file: MapFile) -> tuple[Deletion, ...]:
    """What the nulls of the segment a map is for delete of the resource it makes."""
    kind = root_type(map_file.to_name)
    found: dict[Deletion, None] = {}
    for rule in map_file.rules:
        path, key, owner = _path_of(rule, kind)
        if key in _EXTENSIONS and path == key:
            for block in _blocks(rule):
                for number in _fields(block, map_file.from_name):
                    url = _url_of(block)
                    path = f"{key}[url={url}]" if url else ""
                    found[Deletion(field=number, path=path, key=key)] = None
            continue
        for one in rule.alternatives or (rule,):
            mark = _mark_of(one, owner)
            for number in _fields(one, map_file.from_name):
                found[Deletion(field=number, path=path, key=key, mark=mark)] = None
    return tuple(found)


def _path_of(rule: Rule, kind: TargetType) -> tuple[str, str, TargetType]:
    """The path a rule writes, as far as it is no list; its first name; its type."""
    names: list[str] = []
    parts = rule.target.parts
    for part in parts:
        if part.name == "$this":
            return "", "", kind
        kind = element_type(kind, part.name)
        names.append(part.name)
        if is_primitive(kind) and part is not parts[-1]:
            return "", names[0], kind
        if part.append or part.label is not None or part.choice:
            break
    path = "" if names[0] in _UNITED else ".".join(names)
    return path, names[0], kind


def _blocks(rule: Rule) -> Iterator[Rule]:
    """Each object an append rule writes."""
    for one in rule.alternatives or (rule,):
        if one.alternatives is not None:
            yield from _blocks(one)
        else:
            yield one


def _url_of(rule: Rule) -> str:
    for inner in rule.block or ():
        if inner.target.text == "url" and isinstance(inner.expression, Literal):
            return str(inner.expression.value)
    return ""


def _mark_of(rule: Rule, kind: TargetType) -> str:
    """The literal that a rule hands to the map of its items for an element of theirs."""
    if not isinstance(rule.expression, Pipe):
        return ""
    for name, value in rule.expression.steps[-1].arguments:
        if isinstance(value, Literal) and is_primitive(element_type(kind, name)):
            return f"{name}={value.value}"
    return ""


def _fields(rule: Rule, segment: str) -> Iterator[int]:
    """The fields of the segment a rule reads for its values."""
    if rule.loop is not None and rule.loop.source.segment == segment:
        yield rule.loop.source.field or 0
    if rule.expression is not None:
        for path in paths_of(rule.expression):
            if path.segment == segment and path.field and not path.variable:
                yield path.field
    for inner in (*(rule.block or ()), *(rule.alternatives or ())):
        yield from _fields(inner, segment)


def delete_nulls(
    run: Run, made: Made, table: tuple[Deletion, ...], segment: Segment, blank: str
) -> None:
    """Say of a resource what the nulls of its segment delete, and that they need no report.

    Args:
        run: whose list of nulls loses those that are dealt with.
        made: the resource made of the segment, or filled from it.
        table: `deletions` of its map.
        segment: as sent.
        blank: separators and blanks of the message.
    """
    fields = segment.fields
    nulled = {one.field for one in table if one.field < len(fields) and NULL in fields[one.field]}
    if not nulled:
        return
    empty = {number for number in nulled if not blank_nulls(fields[number]).strip(blank)}
    settled: set[int] = set()
    for one in table:
        if one.field not in nulled:
            continue
        present = _is_there(one.path or one.key, made.resource)
        if one.path or not made.merges:
            settled.add(one.field)
        if one.field in empty and one.path and (not present or one.key in _EXTENSIONS):
            path = one.path + _others(one, table, empty)
            if path not in made.deletes:
                made.deletes = (*made.deletes, path)
                made.entry = None
    where = run.segment_path(segment)
    begins = tuple(f"{where}-{number}{mark}" for number in settled for mark in "[.")
    exact = {f"{where}-{number}" for number in settled}
    run.nulls = [path for path in run.nulls if path not in exact and not path.startswith(begins)]


def _is_there(path: str, value: dict[str, Any]) -> bool:
    """True when the element is filled: under its name, or under that of a type of the choice."""
    name, _, rest = path.partition(".")
    for key, below in value.items():
        plain = key.removeprefix("_")
        if plain == name or (plain.startswith(name) and plain[len(name)].isupper()):
            return not rest or (isinstance(below, dict) and _is_there(rest, below))
    return False


def _others(one: Deletion, table: tuple[Deletion, ...], empty: set[int]) -> str:
    """`[use!=work]`: items that bear the mark of another field, which is not null, stay."""
    marks = sorted(
        {
            other.mark
            for other in table
            if other.path == one.path and other.mark and other.field not in empty
        }
        - {one.mark}
    )
    return "".join(f"[{mark.replace('=', '!=', 1)}]" for mark in marks)
