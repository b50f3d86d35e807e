"""Rim. The log's daily partitions: made before their day begins, dropped whole when it is
forgotten.

A partition is built apart and then attached, which does not lock out readers and writers of the
others. There is no default partition, because with one a day cannot be detached while others are
read; `log.PostgresqlLog.append` makes a partition that is missing and tries again.
"""

from collections.abc import Iterable
from contextlib import suppress

import psycopg

from engine.store.postgresql.connection import Connection

SECONDS_PER_DAY = 86400
DAYS_AHEAD = 2


def partition_name(day: int) -> str:
    """The partition of a day, counted from 1970-01-01."""
    return f"log_{day}"


def list_days(connection: Connection) -> list[int]:
    """The days that have a partition, ascending."""
    rows = connection.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'log'::regclass"
    ).fetchall()
    names = [row[0].removeprefix("log_") for row in rows]
    return sorted(int(name) for name in names if name.isdigit())


def make_partitions(connection: Connection, days: Iterable[int]) -> None:
    """Make the partitions of these days that are missing."""
    there = set(list_days(connection))
    for day in sorted(set(days) - there):
        name = partition_name(day)
        # either error: another process was first
        another = (psycopg.errors.DuplicateTable, psycopg.errors.InvalidObjectDefinition)
        with suppress(*another), connection.transaction():
            connection.execute(f"CREATE TABLE {name} (LIKE log INCLUDING ALL)")
            connection.execute(
                f"ALTER TABLE log ATTACH PARTITION {name} FOR VALUES FROM ({day}) TO ({day + 1})"
            )
