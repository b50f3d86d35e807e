"""Rim. Pausing, draining and resuming channels for a person, with a reason, recorded."""

from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import Right, Viewer

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
