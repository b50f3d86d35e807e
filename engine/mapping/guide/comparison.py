"""Pure. Each row of HL7's guide against our maps: same, overridden with a reason, or missing.

A row is the same when a rule of a counterpart reads that source into that element, whatever indices
and labels say. Counterparts of a guide's map are: the map of that name, maps whose `guide:` lists
it, maps to the same type that are given the segment as a parameter (`ORC[ServiceRequest]` in
`OBR[ServiceRequest]`), and, of a datatype without any of these, the maps from it to the same type.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from engine.diagnostics import Place
from engine.fhir.definitions import type_definition
from engine.hl7v2.definitions import GroupDefinition
from engine.mapping.expression import parse_path
from engine.mapping.guide.elements import (
    EXTENSION,
    Names,
    compatible,
    element_names,
    extension_name,
    indexed_names,
    without_index,
)
from engine.mapping.guide.guide_tables import GuideMap, GuideRow
from engine.mapping.guide.our_rows import OurRow, RowBook, Source
from engine.mapping.guide.our_steps import StepBook, gather_steps
from engine.mapping.library import Library
from engine.mapping.source_types import (
    component_types,
    datatype_exists,
    field_types,
    segment_exists,
    serves,
    structures,
)
from engine.mapping.syntax import MapFile
from engine.yamltext import Scalar

State = Literal["same", "overridden", "missing"]
SAME: State = "same"
OVERRIDDEN: State = "overridden"
MISSING: State = "missing"

DEPTH_MAX = 3
"""Names above an element that a map of its type stands for (`dosageInstruction.doseAndRate`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one row of the guide."""

    guide_map: GuideMap
    row: GuideRow
    state: State
    reason: str = ""
    """Why it is overridden, or what is there instead of it."""
    place: Place | None = None
    """Of our rule, or of the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A reason of `differs:` or `ignore:` in the form rows are compared in."""

    source: Source
    element: str
    reason: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A row of the guide in the form rows are compared in."""

    source: Source
    element: Names
    literal: str | None


def source_tuple(text: str) -> Source:
    """`("PID", 3, 1)` of `PID-3.1`, `("CX", 4)` of `CX.4`, `("PATIENT", "PID")` of a path of
    groups; empty when it is none of these."""
    path, _ = parse_path(text, Scalar(text, Place()))
    if path is None or path.variable is not None:
        return ()
    owner = path.segment or path.datatype
    groups = tuple(name for name, _ in path.steps)
    numbers = () if path.field is None else (path.field,)
    return (*groups, *((owner,) if owner else ()), *numbers, *path.components)


def root_type(name: str) -> str:
    """The type a guide's map makes: `Encounter` of `ROL[Encounter-PractitionerRole]`."""
    return name.partition("[")[2].partition("]")[0].partition("-")[0]


@dataclass(slots=True)
class Comparison:
    """A library beside the guide."""

    library: Library
    _rows: RowBook = field(init=False)
    _steps: StepBook = field(init=False)

    def __post_init__(self) -> None:
        self._rows = RowBook(library=self.library)
        self._steps = gather_steps(self.library)

    def compare(self, guide_map: GuideMap) -> list[Verdict]:
        """What became of each row of a guide's map, in its order."""
        reason = self.library.guide.reason(guide_map.name)
        if reason is not None:
            return [
                Verdict(
                    guide_map=guide_map, row=row, state=OVERRIDDEN, reason=reason[0],
                    place=reason[1],
                )
                for row in guide_map.rows
            ]  # fmt: skip
        if guide_map.kind == "codesystem":
            return self._compare_codes(guide_map)
        if guide_map.kind == "message":
            return self._compare_steps(guide_map)
        return self._compare_elements(guide_map)

    # -- counterparts --

    def counterparts(self, name: str) -> list[MapFile]:
        """Our maps that stand for a map of the guide."""
        source, target = name.partition("[")[0], root_type(name)
        found = []
        for one in self.library.maps.values():
            given = {kind for _, kind in one.parameters}
            is_given = source in given and one.to_name.partition("-")[0] == target
            if one.name == name or name in one.guide or is_given:
                found.append(one)
        if found or segment_exists(source):
            return found
        return [
            one
            for one in self.library.maps.values()
            if one.from_name == source and one.to_name.partition("-")[0] == target
        ]

    # -- elements --

    def _compare_elements(self, guide_map: GuideMap) -> list[Verdict]:
        owner, root = guide_map.name.partition("[")[0], root_type(guide_map.name)
        parts = self.counterparts(guide_map.name)
        ours = [row for one in parts for row in self._rows_from(one, root, owner)]
        overrides = [found for one in parts for found in overrides_of(one)]
        urls = _extension_urls(guide_map.rows)
        found = []
        for row in guide_map.rows:
            wanted = _wanted(guide_map, row, root, urls)
            verdict = _find_same(guide_map, row, wanted, ours)
            if verdict.state == MISSING:
                instead = verdict.reason
                verdict = _find_override(guide_map, row, wanted, overrides, root) or verdict
                if verdict.state == MISSING and not instead and not parts:
                    verdict = replace(verdict, reason="no map of ours stands for this one")
            found.append(verdict)
        return found

    def _rows_from(self, map_file: MapFile, root: str, owner: str) -> Iterator[OurRow]:
        """The rows of a map with elements counted from `root` and sources from `owner`."""
        rows = (*self._rows.rows(map_file.name), *self._steps.assigned.get(map_file.name, ()))
        given = {
            f"${name}": sources
            for (called, name), sources in self._steps.given.items()
            if called == map_file.name
        }
        prefixes = _prefixes(map_file, root, rows)
        for row in rows:
            sources: set[Source] = set()
            for one in row.sources:
                if str(one[0]).startswith("$"):
                    sources.update((*each, *one[1:]) for each in given.get(str(one[0]), ()))
                else:
                    sources.add(one)
            sources.update(found for one in tuple(sources) for found in aliases(one, owner))
            for prefix in prefixes:
                element = (*prefix, *row.element)
                yield replace(row, sources=frozenset(sources), element=element)

    # -- steps of messages --

    def _compare_steps(self, guide_map: GuideMap) -> list[Verdict]:
        parts = [
            one
            for one in self.library.message_maps()
            if one.name == guide_map.name or guide_map.name in one.guide
        ]
        steps = [step for one in parts for step in self._steps.steps.get(one.name, ())]
        overrides = [found for one in parts for found in overrides_of(one)]
        known = {name for one in parts for name in group_names(one.from_name)}
        places = {_groups(row, known) for row in guide_map.rows}
        found = []
        for row in guide_map.rows:
            groups = _groups(row, known)
            names = {one.name for one in self.counterparts(row.target)}
            reason = self.library.guide.reason(row.target)
            same = next(
                (
                    step
                    for step in steps
                    if same_place(step.path, groups, places)
                    and self._reached(step.map_name) & names
                ),
                None,
            )
            if same is not None:
                verdict = Verdict(guide_map=guide_map, row=row, state=SAME, place=same.place)
            elif reason is not None:
                verdict = Verdict(
                    guide_map=guide_map, row=row, state=OVERRIDDEN, reason=reason[0],
                    place=reason[1],
                )  # fmt: skip
            else:
                verdict = _find_step_override(guide_map, row, groups, overrides)
                if verdict.state == MISSING and not parts:
                    verdict = replace(verdict, reason="no map of ours stands for this one")
            found.append(verdict)
        return found

    def _reached(self, name: str) -> set[str]:
        """The map and all maps its rules call."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one not in found and one in self.library.maps:
                found.add(one)
                waiting.extend(self._rows.called(one))
        return found

    # -- codes --

    def _compare_codes(self, guide_map: GuideMap) -> list[Verdict]:
        name = self.library.guide.table(guide_map.name) or guide_map.name
        table = self.library.tables.get(name)
        found = []
        for row in guide_map.rows:
            ours = [one for one in table.rows if one.source_code == row.source] if table else []
            same = [
                one
                for one in ours
                if one.target_code == row.target
                and (not row.target_system or _same_system(one.target_system, row.target_system))
            ]
            explained = [one for one in ours if one.comment]
            chosen = (same or explained or ours)[:1]
            place = Place(file=chosen[0].file, line=chosen[0].line) if chosen else None
            if same:
                state, reason = SAME, ""
            elif explained:
                state, reason = OVERRIDDEN, explained[0].comment
            else:
                state = MISSING
                written = f'ours writes "{ours[0].target_code}"' if ours else ""
                reason = written if table else "no table of ours stands for this one"
            found.append(
                Verdict(guide_map=guide_map, row=row, state=state, reason=reason, place=place)
            )
        return found


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


def _same_system(ours: str, guides: str) -> bool:
    return ours.rstrip("/").lower() == guides.rstrip("/").lower()


def overrides_of(map_file: MapFile) -> list[Override]:
    """The reasons of `differs:` and `ignore:` of a map."""
    found = [
        Override(
            source=source_tuple(one.path), element=one.element, reason=one.reason, place=one.place
        )
        for one in map_file.differs
    ]
    found += [
        Override(source=source_tuple(one.path), element="", reason=one.reason, place=one.place)
        for one in map_file.ignore
    ]
    return [one for one in found if one.source]


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


def _groups(row: GuideRow, known: Set[str]) -> tuple[str, ...]:
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


def _find_step_override(
    guide_map: GuideMap, row: GuideRow, groups: tuple[str, ...], overrides: Iterable[Override]
) -> Verdict:
    for one in overrides:
        fits = groups[-len(one.source) :] == one.source
        if fits and one.element in ("", row.target, root_type(row.target)):
            return Verdict(
                guide_map=guide_map, row=row, state=OVERRIDDEN, reason=one.reason, place=one.place
            )
    return Verdict(guide_map=guide_map, row=row, state=MISSING)


def _wanted(guide_map: GuideMap, row: GuideRow, root: str, urls: Mapping[Names, str]) -> _Wanted:
    source = source_tuple(row.source) or (guide_map.name.partition("[")[0],)
    own = {names[1:]: url for names, url in urls.items() if names[0] == row.source}
    anywhere = {names[1:]: url for names, url in urls.items()}
    element = element_names(row.target, root, {**anywhere, **own})
    return _Wanted(source=source, element=element, literal=row.literal)


def _extension_urls(rows: Iterable[GuideRow]) -> dict[Names, str]:
    """URL of each extension by source and the names up to it, with their indices."""
    found: dict[Names, str] = {}
    for row in rows:
        names = indexed_names(row.target)
        is_url = len(names) > 1 and without_index(names[-1]) in ("url", "uri")
        if is_url and without_index(names[-2]).endswith("xtension") and row.literal:
            found[(row.source, *names[:-1])] = row.literal
    return found


def _find_same(
    guide_map: GuideMap, row: GuideRow, wanted: _Wanted, ours: Iterable[OurRow]
) -> Verdict:
    """The first rule that does the same; otherwise what is written instead, if that is fixed."""
    instead: OurRow | None = None
    is_url = len(wanted.element) > 1 and wanted.element[-1] in ("url", "uri")
    above_url = wanted.element[:-1] if is_url and "=" in wanted.element[-2] else None
    for one in ours:
        if not _source_fits(one, wanted.source):
            continue
        if above_url is not None and compatible(one.element, above_url):
            if len(one.element) >= len(above_url):
                return Verdict(guide_map=guide_map, row=row, state=SAME, place=one.place)
            continue
        if not _element_fits(one, wanted.element):
            continue
        if wanted.literal and one.literal is not None and not _same_text(one, wanted):
            instead = instead or one
            continue
        return Verdict(guide_map=guide_map, row=row, state=SAME, place=one.place)
    reason = f'ours writes "{instead.literal}"' if instead is not None else ""
    place = instead.place if instead is not None else None
    return Verdict(guide_map=guide_map, row=row, state=MISSING, reason=reason, place=place)


def _same_text(one: OurRow, wanted: _Wanted) -> bool:
    ours, guides = (one.literal or "").strip(), (wanted.literal or "").strip()
    return ours.rstrip("/. ").lower() == guides.rstrip("/. ").lower()


def _source_fits(one: OurRow, wanted: Source) -> bool:
    """Our rule reads the source, a part of it, or what it is in: a value that is taken whole, or
    the datatype of a map, which a fixed value of that map is written for."""
    return any(
        source[: len(wanted)] == wanted
        or (not one.whole and _takes_parts(one, source) and wanted[: len(source)] == source)
        for source in one.sources
    )


def _takes_parts(one: OurRow, source: Source) -> bool:
    if one.literal is not None:
        return len(source) == 1 and not segment_exists(str(source[0]))
    return _is_value(source)


def _is_value(source: Source) -> bool:
    """A field or a datatype (`CWE -> codeable`), not a whole segment."""
    return len(source) > 1 or not segment_exists(str(source[0]))


def _element_fits(one: OurRow, wanted: Names) -> bool:
    """Our rule writes the element or something in it, or (by a function or table) all of it."""
    if not compatible(one.element, wanted):
        return False
    below = wanted[len(one.element) :]
    if any(name.startswith(EXTENSION) for name in below):
        return False
    return not below or (not one.whole and one.literal is None)


def _find_override(
    guide_map: GuideMap,
    row: GuideRow,
    wanted: _Wanted,
    overrides: Iterable[Override],
    root: str,
) -> Verdict | None:
    for one in overrides:
        if wanted.source[: len(one.source)] != one.source:
            continue
        if one.element:
            names = element_names(one.element, root)
            if len(names) > len(wanted.element) or not compatible(names, wanted.element):
                continue
        return Verdict(
            guide_map=guide_map, row=row, state=OVERRIDDEN, reason=one.reason, place=one.place
        )
    return None


# -- where a map of another type stands below a root --


def _prefixes(map_file: MapFile, root: str, rows: Iterable[OurRow]) -> tuple[Names, ...]:
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
