"""Rim. `engine audit` and `engine audit verify`: who saw and did what; whether that is all."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.access import SignInOption, opened
from engine.cli.log import clock
from engine.cli.options import StoreOption
from engine.cli.terminal import Exit, data, data_json, fail, note, plural
from engine.runtime.desk.rights import Right

if TYPE_CHECKING:
    from engine.runtime.desk.audit import AuditHead, AuditRow

app = typer.Typer(
    help="The audit trail: who saw, sent and changed what, in console and commands.",
    invoke_without_command=True,
)


@app.callback()
def audit(
    context: typer.Context,
    patient: Annotated[
        str, typer.Option(help="Identifier of a patient: who looked at whom it names.")
    ] = "",
    user: Annotated[str, typer.Option(help="What this user did.")] = "",
    act: Annotated[str, typer.Option(help="Only this: view, search, export, replay, ...")] = "",
    message: Annotated[int, typer.Option(help="Only of this message; 0: of all.", min=0)] = 0,
    since: Annotated[str, typer.Option(help="2h, 30d, or 2026-11-22.")] = "",
    limit: Annotated[int, typer.Option(help="Most rows, the newest.", min=1)] = 200,
    form: Annotated[str, typer.Option("--format", help="text or ndjson.")] = "text",
    store: StoreOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Show the audit trail, newest first; that it was read is recorded too."""
    if context.invoked_subcommand is not None:
        return
    from engine.runtime.desk.audit import AuditSearch, read_trail

    search = AuditSearch(
        actor=user,
        act=act,
        message_id=message or None,
        since=_since(since),
        limit=limit,
    )
    with opened(store, sign_in, Right.READ_AUDIT) as access:
        rows = read_trail(access.desk, access.viewer, search, patient)
    for row in rows:
        if form == "ndjson":
            data_json(_row_dict(row))
        else:
            data(_line(row))
    note(plural(len(rows), "entry") if len(rows) == 1 else f"{len(rows):,} entries")
    raise typer.Exit(int(Exit.OK if rows else Exit.FINDINGS))


@app.command("verify")
def verify(
    head: Annotated[
        str, typer.Option(help="NUMBER:DIGEST noted earlier, to be found in the trail again.")
    ] = "",
    store: StoreOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Check that no entry was changed, taken out or added; prints the head, to be noted."""
    from engine.runtime.desk.audit import verify_trail

    noted = _head(head)
    with opened(store, sign_in, Right.READ_AUDIT) as access:
        verdict = verify_trail(access.desk, access.viewer, noted)
    data(str(verdict.head))
    if verdict.broken_number is not None:
        fail(Exit.FINDINGS, f"the trail is broken at entry {verdict.broken_number}: "
                            f"{verdict.problem}")  # fmt: skip
    note(f"all {verdict.rows:,} entries are as they were recorded")


@app.command("prune")
def prune(
    older_than: Annotated[str, typer.Option("--older-than", help="Age, such as 2200d.")],
    store: StoreOption = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    sign_in: SignInOption = "",
) -> None:
    """Forget old entries, where the law lets you; what is left can still be verified."""
    from engine.runtime.desk.audit import prune_trail

    before = _since(older_than)
    if before is None or before >= time.time():
        fail(Exit.USAGE, "--older-than wants an age such as 2200d")
    with opened(store, sign_in, Right.USERS, Right.READ_AUDIT) as access:
        if not yes and not typer.confirm(f"forget entries older than {older_than}?", err=True):
            raise typer.Exit(int(Exit.FINDINGS))
        count = prune_trail(access.desk, access.viewer, before)
    data(str(count))
    note(f"{count:,} entries forgotten")


def _head(text: str) -> "AuditHead | None":
    from engine.runtime.desk.audit import AuditHead

    if not text:
        return None
    number, _, digest = text.partition(":")
    try:
        return AuditHead(number=int(number), digest=bytes.fromhex(digest))
    except ValueError:
        fail(Exit.USAGE, "--head wants NUMBER:DIGEST, as engine audit verify prints it")


def _since(text: str) -> float | None:
    from engine.runtime.desk.search_query import QueryError, parse_query

    if not text:
        return None
    try:
        return parse_query(f"since:{text}", now=time.time()).since
    except QueryError as problem:
        fail(Exit.USAGE, str(problem))


def _line(row: "AuditRow") -> str:
    entry = row.entry
    what = f"message {entry.message_id}" if entry.message_id is not None else entry.subject
    details = " ".join(f"{name}={value}" for name, value in entry.details.items())
    reason = f'"{entry.reason}"' if entry.reason else ""
    parts = (entry.channel, what, details, reason)
    return (
        f"{row.number:>7}  {clock(entry.at)}  {entry.actor:<16} {entry.act:<12} "
        f"{entry.origin:<28} {'  '.join(part for part in parts if part)}"
    ).rstrip()


def _row_dict(row: "AuditRow") -> dict[str, Any]:
    entry = row.entry
    return {
        "number": row.number,
        "at": entry.at,
        "actor": entry.actor,
        "origin": entry.origin,
        "act": entry.act,
        "channel": entry.channel,
        "message_id": entry.message_id,
        "patients": list(entry.patients),
        "subject": entry.subject,
        "reason": entry.reason,
        "details": dict(entry.details),
        "digest": row.digest.hex(),
    }
