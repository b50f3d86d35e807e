"""Rim. `engine coverage DIR...`: what of messages is mapped, ignored or lost, by field."""

import csv
import io
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.options import EnvironmentOption, HomeOption
from engine.cli.project import kind_of, message_files, messages_of, open_project
from engine.cli.terminal import Exit, data, data_json, fail, note, plural

if TYPE_CHECKING:
    from engine.mapping.field_coverage import CoverageRow, FieldCoverage
    from engine.runtime.desk.workbench import Workbench

FILES_PER_TASK = 8
FORMS = ("text", "json", "csv")


def coverage(
    paths: Annotated[
        list[Path], typer.Argument(help="Files with messages or batches, or folders.")
    ],
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    channel: Annotated[
        str | None, typer.Option(help="Convert as this channel would; default: by its route.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes; 0: one per core.", min=0, max=256)] = 1,
    form: Annotated[str, typer.Option("--format", help="text, json or csv.")] = "text",
    worst: Annotated[
        int, typer.Option(help="How many of the fields with most lost leaves to list.", min=0)
    ] = 20,
    least: Annotated[
        float, typer.Option(help="Fail when a smaller share, in per cent, is kept.", min=0, max=100)
    ] = 0,
) -> None:
    """Count what became of every populated leaf, by message type, segment and field."""
    if form not in FORMS:
        fail(Exit.USAGE, f"--format is {', '.join(FORMS)}")
    files = message_files(paths)
    if not files:
        fail(Exit.ENVIRONMENT, "there is no message file here")
    bench = open_project(home, environment)
    if channel is not None and bench.loaded.configuration.channel(channel) is None:
        fail(Exit.USAGE, f'there is no channel "{channel}"')
    found = _gather(bench, files, home, channel, jobs or os.cpu_count() or 1)
    {"text": _as_text, "json": _as_json, "csv": _as_csv}[form](found, worst)
    kept = found.total().share * 100
    note(f"{plural(len(files), 'file')}, {plural(sum(found.messages.values()), 'message')}")
    raise typer.Exit(int(Exit.FINDINGS if kept < least else Exit.OK))


def _gather(
    bench: "Workbench", files: Sequence[Path], home: Path, channel: str | None, workers: int
) -> "FieldCoverage":
    """The counts of all files, with a bar of progress on stderr."""
    from rich.console import Console
    from rich.progress import Progress

    from engine.mapping.field_coverage import FieldCoverage

    found = FieldCoverage()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("counting", total=len(files))
        for part in _parts(bench, files, home, channel, workers):
            found.merge(part)
            progress.advance(task)
    return found


def _parts(
    bench: "Workbench", files: Sequence[Path], home: Path, channel: str | None, workers: int
) -> "Iterator[FieldCoverage]":
    if workers == 1:
        yield from (_count(bench, channel, file) for file in files)
        return
    begin = (home, bench.loaded.files.environment, channel)
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=begin) as pool:
        yield from pool.map(_file, files, chunksize=FILES_PER_TASK)


def _count(bench: "Workbench", channel: str | None, file: Path) -> "FieldCoverage":
    from engine.mapping.field_coverage import FieldCoverage

    found = FieldCoverage()
    for raw in messages_of(file):
        found.add(kind_of(raw), bench.accounts(raw, channel))
    return found


_prepared: "tuple[Workbench, str | None] | None" = None


def _begin(home: Path, environment: str, channel: str | None) -> None:
    global _prepared  # noqa: PLW0603  a pool's process has one task for its life
    _prepared = (open_project(home, environment), channel)


def _file(file: Path) -> "FieldCoverage":
    if _prepared is None:
        raise RuntimeError("the process was not prepared")
    return _count(*_prepared, file)


# -- how it is shown --


def _as_text(found: "FieldCoverage", worst: int) -> None:
    """Totals by message type, then the fields that lose most."""
    from engine.mapping.field_coverage import STATES

    head = ["", "messages", "leaves", "kept", *STATES]
    rows = [_text_cells(row.message_type, found, row) for row in found.types()]
    rows.append(_text_cells("all", found, found.total()))
    _print_table([head, *rows])
    listed = found.worst(worst)
    if listed:
        data("")
        head = ["lost most in", "", "leaves", "kept", *STATES]
        _print_table(
            [head, *(_text_cells(f"{row.segment}-{row.field}", None, row) for row in listed)]
        )


def _text_cells(name: str, found: "FieldCoverage | None", row: "CoverageRow") -> list[str]:
    messages = ""
    if found is not None:
        messages = f"{found.messages[name] if name != 'all' else sum(found.messages.values()):,}"
    numbers = [f"{count:,}" if count else "" for count in row.counts.values()]
    return [name, messages, f"{row.leaves:,}", f"{row.share:.1%}", *numbers]


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        data("  ".join(cells).rstrip())


def _as_json(found: "FieldCoverage", worst: int) -> None:
    data_json(
        {
            "messages": dict(sorted(found.messages.items())),
            "total": _values(found.total()),
            "types": [_values(row) for row in found.types()],
            "segments": [_values(row) for row in found.segments()],
            "fields": [_values(row) for row in found.fields()],
            "worst": [_values(row) for row in found.worst(worst)],
        },
        indent=sys.stdout.isatty(),
    )


def _as_csv(found: "FieldCoverage", _worst: int) -> None:
    """One line for each field of each message type."""
    stream = io.StringIO(newline="")
    rows = [_values(row) for row in found.fields()]
    writer = csv.DictWriter(stream, list(_values(found.total())), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    data(stream.getvalue().rstrip("\n"))


def _values(row: "CoverageRow") -> dict[str, Any]:
    return {
        "message_type": row.message_type,
        "segment": row.segment,
        "field": row.field,
        "leaves": row.leaves,
        "kept": round(row.share, 4),
        **row.counts,
        "reason": row.reason,
    }
