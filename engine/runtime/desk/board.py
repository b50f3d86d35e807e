"""Rim. The channels at a glance: what the board shows of each."""

from dataclasses import dataclass

from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import ChannelStats, Control
from engine.runtime.desk.rights import Right, Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One channel."""

    channel: str
    stats: ChannelStats | None
    """None: nothing came yet."""
    control: Control | None


def board(desk: Desk, viewer: Viewer, configured: frozenset[str]) -> list[BoardRow]:
    """Every channel within the viewer's scope, by name.

    Args:
        desk: the store.
        viewer: who looks. Raises NotAllowed without SEE_MESSAGES.
        configured: names of the channels in force; they are shown before anything came.
    """
    viewer.require(Right.SEE_MESSAGES)
    with desk.log() as log:
        stats = {row.channel: row for row in log.stats()}
        controls = log.controls()
    names = sorted(name for name in configured | stats.keys() if viewer.sees(name))
    return [
        BoardRow(channel=name, stats=stats.get(name), control=controls.get(name)) for name in names
    ]
