"""Rim. `engine replay QUERY`: select by search, show what would happen, run, watch."""

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from engine.cli.access import SignInOption, opened
from engine.cli.options import EnvironmentOption, HomeOption, StoreOption
from engine.cli.project import open_project
from engine.cli.terminal import Exit, counts_line, data, fail, note, plural
from engine.runtime.desk.rights import Right

if TYPE_CHECKING:
    from engine.runtime.desk.message_log import MessageLog
    from engine.runtime.desk.workbench import Workbench

POLL_SECONDS = 0.25
PREVIEW_MAX = 10_000
"""Messages a dry run processes again; the rest is counted only."""


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
    from engine.pipeline.states import Origin
    from engine.runtime.desk.audit import Act, record
    from engine.runtime.desk.finding import scoped
    from engine.runtime.desk.search_query import QueryError, parse_query

    try:
        search = parse_query(" ".join(query), now=time.time())
    except QueryError as problem:
        fail(Exit.USAGE, str(problem))
    with opened(store, sign_in, Right.REPLAY, home=home) as access:
        log = access.log
        within = scoped(search, access.viewer)
        if within is None:
            fail(Exit.FINDINGS, "none of these channels is yours")
        plan = log.plan_replay(within)
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
        if dry_run:
            _preview(
                log,
                open_project(home, environment),
                [row.message_id for row in plan.rows],
                tuple(destination or ()),
                overwrite_newer=overwrite_newer,
                resend=resend,
            )
            return
        if not yes and not typer.confirm(f"replay {len(plan.rows):,} messages?", err=True):
            raise typer.Exit(int(Exit.FINDINGS))
        if access.restricted and not reason.strip():
            fail(Exit.USAGE, "say why: --reason TEXT")
        record(
            access.desk,
            access.viewer,
            Act.REPLAY,
            subject=plural(len(plan.rows), "message"),
            reason=reason,
            details={"resend": "yes" if resend else "no", "configuration": configuration},
        )
        job_id = log.start_replay(
            [row.message_id for row in plan.rows],
            origin=Origin.RESEND if resend else Origin.REPLAY,
            by=access.viewer.name,
            reason=reason,
            now=time.time(),
            destinations=tuple(destination or ()),
            rate_per_second=rate,
            stop_after_failures=stop_after_failures,
            overwrite_newer=overwrite_newer,
            revision="" if configuration == "now" else configuration,
        )
        note(f"replay job {job_id}")
        if wait:
            watch(log, job_id, len(plan.rows))
        else:
            data(str(job_id))


def _preview(
    log: "MessageLog",
    bench: "Workbench",
    message_ids: list[int],
    destinations: tuple[str, ...],
    *,
    overwrite_newer: bool,
    resend: bool,
) -> None:
    from engine.runtime.desk.replay_preview import preview

    result = preview(
        log,
        lambda _revision: bench,
        message_ids[:PREVIEW_MAX],
        destinations=destinations,
        overwrite_newer=overwrite_newer,
        resend=resend,
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
            if job.state in ("done", "stopped"):
                break
            time.sleep(POLL_SECONDS)
    data(
        f"{job.succeeded} succeeded  {job.failed} failed  {job.left_out} left out"
        f"  {total - done} not run  ({job.state})"
    )
    if job.left_out:
        note(f"left out: newer data was delivered; engine log search job:{job_id} status:CANCELLED")
    raise typer.Exit(int(Exit.FINDINGS if job.failed or job.state == "stopped" else Exit.OK))
