"""Rim. Giving the log's disk space back on PostgreSQL: daily partitions are dropped whole.

Messages that must outlive their day are first copied to `log_kept`. A partition is detached
concurrently, so neither intake nor a reader waits; a step that was interrupted is finished by the
next call.
"""

from collections.abc import Sequence

import psycopg

from engine.store.postgresql.connection import (
    DATABASE_ERRORS,
    Connection,
    close_quietly,
    connect,
    unavailable,
)
from engine.store.postgresql.partitions import SECONDS_PER_DAY, list_days, partition_name

ROWS_PER_DELETE = 10_000

_COPY = (
    "INSERT INTO log_kept SELECT * FROM log WHERE day = %s AND message_id = ANY(%s)"
    " ON CONFLICT DO NOTHING"
)
_LEFTOVERS = (
    "SELECT c.relname FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid"
    " WHERE c.relkind = 'r' AND c.relname ~ '^log_[0-9]+$' AND i.inhparent IS NULL"
    " AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'log'::regclass)"
)
_DROP_KEPT = "DELETE FROM log_kept WHERE received_at < %s AND NOT message_id = ANY(%s)"
_DROP_OUTCOMES = (
    "DELETE FROM log_acknowledgments WHERE message_id IN (SELECT a.message_id"
    " FROM log_acknowledgments a WHERE a.message_id < (SELECT min(message_id) FROM log)"
    " AND NOT EXISTS (SELECT 1 FROM log_kept k WHERE k.message_id = a.message_id)"
    " ORDER BY a.message_id LIMIT %s)"
)


def forget_days(url: str, before: float, keep: Sequence[int]) -> None:
    """Drop what the log has of whole days before then, keeping these messages.

    Raises StoreUnavailable.
    """
    connection: Connection | None = None
    try:
        connection = connect(url)
        for day in list_days(connection):
            if (day + 1) * SECONDS_PER_DAY <= before:
                connection.execute(_COPY, (day, list(keep)))
                _detach(connection, day)
        for (name,) in connection.execute(_LEFTOVERS).fetchall():
            connection.execute(f"DROP TABLE IF EXISTS {name}")
        connection.execute(_DROP_KEPT, (before, list(keep)))
        while connection.execute(_DROP_OUTCOMES, (ROWS_PER_DELETE,)).rowcount == ROWS_PER_DELETE:
            pass
    except DATABASE_ERRORS as failure:
        raise unavailable("forgetting a part of the log", failure) from None
    finally:
        close_quietly(connection)


def _detach(connection: Connection, day: int) -> None:
    name = partition_name(day)
    try:
        connection.execute(f"ALTER TABLE log DETACH PARTITION {name} CONCURRENTLY")
    except psycopg.errors.ObjectNotInPrerequisiteState:
        connection.execute(f"ALTER TABLE log DETACH PARTITION {name} FINALIZE")
