"""Rim. The log as the state reads it on PostgreSQL: the same database, so following is one
transaction.
"""

from collections.abc import Iterator, Sequence

from engine.store.database import (
    AMONG,
    HORIZON,
    LOCKED,
    Database,
    Ids,
    LoggedBody,
    LoggedMessage,
    Row,
)
from engine.store.postgresql.partitions import SECONDS_PER_DAY
from engine.store.postgresql.retention import forget_days
from engine.store.state.following import index_messages

_HEADER = ", ".join(LoggedMessage._fields)
_RAW_OF_RUNS = (
    "SELECT DISTINCT ON (r.message_id) r.message_id, l.raw, l.sha256 FROM runs r"
    " JOIN log l ON l.message_id = r.message_id"
    f" AND l.day = floor(r.received_at / {SECONDS_PER_DAY})::integer WHERE r.message_id {AMONG}"
)
_RAW = f"SELECT message_id, raw, sha256 FROM {{table}} WHERE message_id {AMONG}"
_HEADER_OF = f"SELECT {_HEADER} FROM {{table}} WHERE message_id = ?"
_BODY_OF = (
    "SELECT l.raw, l.acknowledgment, a.outcome, a.late FROM {table} l"
    " LEFT JOIN log_acknowledgments a ON a.message_id = l.message_id WHERE l.message_id = ?"
)
_TABLES = ("log", "log_kept")
"""Messages that outlived their day are in the second."""
_CURSOR = f"SELECT written_by, position FROM cursors WHERE name = 'log' {LOCKED}"
FOLLOW = (
    f"SELECT {_HEADER}, written_by FROM log WHERE (written_by, message_id) > (?, ?)"
    f" AND written_by < {HORIZON} ORDER BY written_by, message_id LIMIT ?"
)


class TableLogReader:
    """Reads the table `log`; see `database.LogReader`."""

    def __init__(self, url: str, database: Database) -> None:
        self._url = url
        self._database = database

    def raw(self, message_ids: Sequence[int]) -> Iterator[tuple[int, bytes, bytes]]:
        """(message_id, raw, SHA-256) of those that are there.

        A run knows its message's day, so that only that day's partition is looked at.
        """
        with self._database.reading() as transaction:
            rows = transaction.rows(_RAW_OF_RUNS, Ids(message_ids))
            for table in _TABLES:
                missing = set(message_ids) - {row[0] for row in rows}
                if missing:
                    rows += transaction.rows(_RAW.format(table=table), Ids(sorted(missing)))
        return iter([(row[0], row[1], row[2]) for row in rows])

    def header(self, message_id: int) -> LoggedMessage | None:
        """One message's header."""
        row = self._first(_HEADER_OF, message_id)
        return LoggedMessage._make(row) if row else None

    def body(self, message_id: int) -> LoggedBody | None:
        """One message's bytes and its acknowledgment's outcome."""
        row = self._first(_BODY_OF, message_id)
        if row is None:
            return None
        return LoggedBody(raw=row[0], acknowledgment=row[1], outcome=row[2], late=row[3] or b"")

    def _first(self, sql: str, message_id: int) -> Row | None:
        with self._database.reading() as transaction:
            for table in _TABLES:
                rows = transaction.rows(sql.format(table=table), message_id)
                if rows:
                    return rows[0]
        return None

    def follow(self, database: Database, limit: int) -> int:
        """Index what the log has after the cursor. Runs are there already: `append` made them.

        Rows of transactions younger than one still under way wait, so that none is passed over.
        """
        with database.reading() as transaction:
            position = transaction.rows(_CURSOR.replace(LOCKED, ""))[0]
            if not transaction.rows(FOLLOW, *position, 1):
                return 0
        with database.writing() as transaction:
            position = transaction.rows(_CURSOR)[0]
            rows = transaction.rows(FOLLOW, *position, limit)
            if rows:
                index_messages(transaction, [LoggedMessage._make(row[:-1]) for row in rows])
                transaction.write(
                    "UPDATE cursors SET written_by = ?, position = ? WHERE name = 'log'",
                    rows[-1][-1],
                    rows[-1][0],
                )
        return len(rows)

    def forget(self, before: float, keep: Sequence[int]) -> None:
        """Drop the partitions of days that are over; see `retention`."""
        forget_days(self._url, before, keep)

    def close(self) -> None:
        """Nothing to let go of: the database is closed by its owner."""
