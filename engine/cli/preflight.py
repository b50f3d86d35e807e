"""Rim. `engine preflight`: what must hold outside the engine, before messages go to a tenant."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import DEFAULT_STORE, EnvironmentOption, HomeOption, StoreOption
from engine.cli.terminal import Exit, data, data_json, fail, note, plural, show_diagnostics

if TYPE_CHECKING:
    from engine.runtime.preflight.findings import Finding
    from engine.runtime.preflight.subject import Subject

FORMS = ("text", "json")


def preflight(
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    store: StoreOption = "",
    tenant: Annotated[str, typer.Option(help="Only this tenant; default: all.")] = "",
    write_canary: Annotated[
        bool,
        typer.Option("--write-canary", help="Write to the test patient too, unchanged."),
    ] = False,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Check network, credentials, scopes, capabilities, references, codes and the store."""
    if form not in FORMS:
        fail(Exit.USAGE, f"--format is {' or '.join(FORMS)}")
    found = _findings(home, environment, store or DEFAULT_STORE, tenant, write_canary)
    statuses = [one.status.value for one in found]
    if form == "json":
        data_json([one.as_dict() for one in found], indent=True)
    else:
        _show(found)
    failures, warnings = statuses.count("fail"), statuses.count("warn")
    note(f"{plural(failures, 'failure')}, {plural(warnings, 'warning')}")
    raise typer.Exit(int(Exit.FINDINGS if failures else Exit.OK))


def _findings(
    home: Path, environment: str, store_url: str, tenant: str, write_canary: bool
) -> "Sequence[Finding]":
    from engine.runtime.configuration import read_project
    from engine.runtime.node.node import data_folder
    from engine.runtime.preflight.gathering import gather

    try:
        files = read_project(home, environment)
    except (OSError, ValueError) as problem:
        fail(Exit.ENVIRONMENT, str(problem))
    gathered = gather(files, data=data_folder(home, store_url).path, store_url=store_url)
    if gathered.problems:
        show_diagnostics(gathered.problems)
        fail(Exit.USAGE, "the configuration has errors; see engine check")
    if gathered.findings:
        return gathered.findings
    chosen = [one for one in gathered.subjects if tenant in ("", one.tenant.name)]
    if not chosen:
        known = ", ".join(one.tenant.name for one in gathered.subjects)
        fail(
            Exit.USAGE,
            f'there is no tenant "{tenant}": {known}'
            if known
            else "no environment with a tenant is in force: say --env NAME",
        )
    return asyncio.run(_all(chosen, write_canary))


async def _all(subjects: "Sequence[Subject]", write_canary: bool) -> "list[Finding]":
    from engine.runtime.preflight.run import preflight as check_tenant

    return [
        one
        for subject in subjects
        for one in await check_tenant(subject, write_canary=write_canary)
    ]


def _show(found: "Sequence[Finding]") -> None:
    tenant = ""
    for one in found:
        if one.tenant != tenant:
            tenant = one.tenant
            data(f"tenant {tenant}")
        data(f"  {one.status.value.upper():<4}  {one.check:>2} {one.name:<13} {one.evidence}")
        if one.remedy:
            data(f"{'':>24} = help: {one.remedy}")
