"""Pure. Each row of HL7's guide against our maps: same, overridden with a reason, or missing.

A row is the same when a rule of a counterpart reads that source into that element, whatever indices
and labels say. Counterparts of a guide's map are: the map of that name, maps whose `guide:` lists
it, maps to the same type that are given the segment as a parameter (`ORC[ServiceRequest]` in
`OBR[ServiceRequest]`), and, of a datatype without any of these, the maps from it to the same type.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field, replace

from engine.diagnostics import Place
from engine.fhir.definitions import v2_system
from engine.mapping.guide.element_rows import (
    extension_urls,
    find_override,
    find_same,
    wanted_of,
)
from engine.mapping.guide.guide_tables import GuideMap, GuideRow
from engine.mapping.guide.notes import KEPT
from engine.mapping.guide.our_rows import OurRow, RowBook, Source
from engine.mapping.guide.our_steps import StepBook, gather_steps
from engine.mapping.guide.places import (
    aliases,
    group_names,
    groups_of,
    is_known,
    prefixes_of,
    same_place,
)
from engine.mapping.guide.verdicts import (
    MISSING,
    NOBODY,
    OVERRIDDEN,
    SAME,
    Override,
    Verdict,
    overrides_of,
    root_type,
)
from engine.mapping.library import Library
from engine.mapping.source_types import segment_exists
from engine.mapping.syntax import MapFile

TOO_NEW = "a field of HL7 v2.9; the versions that are mapped, 2.1 to 2.8.2, do not have it"


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
            return [_overridden(guide_map, row, *reason) for row in guide_map.rows]
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
        urls = extension_urls(guide_map.rows)
        found = []
        for row in guide_map.rows:
            wanted = wanted_of(guide_map, row, root, urls)
            if not is_known(wanted.source):
                found.append(_overridden(guide_map, row, TOO_NEW, None))
                continue
            verdict = find_same(guide_map, row, wanted, ours)
            if verdict.state == MISSING:
                instead = verdict.reason
                verdict = find_override(guide_map, row, wanted, overrides, root) or verdict
                if verdict.state == MISSING and not instead and not parts:
                    verdict = replace(verdict, reason=NOBODY)
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
        prefixes = prefixes_of(map_file, root, rows)
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
        known = {name for one in parts for name in group_names(one.from_name)}
        places = {groups_of(row, known) for row in guide_map.rows}
        overrides = [found for one in parts for found in overrides_of(one)]
        found = []
        for row in guide_map.rows:
            groups = groups_of(row, known)
            reason = self.library.guide.reason(row.target)
            place = self._place_of_step(row, groups, places, parts)
            if place is not None:
                verdict = Verdict(guide_map=guide_map, row=row, state=SAME, place=place)
            elif reason is not None:
                verdict = _overridden(guide_map, row, *reason)
            else:
                verdict = _find_step_override(guide_map, row, groups, overrides)
                if verdict.state == MISSING and not parts:
                    verdict = replace(verdict, reason=NOBODY)
            found.append(verdict)
        return found

    def _place_of_step(
        self,
        row: GuideRow,
        groups: tuple[str, ...],
        places: Set[tuple[str, ...]],
        parts: Iterable[MapFile],
    ) -> Place | None:
        """The step that gives this segment to a counterpart of the guide's map; or the message map
        that is one itself, when it reads the segment."""
        names = {one.name for one in self.counterparts(row.target)}
        for one in parts:
            for step in self._steps.steps.get(one.name, ()):
                if same_place(step.path, groups, places) and self._reached(step.map_name) & names:
                    return step.place
            if one.name in names and groups[-1] in self._steps.read.get(one.name, ()):
                return one.place
        return None

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
        if name == KEPT:
            return [_kept(guide_map, row) for row in guide_map.rows]
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


def _overridden(guide_map: GuideMap, row: GuideRow, reason: str, place: Place | None) -> Verdict:
    return Verdict(guide_map=guide_map, row=row, state=OVERRIDDEN, reason=reason, place=place)


def _kept(guide_map: GuideMap, row: GuideRow) -> Verdict:
    """A code that stays as it is, with the URI of its v2 table."""
    system = v2_system(row.system) if row.system.startswith("HL7") else None
    if row.source == row.target and system and _same_system(system, row.target_system):
        return Verdict(guide_map=guide_map, row=row, state=SAME)
    reason = "the code or its system changes; it needs a table"
    return Verdict(guide_map=guide_map, row=row, state=MISSING, reason=reason)


def _same_system(ours: str, guides: str) -> bool:
    return ours.rstrip("/").lower() == guides.rstrip("/").lower()


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
