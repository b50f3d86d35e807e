"""Rim. `engine docs [TOPIC]`: the dictionary at hand, and the generated pages of
docs/reference/.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.terminal import Exit, data, fail, note

PAGES_FOLDER = Path("docs") / "reference"
ROWS_MAX = 40


def docs(
    context: typer.Context,
    topic: Annotated[
        str,
        typer.Argument(
            help="PID-7, CX.4, Patient.gender, table 0001, a code such as T561, a function such as "
            'date, or words such as "admit date".'
        ),
    ] = "",
    write: Annotated[bool, typer.Option("--write", help="Write docs/reference/.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Fail if docs/reference/ is stale.")
    ] = False,
    version: Annotated[str, typer.Option(help="HL7 version of the dictionary.")] = "2.8.2",
) -> None:
    """Explain a field, element, table, code or function; or write the reference pages."""
    if write or check:
        _pages(context.find_root().command, check=check)
        return
    if not topic:
        fail(Exit.USAGE, "name a topic, or say --write or --check")
    from engine.cli.topics import lookup

    lines = lookup(topic, version)
    for line in lines[:ROWS_MAX]:
        data(line)
    if len(lines) > ROWS_MAX:
        note(f"{len(lines) - ROWS_MAX} more; use more words")
    if not lines:
        fail(Exit.FINDINGS, f'nothing is known about "{topic}"')


def _pages(root: Any, *, check: bool) -> None:
    stale = []
    pages = _page_makers(root)
    for path, make in pages.items():
        text = make()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            stale.append(str(path))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            note(f"wrote {path}")
    if stale:
        fail(Exit.FINDINGS, f"stale: {', '.join(stale)}; run engine docs --write")
    note(f"{len(pages)} pages are up to date")


def _page_makers(root: Any) -> dict[Path, Callable[[], str]]:
    from engine.cli import reference

    guide = Path("docs") / "channels.md"
    environments = Path("docs") / "environments.md"
    console = Path("docs") / "console.md"
    simulator = Path("docs") / "simulator.md"
    millennium = Path("docs") / "millennium.md"
    return {
        PAGES_FOLDER / "diagnostics.md": reference.diagnostics_page,
        PAGES_FOLDER / "functions.md": reference.functions_page,
        PAGES_FOLDER / "commands.md": lambda: reference.commands_page(root),
        PAGES_FOLDER / "maps.md": lambda: reference.maps_page(Path()),
        guide: lambda: reference.channels_page(guide.read_text(encoding="utf-8")),
        environments: lambda: reference.environments_page(environments.read_text(encoding="utf-8")),
        millennium: lambda: reference.millennium_page(millennium.read_text(encoding="utf-8")),
        simulator: lambda: reference.simulator_page(simulator.read_text(encoding="utf-8")),
        console: lambda: reference.console_page(console.read_text(encoding="utf-8")),
    }
