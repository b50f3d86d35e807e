"""Rim. `engine check`: every problem of channels and maps at once, with file, line and remedy."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import EnvironmentOption, HomeOption
from engine.cli.terminal import Exit, data, fail, note, plural, show_diagnostics


def check(
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    form: Annotated[str, typer.Option("--format", help="text, ndjson or github.")] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as findings.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of channel files, for editors.")
    ] = False,
    environment_schema: Annotated[
        bool, typer.Option("--environment-schema", help="Print that of environment files.")
    ] = False,
) -> None:
    """Check channels, environments, transforms, overlays and codevalues against each other,
    HL7 v2 and FHIR R4.
    """
    if schema or environment_schema:
        from engine.channel import schema as schemas
        from engine.cli.terminal import data_json

        made = schemas.json_schema() if schema else schemas.environment_schema()
        data_json(made, indent=True)
        return
    from engine.runtime.configuration import check_project, read_project

    try:
        files = read_project(home, environment)
    except (OSError, ValueError) as problem:
        fail(Exit.ENVIRONMENT, str(problem))
    if not files.channels:
        fail(Exit.USAGE, f"there is no channel in {home / 'channels'}")
    _, found = check_project(files)
    errors, warnings = show_diagnostics(found, form)
    kinds = (
        files.channels, files.environments, files.transforms, files.overlays, files.code_values,
    )  # fmt: skip
    count = sum(len(one) for one in kinds) + bool(files.console)
    note(
        f"checked {plural(count, 'file')}: {plural(errors, 'error')}, {plural(warnings, 'warning')}"
    )
    if form == "text" and not found:
        data("everything is in order")
    raise typer.Exit(int(Exit.FINDINGS if errors or (strict and warnings) else Exit.OK))
