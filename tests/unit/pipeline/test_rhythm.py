"""Rhythms of channels are learned, nights are no alarm, and a quiet morning is one."""

import random

from engine.pipeline.rhythm import HOUR_SECONDS, HourRhythm, hour_of_week, learn, silence

DAY = 86_400.0
MONDAY = 4 * DAY + 7 * DAY * 2900
"""A Monday, 00:00 UTC."""


def day_of_messages(start: float, dice: random.Random) -> list[float]:
    """A message every few minutes from 5 to 23, one or two at night."""
    found = [start + dice.uniform(0.5, 4.5) * HOUR_SECONDS]
    at = start + 5 * HOUR_SECONDS
    while at < start + 23 * HOUR_SECONDS:
        at += dice.expovariate(1 / 180)
        found.append(at)
    return sorted(found)


def learned(weeks: int, seed: int = 1) -> tuple[dict[int, HourRhythm], list[float]]:
    """The rhythm after so many weeks, learned hour by hour, and all arrivals."""
    dice = random.Random(seed)
    arrivals = [at for day in range(weeks * 7) for at in day_of_messages(MONDAY + day * DAY, dice)]
    known: dict[int, HourRhythm] = {}
    for day in range(weeks * 7):
        begin = MONDAY + day * DAY
        near = [at for at in arrivals if begin - DAY <= at <= begin + 2 * DAY]
        known |= learn(known, near, begin, begin + DAY)
    return known, arrivals


def test_the_week_begins_on_monday() -> None:
    assert hour_of_week(MONDAY) == 0
    assert hour_of_week(MONDAY - 1) == 167
    assert hour_of_week(MONDAY + 25 * HOUR_SECONDS) == 25


def test_nothing_is_said_before_a_day_is_known() -> None:
    assert silence({}, 0.0, MONDAY) is None
    few = {hour: HourRhythm(longest_seconds=60, usual_seconds=30, weeks=1) for hour in range(23)}
    assert silence(few, 0.0, MONDAY) is None


def test_four_quiet_nights_are_no_alarm() -> None:
    known, _ = learned(weeks=2)
    dice = random.Random(99)
    start = MONDAY + 14 * DAY
    arrivals = [at for day in range(4) for at in day_of_messages(start + day * DAY, dice)]
    now, alarms = arrivals[0], 0
    while now < arrivals[-1]:
        last = max(at for at in arrivals if at <= now)
        alarms += silence(known, last, now) is not None
        now += 60
    assert alarms == 0


def test_a_silence_in_the_day_is_found_within_twice_the_longest_gap() -> None:
    known, _ = learned(weeks=2)
    last = MONDAY + 14 * DAY + 11 * HOUR_SECONDS
    quiet = 0.0
    while silence(known, last, last + quiet) is None:
        quiet += 30
    found = silence(known, last, last + quiet)
    assert found is not None
    assert quiet <= max(2 * found.longest_seconds, 600.0) + 60
    assert found.longest_seconds < HOUR_SECONDS
    assert found.usual_seconds < 600


def test_a_morning_that_stays_quiet_is_found() -> None:
    known, _ = learned(weeks=2)
    last = MONDAY + 13 * DAY + 23 * HOUR_SECONDS
    assert silence(known, last, MONDAY + 14 * DAY + 4 * HOUR_SECONDS) is None
    assert silence(known, last, MONDAY + 14 * DAY + 10 * HOUR_SECONDS) is not None


def test_a_long_gap_of_a_holiday_fades() -> None:
    known = {5: HourRhythm(longest_seconds=80_000, usual_seconds=80_000, weeks=3)}
    begin = MONDAY + 5 * HOUR_SECONDS
    arrivals = [begin + minute * 60 for minute in range(-5, 65)]
    for _ in range(20):
        known |= learn(known, arrivals, begin, begin + HOUR_SECONDS)
    assert known[5].longest_seconds < 1000
    assert known[5].weeks == 23


def test_an_hour_without_any_message_learns_the_gap_around_it() -> None:
    begin = MONDAY + 2 * HOUR_SECONDS
    found = learn({}, [begin - 1800, begin + 2 * HOUR_SECONDS], begin, begin + HOUR_SECONDS)
    assert found[2].longest_seconds == 1800 + 2 * HOUR_SECONDS
