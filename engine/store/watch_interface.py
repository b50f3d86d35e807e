"""Rim. Rhythms of channels and alerts: what a store promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.pipeline.rhythm import HourRhythm

BEGAN = "began"
ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """A fault that was seen, from its beginning to its end."""

    alert_id: int
    kind: str
    """silence, queue, errors, outage, certificate, disk."""
    subject: str
    """The channel; `DESTINATION of CHANNEL`; a file or folder, `PATH on HOST`."""
    said: str
    """In words, without any value of a message."""
    began_at: float
    ended_at: float | None
    """None: it lasts."""
    told: str
    """The last news somebody was told: nothing, `began` or `ended`."""


class WatchStore(Protocol):
    """Rhythms and alerts. Two that watch at once agree: a change is made by one of them."""

    def take_turn(self, owner: str, seconds: float) -> bool:
        """True when it is this one's turn to look at what the store knows, for so long.

        It stays so while it is asked for again in time; the clock is the database's.
        """
        ...

    def give_turn(self, owner: str) -> None:
        """Give the turn back, if it is this one's."""
        ...

    def rhythms(self) -> dict[str, dict[int, HourRhythm]]:
        """Channel -> hour of the week -> what is usual."""
        ...

    def learned(self) -> dict[str, float]:
        """Channel -> up to when its rhythm was learned, Unix seconds."""
        ...

    def keep_rhythm(
        self, channel: str, hours: Mapping[int, HourRhythm], before: float, until: float
    ) -> bool:
        """Keep what was learned from `before` until then.

        False, and nothing is kept, when another has learned it meanwhile.
        """
        ...

    def arrivals(self, since: float, until: float) -> dict[str, list[float]]:
        """Channel -> minutes (Unix seconds, ascending) in which it received something."""
        ...

    def errors(self, since: float) -> dict[str, tuple[int, int]]:
        """Channel -> (failures, messages received) since then."""
        ...

    def begin_alert(self, kind: str, subject: str, said: str, at: float) -> bool:
        """A fault begins; False when it lasts already (what is said is brought up to date)."""
        ...

    def end_alert(self, kind: str, subject: str, at: float) -> bool:
        """It is over; False when there is none."""
        ...

    def alerts(self, since: float) -> list[AlertRow]:
        """Those that last, and those that ended since then, the newest first."""
        ...

    def take_untold(self, now: float, retry_at: float) -> Sequence[AlertRow]:
        """Changes nobody was told of; they are not given again before `retry_at`."""
        ...

    def mark_told(self, alert_id: int, news: str) -> None:
        """Somebody was told: BEGAN or ENDED."""
        ...
