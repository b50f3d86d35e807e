"""Pure. One place said in two ways: fields and datatypes, groups of versions, types in types."""

from collections.abc import Iterable, Sequence, Set
from functools import cache

from engine.fhir.definitions import type_definition
from engine.hl7v2.definitions import GroupDefinition
from engine.mapping.guide.elements import EXTENSION, Names, extension_name
from engine.mapping.guide.guide_tables import GuideRow
from engine.mapping.guide.our_rows import OurRow, Source
from engine.mapping.source_types import (
    component_types,
    datatype_exists,
    field_types,
    segment_exists,
    serves,
    structures,
)
from engine.mapping.syntax import MapFile

DEPTH_MAX = 3
"""Names above an element that a map of its type stands for (`dosageInstruction.doseAndRate`)."""


def is_known(source: Source) -> bool:
    """False for a field that no version of the dictionary has."""
    if len(source) < 2 or not segment_exists(str(source[0])):
        return True
    return bool(field_types(str(source[0]), int(source[1])))


@cache
def aliases(source: Source, owner: str) -> tuple[Source, ...]:
    """A source as part of a datatype: ORC-7.4 is TQ.4, XPN.1.2 is FN.2, CWE.1 is CE.1."""
    if not datatype_exists(owner) or segment_exists(owner) or source[0] == owner:
        return ()
    start, rest = str(source[0]), source[1:]
    kinds: tuple[str, ...] = (start,)
    if segment_exists(start):
        kinds, rest = (field_types(start, int(rest[0])), rest[1:]) if rest else ((), ())
    found: list[Source] = []
    while True:
        if owner in kinds:
            found.append((owner, *rest))
        if not rest or not kinds:
            break
        kinds, rest = component_types(kinds, int(rest[0])), rest[1:]
    if not found and start != owner and not segment_exists(start) and serves(start, (owner,)):
        found.append((owner, *source[1:]))
    return tuple(found)


@cache
def group_names(structure: str) -> frozenset[str]:
    """The groups a structure has in any version."""
    found: set[str] = set()
    waiting = list(structures(structure))
    while waiting:
        children = waiting.pop().children
        below = [one for one in children if isinstance(one, GroupDefinition)]
        found.update(one.name for one in below)
        waiting.extend(below)
    return frozenset(found)


def groups_of(row: GuideRow, known: Set[str]) -> tuple[str, ...]:
    """Groups and segment of a row of a message; groups that no version has are left out."""
    *groups, segment = row.source.split(".")[1:] or [""]
    return (*(name for name in groups if name in known), segment)


def same_place(
    ours: tuple[str, ...], guides: tuple[str, ...], places: Set[tuple[str, ...]]
) -> bool:
    """The same segment in the same groups.

    Versions have other groups around a segment, so it is enough that one's groups are among the
    other's, in order, unless the guide has our place too.
    """
    if ours == guides:
        return True
    if not ours or not guides or ours[-1] != guides[-1] or ours in places:
        return False
    return _in_order(ours[:-1], guides[:-1]) or _in_order(guides[:-1], ours[:-1])


def _in_order(few: Sequence[str], many: Sequence[str]) -> bool:
    waiting = iter(many)
    return all(name in waiting for name in few)


def prefixes_of(map_file: MapFile, root: str, rows: Iterable[OurRow]) -> tuple[Names, ...]:
    """The elements of `root` that a map's result can be."""
    made = map_file.to_name.partition("-")[0]
    if made == root or not root:
        return ((),)
    if made == "Extension":
        urls = {row.literal for row in rows if row.element == ("url",) and row.literal}
        return tuple((extension_name(url),) for url in sorted(urls)) or ((EXTENSION,),)
    return places_of_type(root, made) or ((),)


@cache
def places_of_type(root: str, made: str) -> tuple[Names, ...]:
    """Paths of the elements of `root` that have the type `made`, or refer to it."""
    found: list[Names] = []
    waiting: list[tuple[Names, str]] = [((), root)]
    while waiting:
        names, current = waiting.pop()
        definition = type_definition(current)
        if definition is None or len(names) >= DEPTH_MAX:
            continue
        for key, (element, kind) in definition.keys.items():
            if key in ("extension", "modifierExtension", "contained"):
                continue
            below = (*names, key)
            if kind == made or (kind == "Reference" and made in element.targets):
                found.append(below)
            elif kind.startswith(f"{current}.") or "." in kind:
                waiting.append((below, kind))
    return tuple(sorted(found))
