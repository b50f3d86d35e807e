"""Rim. The message log on SQLite: append-only segment files, one durable commit per batch.

Headers and bodies are two tables of one file, so that following and counting never read a body.
There is no secondary index: a random index halves the sustained rate as it grows. After any
failure the segment is closed and opened again before the next append, so nothing half-done is
built upon.
"""

import fcntl
import os
import sqlite3
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from engine.pipeline.states import AcknowledgmentOutcome
from engine.store.encoding import encode_lanes, encode_list, storable
from engine.store.interface import Receipt, RecentControlId, StoreUnavailable
from engine.store.sqlite.checkpoints import Checkpoints
from engine.store.sqlite.connection import (
    BUSY_TIMEOUT_SECONDS,
    DISK_ERRORS,
    close_quietly,
    connect,
    store_errors,
    unavailable,
)
from engine.store.sqlite.segments import (
    LOG_TABLES,
    SegmentReader,
    list_segments,
    segment_path,
)

SEGMENT_BYTES = 256 * 1024 * 1024
"""A segment is full at this size, or when its day (UTC) is over."""
PAGE_SIZE = 4096
CHECKPOINT_BYTES = 32 * 1024 * 1024
"""A checkpoint is asked for after this much was appended."""
OUTCOMES_MAX = 20_000
"""Acknowledgment outcomes held back for the next commit; more are written at once."""
ROW_OVERHEAD_BYTES = 400
SECONDS_PER_DAY = 86400

_INSERT_HEADER = f"INSERT INTO headers VALUES ({', '.join('?' * 16)})"
_INSERT_BODY = "INSERT INTO bodies VALUES (?, ?, ?)"
_INSERT_OUTCOME = "INSERT OR REPLACE INTO acknowledgments VALUES (?, ?, ?)"

_Outcome = tuple[int, AcknowledgmentOutcome, bytes]
_Row = tuple[Any, ...]


class SqliteLog:
    """The log of one data directory. One process may write it; a lock file sees to that."""

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
    ) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._busy_timeout_seconds = busy_timeout_seconds
        self._checkpoints = Checkpoints()
        self._connection: sqlite3.Connection | None = None
        self._path = folder
        self._next_id = 1
        self._size = 0
        self._since_checkpoint = 0
        self._day = 0
        self._outcomes: list[_Outcome] = []
        self._reader = SegmentReader(folder)
        with store_errors("opening the log"):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _take_lock(folder / "writer.lock")
            try:
                self._open_newest()
            except BaseException:
                self._lock.close()
                raise

    def append(self, receipts: Sequence[Receipt]) -> list[int]:
        """Store all in one durable commit; see `interface.Log.append`."""
        if not receipts:
            return []
        self._open_again()
        first = self._next_id
        headers = []
        bodies = []
        size = 0
        for message_id, receipt in enumerate(receipts, first):
            headers.append(_header_row(message_id, receipt))
            bodies.append((message_id, receipt.raw, receipt.acknowledgment))
            size += len(receipt.raw) + ROW_OVERHEAD_BYTES
        try:
            self._commit(headers, bodies)
        except UnicodeEncodeError:
            self._commit([_storable_row(row) for row in headers], bodies)
        self._next_id = first + len(receipts)
        self._grown(size)
        return list(range(first, self._next_id))

    def _commit(self, headers: Sequence[_Row], bodies: Sequence[_Row]) -> None:
        """One transaction: messages, and the acknowledgment outcomes waiting to be written."""
        connection = self._connection
        try:
            if connection is None:
                raise sqlite3.OperationalError("the log is closed")
            connection.execute("BEGIN IMMEDIATE")
            if headers:
                connection.executemany(_INSERT_HEADER, headers)
                connection.executemany(_INSERT_BODY, bodies)
            if self._outcomes:
                connection.executemany(_INSERT_OUTCOME, self._outcomes)
            connection.execute("COMMIT")
        except UnicodeEncodeError:
            if connection is not None:
                connection.rollback()
            raise
        except DISK_ERRORS as failure:
            self._fail("appending to the log", failure)
        if self._outcomes:
            self._outcomes = []

    def record_acknowledgments(self, outcomes: Sequence[_Outcome]) -> None:
        """Keep them for the next commit; `rotate` and `close` write them too."""
        self._outcomes.extend(outcomes)
        if len(self._outcomes) > OUTCOMES_MAX:
            self._commit((), ())

    def recent_control_ids(self, since: float, limit: int) -> Iterator[RecentControlId]:
        """The runnable messages since then, oldest first, at most the newest `limit`."""
        reader = SegmentReader(self._folder)
        found: deque[_Row] = deque(maxlen=limit)
        with store_errors("reading the log"):
            try:
                found.extend(reader.control_ids_since(since))
            finally:
                reader.close()
        for message_id, received_at, channel, sender, control_id, sha256 in found:
            yield RecentControlId(
                channel=channel,
                sender=sender,
                control_id=control_id,
                sha256=sha256,
                message_id=message_id,
                received_at=received_at,
            )

    def acknowledgment(self, message_id: int) -> bytes:
        """The acknowledgment stored with a message, b"" when there is none."""
        with store_errors("reading the log"):
            rows = self._reader.select("acknowledgment", "bodies", (message_id,))
        return bytes(rows[0][1]) if rows else b""

    def rotate(self) -> None:
        """Write waiting outcomes; begin a new segment when this one's size or day is over."""
        self._open_again()
        if self._outcomes:
            self._commit((), ())
        if self._size >= self._segment_bytes or self._day != _today():
            self._begin_segment()

    def close(self) -> None:
        """Write waiting outcomes, empty the WAL, let go of the lock."""
        if self._outcomes and self._connection is not None:
            with suppress(StoreUnavailable):
                self._commit((), ())
        self._checkpoints.close()
        close_quietly(self._connection)
        self._connection = None
        self._reader.close()
        self._lock.close()

    def _grown(self, size: int) -> None:
        self._size += size
        self._since_checkpoint += size
        if self._since_checkpoint >= CHECKPOINT_BYTES:
            self._since_checkpoint = 0
            self._checkpoints.request(self._path)
        if self._size >= 2 * self._segment_bytes:
            with suppress(StoreUnavailable):
                self._begin_segment()

    def _begin_segment(self) -> None:
        """Seal the current segment, unless it is empty, and open the next."""
        if self._size == 0:
            self._day = _today()
            return
        with store_errors("beginning a log segment"):
            _create_segment(segment_path(self._folder, self._next_id))
            sealed, sealed_path = self._connection, self._path
            self._connection = None
            close_quietly(sealed)
            self._open_newest()
        self._checkpoints.request(sealed_path, whole=True)

    def _open_again(self) -> None:
        """After a failure, start from what the disk has."""
        if self._connection is not None:
            return
        if self._lock.closed:
            raise StoreUnavailable("the log is closed")
        with store_errors("opening the log again"):
            self._open_newest()

    def _open_newest(self) -> None:
        """Open the last segment, made when there is none, and learn where ids continue."""
        firsts = list_segments(self._folder)
        if not firsts:
            _create_segment(segment_path(self._folder, 1))
            firsts = [1]
        path = segment_path(self._folder, firsts[-1])
        connection = connect(
            path, busy_timeout_seconds=self._busy_timeout_seconds, autocheckpoint_pages=0
        )
        try:
            rows = connection.execute(
                "SELECT coalesce(max(message_id), 0),"
                " (SELECT received_at FROM headers ORDER BY message_id LIMIT 1) FROM headers"
            ).fetchall()
        except sqlite3.Error:
            close_quietly(connection)
            raise
        self._connection = connection
        self._path = path
        self._next_id = max(rows[0][0] + 1, firsts[-1])
        self._size = path.stat().st_size if rows[0][0] else 0
        self._day = int(rows[0][1] // SECONDS_PER_DAY) if rows[0][0] else _today()
        self._since_checkpoint = 0

    def _fail(self, doing: str, failure: BaseException) -> NoReturn:
        close_quietly(self._connection)
        self._connection = None
        raise unavailable(doing, failure) from None


def _header_row(message_id: int, receipt: Receipt) -> _Row:
    return (
        message_id,
        receipt.received_at,
        receipt.channel,
        receipt.source,
        receipt.control_id,
        receipt.sender,
        receipt.message_type,
        receipt.version,
        encode_lanes(receipt.lanes),
        receipt.verdict.value,
        receipt.duplicate_of,
        receipt.runnable,
        receipt.acknowledgment_code,
        receipt.revision,
        encode_list(receipt.diagnostics),
        receipt.sha256,
    )


def _storable_row(row: _Row) -> _Row:
    return tuple(storable(value) if isinstance(value, str) else value for value in row)


def _create_segment(path: Path) -> None:
    """Make an empty segment under another name, then give it its own: it is there whole or not."""
    making = path.with_suffix(".new")
    making.unlink(missing_ok=True)
    connection = connect(making, page_size=PAGE_SIZE)
    try:
        connection.executescript(LOG_TABLES)
    finally:
        connection.close()
    making.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _take_lock(path: Path) -> IO[bytes]:
    """One writer for one log: a second process is refused at start, not found out later."""
    handle = path.open("wb")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise StoreUnavailable("the log is in use by another process") from None
    return handle


def _today() -> int:
    return int(time.time() // SECONDS_PER_DAY)
