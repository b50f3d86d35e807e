"""Rim. `engine test`: the tests written beside maps and channels, and what they exercise."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import EnvironmentOption, HomeOption
from engine.cli.project import message_files, messages_of, open_project
from engine.cli.terminal import Exit, data, data_json, note, plural

if TYPE_CHECKING:
    from engine.channel.testcase import TestResult
    from engine.runtime.desk.workbench import Workbench

UNEXERCISED_SHOWN = 40


def test(
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    only: Annotated[str, typer.Option("-k", help="Tests whose owner or name holds this.")] = "",
    coverage: Annotated[
        list[Path] | None,
        typer.Option("--coverage", help="Which rules the messages of this folder exercise."),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text or ndjson.")] = "text",
) -> None:
    """Run the `tests:` of all maps and channels by the code of the engine."""
    bench = open_project(home, environment)

    def read_file(name: str) -> bytes | None:
        path = home / name
        return path.read_bytes() if path.is_file() else None

    results = [one for one in bench.run_tests(read_file) if only in one.owner or only in one.name]
    for one in results:
        _show(one, form)
    if coverage:
        _show_coverage(bench, coverage)
    failed = sum(not one.passed for one in results)
    note(f"{plural(len(results), 'test')}, {failed} failed")
    raise typer.Exit(int(Exit.FINDINGS if failed or not results else Exit.OK))


def _show(one: "TestResult", form: str) -> None:
    if form == "ndjson":
        data_json(
            {
                "owner": one.owner,
                "name": one.name,
                "file": one.file,
                "line": one.line,
                "passed": one.passed,
                "failures": list(one.failures),
            }
        )
    elif not one.passed:
        data(f"FAIL {one.owner}: {one.name}   {one.file}:{one.line}")
        for failure in one.failures:
            data(f"     {failure}")


def _show_coverage(bench: "Workbench", paths: list[Path]) -> None:
    found = bench.coverage(raw for file in message_files(paths) for raw in messages_of(file))
    unexercised = found.unexercised()
    for rule in unexercised[:UNEXERCISED_SHOWN]:
        data(f"not exercised: {rule.place}  {rule.map_name} {rule.target}")
    if len(unexercised) > UNEXERCISED_SHOWN:
        note(f"{len(unexercised) - UNEXERCISED_SHOWN} more rules")
    note(f"rules exercised: {found.share():.0%}; source fields read: {len(found.fields)}")
