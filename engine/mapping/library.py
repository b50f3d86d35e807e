"""Pure. All maps and tables together, and a site's overlays on top of them.

The library is read from texts, not from a folder: the rim lists the files. Overlays are applied in
order, later layers win, and a change that names something that is not there is a problem, because
it would otherwise do nothing in silence after an update of the library.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.diagnostics import Diagnostic, Place
from engine.mapping.checker.scope import settle_map
from engine.mapping.codes import DUPLICATE_MAP, LIMIT
from engine.mapping.fitting import Unbound
from engine.mapping.guide.notes import GuideNotes, is_guide_notes, read_guide_notes
from engine.mapping.local_segments import LocalSegment
from engine.mapping.overlays import apply_to_map, apply_to_part, without_parts
from engine.mapping.parts import expand, parts_used
from engine.mapping.reader import read_map_file
from engine.mapping.syntax import (
    MapFile,
    OverlayFile,
    PartFile,
)
from engine.mapping.terminology import CodeTable, extend_table, read_table

MAPS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Maps and tables by name; `overlays` are the overlay files applied, in order."""

    maps: dict[str, MapFile]
    tables: dict[str, CodeTable]
    overlays: tuple[OverlayFile, ...] = ()
    written: dict[str, MapFile]
    """The maps as written, without parts and overlays; later layers start from them."""
    parts: dict[str, PartFile]
    """The parts, overlays applied."""
    guide: GuideNotes = field(default_factory=GuideNotes)
    """What HL7's guide has and none of the maps stands for."""
    segments: dict[str, LocalSegment] = field(default_factory=dict)
    """The site's own segments that are declared."""
    names_read: dict[Place, tuple[str, bool]] = field(default_factory=dict)
    """Names that parts read, and whether any use binds them; see `fitting.Unbound`."""

    def places(self) -> dict[str, str]:
        """Where the declared segments stand, as `hl7v2.groups.group` wants it."""
        return {name: found.group for name, found in self.segments.items()}

    def message_maps(self) -> tuple[MapFile, ...]:
        """The maps of whole messages, by name."""
        return tuple(found for _, found in sorted(self.maps.items()) if found.steps)


def read_library(files: Mapping[str, str]) -> tuple[Library, list[Diagnostic]]:
    """Read a library.

    Args:
        files: name (for places) to text; `.yaml` files are maps, `.csv` files are tables, others
        are
            passed over.

    Returns:
        The library of everything that could be read, and all problems.
    """
    empty = Library(maps={}, tables={}, written={}, parts={})
    return with_overlays(empty, files)


def with_overlays(library: Library, files: Mapping[str, str]) -> tuple[Library, list[Diagnostic]]:
    """The library with one folder of overlays, added rows and added maps on top.

    Args:
        library: what is changed; it stays as it is.
        files: name to text, as in `read_library`; `overlay:` files change maps.
    """
    problems: list[Diagnostic] = []
    maps, parts = dict(library.written), dict(library.parts)
    tables = dict(library.tables)
    overlays: list[OverlayFile] = []
    segments: dict[str, LocalSegment] = {}
    guide = library.guide
    for file in sorted(files):
        if is_guide_notes(file):
            guide, faults = read_guide_notes(files[file], file)
            problems.extend(faults)
        elif file.endswith((".yaml", ".yml")):
            found, faults = read_map_file(files[file], file)
            problems.extend(faults)
            if isinstance(found, OverlayFile):
                overlays.append(found)
            elif isinstance(found, PartFile):
                _add_part(parts, found, problems)
            elif isinstance(found, LocalSegment):
                if found.name in segments:
                    other = segments[found.name].file
                    problems.append(DUPLICATE_MAP(found.place, name=found.name, other=other))
                segments[found.name] = found
            elif found is not None:
                _add_map(maps, found, problems)
        elif file.endswith(".csv"):
            table, faults = read_table(files[file], file)
            problems.extend(faults)
            base = library.tables.get(table.name)
            if base is None and table.name in tables:
                other = tables[table.name].file
                place = Place(file=file, line=1)
                problems.append(DUPLICATE_MAP(place, name=table.name, other=other))
                continue
            tables[table.name] = extend_table(base, table) if base else table
    for overlay in overlays:
        if overlay.map_name in parts:
            apply_to_part(parts, overlay, problems)
    layers = (*library.overlays, *overlays)
    for overlay in overlays:
        if overlay.map_name not in maps and overlay.map_name not in parts:
            apply_to_map(dict(maps), overlay, problems)
    touched = _touched(library, maps, parts, overlays)
    unbound = Unbound(found=dict(library.names_read))
    concerned = tuple(one for one in layers if one.map_name in touched)
    settled, faults = _assembled(touched, parts, concerned, unbound)
    result = Library(
        maps=dict(sorted({**library.maps, **settled}.items())),
        tables=dict(sorted(tables.items())),
        overlays=layers,
        written=maps,
        parts=parts,
        guide=guide,
        segments={**library.segments, **segments},
        names_read=unbound.found,
    )
    return result, list(dict.fromkeys((*problems, *faults)))


def _touched(
    library: Library,
    maps: Mapping[str, MapFile],
    parts: Mapping[str, PartFile],
    overlays: Iterable[OverlayFile],
) -> dict[str, MapFile]:
    """The maps that a layer changes: new ones, those it names, those that use a changed part."""
    changed = {name for name, part in parts.items() if library.parts.get(name) is not part}
    grown = bool(changed)
    while grown:
        more = {name for name, part in parts.items() if parts_used(part.steps) & changed}
        grown = not more <= changed
        changed |= more
    named = {overlay.map_name for overlay in overlays}
    named |= {one.map_name for one in library.overlays if parts_used(one.steps) & changed}
    return {
        name: one
        for name, one in maps.items()
        if library.written.get(name) is not one
        or name in named
        or (changed and parts_used(one.steps) & changed)
    }


def _assembled(
    written: Mapping[str, MapFile],
    parts: Mapping[str, PartFile],
    overlays: tuple[OverlayFile, ...],
    unbound: Unbound,
) -> tuple[dict[str, MapFile], list[Diagnostic]]:
    """The maps with their parts written out, then all overlays in order, then names settled."""
    problems: list[Diagnostic] = []
    maps = without_parts(written, overlays, problems)
    for name, map_file in maps.items():
        maps[name], faults = expand(map_file, parts, unbound)
        problems.extend(faults)
    for overlay in overlays:
        if overlay.map_name not in parts:
            apply_to_map(maps, overlay, problems)
    settled: dict[str, MapFile] = {}
    for name, map_file in sorted(maps.items()):
        whole, faults = expand(map_file, parts, unbound)
        problems.extend(faults)
        settled[name], faults = settle_map(whole)
        problems.extend(faults)
    return settled, [*problems, *unbound.problems()]


def _add_map(maps: dict[str, MapFile], found: MapFile, problems: list[Diagnostic]) -> None:
    if found.name in maps:
        other = maps[found.name].file
        hint = "change it by an overlay, or rename one of them"
        problems.append(DUPLICATE_MAP(found.place, name=found.name, other=other, hint=hint))
    elif len(maps) >= MAPS_MAX:
        problems.append(LIMIT(found.place, limit=MAPS_MAX, what="maps"))
    elif found.name:
        maps[found.name] = found


def _add_part(parts: dict[str, PartFile], found: PartFile, problems: list[Diagnostic]) -> None:
    if found.name in parts:
        other = parts[found.name].file
        hint = "change it by an overlay, or rename one of them"
        problems.append(DUPLICATE_MAP(found.place, name=found.name, other=other, hint=hint))
    elif len(parts) >= MAPS_MAX:
        problems.append(LIMIT(found.place, limit=MAPS_MAX, what="parts"))
    elif found.name:
        parts[found.name] = found
