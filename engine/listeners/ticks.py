"""Rim. Time for connections, counted in ticks of one clock call per listener.

A timer per connection that is set again at every message costs more than reading the message. Here
one timer per listener counts ticks; a connection only notes the tick of what happened last, and
each tick looks at all of them. Nothing compares times of day, so a jump of the clock ends nobody.
"""

from collections.abc import Callable
from typing import Protocol

from engine.listeners.reactor import Clock, DelayedCall

TICK_SECONDS_MAX = 1.0
TICKS_PER_LIMIT = 4
"""A limit is kept to a quarter of its length, or to a second."""


class Timed(Protocol):
    """Something with limits in ticks."""

    def tick(self, now: int) -> None:
        """Another tick has passed; end what has overstayed."""
        ...


class Ticks:
    """Counts ticks while it runs and passes each to whoever joined.

    Args:
        clock: the reactor, or a `task.Clock`.
        limits_seconds: the limits that will be kept; the shortest sets the tick.
    """

    def __init__(self, clock: Clock, limits_seconds: tuple[float, ...]) -> None:
        self.now = 0
        self.seconds = min(TICK_SECONDS_MAX, min(limits_seconds) / TICKS_PER_LIMIT)
        self._clock = clock
        self._timed: dict[Timed, None] = {}
        self._call: DelayedCall | None = None

    def of(self, limit_seconds: float) -> int:
        """The number of ticks that is at least `limit_seconds`."""
        return int(limit_seconds / self.seconds) + 1

    def join(self, timed: Timed) -> Callable[[], None]:
        """Pass ticks to `timed` until the returned function is called."""
        self._timed[timed] = None
        if self._call is None:
            self._call = self._clock.callLater(self.seconds, self._tick)
        return lambda: self._leave(timed)

    def _leave(self, timed: Timed) -> None:
        self._timed.pop(timed, None)
        if not self._timed and self._call is not None:
            self._call.cancel()
            self._call = None

    def _tick(self) -> None:
        self.now += 1
        self._call = self._clock.callLater(self.seconds, self._tick)
        for timed in list(self._timed):
            timed.tick(self.now)
