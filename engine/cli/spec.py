"""Rim. `engine spec MAP`: the mapping specification in the layout of HL7's guide, and what of the
guide is implemented.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import HomeOption
from engine.cli.terminal import Exit, data, fail, note, plural, show_diagnostics

if TYPE_CHECKING:
    from engine.mapping.guide.comparison import Comparison
    from engine.mapping.guide.guide_tables import GuideMap
    from engine.mapping.guide.specification import Specification
    from engine.mapping.guide.verdicts import Verdict
    from engine.mapping.library import Library

ALL = "all"


def spec(
    name: Annotated[
        str,
        typer.Argument(
            metavar="MAP",
            help="A map such as PID[Patient], a table, or all; with --against also a map of the "
            "guide, or a segment for all its maps.",
        ),
    ],
    home: HomeOption = Path(),
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", help="A .csv, .xlsx or .html file in place of stdout; with --against "
            "also .md for a summary."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Compare with the tables of HL7's v2-to-FHIR guide in this folder."),
    ] = None,
) -> None:  # fmt: skip
    """Write what the maps do, row by row with its place; or compare with HL7's guide."""
    library = _library(home)
    if against is not None:
        _compare(library, name, against, out)
    from engine.mapping.guide.specification import specifications

    found = specifications(library, name) or specifications(_documents(home), name)
    if name == ALL:
        found += specifications(_documents(home), name)
    if not found:
        fail(Exit.USAGE, f'there is no map or table "{name}"')
    if out is None:
        from engine.runtime.desk.specification_files import as_csv

        data(as_csv(found).rstrip("\n"))
    else:
        _write(found, out)


def _library(home: Path) -> "Library":
    from engine.runtime.configuration import message_library, read_project

    try:
        library, problems = message_library(read_project(home))
    except (OSError, ValueError) as problem:
        fail(Exit.ENVIRONMENT, str(problem))
    if problems:
        note(f"the maps have {plural(len(problems), 'problem')}; see engine check")
    return library


def _documents(home: Path) -> "Library":
    from engine.runtime.configuration import document_library, read_project

    return document_library(read_project(home), ())[0]


def _write(tables: Sequence["Specification"], file: Path) -> None:
    """The tables to a file, by its suffix."""
    from engine.runtime.desk.specification_files import (
        NoSpreadsheets,
        as_csv,
        as_html,
        write_xlsx,
    )

    suffix = file.suffix.lower()
    try:
        if suffix == ".xlsx":
            write_xlsx(tables, file)
        elif suffix == ".html":
            file.write_text(as_html(tables), encoding="utf-8")
        elif suffix == ".csv":
            file.write_text(as_csv(tables), encoding="utf-8")
        else:
            fail(Exit.USAGE, f"{file} is neither .csv, .xlsx nor .html")
    except NoSpreadsheets:
        fail(
            Exit.ENVIRONMENT,
            "spreadsheets need XlsxWriter: pip install 'interface-engine[spreadsheet]'",
        )
    except OSError as problem:
        fail(Exit.ENVIRONMENT, str(problem))
    note(f"wrote {file}")


# -- against the guide --


def _compare(library: "Library", name: str, folder: Path, out: Path | None) -> None:
    """Say what of the guide is missing or overridden, and count. Ends the command."""
    from engine.mapping.guide.comparison import Comparison
    from engine.mapping.guide.ledger import counts_text, ledger_page, verdict_table
    from engine.mapping.guide.verdicts import MISSING, SAME
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
        fail(Exit.USAGE, f'neither a map of ours nor the guide has "{name}"')
    found = {one: comparison.compare(one) for one in chosen}
    if out is None:
        for verdicts in found.values():
            for verdict in verdicts:
                if verdict.state != SAME:
                    data(_line(verdict))
    elif out.suffix.lower() == ".md":
        out.write_text(ledger_page(found), encoding="utf-8")
        note(f"wrote {out}")
    else:
        _write([verdict_table(found)], out)
    for guide_map, verdicts in found.items():
        if verdicts:
            note(f"{guide_map.name}: {counts_text(verdicts)}")
    every = [verdict for verdicts in found.values() for verdict in verdicts]
    note(f"{len(found)} maps of the guide: {counts_text(every)}")
    missing = any(one.state == MISSING for one in every)
    raise typer.Exit(int(Exit.FINDINGS if missing or problems else Exit.OK))


def _chosen(
    comparison: "Comparison", guide_maps: Sequence["GuideMap"], name: str
) -> list["GuideMap"]:
    """The maps of the guide that a word of the command line means."""
    library = comparison.library
    ours = library.maps.get(name)

    def is_meant(one: "GuideMap") -> bool:
        if name == ALL or one.name == name or one.name.startswith(f"{name}["):
            return True
        if library.guide.table(one.name) == name:
            return True
        return ours is not None and ours in comparison.counterparts(one.name)

    return [one for one in guide_maps if is_meant(one)]


def _line(verdict: "Verdict") -> str:
    row = verdict.row
    fixed = f' = "{row.literal}"' if row.literal else ""
    reason = f": {verdict.reason}" if verdict.reason else ""
    place = f"  [{verdict.place}]" if verdict.place is not None else ""
    where = f"{verdict.guide_map.name} {row.line}"
    return f"{verdict.state:10} {where}: {row.source} -> {row.target}{fixed}{reason}{place}"
