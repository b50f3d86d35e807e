"""Rim. Pausing, draining and resuming channels for a person, with a reason, recorded."""

from collections.abc import Sequence

from engine.pipeline.states import State
from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import Right, Viewer

DELIVERIES_RECORDED_MAX = 50
"""Numbers of deliveries named in the trail; of more their count is."""
MODES = ("run", "pause", "drain")


class ControlRefused(ValueError):  # noqa: N818  said to the user in these words
    """The wish cannot be recorded so; the text says why."""


def set_control(desk: Desk, viewer: Viewer, channel: str, mode: str, reason: str) -> None:
    """Record the wish; owners follow within a second.

    Raises:
        NotAllowed: without CONTROL.
        ControlRefused: unknown mode or channel, or a pause or a drain without a reason.
    """
    viewer.require(Right.CONTROL)
    reason = " ".join(reason.split())
    if mode not in MODES:
        raise ControlRefused(f"a channel can be told to {', '.join(MODES)}")
    if mode != "run" and not reason:
        raise ControlRefused("say why: the next shift will ask")
    if not viewer.sees(channel):
        raise ControlRefused(f"there is no channel {channel}")
    record(desk, viewer, Act.CONTROL, channel=channel, subject=mode, reason=reason)
    with desk.log() as log:
        log.set_control(channel, mode, reason=reason[:500], by=viewer.name, now=desk.clock())


def settle_deliveries(
    desk: Desk, viewer: Viewer, delivery_ids: Sequence[int], state: State, reason: str
) -> int:
    """Decide deliveries that wait for a person; how many changed. Those beyond the scope stay.

    Raises:
        NotAllowed: without REPLAY.
        ControlRefused: no reason is given.
    """
    viewer.require(Right.REPLAY)
    if not reason:
        raise ControlRefused("say why: the next shift will ask")
    with desk.log() as log:
        channels = log.channels_of(delivery_ids)
    delivery_ids = [one for one in delivery_ids if viewer.sees(channels.get(one, ""))]
    named = " ".join(str(one) for one in delivery_ids[:DELIVERIES_RECORDED_MAX])
    record(
        desk,
        viewer,
        Act.SETTLE,
        subject=f"{len(delivery_ids)} deliveries",
        reason=reason,
        details={"deliveries": named, "as": state.value},
    )
    with desk.log() as log:
        return log.settle(delivery_ids, state, by=viewer.name, reason=reason)
