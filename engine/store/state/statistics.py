"""Rim. Counts for the status page, and the operators' wishes for channels."""

from collections import defaultdict

from engine.store.database import Database
from engine.store.interface import ChannelStats, Control
from engine.store.schema import RARE_RUN

_QUEUED_NOW = (
    "SELECT channel, count(*), min(received_at) FROM runs WHERE open = 1 AND run_id NOT IN ("
    f"SELECT run_id FROM runs WHERE state = 'HELD' AND {RARE_RUN} AND open = 1) GROUP BY channel"
)
"""All that is read of what waits is in `runs_open`: in an outage it may be a hundred thousand."""
_HELD_NOW = (
    f"SELECT channel, count(*) FROM runs WHERE state = 'HELD' AND {RARE_RUN} GROUP BY channel"
)
_PARKED_NOW = (
    f"SELECT channel, count(*) FROM runs WHERE state = 'PARKED' AND {RARE_RUN} AND open = 0"
    " GROUP BY channel"
)
"""Their lanes do not wait for them."""
_ERRORS_NOW = (
    f"SELECT channel, count(*) FROM runs WHERE state = 'ERROR' AND {RARE_RUN} GROUP BY channel"
)


def stats(database: Database) -> list[ChannelStats]:
    """One row per channel seen, by name."""
    with database.reading() as transaction:
        totals = transaction.rows("SELECT channel, event, count, last_at FROM totals")
        waiting = transaction.rows(_QUEUED_NOW)
        held: dict[str, int] = dict(transaction.rows(_HELD_NOW))
        parked: dict[str, int] = dict(transaction.rows(_PARKED_NOW))
        errors: dict[str, int] = dict(transaction.rows(_ERRORS_NOW))
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    last_received: dict[str, float] = {}
    for channel, event, count, last_at in totals:
        counts[channel][event] = count
        if event == "received":
            last_received[channel] = last_at
    queued: dict[str, int] = {channel: count for channel, count, _ in waiting}
    oldest: dict[str, float] = {channel: first for channel, _, first in waiting}
    return [
        ChannelStats(
            channel=channel,
            received=counts[channel].get("received", 0),
            duplicates=counts[channel].get("duplicate", 0),
            faults=counts[channel].get("fault", 0),
            filtered=counts[channel].get("filtered", 0),
            errors=errors.get(channel, 0),
            queued=queued.get(channel, 0),
            held=held.get(channel, 0),
            parked=parked.get(channel, 0),
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
