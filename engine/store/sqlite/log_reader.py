"""Rim. The log as the state reads it on SQLite: segment files, followed into `state.db`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.store.database import Database, LoggedBody, LoggedMessage, Row
from engine.store.sqlite.connection import store_errors
from engine.store.sqlite.retention import forget_segments
from engine.store.sqlite.segments import HEADER_COLUMNS, SegmentReader
from engine.store.state.following import index_messages, make_runs

_HEADER_FIELDS = HEADER_COLUMNS.removeprefix("message_id, ")
_CURSOR = "SELECT position FROM cursors WHERE name = 'log'"


class SegmentLogReader:
    """Reads `log/`; see `database.LogReader`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segments = SegmentReader(folder)
        self._followed = 0
        """The cursor as last seen. Another follower may be ahead, none is behind."""

    def raw(self, message_ids: Sequence[int]) -> Iterator[tuple[int, bytes, bytes]]:
        """(message_id, raw, SHA-256) of those that are there."""
        with store_errors("reading the log"):
            digests = {row[0]: row[1] for row in self._select("sha256", "headers", message_ids)}
            rows = self._select("raw", "bodies", message_ids)
        return iter([(row[0], bytes(row[1]), digests.get(row[0], b"")) for row in rows])

    def header(self, message_id: int) -> LoggedMessage | None:
        """One message's header."""
        with store_errors("reading the log"):
            rows = self._select(_HEADER_FIELDS, "headers", (message_id,))
        return LoggedMessage._make(rows[0]) if rows else None

    def body(self, message_id: int) -> LoggedBody | None:
        """One message's bytes and its acknowledgment's outcome."""
        wanted = (message_id,)
        with store_errors("reading the log"):
            rows = self._select("raw, acknowledgment", "bodies", wanted)
            outcomes = self._select("outcome, late", "acknowledgments", wanted)
        if not rows:
            return None
        outcome, late = outcomes[0][1:] if outcomes else (None, b"")
        return LoggedBody(raw=rows[0][1], acknowledgment=rows[0][2], outcome=outcome, late=late)

    def follow(self, database: Database, limit: int) -> int:
        """Index up to `limit` messages after the cursor, and move the cursor, in one transaction.

        The log has one writer and its ids become visible in order, so a cursor misses nothing.
        """
        with store_errors("following the log"):
            found = self._segments.headers_after(self._followed, limit)
        if not found:
            return 0
        with database.writing() as transaction:
            position = int(transaction.rows(_CURSOR)[0][0])
            if position != self._followed:
                found = self._segments.headers_after(position, limit)
            if found:
                messages = [LoggedMessage._make(row) for row in found]
                index_messages(transaction, messages)
                make_runs(transaction, messages)
                position = messages[-1].message_id
                transaction.write("UPDATE cursors SET position = ? WHERE name = 'log'", position)
        self._followed = position
        return len(found)

    def forget(self, before: float, keep: Sequence[int]) -> None:
        """Unlink sealed segments whose messages were all received before then; see retention."""
        with store_errors("forgetting a part of the log"):
            forget_segments(self._folder, before, keep)

    def _select(self, columns: str, table: str, message_ids: Sequence[int]) -> list[Row]:
        return self._segments.select(columns, table, message_ids)

    def close(self) -> None:
        """Close the segment files."""
        self._segments.close()
