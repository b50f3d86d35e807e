"""Rim. `engine replay QUERY`: select by search, show what would happen, run, watch."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from engine.cli.access import Access, SignInOption, opened
from engine.cli.options import EnvironmentOption, HomeOption, StoreOption
from engine.cli.project import open_project
from engine.cli.terminal import Exit, counts_line, data, fail, note, plural
from engine.runtime.desk.rights import Right

if TYPE_CHECKING:
    from engine.runtime.desk.message_log import MessageLog, Search
    from engine.runtime.desk.workbench import Workbench

POLL_SECONDS = 0.25
PREVIEW_MAX = 10_000
"""Messages a dry run processes again; the rest is counted only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """How messages are to be run again."""

    resend: bool
    destinations: tuple[str, ...]
    rate_per_second: float
    stop_after_failures: int
    overwrite_newer: bool
    configuration: str
    reason: str


def replay(
    query: Annotated[
        list[str],
        typer.Argument(help="What to replay, as in log search: status:ERROR since:2h, id:42."),
    ],
    store: StoreOption = "",
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would happen; nothing is sent.")
    ] = False,
    resend: Annotated[
        bool, typer.Option("--resend", help="Send the stored output again instead of processing.")
    ] = False,
    destination: Annotated[
        list[str] | None, typer.Option(help="Only to this destination; may be repeated.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Messages a second.", min=0.01)] = 50.0,
    stop_after_failures: Annotated[
        int, typer.Option(help="Stop when this many failed; 0: never.", min=0)
    ] = 10,
    overwrite_newer: Annotated[
        bool,
        typer.Option(
            "--overwrite-newer", help="Send also what puts older data over newer; else left out."
        ),
    ] = False,
    configuration: Annotated[
        str,
        typer.Option(
            help="now; then: as it was when each message came; or a revision, as log show has it."
        ),
    ] = "now",
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option(help="Watch until it is done.")] = True,
    sign_in: SignInOption = "",
) -> None:
    """Run messages again from their stored bytes, in lane order, linked to their originals."""
    wish = _Wish(
        resend=resend,
        destinations=tuple(destination or ()),
        rate_per_second=rate,
        stop_after_failures=stop_after_failures,
        overwrite_newer=overwrite_newer,
        configuration=configuration,
        reason=reason,
    )
    search = _asked(query)
    with opened(store, sign_in, Right.REPLAY, home=home) as access:
        ids = _selected(access, search)
        if dry_run:
            _preview(access.log, open_project(home, environment), ids, wish)
        if not yes and not typer.confirm(f"replay {len(ids):,} messages?", err=True):
            raise typer.Exit(int(Exit.FINDINGS))
        job_id = _started(access, ids, wish)
        note(f"replay job {job_id}")
        if wait:
            watch(access.log, job_id, len(ids))
        data(str(job_id))


def _asked(query: list[str]) -> "Search":
    from engine.runtime.desk.search_query import QueryError, parse_query

    try:
        return parse_query(" ".join(query), now=time.time())
    except QueryError as problem:
        fail(Exit.USAGE, str(problem))


def _selected(access: Access, search: "Search") -> list[int]:
    """The messages within the scope that can be replayed, with a note of what is left out."""
    from engine.runtime.desk.finding import scoped

    within = scoped(search, access.viewer)
    if within is None:
        fail(Exit.FINDINGS, "none of these channels is yours")
    plan = access.log.plan_replay(within)
    if len(plan.rows) > 1:
        access.require(Right.BULK)
    by_state = Counter(str(row.state or row.verdict) for row in plan.rows)
    note(f"{plural(len(plan.rows), 'message')} selected: {counts_line(by_state)}")
    if plan.skipped_open:
        note(f"{plan.skipped_open:,} left out: still on their way")
    if plan.truncated:
        note("more matched than one replay holds; narrow the query and replay the rest after")
    if not plan.rows:
        raise typer.Exit(int(Exit.FINDINGS))
    return [row.message_id for row in plan.rows]


def _started(access: Access, ids: list[int], wish: _Wish) -> int:
    """Record and store the job, which may have to wait for another person; its number."""
    from engine.pipeline.states import Origin
    from engine.runtime.desk.audit import Act, record
    from engine.runtime.desk.second_person import approval_word, needs_approval

    if access.restricted and not wish.reason.strip():
        fail(Exit.USAGE, "say why: --reason TEXT")
    log, viewer, now = access.log, access.viewer, time.time()
    waits = needs_approval(log, viewer.name, len(ids), access.approval_from, now)
    details = {"resend": "yes" if wish.resend else "no", "configuration": wish.configuration}
    if access.restricted:
        details["second person"] = approval_word(access.approval_from, waits=waits)
    subject = plural(len(ids), "message")
    record(access.desk, viewer, Act.REPLAY, subject=subject, reason=wish.reason, details=details)
    return log.start_replay(
        ids,
        origin=Origin.RESEND if wish.resend else Origin.REPLAY,
        by=viewer.name,
        reason=wish.reason,
        now=now,
        destinations=wish.destinations,
        rate_per_second=wish.rate_per_second,
        stop_after_failures=wish.stop_after_failures,
        overwrite_newer=wish.overwrite_newer,
        revision="" if wish.configuration == "now" else wish.configuration,
        awaits_approval=waits,
    )


def _preview(
    log: "MessageLog", bench: "Workbench", message_ids: list[int], wish: _Wish
) -> NoReturn:
    """Print what would become of them, and leave."""
    from engine.runtime.desk.replay_preview import preview

    result = preview(
        log,
        lambda _revision: bench,
        message_ids[:PREVIEW_MAX],
        destinations=wish.destinations,
        overwrite_newer=wish.overwrite_newer,
        resend=wish.resend,
    )
    for line in result.lines():
        data(line)
    if len(message_ids) > PREVIEW_MAX:
        note(f"the first {PREVIEW_MAX:,} were tried")
    raise typer.Exit(int(Exit.FINDINGS if result.would_fail else Exit.OK))


def watch(log: "MessageLog", job_id: int, total: int) -> NoReturn:
    """Show how far a job is until it ends, and leave with what became of it."""
    from rich.console import Console
    from rich.progress import Progress

    from engine.runtime.desk.second_person import APPROVAL, DECLINED

    idle_since = time.monotonic()
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("replaying", total=total)
        while True:
            job = log.job(job_id)
            if job is None:
                fail(Exit.ENVIRONMENT, f"replay job {job_id} is gone")
            done = job.succeeded + job.failed + job.left_out
            progress.update(task, completed=done)
            if job.started:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > 30:
                note("no engine has picked the job up; it will start when the engine runs")
                raise typer.Exit(int(Exit.ENVIRONMENT))
            if job.state == APPROVAL:
                note(f"it runs when another person agrees: engine approve {job_id}, or the console")
                raise typer.Exit(int(Exit.FINDINGS))
            if job.state in ("done", "stopped", DECLINED):
                break
            time.sleep(POLL_SECONDS)
    data(
        f"{job.succeeded} succeeded  {job.failed} failed  {job.left_out} left out"
        f"  {total - done} not run  ({job.state})"
    )
    if job.left_out:
        note(f"left out: newer data was delivered; engine log search job:{job_id} status:CANCELLED")
    raise typer.Exit(int(Exit.FINDINGS if job.failed or job.state != "done" else Exit.OK))
