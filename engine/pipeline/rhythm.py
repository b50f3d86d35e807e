"""Pure. How often a channel usually speaks, by hour of the week; and when its silence is a fault.

A gap counts for every hour it touches, with its whole length: the quiet of a night teaches each of
its hours that such a gap is usual, so no night is an alarm, and a morning that stays quiet is one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

HOUR_SECONDS = 3600.0
HOURS_PER_WEEK = 168
_MONDAY = 4 * 86_400.0
"""1970-01-05, a Monday, in Unix seconds."""
HOURS_LEARNED_MIN = 24
"""Before a day is known nothing is said."""
FADES = 0.8
"""What is left of a longer gap of earlier weeks: holidays are forgotten in a month or two."""
WEEKS_TRUSTED = 4
"""Before an hour of the week has been seen so often, the same hours of other days count too."""
TIMES_LONGEST = 2.0
SILENCE_SECONDS_MIN = 600.0
"""A shorter silence is never a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRhythm:
    """One hour of the week of a channel."""

    longest_seconds: float
    """The longest gap that touched the hour, earlier weeks fading."""
    usual_seconds: float
    """The mean gap between messages of the hour, the last weeks."""
    weeks: int
    """How many were learned from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A channel that is quieter than it ever is at this hour."""

    seconds: float
    usual_seconds: float
    longest_seconds: float


def hour_of_week(moment: float) -> int:
    """0 (Monday 00:00 UTC) to 167.

    In UTC: when clocks change, rhythms are an hour off and are learned anew in some weeks; the
    longest gap of a neighbouring hour is allowed for meanwhile.
    """
    return int((moment - _MONDAY) // HOUR_SECONDS) % HOURS_PER_WEEK


def learn(
    known: Mapping[int, HourRhythm], arrivals: Sequence[float], begin: float, end: float
) -> dict[int, HourRhythm]:
    """What whole hours teach about their hours of the week.

    Args:
        known: what was learned before.
        arrivals: Unix times of messages, ascending: those of the hours, the last before them and
            the first after them where there are such. Their precision is that of the result.
        begin: a full hour, Unix seconds.
        end: a full hour after it.

    Returns:
        The rhythms of the hours from `begin` to `end`.
    """
    found: dict[int, HourRhythm] = {}
    hour = begin
    while hour < end:
        after = hour + HOUR_SECONDS
        gaps = [
            (later - earlier)
            for earlier, later in _gaps(arrivals, end)
            if earlier < after and later > hour
        ]
        place = hour_of_week(hour)
        before = found.get(place) or known.get(place)
        longest = max(gaps, default=end - begin)
        inside = sum(1 for at in arrivals if hour <= at < after)
        usual = HOUR_SECONDS / inside if inside else longest
        found[place] = _folded(before, longest, usual)
        hour = after
    return found


def _gaps(arrivals: Sequence[float], end: float) -> Iterable[tuple[float, float]]:
    yield from pairwise(arrivals)
    if arrivals and arrivals[-1] < end:
        yield arrivals[-1], end


def _folded(before: HourRhythm | None, longest: float, usual: float) -> HourRhythm:
    if before is None:
        return HourRhythm(longest_seconds=longest, usual_seconds=usual, weeks=1)
    return HourRhythm(
        longest_seconds=max(longest, before.longest_seconds * FADES),
        usual_seconds=before.usual_seconds * 0.7 + usual * 0.3,
        weeks=before.weeks + 1,
    )


def expected(known: Mapping[int, HourRhythm], now: float) -> HourRhythm | None:
    """What is usual now: of this hour of the week and the ones beside it; of the same hours of
    all days too while few weeks are known; None before a day is known."""
    if len(known) < HOURS_LEARNED_MIN:
        return None
    place = hour_of_week(now)
    beside = [known.get((place + step) % HOURS_PER_WEEK) for step in (-1, 0, 1)]
    found = [one for one in beside if one is not None]
    if known.get(place) is None or known[place].weeks < WEEKS_TRUSTED:
        found += [one for key, one in known.items() if (key - place) % 24 in (23, 0, 1)]
    found = found or list(known.values())
    return HourRhythm(
        longest_seconds=max(one.longest_seconds for one in found),
        usual_seconds=sorted(one.usual_seconds for one in found)[len(found) // 2],
        weeks=min(one.weeks for one in found),
    )


def silence(known: Mapping[int, HourRhythm], last_at: float, now: float) -> Silence | None:
    """The silence of a channel, when it is a fault; None while it is as usual.

    Args:
        known: its rhythm.
        last_at: when its last message came, Unix seconds.
        now: Unix seconds.
    """
    quiet = now - last_at
    usual = expected(known, now)
    if usual is None or quiet < SILENCE_SECONDS_MIN:
        return None
    if quiet <= TIMES_LONGEST * usual.longest_seconds:
        return None
    return Silence(
        seconds=quiet,
        usual_seconds=usual.usual_seconds,
        longest_seconds=usual.longest_seconds,
    )
