"""Rim. `engine pause | resume | drain CHANNEL` and `engine stats`: steer and count."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.access import ReasonOption, SignInOption, opened
from engine.cli.log import clock
from engine.cli.options import StoreOption
from engine.cli.terminal import Exit, data, data_json, fail, note
from engine.runtime.desk.rights import Right

if TYPE_CHECKING:
    from engine.runtime.desk.message_log import ChannelStats, Control

ChannelArgument = Annotated[str, typer.Argument(help="The channel's name, as in channels/*.yaml.")]


def pause(
    channel: ChannelArgument,
    store: StoreOption = "",
    reason: ReasonOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Keep receiving and acknowledging, hold deliveries."""
    _set(store, sign_in, channel, "pause", reason)


def resume(
    channel: ChannelArgument,
    store: StoreOption = "",
    reason: ReasonOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Undo a pause or a drain."""
    _set(store, sign_in, channel, "run", reason)


def drain(
    channel: ChannelArgument,
    store: StoreOption = "",
    reason: ReasonOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Stop receiving, deliver what is there."""
    _set(store, sign_in, channel, "drain", reason)


def _set(store: str, sign_in: str, channel: str, mode: str, reason: str) -> None:
    from engine.runtime.desk.control import ControlRefused, set_control

    with opened(store, sign_in, Right.CONTROL) as access:
        if not access.restricted:
            reason = reason or "no reason given"
        try:
            set_control(access.desk, access.viewer, channel, mode, reason)
        except ControlRefused as problem:
            fail(Exit.USAGE, f"{problem}: --reason TEXT")
    note(f"{channel}: {mode}")


def stats(
    store: StoreOption = "",
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    sign_in: SignInOption = "",
) -> None:
    """Count messages per channel: received, queued, sent, errors, held; and the oldest waiting."""
    with opened(store, sign_in, Right.SEE_MESSAGES) as access:
        rows = [row for row in access.log.stats() if access.viewer.sees(row.channel)]
        controls = access.log.controls()
    if form == "json":
        data_json([_row(row, controls) for row in rows], indent=True)
        return
    data(
        f"{'channel':<18}{'received':>10}{'sent':>10}{'queued':>8}{'held':>6}{'errors':>8}"
        f"{'dup':>6}{'faults':>8}  mode   last received"
    )
    for row in rows:
        mode = controls[row.channel].mode if row.channel in controls else "run"
        last = clock(row.last_received_at) if row.last_received_at else "-"
        data(
            f"{row.channel:<18}{row.received:>10,}{row.sent:>10,}{row.queued:>8,}{row.held:>6,}"
            f"{row.errors:>8,}{row.duplicates:>6,}{row.faults:>8,}  {mode:<6} {last}"
        )


def _row(row: "ChannelStats", controls: "dict[str, Control]") -> dict[str, Any]:
    mode = controls[row.channel].mode if row.channel in controls else "run"
    return {**asdict(row), "mode": mode}
