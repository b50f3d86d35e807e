"""Rim. `engine convert FILE|DIR...`: messages to FHIR by the pure step; nothing is sent.

One file gives its bundles on stdout; several give one line of report per message there.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from engine.cli.options import EnvironmentOption, HomeOption
from engine.cli.project import message_files, messages_of, open_project
from engine.cli.terminal import (
    Exit,
    counts_line,
    data,
    fail,
    masked_by_default,
    note,
    plural,
)
from engine.runtime.desk.masking import SHIPPED

if TYPE_CHECKING:
    from engine.mapping.accounts import LeafAccount
    from engine.runtime.desk.workbench import Conversion, Workbench

FILES_PER_TASK = 8
STDOUT = Path("-")


class Wrapper(StrEnum):
    """What holds the resources of a C-CDA document."""

    TRANSACTION = "transaction"
    DOCUMENT = "document"


def convert(
    paths: Annotated[
        list[Path], typer.Argument(help="Files with messages or batches, or folders.")
    ],
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    channel: Annotated[
        str | None, typer.Option(help="Convert as this channel would; default: by its route.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes; 0: one per core.", min=0, max=256)] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder for one output file per message.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="File for one NDJSON line per message; - for stdout, which is the default "
            "when there are several files."
        ),
    ] = None,
    wrap: Annotated[
        Wrapper | None,
        typer.Option(
            help="Of C-CDA documents: a transaction Bundle, or a Bundle of type document; default: "
            "as the channel sends it, else a transaction."
        ),
    ] = None,
    destination: Annotated[
        str | None,
        typer.Option(
            help="Show what this destination of the channel is sent, such as the calls of a "
            "Millennium destination; default: the Bundle, else the calls."
        ),
    ] = None,
    unmask: Annotated[bool, typer.Option(help="Show values of patients on a terminal.")] = False,
) -> None:
    """Convert messages and documents to FHIR JSON, or Millennium calls; say what was noticed."""
    files = message_files(paths)
    if not files:
        fail(Exit.ENVIRONMENT, "there is no message file here")
    bench = open_project(home, environment)
    if channel is not None and bench.loaded.configuration.channel(channel) is None:
        fail(Exit.USAGE, f'there is no channel "{channel}"')
    if len(files) == 1 and out is None and report is None:
        asked = _Asked(channel, None, wrap, destination)
        _show(_Task(bench, asked), files[0], masked_by_default(unmask))
        return
    if report is None and len(files) > 1:
        report = STDOUT
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    workers = jobs or os.cpu_count() or 1
    task = _Task(bench, _Asked(channel, out, wrap, destination))
    lines = _convert_all(task, files, home, workers)
    _finish(lines, len(files), report)


def _show(task: "_Task", file: Path, masked: bool) -> None:
    """One file: its bundles on stdout, what was noticed on stderr."""
    failed = False
    messages = list(messages_of(file))
    for raw in messages:
        made = task.convert(raw)
        for problem in made.result.diagnostics:
            note(_one_line(problem.as_dict()))
        if made.bundle is None:
            note(f"{file}: {made.result.state}")
            failed = failed or made.result.state != "FILTERED"
        elif len(messages) == 1 or sys.stdout.isatty():
            value = orjson.loads(made.bundle)
            shown = SHIPPED.resource(value) if masked else value
            data(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
        else:
            data(made.bundle.decode())
    raise typer.Exit(int(Exit.FINDINGS if failed else Exit.OK))


def _one_line(problem: dict[str, Any]) -> str:
    rule = f"  [{problem['file']}:{problem.get('line', '')}]" if problem.get("file") else ""
    return (
        f"{problem['severity']}[{problem['code']}] {problem.get('path', '')} "
        f"{problem['message']}{rule}"
    )


def _convert_all(
    task: "_Task", files: Sequence[Path], home: Path, workers: int
) -> Iterator[list[dict[str, Any]]]:
    """The report lines of each file, in order of the files."""
    if workers == 1:
        yield from map(task.file, files)
        return
    begin = (home, task.environment, task.asked)
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=begin) as pool:
        yield from pool.map(_file, files, chunksize=FILES_PER_TASK)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be shown or written of each message."""

    channel: str | None
    out: Path | None
    wrap: Wrapper | None
    destination: str | None


class _Task:
    """What one process converts with."""

    def __init__(self, bench: "Workbench", asked: _Asked) -> None:
        self._bench = bench
        self.environment = bench.loaded.files.environment
        self.asked = asked

    def convert(self, raw: bytes) -> "Conversion":
        """One message, in the wrapper or for the destination asked for."""
        made = self._bench.convert(raw, self.asked.channel)
        if self.asked.destination is not None:
            sent = self._bench.sent_to(made, self.asked.destination)
            return replace(made, bundle=sent)
        if self.asked.wrap is None:
            return made
        return replace(made, bundle=self._bench.wrapped(made, self.asked.wrap.value))

    def file(self, file: Path) -> list[dict[str, Any]]:
        """Convert the messages of a file; one report line each."""
        lines = []
        for number, raw in enumerate(messages_of(file), 1):
            made = self.convert(raw)
            written = self._write(file, number, made)
            accounts = self._bench.accounts(raw, self.asked.channel)
            lines.append(_report_line(file, number, made, written, accounts))
        return lines

    def _write(self, file: Path, number: int, made: "Conversion") -> str | None:
        if self.asked.out is None or made.bundle is None:
            return None
        suffix = f"-{number}" if number > 1 else ""
        target = self.asked.out / f"{'_'.join(file.with_suffix('').parts[-3:])}{suffix}.json"
        target.write_bytes(made.bundle)
        return str(target)


_task: _Task | None = None


def _begin(home: Path, environment: str, asked: _Asked) -> None:
    global _task  # noqa: PLW0603  a pool's process has one task for its life
    _task = _Task(open_project(home, environment), asked)


def _file(file: Path) -> list[dict[str, Any]]:
    if _task is None:
        raise RuntimeError("the process was not prepared")
    return _task.file(file)


def _report_line(
    file: Path,
    number: int,
    made: "Conversion",
    written: str | None,
    accounts: "list[LeafAccount]",
) -> dict[str, Any]:
    message = made.result.message
    counts = Counter(one.state for one in accounts)
    return {
        "file": str(file),
        "message": number,
        "status": made.result.state.value,
        "channel": made.channel,
        "message_type": message.message_type if message is not None else _kind(made),
        "diagnostics": [problem.as_dict() for problem in made.result.diagnostics],
        "leaves": {"all": len(accounts), **dict(sorted(counts.items()))},
        "unmapped": [one.path for one in accounts if one.state == "unmapped"],
        "output": written,
        "cpu_ms": round(made.cpu_seconds * 1000, 3),
    }


def _kind(made: "Conversion") -> str | None:
    return "CDA" if made.result.document is not None else None


def _finish(found: Iterator[list[dict[str, Any]]], files: int, report: Path | None) -> None:
    from rich.console import Console
    from rich.progress import Progress

    states: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    stream = None
    if report is not None:
        stream = sys.stdout.buffer if report == STDOUT else report.open("wb")
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("converting", total=files)
            for lines in found:
                for line in lines:
                    states[line["status"]] += 1
                    codes.update({problem["code"] for problem in line["diagnostics"]})
                    if stream is not None:
                        stream.write(orjson.dumps(line) + b"\n")
                progress.advance(task)
    finally:
        if stream is not None and report != STDOUT:
            stream.close()
    note(
        f"{plural(files, 'file')}, {plural(sum(states.values()), 'message')}: {counts_line(states)}"
    )
    if codes:
        note(
            "messages with each code: "
            + "  ".join(f"{code} {n}" for code, n in codes.most_common())
        )
    raise typer.Exit(int(Exit.FINDINGS if states["ERROR"] or states["HELD"] else Exit.OK))
