"""Rim. Counting what a transaction did: by minute for charts, in all for the status page."""

from collections import Counter

from engine.store.database import Transaction
from engine.store.state.statements import COUNT_IN_ALL, COUNT_IN_MINUTE

SECONDS_PER_MINUTE = 60


class Tally:
    """Counts of one transaction, written at its end in one row per (minute, channel, event)."""

    __slots__ = ("_counts", "_last")

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, str, str]] = Counter()
        self._last: dict[tuple[str, str], float] = {}

    def add(self, at: float, channel: str, event: str) -> None:
        """Count one event, at a Unix time in seconds."""
        self._counts[(int(at) // SECONDS_PER_MINUTE * SECONDS_PER_MINUTE, channel, event)] += 1
        self._last[(channel, event)] = at

    def write(self, transaction: Transaction) -> None:
        """Add the counts to the tables, in key order so that two writers never deadlock."""
        totals: Counter[tuple[str, str]] = Counter()
        for (_, channel, event), count in self._counts.items():
            totals[(channel, event)] += count
        transaction.write_many(
            COUNT_IN_MINUTE, [(*key, count) for key, count in sorted(self._counts.items())]
        )
        transaction.write_many(
            COUNT_IN_ALL,
            [(*key, count, self._last[key]) for key, count in sorted(totals.items())],
        )
