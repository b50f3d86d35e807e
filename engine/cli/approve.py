"""Rim. `engine approve JOB`: let a large replay run that another person has started."""

from typing import Annotated

import typer

from engine.cli.access import SignInOption, opened
from engine.cli.options import StoreOption
from engine.cli.terminal import Exit, fail, note, plural
from engine.runtime.desk.rights import Right


def approve(
    job: Annotated[int, typer.Argument(help="Its number, as it was started.", min=1)],
    decline: Annotated[
        bool, typer.Option("--decline", help="Refuse it, or withdraw the own one.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: StoreOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Agree to a large replay that another person started; it runs then."""
    from engine.runtime.desk import approvals
    from engine.runtime.desk.replays import ReplayRefused, replay

    with opened(store, sign_in, Right.REPLAY, *(() if decline else (Right.BULK,))) as access:
        found = replay(access.desk, access.viewer, job)
        if found is None:
            fail(Exit.FINDINGS, f"there is no replay {job}")
        note(
            f"{plural(found.job.total, 'message')}, started by {found.job.created_by}:"
            f" {found.job.reason}"
        )
        word = "decline" if decline else "approve"
        if not yes and not typer.confirm(f"{word} replay job {job}?", err=True):
            raise typer.Exit(int(Exit.FINDINGS))
        act = approvals.decline if decline else approvals.approve
        try:
            act(access.desk, access.viewer, job)
        except ReplayRefused as problem:
            fail(Exit.FINDINGS, str(problem))
    note(f"replay job {job} {'is declined' if decline else 'runs'}")
