"""Rim. Alerts for a person: what is wrong now, what was in the last day, and how channels breathe.

What the watch found is in the store; nothing is looked for here. Alerts on files and disks belong
to the whole node: a viewer kept to some channels does not see them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.pipeline.rhythm import SILENCE_SECONDS_MIN, TIMES_LONGEST, HourRhythm, expected
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.rights import Right, Viewer
from engine.store.watch_interface import AlertRow

DAY_SECONDS = 86_400.0
OF_CHANNELS = frozenset({"silence", "queue", "errors", "outage"})
"""Kinds whose subject is a channel, or `DESTINATION of CHANNEL`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """One alert."""

    row: AlertRow
    channel: str
    """Empty where it is about no channel."""
    destination: str
    """Of an outage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRhythm:
    """How often a channel speaks at this hour of the week, and how long it has been quiet."""

    channel: str
    last_at: float | None
    usual_seconds: float | None
    """None before a day of it is known."""
    longest_seconds: float | None

    @property
    def alarm_seconds(self) -> float | None:
        """A longer silence is a fault; None: not known yet."""
        if self.longest_seconds is None:
            return None
        return max(SILENCE_SECONDS_MIN, TIMES_LONGEST * self.longest_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """What the page shows."""

    lasting: tuple[AlertView, ...]
    over: tuple[AlertView, ...]
    """Those that ended in the last day."""
    rhythms: tuple[ChannelRhythm, ...]


def alerts(desk: Desk, viewer: Viewer, configured: Sequence[str]) -> Alerts:
    """Alerts and rhythms within the viewer's channels.

    Args:
        desk: the store.
        viewer: who asks. Raises NotAllowed without SEE_MESSAGES.
        configured: the channels in force; rhythms are shown of these.
    """
    viewer.require(Right.SEE_MESSAGES)
    now = desk.clock()
    with desk.log() as log:
        found = seen_by(log, viewer, now - DAY_SECONDS)
        rhythms = log.watch.rhythms()
        last = {row.channel: row.last_received_at for row in log.stats()}
    return Alerts(
        lasting=tuple(one for one in found if one.row.ended_at is None),
        over=tuple(one for one in found if one.row.ended_at is not None),
        rhythms=tuple(
            _rhythm(name, last.get(name), rhythms.get(name, {}), now)
            for name in sorted(configured)
            if viewer.sees(name)
        ),
    )


def lasting_alerts(desk: Desk, viewer: Viewer) -> list[AlertView]:
    """What is wrong now, for the head of the board. Raises NotAllowed without SEE_MESSAGES."""
    viewer.require(Right.SEE_MESSAGES)
    with desk.log() as log:
        found = seen_by(log, viewer, desk.clock())
    return [one for one in found if one.row.ended_at is None]


def seen_by(log: MessageLog, viewer: Viewer, since: float) -> list[AlertView]:
    """The alerts that last or ended since then, of the viewer's channels, the newest first."""
    found = []
    for row in log.watch.alerts(since):
        if row.kind in OF_CHANNELS:
            destination, _, channel = row.subject.rpartition(" of ")
            if viewer.sees(channel):
                found.append(AlertView(row=row, channel=channel, destination=destination))
        elif viewer.channels is None:
            found.append(AlertView(row=row, channel="", destination=""))
    return found


def _rhythm(
    channel: str, last_at: float | None, known: Mapping[int, HourRhythm], now: float
) -> ChannelRhythm:
    usual = expected(known, now)
    return ChannelRhythm(
        channel=channel,
        last_at=last_at,
        usual_seconds=usual.usual_seconds if usual is not None else None,
        longest_seconds=usual.longest_seconds if usual is not None else None,
    )
