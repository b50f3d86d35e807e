"""Rim. `engine spec MAP`: the mapping specification in the layout of HL7's guide, and what of the
guide is implemented.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import HomeOption
from engine.cli.terminal import Exit, data, fail, note, show_diagnostics

if TYPE_CHECKING:
    from engine.mapping.guide.comparison import Comparison, State, Verdict
    from engine.mapping.guide.guide_tables import GuideMap
    from engine.mapping.library import Library

ALL = "all"


def spec(
    name: Annotated[
        str, typer.Argument(metavar="MAP", help="A map such as PID[Patient], a table, or all.")
    ],
    home: HomeOption = Path(),
    against: Annotated[
        Path | None,
        typer.Option(help="The folder `mappings` of HL7's v2-to-FHIR guide to compare with."),
    ] = None,
) -> None:
    """Write what the maps do, row by row with its place; or compare with HL7's guide."""
    library = _library(home)
    if against is not None:
        _against(library, name, against)


def _library(home: Path) -> "Library":
    from engine.mapping.library import read_library
    from engine.runtime.configuration import read_project

    try:
        library, problems = read_library(read_project(home).transforms)
    except (OSError, ValueError) as problem:
        fail(Exit.ENVIRONMENT, str(problem))
    show_diagnostics(problems)
    return library


def _against(library: "Library", name: str, folder: Path) -> None:
    """Say what of the guide is missing, and count."""
    from engine.mapping.guide.comparison import Comparison
    from engine.runtime.desk.guide_folder import read_guide

    try:
        guide_maps, problems = read_guide(folder)
    except OSError as problem:
        fail(Exit.ENVIRONMENT, str(problem))
    show_diagnostics(problems)
    if problems and not guide_maps:
        raise typer.Exit(int(Exit.USAGE))
    comparison = Comparison(library=library)
    chosen = _chosen(comparison, guide_maps, name)
    if not chosen:
        fail(Exit.USAGE, f'neither a map nor the guide has "{name}"')
    verdicts = {one.name: comparison.compare(one) for one in chosen}
    for found in verdicts.values():
        for verdict in found:
            if verdict.state != "same":
                data(_line(verdict))
    missing = _summary(verdicts)
    raise typer.Exit(int(Exit.FINDINGS if missing or problems else Exit.OK))


def _chosen(
    comparison: "Comparison", guide_maps: Sequence["GuideMap"], name: str
) -> list["GuideMap"]:
    """The maps of the guide that a word of the command line means: a name, one of ours, a segment
    or datatype with all its maps, or all."""
    if name == ALL:
        return list(guide_maps)
    found = [one for one in guide_maps if one.name == name or one.name.startswith(f"{name}[")]
    ours = comparison.library.maps.get(name)
    if ours is not None:
        found += [
            one
            for one in guide_maps
            if one not in found
            and (one.name in ours.guide or ours in comparison.counterparts(one.name))
        ]
    tables = comparison.library.guide.tables
    found += [
        one for one in guide_maps if one not in found and tables.get(one.name, ("",))[0] == name
    ]
    return found


def _line(verdict: "Verdict") -> str:
    row = verdict.row
    fixed = f' = "{row.literal}"' if row.literal else ""
    what = f"{verdict.guide_map.name} {row.line}: {row.source} -> {row.target}{fixed}"
    place = f"  [{verdict.place}]" if verdict.place is not None else ""
    return f"{verdict.state:10} {what}{f': {verdict.reason}' if verdict.reason else ''}{place}"


def _summary(verdicts: dict[str, list["Verdict"]]) -> int:
    """Counts per map on stderr; returns how many rows are missing."""
    total: Counter[State] = Counter()
    for name, found in verdicts.items():
        counts = Counter(one.state for one in found)
        total.update(counts)
        if found:
            note(f"{name}: {_counts(counts)}")
    note(f"{len(verdicts)} maps of the guide: {_counts(total)}")
    return total["missing"]


def _counts(counts: "Counter[State]") -> str:
    return f"{counts['same']} same, {counts['overridden']} overridden, {counts['missing']} missing"
