"""Rim. `engine pause | resume | drain CHANNEL` and `engine stats`: steer and count."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.log import clock
from engine.cli.options import StoreOption, open_log, operator
from engine.cli.terminal import data, data_json, note

if TYPE_CHECKING:
    from engine.runtime.desk.message_log import ChannelStats, Control

ChannelArgument = Annotated[str, typer.Argument(help="The channel's name, as in channels/*.yaml.")]
ReasonOption = Annotated[str, typer.Option(help="Why, for the record.")]


def pause(channel: ChannelArgument, store: StoreOption = "", reason: ReasonOption = "") -> None:
    """Keep receiving and acknowledging, hold deliveries."""
    _set(store, channel, "pause", reason)


def resume(channel: ChannelArgument, store: StoreOption = "", reason: ReasonOption = "") -> None:
    """Undo a pause or a drain."""
    _set(store, channel, "run", reason)


def drain(channel: ChannelArgument, store: StoreOption = "", reason: ReasonOption = "") -> None:
    """Stop receiving, deliver what is there."""
    _set(store, channel, "drain", reason)


def _set(store: str, channel: str, mode: str, reason: str) -> None:
    with open_log(store) as log:
        log.set_control(channel, mode, reason=reason, by=operator(), now=time.time())
    note(f"{channel}: {mode}")


def stats(
    store: StoreOption = "",
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Count messages per channel: received, queued, sent, errors, held; and the oldest waiting."""
    with open_log(store) as log:
        rows = log.stats()
        controls = log.controls()
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
