"""Pure. One row of the guide for a segment or datatype against the rows of our maps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.mapping.guide.elements import (
    EXTENSION,
    Names,
    compatible,
    element_names,
    indexed_names,
    without_index,
)
from engine.mapping.guide.guide_tables import GuideMap, GuideRow
from engine.mapping.guide.our_rows import OurRow, Source
from engine.mapping.guide.verdicts import (
    MISSING,
    OVERRIDDEN,
    SAME,
    Override,
    Verdict,
    source_tuple,
)
from engine.mapping.source_types import segment_exists


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A row of the guide in the form rows are compared in."""

    source: Source
    element: Names
    literal: str | None


def wanted_of(guide_map: GuideMap, row: GuideRow, root: str, urls: Mapping[Names, str]) -> Wanted:
    """The row in the form rows are compared in.

    Args:
        guide_map: that has the row.
        row: as read.
        root: the R4 type elements start from.
        urls: what `extension_urls` found in the map; the row's own source goes first.
    """
    source = source_tuple(row.source) or (guide_map.name.partition("[")[0],)
    own = {names[1:]: url for names, url in urls.items() if names[0] == row.source}
    anywhere = {names[1:]: url for names, url in urls.items()}
    element = element_names(row.target, root, {**anywhere, **own})
    return Wanted(source=source, element=element, literal=row.literal)


def extension_urls(rows: Iterable[GuideRow]) -> dict[Names, str]:
    """URL of each extension by source and the names up to it, with their indices."""
    found: dict[Names, str] = {}
    for row in rows:
        names = indexed_names(row.target)
        is_url = len(names) > 1 and without_index(names[-1]) in ("url", "uri")
        if is_url and without_index(names[-2]).endswith("xtension") and row.literal:
            found[(row.source, *names[:-1])] = row.literal
    return found


def find_same(
    guide_map: GuideMap, row: GuideRow, wanted: Wanted, ours: Iterable[OurRow]
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


def _same_text(one: OurRow, wanted: Wanted) -> bool:
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


def find_override(
    guide_map: GuideMap,
    row: GuideRow,
    wanted: Wanted,
    overrides: Iterable[Override],
    root: str,
) -> Verdict | None:
    """The reason one of our maps gives for the row, if there is one."""
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
