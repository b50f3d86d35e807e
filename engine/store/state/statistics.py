"""Rim. Counts for the status page, and the operators' wishes for channels."""

from collections import defaultdict

from engine.store.database import Database
from engine.store.interface import ChannelStats, Control
from engine.store.schema import RARE_RUN

_OPEN_NOW = (
    "SELECT channel, state, count(*), min(received_at) FROM runs WHERE open = 1"
    " GROUP BY channel, state"
)
_ASIDE_NOW = (
    "SELECT channel, state, count(*) FROM runs WHERE state IN ('HELD', 'PARKED') AND open = 0"
    f" AND {RARE_RUN} GROUP BY channel, state"
)
"""Their lanes do not wait for them."""
_ERRORS_NOW = (
    f"SELECT channel, count(*) FROM runs WHERE state = 'ERROR' AND {RARE_RUN} GROUP BY channel"
)


def stats(database: Database) -> list[ChannelStats]:
    """One row per channel seen, by name."""
    with database.reading() as transaction:
        totals = transaction.rows("SELECT channel, event, count, last_at FROM totals")
        open_now = transaction.rows(_OPEN_NOW)
        aside_now = transaction.rows(_ASIDE_NOW)
        errors_now: dict[str, int] = dict(transaction.rows(_ERRORS_NOW))
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    last_received: dict[str, float] = {}
    for channel, event, count, last_at in totals:
        counts[channel][event] = count
        if event == "received":
            last_received[channel] = last_at
    held: dict[str, int] = defaultdict(int)
    queued: dict[str, int] = defaultdict(int)
    oldest: dict[str, float] = {}
    for channel, state, count, first in open_now:
        if state == "HELD":
            held[channel] += count
        else:
            queued[channel] += count
            oldest[channel] = min(first, oldest.get(channel, first))
    parked: dict[str, int] = defaultdict(int)
    for channel, state, count in aside_now:
        (held if state == "HELD" else parked)[channel] += count
    return [
        ChannelStats(
            channel=channel,
            received=counts[channel].get("received", 0),
            duplicates=counts[channel].get("duplicate", 0),
            faults=counts[channel].get("fault", 0),
            filtered=counts[channel].get("filtered", 0),
            errors=errors_now.get(channel, 0),
            queued=queued[channel],
            held=held[channel],
            parked=parked[channel],
            sent=counts[channel].get("delivery sent", 0),
            oldest_queued_at=oldest.get(channel),
            last_received_at=last_received.get(channel),
        )
        for channel in sorted(counts)
    ]


def counters(database: Database, since: float) -> list[tuple[float, str, str, int]]:
    """(minute start, channel, event, count) since then, oldest first."""
    with database.reading() as transaction:
        rows = transaction.rows(
            "SELECT minute, channel, event, count FROM counters WHERE minute >= ?"
            " ORDER BY minute, channel, event",
            int(since) // 60 * 60,
        )
    return [(float(row[0]), row[1], row[2], row[3]) for row in rows]


def counted(
    database: Database, since: float, until: float, slot_seconds: int
) -> list[tuple[float, str, str, int]]:
    """(slot start, channel, event, count) of the minutes from `since` up to `until`."""
    with database.reading() as transaction:
        rows = transaction.rows(
            f"SELECT minute / {slot_seconds:d} * {slot_seconds:d}, channel, event, sum(count)"
            " FROM counters WHERE minute >= ? AND minute < ? GROUP BY 1, 2, 3",
            int(since) // 60 * 60,
            int(until),
        )
    return [(float(row[0]), row[1], row[2], int(row[3])) for row in rows]


def controls(database: Database) -> dict[str, Control]:
    """The wish for each channel that has one."""
    with database.reading() as transaction:
        rows = transaction.rows("SELECT channel, mode, reason, author, at FROM controls")
    return {
        row[0]: Control(channel=row[0], mode=row[1], reason=row[2], by=row[3], at=row[4])
        for row in rows
    }


def set_control(database: Database, control: Control) -> None:
    """Record a wish in place of the channel's last one."""
    with database.writing() as transaction:
        transaction.write(
            "INSERT INTO controls (channel, mode, reason, author, at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (channel) DO UPDATE SET mode = excluded.mode, reason = excluded.reason,"
            " author = excluded.author, at = excluded.at",
            control.channel,
            control.mode,
            control.reason,
            control.by,
            control.at,
        )
