"""Rim. `engine settle ID...`: a person says what became of deliveries that wait for one."""

from enum import StrEnum
from typing import Annotated

import typer

from engine.cli.access import SignInOption, opened
from engine.cli.options import StoreOption
from engine.cli.terminal import Exit, fail, note
from engine.runtime.desk.rights import Right


class As(StrEnum):
    """What a delivery is settled as."""

    SENT = "sent"
    CANCELLED = "cancelled"
    RETRY = "retry"


def settle(
    deliveries: Annotated[
        list[int], typer.Argument(help="Numbers of deliveries, as `engine log show` lists them.")
    ],
    decision: Annotated[
        As,
        typer.Option(
            "--as", help="sent: it arrived. cancelled: give it up. retry: send it (again)."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    store: StoreOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Decide deliveries in HELD, UNKNOWN or ERROR; who, when and why are kept with them."""
    from engine.pipeline.states import State
    from engine.runtime.desk.control import settle_deliveries

    if not reason.strip():
        fail(Exit.USAGE, "say why: --reason TEXT")
    states = {As.SENT: State.SENT, As.CANCELLED: State.CANCELLED, As.RETRY: State.QUEUED}
    with opened(store, sign_in, Right.REPLAY) as access:
        if len(deliveries) > 1:
            access.require(Right.BULK)
        changed = settle_deliveries(
            access.desk, access.viewer, deliveries, states[decision], reason.strip()
        )
    note(f"settled as {decision.value}: {changed:,}")
    missed = len(set(deliveries)) - changed
    if missed:
        note(f"{missed} left as they are: not there, or they wait for nobody")
        raise typer.Exit(int(Exit.FINDINGS))
