"""Rim. `engine problems`: failures in groups of one cause; note them, try and replay what waits."""

import re
import time
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.access import Access, ReasonOption, SignInOption, opened
from engine.cli.log import clock
from engine.cli.options import DEFAULT_STORE, HomeOption, StoreOption
from engine.cli.problem_lines import as_dict, outage_dict, print_row, print_view, view_dict
from engine.cli.replay import watch
from engine.cli.terminal import Exit, data, data_json, fail, note, plural
from engine.runtime.desk.rights import Right

if TYPE_CHECKING:
    from engine.runtime.desk.replay_preview import Preview
    from engine.runtime.desk.replays import ReplayOptions
    from engine.runtime.snapshots import Snapshots

app = typer.Typer(
    help="Failures in groups of one cause: what waits, since when, and what to do.",
    invoke_without_command=True,
)
NumberArgument = Annotated[str, typer.Argument(help="As the list has it: P-1.")]
_SNOOZE = re.compile(r"([0-9]{1,4})([mhdw])|0")


@app.callback()
def problems(
    context: typer.Context,
    form: Annotated[str, typer.Option("--format", help="text or ndjson.")] = "text",
    closed: Annotated[bool, typer.Option("--closed", help="Closed ones too.")] = False,
    store: StoreOption = "",
    sign_in: SignInOption = "",
) -> None:
    """List open problems and outages; exit code 1 when there are any."""
    if context.invoked_subcommand is not None:
        return
    from engine.runtime.desk.problems import problems as listed

    with opened(store, sign_in, Right.SEE_MESSAGES) as access:
        found = listed(access.desk, access.viewer)
    rows = [*found.open, *found.snoozed, *(found.closed if closed else ())]
    ongoing = [one for one in found.outages if one.ended_at is None]
    if form == "ndjson":
        for row in rows:
            data_json(as_dict(row))
        for outage in ongoing:
            data_json(outage_dict(outage))
    else:
        for row in rows:
            print_row(row)
        for outage in ongoing:
            where = f"{outage.destination} of {outage.channel}"
            data(f"outage  {where}: {outage.code}  since {clock(outage.began_at)} UTC")
    note(
        f"{plural(len(found.open), 'open problem')}, {len(found.snoozed):,} put off,"
        f" {plural(len(ongoing), 'outage')}"
    )
    raise typer.Exit(int(Exit.FINDINGS if found.open or ongoing else Exit.OK))


@app.command("show")
def show(
    number: NumberArgument,
    store: StoreOption = "",
    home: HomeOption = Path(),
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    sign_in: SignInOption = "",
) -> None:
    """Show one problem: what it is grouped by, what changed before, a few of its messages."""
    from engine.runtime.desk.problems import problem

    with opened(store, sign_in, Right.SEE_MESSAGES, home=home) as access:
        found = problem(access.desk, access.viewer, _number(number), _snapshots(home, store))
    if found is None:
        fail(Exit.FINDINGS, f"there is no problem {number}")
    if form == "json":
        data_json(view_dict(found), indent=True)
        return
    print_view(found)


@app.command("note")
def note_(
    number: NumberArgument,
    owner: Annotated[str | None, typer.Option(help="Who looks after it.")] = None,
    text: Annotated[
        str | None, typer.Option("--note", help="What is known; no data of patients.")
    ] = None,
    snooze: Annotated[
        str | None, typer.Option(help="Put it off: 30m, 2h, 3d; 0 shows it again.")
    ] = None,
    store: StoreOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Say who looks after a problem, what is known, until when it need not be shown."""
    from engine.runtime.desk.problems import note_problem, problem

    seconds = None if snooze is None else _seconds(snooze)
    with opened(store, sign_in, Right.REPLAY) as access:
        problem_id = _number(number)
        found = problem(access.desk, access.viewer, problem_id, None)
        until = None if found is None else found.row.snoozed_until
        if seconds is not None:
            until = time.time() + seconds if seconds else None
        if found is None or not note_problem(
            access.desk,
            access.viewer,
            problem_id,
            owner=found.row.owner if owner is None else owner,
            note=found.row.note if text is None else text,
            snoozed_until=until,
        ):
            fail(Exit.FINDINGS, f"there is no problem {number}")
    note(f"P-{problem_id}: noted")


@app.command("replay")
def replay(
    number: NumberArgument,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would happen; nothing is sent.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    rate: Annotated[float, typer.Option(help="Messages a second.", min=0.01, max=500)] = 5.0,
    stop_after_failures: Annotated[
        int, typer.Option(help="Stop when this many failed; 0: never.", min=0)
    ] = 10,
    overwrite_newer: Annotated[
        bool,
        typer.Option(
            "--overwrite-newer", help="Send also what puts older data over newer; else left out."
        ),
    ] = False,
    wait: Annotated[bool, typer.Option(help="Watch until it is done.")] = True,
    reason: ReasonOption = "",
    store: StoreOption = "",
    home: HomeOption = Path(),
    sign_in: SignInOption = "",
) -> None:
    """Try all that waits of a problem on the configuration in force, then replay it."""
    from engine.runtime.desk.problems import waiting_messages
    from engine.runtime.desk.replays import ReplayOptions, ReplayRefused

    options = ReplayOptions(
        rate_per_second=rate,
        stop_after_failures=stop_after_failures,
        overwrite_newer=overwrite_newer,
        reason=reason,
    )
    snapshots = _snapshots(home, store)
    with opened(store, sign_in, Right.REPLAY, home=home) as access:
        problem_id = _number(number)
        ids = waiting_messages(access.desk, access.viewer, problem_id)
        if not ids:
            fail(Exit.FINDINGS, f"nothing of P-{problem_id} waits")
        note(f"{plural(len(ids), 'message')} of P-{problem_id}")
        if dry_run:
            found = _tried(access, snapshots, ids, overwrite_newer=overwrite_newer)
            raise typer.Exit(int(Exit.FINDINGS if found.would_fail else Exit.OK))
        if access.restricted and not reason.strip():
            fail(Exit.USAGE, "say why: --reason TEXT")
        try:
            job_id = _started(access, snapshots, problem_id, ids, options, yes=yes)
        except ReplayRefused as refused:
            fail(Exit.USAGE, str(refused))
        note(f"replay job {job_id}")
        if wait:
            watch(access.log, job_id, len(ids))
        data(str(job_id))


def _tried(
    access: Access, snapshots: "Snapshots", ids: list[int], *, overwrite_newer: bool
) -> "Preview":
    """What would become of them, printed; nothing is kept."""
    from engine.runtime.desk.benches import Benches
    from engine.runtime.desk.replay_preview import preview

    found = preview(access.log, Benches(snapshots, "").of, ids, overwrite_newer=overwrite_newer)
    for line in found.lines():
        data(line)
    return found


def _started(
    access: Access,
    snapshots: "Snapshots",
    problem_id: int,
    ids: list[int],
    options: "ReplayOptions",
    *,
    yes: bool,
) -> int:
    """Draft, try and start a job as the console does; its number. Raises ReplayRefused."""
    from engine.runtime.desk.preview_process import keep_preview
    from engine.runtime.desk.replays import draft, set_options, start

    desk, viewer = access.desk, access.viewer
    if len(ids) > 1:
        access.require(Right.BULK)
    job_id = draft(desk, viewer, ids, source=f"problem {problem_id}")
    set_options(desk, viewer, job_id, options)
    found = keep_preview(desk.store_url, snapshots, job_id)
    for line in found.lines() if found is not None else ():
        data(line)
    if not yes and not typer.confirm(f"replay {len(ids):,} messages?", err=True):
        note(f"replay job {job_id} stays a draft; the console shows it")
        raise typer.Exit(int(Exit.FINDINGS))
    told = changed(options, reason=options.reason or "no reason given")
    start(desk, viewer, job_id, told, approval_from=access.approval_from)
    return job_id


def _number(text: str) -> int:
    digits = text.upper().removeprefix("P-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        fail(Exit.USAGE, f"{text} is no problem: write P-1")
    return int(digits)


def _seconds(text: str) -> float:
    from engine.runtime.desk.search_query import UNITS

    match = _SNOOZE.fullmatch(text)
    if match is None:
        fail(Exit.USAGE, f"{text} is no length of time: write 30m, 2h, 3d or 0")
    return float(match[1]) * UNITS[match[2]] if match[1] else 0.0


def _snapshots(home: Path, store: str) -> "Snapshots":
    from engine.runtime.node.node import data_folder

    return data_folder(home.resolve(), store or DEFAULT_STORE).snapshots
