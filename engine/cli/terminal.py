"""Rim. How the commands speak: data on stdout, notes on stderr, exit codes, masking on a
terminal.
"""

import sys
from collections.abc import Iterable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn

import orjson
import typer

from engine.diagnostics import Diagnostic, Severity, render, sort_key, without_secrets


class Exit(IntEnum):
    """What the exit code of a command means."""

    OK = 0
    FINDINGS = 1
    """The command ran and found something wrong with the data or the maps."""
    USAGE = 2
    """It was asked wrongly, or the configuration is wrong."""
    ENVIRONMENT = 3
    """Something outside is missing: a file, a server, the store."""


def note(text: str) -> None:
    """Say something to the person, on stderr."""
    typer.echo(text, err=True)


def data(text: str) -> None:
    """Write a line of data to stdout."""
    typer.echo(text)


def data_json(value: Any, *, indent: bool = False) -> None:
    """Write JSON to stdout, one line unless indented."""
    option = orjson.OPT_INDENT_2 if indent else 0
    typer.echo(orjson.dumps(value, option=option, default=str).decode())


def fail(code: Exit, text: str) -> NoReturn:
    """Say why and leave."""
    note(f"engine: {text}")
    raise typer.Exit(int(code))


def masked_by_default(unmask: bool) -> bool:
    """True when patients' values must be hidden: on a terminal, unless somebody asked for them."""
    return sys.stdout.isatty() and not unmask


def show_diagnostics(found: Iterable[Diagnostic], form: str = "text") -> tuple[int, int]:
    """Print problems in order of place; returns how many errors and warnings there were.

    `form` is text (with the source line and a caret), ndjson or github (workflow annotations).
    """
    sources: dict[str, list[str]] = {}
    errors = warnings = 0
    listed = sorted(found, key=sort_key)
    for one in listed:
        errors += one.severity is Severity.ERROR
        warnings += one.severity is Severity.WARNING
        if form == "ndjson":
            data_json(one.as_dict())
        elif form == "github":
            place = one.place
            level = "error" if one.severity is Severity.ERROR else "warning"
            data(
                f"::{level} file={place.file or ''},line={place.line or 1},"
                f"col={place.column or 1}::{one.code} {one.message}"
            )
        else:
            source = _source_lines(one.place.file, sources)
            if source is not None:
                source = without_secrets(source, listed, one.place.file)
            data(render(one, source))
    return errors, warnings


def _source_lines(file: str | None, cache: dict[str, list[str]]) -> list[str] | None:
    if file is None:
        return None
    if file not in cache:
        try:
            cache[file] = Path(file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            cache[file] = []
    return cache[file]


def plural(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def counts_line(counts: Mapping[str, int]) -> str:
    """`3 SENT  1 ERROR` in the order given, zeros left out."""
    return "  ".join(f"{count:,} {name}" for name, count in counts.items() if count)
