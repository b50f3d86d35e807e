"""Rim. The log's segment files: where they are, what is in them, reading them while they grow.

A segment is `log/<first message id>.db`; the message ids of a segment end where the next one
begins, so the file names alone say where a message is. Everything here reads; only `log.SqliteLog`
writes. `log/kept.db` has the same tables: messages that outlive their segment (see retention).
"""

import os
import sqlite3
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.store.copy_interface import EDITED_COPY
from engine.store.sqlite.connection import close_quietly, connect

KEPT = "kept.db"
OPEN_FILES_MAX = 8
"""Segment files a reader holds open."""
IDS_PER_QUERY = 500
SETTLED_NANOSECONDS = 1_000_000_000
"""A folder that changed this recently may change again without its time changing: list it again."""

HEADER_COLUMNS = (
    "message_id, received_at, channel, source, control_id, sender, message_type, version, lanes, "
    "verdict, duplicate_of, runnable, acknowledgment_code, revision, diagnostics, sha256"
)


LOG_TABLES = """
CREATE TABLE IF NOT EXISTS headers (message_id INTEGER PRIMARY KEY, received_at REAL NOT NULL,
    channel TEXT NOT NULL, source TEXT NOT NULL, control_id TEXT NOT NULL, sender TEXT NOT NULL,
    message_type TEXT NOT NULL, version TEXT NOT NULL, lanes TEXT NOT NULL, verdict TEXT NOT NULL,
    duplicate_of INTEGER, runnable INTEGER NOT NULL, acknowledgment_code TEXT NOT NULL,
    revision TEXT NOT NULL, diagnostics TEXT, sha256 BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS bodies (message_id INTEGER PRIMARY KEY, raw BLOB NOT NULL,
    acknowledgment BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS acknowledgments (message_id INTEGER PRIMARY KEY, outcome TEXT NOT NULL,
    late BLOB NOT NULL);
"""
"""A segment's tables. A new column begins with a new segment; old ones are read without it."""


def segment_path(folder: Path, first_message_id: int) -> Path:
    """The file of the segment that begins with this message."""
    return folder / f"{first_message_id:016d}.db"


def list_segments(folder: Path) -> list[int]:
    """The first message id of each segment, ascending."""
    names = os.listdir(folder)  # noqa: PTH208  runs for every turn; Path.iterdir costs ten times it
    return sorted(int(name[:-3]) for name in names if name.endswith(".db") and name[0].isdigit())


class SegmentReader:
    """Reads messages by id, or in order, from all segments. Belongs to one thread.

    Methods raise sqlite3.Error and OSError; the stores map them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._firsts: list[int] = []
        self._listed_at = -1
        self._open: OrderedDict[str, sqlite3.Connection] = OrderedDict()

    def headers_after(self, message_id: int, limit: int) -> list[tuple[Any, ...]]:
        """Up to `limit` header rows with greater ids, oldest first."""
        found: list[tuple[Any, ...]] = []
        self._list_again()
        start = max(0, bisect_right(self._firsts, message_id + 1) - 1)
        for first in self._firsts[start:]:
            if len(found) >= limit:
                break
            connection = self._connection(segment_path(self._folder, first).name)
            if connection is not None:
                found += connection.execute(
                    f"SELECT {HEADER_COLUMNS} FROM headers WHERE message_id > ?"
                    " ORDER BY message_id LIMIT ?",
                    (message_id, limit - len(found)),
                )
        return found

    def control_ids_since(self, received_at: float) -> Iterator[tuple[Any, ...]]:
        """What the duplicate check needs of the runnable messages since then, in id order."""
        self._list_again()
        for first in self._firsts:
            connection = self._connection(segment_path(self._folder, first).name)
            if connection is not None and _ends_after(connection, received_at):
                yield from connection.execute(
                    "SELECT message_id, received_at, channel, sender, control_id, sha256"
                    " FROM headers WHERE received_at >= ? AND runnable = 1"
                    " AND substr(source, 1, ?) <> ? ORDER BY message_id",
                    (received_at, len(EDITED_COPY), EDITED_COPY),
                )

    def select(self, columns: str, table: str, message_ids: Sequence[int]) -> list[tuple[Any, ...]]:
        """Rows of `table` for these ids, in no order; ids that are not there are left out."""
        found: list[tuple[Any, ...]] = []
        self._list_again()
        missing = self._select_known(columns, table, message_ids, found)
        if missing and (self._folder / KEPT).exists():
            self._select_from(KEPT, columns, table, missing, found)
        return found

    def _select_known(
        self, columns: str, table: str, message_ids: Sequence[int], found: list[tuple[Any, ...]]
    ) -> list[int]:
        by_segment: dict[int, list[int]] = {}
        for message_id in message_ids:
            position = bisect_right(self._firsts, message_id) - 1
            by_segment.setdefault(position, []).append(message_id)
        missing = by_segment.pop(-1, [])
        for position, wanted in by_segment.items():
            name = segment_path(self._folder, self._firsts[position]).name
            missing += self._select_from(name, columns, table, wanted, found)
        return missing

    def _select_from(
        self,
        name: str,
        columns: str,
        table: str,
        wanted: list[int],
        found: list[tuple[Any, ...]],
    ) -> list[int]:
        """Add the rows of one file to `found`; returns the ids that are not in it."""
        connection = self._connection(name)
        if connection is None:
            return wanted
        there: set[int] = set()
        for start in range(0, len(wanted), IDS_PER_QUERY):
            rows = connection.execute(
                f"SELECT message_id, {columns} FROM {table}"
                " WHERE message_id IN (SELECT value FROM json_each(?))",
                (str(wanted[start : start + IDS_PER_QUERY]),),
            ).fetchall()
            found += rows
            there.update(row[0] for row in rows)
        return [message_id for message_id in wanted if message_id not in there]

    def _list_again(self) -> None:
        """Learn of new segments and of those that retention took, when the folder has changed."""
        changed_at = os.stat(self._folder).st_mtime_ns  # noqa: PTH116  runs for every turn
        if changed_at == self._listed_at:
            return
        settled = time.time_ns() - changed_at > SETTLED_NANOSECONDS
        self._listed_at = changed_at if settled else -1
        self._firsts = list_segments(self._folder)
        there = {segment_path(self._folder, first).name for first in self._firsts}
        for name in set(self._open) - there - {KEPT}:
            close_quietly(self._open.pop(name))

    def _connection(self, name: str) -> sqlite3.Connection | None:
        """An open file, or None when retention took it a moment ago."""
        connection = self._open.get(name)
        if connection is not None:
            self._open.move_to_end(name)
            return connection
        path = self._folder / name
        if not path.exists():
            return None
        connection = connect(path, readonly=True)
        self._open[name] = connection
        if len(self._open) > OPEN_FILES_MAX:
            close_quietly(self._open.popitem(last=False)[1])
        return connection

    def close(self) -> None:
        """Close every file."""
        while self._open:
            close_quietly(self._open.popitem()[1])


def _ends_after(connection: sqlite3.Connection, received_at: float) -> bool:
    """Whether a segment's last message came then or later; saves reading old segments at start."""
    rows = connection.execute(
        "SELECT received_at FROM headers ORDER BY message_id DESC LIMIT 1"
    ).fetchall()
    return bool(rows) and rows[0][0] >= received_at
