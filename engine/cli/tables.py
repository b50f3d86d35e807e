"""Rim. `engine tables`: the analyst's work list of codes, and the tables that clear it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.access import ReasonOption, SignInOption, opened
from engine.cli.log import clock
from engine.cli.options import EnvironmentOption, HomeOption, StoreOption
from engine.cli.tables_exchange import export, fetch, import_, snapshot
from engine.cli.tables_project import alias_table, project
from engine.cli.terminal import (
    Exit,
    data,
    data_json,
    fail,
    note,
    plural,
    show_diagnostics,
)
from engine.runtime.desk.rights import Right

if TYPE_CHECKING:
    from engine.runtime.codetables.missing import MissingCode

app = typer.Typer(
    help="Codes of senders: what is missing, and the tables that map them.", no_args_is_help=True
)


@app.command("missing")
def missing(
    since: Annotated[str, typer.Option(help="How far back, such as 4h, 30d or 2w.")] = "30d",
    store: StoreOption = "",
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    limit: Annotated[
        int, typer.Option(help="Most messages looked at, newest first.", min=1, max=1_000_000)
    ] = 10_000,
    unmask: Annotated[
        bool, typer.Option(help="Show codes of fields hidden on a terminal too.")
    ] = False,
    form: Annotated[str, typer.Option("--format", help="text or ndjson.")] = "text",
    reason: ReasonOption = "",
    sign_in: SignInOption = "",
) -> None:
    """List codes of messages that no table knows, the most frequent first.

    The messages are processed again by the tables of now, so what was added since is gone.
    """
    from engine.runtime.codetables.missing import missing_codes
    from engine.runtime.desk.audit import record

    loaded = project(home, environment)
    with opened(store, sign_in, Right.SEE_BODIES, home=home) as access:
        viewer, masked, act = access.looking(unmask=unmask, reason=reason)
        record(access.desk, viewer, act, subject="tables missing")
        found = missing_codes(access.log, loaded, since=_since(since), messages_max=limit)
    entries = [one for one in found.in_order() if viewer.sees(one.key.channel)]
    for entry in entries:
        if form == "ndjson":
            data_json(_as_dict(entry))
        else:
            _print_entry(entry, hidden=masked and not _is_shown(entry))
    looked = plural(found.looked_at, "message")
    more = "; there is more that was not looked at" if found.truncated else ""
    note(f"{plural(len(entries), 'code')} in {looked} since {since}{more}")
    raise typer.Exit(int(Exit.FINDINGS if entries else Exit.OK))


@app.command("add")
def add(
    table: Annotated[
        str,
        typer.Argument(
            help="LAB_A/72 (contributor source/code set), or a table of maps, such as "
            "AdministrativeSex or cda/Gender."
        ),
    ],
    row: Annotated[
        str,
        typer.Argument(
            metavar="CODE=TARGET",
            help="TARGET: cki:, concept_cki:, meaning: or display: and the key, or a code value "
            "of the snapshot; for a table of maps the target code.",
        ),
    ],
    system: Annotated[str, typer.Option(help="The code's system; empty: any.")] = "",
    meaning: Annotated[str, typer.Option(help="Alias meaning, such as NURSEUNIT.")] = "",
    display: Annotated[str, typer.Option(help="What the code is called.")] = "",
    target_system: Annotated[str, typer.Option(help="For a table of maps.")] = "",
    comment: Annotated[str, typer.Option(help="Why, for the next reader.")] = "",
    overlay: Annotated[
        str, typer.Option(help="For a table of the library that ships: the overlay it goes into.")
    ] = "",
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Write it though the snapshot lacks the target.")
    ] = False,
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
) -> None:
    """Add a row to a table; `engine reload` then releases the messages that waited for it."""
    from engine.runtime.codetables.adding import NewRow
    from engine.runtime.codetables.any_table import Tables, add_to_table
    from engine.runtime.codetables.lines import Refused

    code, equals, target = row.partition("=")
    if not equals or not code.strip() or not target.strip():
        fail(Exit.USAGE, f"{row} is not CODE=TARGET")
    if not all(one.isprintable() for one in (row, system, meaning, display, comment)):
        fail(Exit.USAGE, "a cell of a table is one line of printable characters")
    loaded = project(home, environment)
    new = NewRow(
        code=code.strip(),
        target=target.strip(),
        system=system,
        alias_meaning=meaning,
        display=display,
        target_system=target_system,
        comment=comment,
    )
    if table.rpartition("/")[2].isdigit():
        alias_table(table)
    tables = Tables(
        home=home,
        files=loaded.files,
        values=loaded.code_values,
        environment=loaded.configuration.environment,
    )
    try:
        added = add_to_table(tables, table, new, overlay=overlay, unchecked=unchecked)
    except Refused as problem:
        fail(Exit.FINDINGS, str(problem))
    except OSError as problem:
        fail(Exit.ENVIRONMENT, f"the table cannot be written: {problem.strerror}")
    data(f"{added.file}:{added.line}: {added.text}")
    note("`engine reload` puts it in force and releases the messages that wait for it")


@app.command("lint")
def lint(
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    stale_days: Annotated[
        int, typer.Option(help="A snapshot older than this is reported.", min=0)
    ] = 90,
    form: Annotated[str, typer.Option("--format", help="text, ndjson or github.")] = "text",
) -> None:
    """Check code values against the snapshots of the environment: absent, inactive, stale."""
    from engine.runtime.codetables.linting import lint_project
    from engine.runtime.configuration import read_project

    try:
        found = lint_project(
            read_project(home, environment), now=time.time(), stale_days=stale_days
        )
    except (OSError, ValueError) as problem:
        fail(Exit.ENVIRONMENT, str(problem))
    errors, warnings = show_diagnostics(found, form)
    note(f"{plural(errors, 'error')}, {plural(warnings, 'warning')}")
    raise typer.Exit(int(Exit.FINDINGS if errors or warnings else Exit.OK))


def _since(text: str) -> float:
    from engine.runtime.desk.search_query import QueryError, parse_query

    try:
        found = parse_query(f"since:{text}", now=time.time()).since
    except QueryError as problem:
        fail(Exit.USAGE, str(problem))
    return found or 0.0


def _is_shown(entry: "MissingCode") -> bool:
    """Codes of code sets, and of fields that are shown on a terminal; others may be results."""
    from engine.runtime.desk.masking import SHIPPED

    return bool(entry.code_set) or SHIPPED.shows(entry.key.where)


def _print_entry(entry: "MissingCode", *, hidden: bool) -> None:
    from engine.runtime.desk.masking import HIDDEN

    key = entry.key
    system = f" ({key.system})" if key.system else ""
    shown = f'  "{entry.display}"' if entry.display and not hidden else ""
    data(f"{entry.count:>7,}  {key.table:<16} {HIDDEN if hidden else key.code}{system}{shown}")
    seen = f"{clock(entry.first_seen)} to {clock(entry.last_seen)} UTC"
    data(
        f"{'':>9}{entry.outcome}  {key.where}  from {key.sender or '-'} on {key.channel}  {seen}"
        f"  such as message {entry.last_message_id}"
    )
    if entry.suggestion:
        data(f"{'':>9}engine tables add {key.table} '{key.code}={entry.suggestion}'")


def _as_dict(entry: "MissingCode") -> dict[str, Any]:
    key = entry.key
    return {
        "sender": key.sender,
        "channel": key.channel,
        "where": key.where,
        "table": key.table,
        "code_set": entry.code_set or None,
        "code": key.code,
        "system": key.system,
        "display": entry.display,
        "outcome": entry.outcome,
        "count": entry.count,
        "first_seen": entry.first_seen,
        "last_seen": entry.last_seen,
        "last_message_id": entry.last_message_id,
        "suggestion": entry.suggestion or None,
    }


for name, verb in (
    ("snapshot", snapshot), ("fetch", fetch), ("import", import_), ("export", export),
):  # fmt: skip
    app.command(name)(verb)
