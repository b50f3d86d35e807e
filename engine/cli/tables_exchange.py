"""Rim. `engine tables snapshot | fetch | import | export`: tables from and to elsewhere."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.options import EnvironmentOption, HomeOption
from engine.cli.tables_project import (
    alias_table,
    numbers,
    project,
    snapshot_project,
    tenant_of,
)
from engine.cli.terminal import Exit, data, data_json, fail, note, plural, show_diagnostics

if TYPE_CHECKING:
    from engine.channel.environment import TenantConfig, TerminologyConfig
    from engine.runtime.codetables.fetching import Wanted
    from engine.runtime.codetables.snapshots import SnapshotDiff, Taking
    from engine.runtime.configuration import Loaded

CHANGES_SHOWN_MAX = 20


def snapshot(
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    tenant: Annotated[str, typer.Option(help="Which, where the environment has several.")] = "",
    code_sets: Annotated[
        str,
        typer.Option(help="Such as 72,71; default: those of the tables and of the last snapshot."),
    ] = "",
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A site's export in CSV, in place of the EHR API."),
    ] = None,
    only: Annotated[
        bool, typer.Option("--only", help="Keep nothing of the last snapshot besides.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what changed; nothing is written.")
    ] = False,
) -> None:
    """Take the code values of a tenant and show what changed since the last time.

    Code sets of the last snapshot that are not asked for stay as they are.
    """
    from engine.runtime.codetables.snapshots import (
        code_sets_in_use,
        compare,
        save_snapshot,
        take,
        used_values,
    )

    loaded = snapshot_project(home, environment)
    chosen = tenant_of(loaded, tenant)
    if not chosen.snapshot:
        fail(Exit.USAGE, f"the tenant {chosen.name} names no `snapshot` in its environment")
    before = loaded.code_values.snapshots.get(chosen.snapshot)
    if before is not None and before.tenant != chosen.tenant:
        before = None  # of another tenant: its numbers mean nothing here
    wanted = numbers(code_sets) or code_sets_in_use(loaded.code_values, before)
    if not wanted:
        fail(Exit.USAGE, "there is no table yet: say which with --code-sets 72,71")
    values = _from_file(source, wanted) if source is not None else _from_api(chosen, wanted)
    taking = take(before, values, wanted, only=only)
    _print_changes(compare(before, taking.values, used_values(loaded.code_values, before)))
    _print_taking(taking)
    if dry_run:
        note("nothing was written")
        return
    if taking.lost or not taking.values:
        fail(Exit.FINDINGS, "nothing was written; --only writes what was found all the same")
    try:
        save_snapshot(
            home,
            chosen.snapshot,
            taking,
            tenant=chosen.tenant,
            source=source.name if source is not None else "ehr-api",
            now=time.time(),
        )
    except OSError as problem:
        fail(Exit.ENVIRONMENT, f"the snapshot cannot be written: {problem.strerror}")
    data(chosen.snapshot)
    sets = plural(len(taking.code_sets), "code set")
    note(f"{plural(len(taking.values), 'code value')} of {sets} written")


def _print_taking(taking: "Taking") -> None:
    if taking.lost:
        note(f"nothing was found any more of code set {_listed(taking.lost)}")
    if taking.not_found:
        note(f"nothing was found of code set {_listed(taking.not_found)}")
    if taking.staying:
        note(f"not asked for, as before ({taking.taken_at}): code set {_listed(taking.staying)}")


def _listed(code_sets: tuple[int, ...]) -> str:
    return ", ".join(map(str, code_sets))


def _from_file(source: Path, wanted: tuple[int, ...]) -> list[Any]:
    from engine.runtime.codetables.snapshots import read_export

    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, ValueError) as problem:
        fail(Exit.ENVIRONMENT, f"{source} cannot be read: {problem}")
    values, problems = read_export(text, str(source), wanted)
    if problems:
        show_diagnostics(problems)
        fail(Exit.FINDINGS, "the export has errors; nothing was written")
    return values


def _from_api(tenant: "TenantConfig", wanted: tuple[int, ...]) -> list[Any]:
    import asyncio

    from engine.runtime.codetables.ehr_api import FetchFailed
    from engine.runtime.codetables.taking import take_code_values
    from engine.runtime.secrets import read_secret

    try:
        return list(asyncio.run(take_code_values(tenant, wanted, read_secret)))
    except (FetchFailed, OSError) as problem:
        fail(Exit.ENVIRONMENT, str(problem))


def _print_changes(changes: "SnapshotDiff") -> None:
    lines = [f"+ {_told(one)}" for one in changes.added]
    lines += [f"- {_told(one)}" for one in changes.removed]
    lines += [f"~ {_told(before)} -> {_told(now)}" for before, now in changes.changed]
    for line in lines[:CHANGES_SHOWN_MAX]:
        data(line)
    if len(lines) > CHANGES_SHOWN_MAX:
        data(f"... and {len(lines) - CHANGES_SHOWN_MAX:,} more")
    note(
        f"{len(changes.added):,} new, {len(changes.removed):,} gone, {len(changes.changed):,}"
        f" changed, {changes.kept:,} as before"
    )
    if changes.used:
        note(f"aliases name {len(changes.used):,} of those gone or changed: engine tables lint")


def _told(one: Any) -> str:
    state = "" if one.active else " (inactive)"
    return f"{one.code_set} {one.value} {one.display}{state}"


def fetch(
    name: Annotated[
        str, typer.Argument(help="The table of codevalues/standard that gets the rows.")
    ],
    target: Annotated[str, typer.Option(help="LOINC, SNOMED CT, ICD-10-CM, CVX, RxNorm or a URI.")],
    codes: Annotated[
        list[str] | None, typer.Option("--code", help="A code to translate; may be repeated.")
    ] = None,
    system: Annotated[str, typer.Option(help="The codes' system; empty: local codes.")] = "",
    codes_of: Annotated[
        str, typer.Option(help="All codes of an alias table, such as LAB_A/72.")
    ] = "",
    server: Annotated[
        str, typer.Option(help="FHIR root of the terminology server; default: the environment's.")
    ] = "",
    concept_map: Annotated[str, typer.Option(help="URL of one map of the server.")] = "",
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
) -> None:
    """Fetch translations from a terminology server (`$translate`) into a standard table."""
    import asyncio

    from yarl import URL

    from engine.runtime.codetables.ehr_api import FetchFailed
    from engine.runtime.codetables.fetching import (
        fetch_translations,
        save_translations,
        without_known,
    )
    from engine.runtime.codetables.lines import Refused
    from engine.runtime.secrets import read_secret

    loaded = project(home, environment)
    config = _terminology(loaded, server)
    registry = loaded.code_values.registry
    standard = registry.canonical(target)
    if ":" not in standard:
        fail(Exit.USAGE, f"no standard is called {target}")
    wanted = without_known(
        loaded.code_values, _wanted(loaded, codes or [], system, codes_of), standard
    )
    if not wanted:
        note("every code is translated already")
        return
    try:
        found = asyncio.run(
            fetch_translations(
                config,
                wanted,
                target_system=standard,
                concept_map=concept_map,
                secrets=read_secret,
            )
        )
        file, count = save_translations(home, name, found, host=URL(config.server).host or "")
    except (FetchFailed, OSError) as problem:
        fail(Exit.ENVIRONMENT, str(problem))
    except KeyError as problem:
        fail(Exit.ENVIRONMENT, f"the environment variable {problem.args[0]} is not set")
    except Refused as problem:
        fail(Exit.FINDINGS, str(problem))
    for one, match in found.found:
        data(f"{one.code} -> {match.code} {match.display} ({match.equivalence})")
    for one in found.ambiguous:
        note(f"{one.code}: several translations; add the right one to {file} by hand")
    for one in found.unknown:
        note(f"{one.code}: the server knows no translation")
    note(f"{plural(count, 'row')} written to {file}; look at them, then `engine reload`")
    raise typer.Exit(int(Exit.FINDINGS if found.unknown or found.ambiguous else Exit.OK))


def _terminology(loaded: "Loaded", server: str) -> "TerminologyConfig":
    from engine.channel.environment import TerminologyConfig

    environment = loaded.configuration.environment
    own = environment.terminology if environment is not None else None
    if server and (own is None or own.server != server):
        # the environment's token belongs to the environment's server
        return TerminologyConfig(server=server)
    if own is None:
        fail(Exit.USAGE, "name a server with --server, or `terminology:` in the environment")
    return own


def _wanted(loaded: "Loaded", codes: list[str], system: str, table: str) -> list["Wanted"]:
    """The codes named, and those of an alias table."""
    from engine.runtime.codetables.fetching import Wanted

    values = loaded.code_values
    canonical = values.registry.canonical(system)
    found = [Wanted(code, canonical, "", canonical) for code in codes]
    if table:
        rows = values.aliases.get(alias_table(table))
        if rows is None:
            fail(Exit.USAGE, f"there is no table {table}")
        found += [
            Wanted(row.alias, row.canonical, row.display, row.canonical or canonical)
            for row in rows.rows
        ]
    if not found:
        fail(Exit.USAGE, "name codes with --code, or a table with --codes-of")
    return found


def export(
    table: Annotated[str, typer.Argument(help="LAB_A/72, or a table of codevalues/standard.")],
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
) -> None:
    """Print a table as a ConceptMap of FHIR R4."""
    from engine.runtime.codetables.concept_maps import exported
    from engine.runtime.codetables.lines import Refused

    try:
        data_json(exported(project(home, environment).code_values, table), indent=True)
    except Refused as problem:
        fail(Exit.FINDINGS, str(problem))


def import_(
    file: Annotated[Path, typer.Argument(help="A ConceptMap of FHIR R4 in JSON.")],
    table: Annotated[
        str, typer.Option("--as", help="LAB_A/72: add aliases; a name: keep it as standard table.")
    ],
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
) -> None:
    """Take a ConceptMap into the project: rows of an alias table, or a standard table."""
    from engine.runtime.codetables.concept_maps import import_aliases, import_standard
    from engine.runtime.codetables.lines import Refused

    loaded = project(home, environment)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as problem:
        fail(Exit.ENVIRONMENT, f"{file} cannot be read: {problem}")
    lost: list[Any] = []
    try:
        if "/" in table:
            own, count, lost = import_aliases(
                home, loaded.code_values, alias_table(table), text, str(file)
            )
        else:
            own, count = import_standard(home, table, text, str(file))
    except Refused as problem:
        fail(Exit.FINDINGS, str(problem))
    except OSError as problem:
        fail(Exit.ENVIRONMENT, f"the table cannot be written: {problem.strerror}")
    show_diagnostics(lost)
    data(own)
    note(f"{plural(count, 'row')} taken; `engine tables lint` checks them")
    raise typer.Exit(int(Exit.FINDINGS if lost else Exit.OK))
