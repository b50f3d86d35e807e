"""Rim. Rhythms of channels and alerts, in the tables of the state."""

from collections.abc import Mapping, Sequence

from engine.pipeline.rhythm import HourRhythm
from engine.store.database import Database, InsertMany, Row
from engine.store.watch_interface import AlertRow
from engine.store.watch_schema import RHYTHMS

ALERTS_MAX = 500
UNTOLD_MAX = 100
SECONDS_PER_MINUTE = 60
FAILURES = ("error", "delivery error", "delivery unknown", "held", "delivery held")
"""Counters of what waits for a person."""

_KEEP = InsertMany(
    table=RHYTHMS,
    columns=("channel", "hour", "longest_seconds", "usual_seconds", "weeks"),
    conflict="ON CONFLICT (channel, hour) DO UPDATE SET longest_seconds = excluded.longest_seconds,"
    " usual_seconds = excluded.usual_seconds, weeks = excluded.weeks",
)
_LEARNED_FIRST = (
    "INSERT INTO learned (channel, until) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING channel"
)
_LEARNED_MORE = "UPDATE learned SET until = ? WHERE channel = ? AND until = ? RETURNING channel"
_ARRIVALS = (
    "SELECT channel, minute FROM counters WHERE minute >= ? AND minute < ? AND event = 'received'"
    " ORDER BY minute"
)
_COUNTS = (
    "SELECT channel, event, sum(count) FROM counters WHERE minute >= ? GROUP BY channel, event"
)
_BEGIN = (
    "INSERT INTO alerts (kind, subject, said, began_at, told, tell_at) VALUES (?, ?, ?, ?, '', 0)"
    " ON CONFLICT (kind, subject) WHERE ended_at IS NULL DO NOTHING RETURNING alert_id"
)
_SAY = "UPDATE alerts SET said = ? WHERE kind = ? AND subject = ? AND ended_at IS NULL"
_END = (
    "UPDATE alerts SET ended_at = ?, tell_at = 0 WHERE kind = ? AND subject = ?"
    " AND ended_at IS NULL RETURNING alert_id"
)
_COLUMNS = "alert_id, kind, subject, said, began_at, ended_at, told"
_LIST = (
    f"SELECT {_COLUMNS} FROM alerts WHERE ended_at IS NULL OR ended_at >= ?"
    " ORDER BY began_at DESC, alert_id DESC LIMIT ?"
)
_TAKE = (
    "UPDATE alerts SET tell_at = ? WHERE alert_id IN (SELECT alert_id FROM alerts"
    " WHERE tell_at <= ? AND ((ended_at IS NULL AND told = '')"
    " OR (ended_at IS NOT NULL AND told <> 'ended')) ORDER BY alert_id LIMIT ?)"
    f" AND tell_at <= ? RETURNING {_COLUMNS}"
)


_TAKE_TURN = (
    "INSERT INTO watchers (name, owner, until) VALUES ('watch', ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until"
    " WHERE watchers.owner = excluded.owner OR watchers.until <= ? RETURNING owner"
)


class WatchTables:
    """`watch_interface.WatchStore` over a database."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def take_turn(self, owner: str, seconds: float) -> bool:
        """It is the turn of one of all who watch."""
        now = self._database.now()
        with self._database.writing() as transaction:
            return bool(transaction.rows(_TAKE_TURN, owner, now + seconds, now))

    def give_turn(self, owner: str) -> None:
        """Somebody else may."""
        with self._database.writing() as transaction:
            transaction.write("DELETE FROM watchers WHERE owner = ?", owner)

    def rhythms(self) -> dict[str, dict[int, HourRhythm]]:
        """What is usual, by channel and hour of the week."""
        found: dict[str, dict[int, HourRhythm]] = {}
        with self._database.reading() as transaction:
            rows = transaction.rows(
                "SELECT channel, hour, longest_seconds, usual_seconds, weeks FROM rhythms"
            )
        for channel, hour, longest, usual, weeks in rows:
            found.setdefault(channel, {})[hour] = HourRhythm(
                longest_seconds=longest, usual_seconds=usual, weeks=weeks
            )
        return found

    def learned(self) -> dict[str, float]:
        """Up to when each channel was learned."""
        with self._database.reading() as transaction:
            return {
                row[0]: row[1] for row in transaction.rows("SELECT channel, until FROM learned")
            }

    def keep_rhythm(
        self, channel: str, hours: Mapping[int, HourRhythm], before: float, until: float
    ) -> bool:
        """Keep what was learned, unless another was faster."""
        rows = [
            (channel, hour, one.longest_seconds, one.usual_seconds, one.weeks)
            for hour, one in sorted(hours.items())
        ]
        with self._database.writing() as transaction:
            if not transaction.rows(_LEARNED_MORE, until, channel, before) and not transaction.rows(
                _LEARNED_FIRST, channel, until
            ):
                return False
            transaction.write_many(_KEEP, rows)
        return True

    def arrivals(self, since: float, until: float) -> dict[str, list[float]]:
        """The minutes in which each channel received something."""
        found: dict[str, list[float]] = {}
        with self._database.reading() as transaction:
            rows = transaction.rows(_ARRIVALS, _minute(since), _minute(until))
        for channel, minute in rows:
            found.setdefault(channel, []).append(float(minute))
        return found

    def errors(self, since: float) -> dict[str, tuple[int, int]]:
        """Failures and messages received, by channel."""
        with self._database.reading() as transaction:
            rows = transaction.rows(_COUNTS, _minute(since))
        found: dict[str, tuple[int, int]] = {}
        for channel, event, count in rows:
            failed, received = found.get(channel, (0, 0))
            failed += int(count) if event in FAILURES else 0
            received += int(count) if event == "received" else 0
            found[channel] = failed, received
        return found

    def begin_alert(self, kind: str, subject: str, said: str, at: float) -> bool:
        """A fault begins, or lasts."""
        with self._database.writing() as transaction:
            if transaction.rows(_BEGIN, kind, subject, said, at):
                return True
            transaction.write(_SAY, said, kind, subject)
        return False

    def end_alert(self, kind: str, subject: str, at: float) -> bool:
        """A fault is over."""
        with self._database.writing() as transaction:
            return bool(transaction.rows(_END, at, kind, subject))

    def alerts(self, since: float) -> list[AlertRow]:
        """What lasts, and what ended since then."""
        with self._database.reading() as transaction:
            return [_alert_of(row) for row in transaction.rows(_LIST, since, ALERTS_MAX)]

    def take_untold(self, now: float, retry_at: float) -> Sequence[AlertRow]:
        """What nobody was told of."""
        with self._database.writing() as transaction:
            rows = transaction.rows(_TAKE, retry_at, now, UNTOLD_MAX, now)
        return sorted((_alert_of(row) for row in rows), key=lambda one: one.alert_id)

    def mark_told(self, alert_id: int, news: str) -> None:
        """Somebody was told."""
        with self._database.writing() as transaction:
            transaction.write("UPDATE alerts SET told = ? WHERE alert_id = ?", news, alert_id)


def _minute(moment: float) -> int:
    return int(moment) // SECONDS_PER_MINUTE * SECONDS_PER_MINUTE


def _alert_of(row: Row) -> AlertRow:
    return AlertRow(
        alert_id=row[0],
        kind=row[1],
        subject=row[2],
        said=row[3],
        began_at=row[4],
        ended_at=row[5],
        told=row[6],
    )
