"""Time counted in ticks."""

import pytest
from twisted.internet.task import Clock

from engine.listeners.ticks import TICK_SECONDS_MAX, Ticks


class Counting:
    def __init__(self) -> None:
        self.seen: list[int] = []

    def tick(self, now: int) -> None:
        self.seen.append(now)


def test_everybody_who_joined_sees_every_tick_until_it_leaves() -> None:
    clock, first, second = Clock(), Counting(), Counting()
    ticks = Ticks(clock, (4.0,))
    leave = ticks.join(first)
    ticks.join(second)
    clock.pump([1.0, 1.0])
    leave()
    clock.pump([1.0])
    assert (first.seen, second.seen) == ([1, 2], [1, 2, 3])


def test_no_clock_runs_while_nobody_is_there() -> None:
    clock = Clock()
    ticks = Ticks(clock, (4.0,))
    assert clock.getDelayedCalls() == []
    leave = ticks.join(Counting())
    leave()
    leave()
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("limit", [0.1, 1.0, 7.3, 3600.0])
def test_a_limit_in_ticks_is_never_shorter_than_in_seconds(limit: float) -> None:
    ticks = Ticks(Clock(), (limit, 60.0))
    assert limit <= ticks.of(limit) * ticks.seconds <= limit + 2 * ticks.seconds
    assert ticks.seconds <= TICK_SECONDS_MAX


def test_one_who_leaves_during_a_tick_is_not_harmed() -> None:
    clock = Clock()
    ticks = Ticks(clock, (4.0,))

    class Leaving(Counting):
        def tick(self, now: int) -> None:
            super().tick(now)
            self.leave()

    one, other = Leaving(), Counting()
    one.leave = ticks.join(one)  # type: ignore[attr-defined]
    ticks.join(other)
    clock.pump([1.0, 1.0])
    assert (one.seen, other.seen) == ([1], [1, 2])
