"""Rim. The counts of the last 24 hours by half hours, read in small steps.

Minutes that are over for a while do not change any more: they are added up once and kept, so that a
look reads the last ten minutes only, however many channels there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.runtime.desk.message_log import MessageLog

SLOT_SECONDS = 1800
SLOTS = 48
LATE_SECONDS = 600
"""A minute may still be counted in for so long after its end."""
MINUTE_SECONDS = 60

RECEIVED = "received"
FILTERED = "filtered"
SENT = "delivery sent"
FAILED = frozenset(
    {"error", "held", "fault", "delivery error", "delivery unknown", "delivery held"}
)


@dataclass(slots=True)
class Tally:
    """What was counted of one channel in some time."""

    received: int = 0
    filtered: int = 0
    sent: int = 0
    failed: int = 0

    def count(self, event: str, count: int) -> None:
        """Add to what the event belongs to."""
        if event == RECEIVED:
            self.received += count
        elif event == SENT:
            self.sent += count
        elif event == FILTERED:
            self.filtered += count
        elif event in FAILED:
            self.failed += count

    def add(self, other: "Tally") -> None:
        """Add what was counted elsewhere."""
        self.received += other.received
        self.filtered += other.filtered
        self.sent += other.sent
        self.failed += other.failed


NOTHING = Tally()
Slot = Mapping[str, Tally]
"""By channel. Never changed once it is given out."""
Row = tuple[float, str, str, int]


def tallied(rows: Iterable[Row]) -> dict[int, dict[str, Tally]]:
    """(slot start, channel, event, count) by slot and channel."""
    found: dict[int, dict[str, Tally]] = {}
    for start, channel, event, count in rows:
        slot = found.setdefault(int(start), {})
        if channel not in slot:
            slot[channel] = Tally()
        slot[channel].count(event, count)
    return found


class Day:
    """The half hours of one console's board."""

    def __init__(self) -> None:
        self._over: dict[int, Slot] = {}
        """By start: of minutes that are over for a while."""
        self._read_until = 0

    def look(self, log: MessageLog, now: float) -> Sequence[Slot]:
        """The last 48 half hours, the oldest first; the last one is not over."""
        current = int(now) // SLOT_SECONDS * SLOT_SECONDS
        starts = range(current - (SLOTS - 1) * SLOT_SECONDS, current + 1, SLOT_SECONDS)
        unread = max(starts[0], self._read_until)
        settled = (int(now) - LATE_SECONDS) // MINUTE_SECONDS * MINUTE_SECONDS
        if settled > unread:
            added = tallied(log.counted(unread, settled, SLOT_SECONDS))
            kept = {start: slot for start, slot in self._over.items() if start >= starts[0]}
            self._over = _together(kept, added)
            self._read_until = unread = settled
        late = tallied(log.counted(unread, now + MINUTE_SECONDS, SLOT_SECONDS))
        slots = _together(self._over, late)
        return [slots.get(start, {}) for start in starts]


def _together(slots: Mapping[int, Slot], more: Mapping[int, Slot]) -> dict[int, Slot]:
    """Both added up; those that nothing is added to are the same."""
    return {**slots, **{start: _sum(slots.get(start, {}), slot) for start, slot in more.items()}}


def _sum(slot: Slot, more: Slot) -> Slot:
    found: dict[str, Tally] = {}
    for part in (slot, more):
        for channel, tally in part.items():
            if channel not in found:
                found[channel] = Tally()
            found[channel].add(tally)
    return found
