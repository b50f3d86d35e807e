"""Rim. The message log on PostgreSQL: one statement stores the messages and queues their runs.

One statement in autocommit mode is one round trip, and holds no lock while this process is
elsewhere. The server answers it after the write-ahead log is on disk (and on the synchronous
standby, where there is one).
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import psycopg

from engine.pipeline.states import AcknowledgmentOutcome, Origin, State
from engine.store.copy_interface import EDITED_COPY
from engine.store.encoding import buckets_of, encode_lanes, encode_list
from engine.store.interface import Receipt, RecentControlId, StoreUnavailable
from engine.store.postgresql.batches import RowBatch
from engine.store.postgresql.connection import (
    DATABASE_ERRORS,
    LOCK_TIMEOUT_SECONDS,
    Connection,
    close_quietly,
    connect,
    unavailable,
)
from engine.store.postgresql.partitions import DAYS_AHEAD, SECONDS_PER_DAY, make_partitions

OUTCOMES_MAX = 20_000
RECONNECT_SECONDS = 1.0

_COLUMNS = (
    ("day", "integer"),
    ("received_at", "double precision"),
    ("channel", "text"),
    ("source", "text"),
    ("control_id", "text"),
    ("sender", "text"),
    ("message_type", "text"),
    ("version", "text"),
    ("lanes", "text"),
    ("verdict", "text"),
    ("duplicate_of", "bigint"),
    ("runnable", "smallint"),
    ("acknowledgment_code", "text"),
    ("revision", "text"),
    ("diagnostics", "text"),
    ("sha256", "bytea"),
    ("raw", "bytea"),
    ("acknowledgment", "bytea"),
    ("bucket", "smallint"),
    ("other_buckets", "text"),
)
_BATCH = RowBatch([kind for _, kind in _COLUMNS])
_NAMES = ", ".join(name for name, _ in _COLUMNS)
_LOGGED = ", ".join(name for name, _ in _COLUMNS[:-2])
_VALUES = ", ".join(
    f"{value} AS {name}" for value, (name, _) in zip(_BATCH.values, _COLUMNS, strict=True)
)
APPEND = (
    f"WITH given AS MATERIALIZED (SELECT nextval('message_ids') AS message_id, {_VALUES}"
    f" FROM {_BATCH.source}),"
    f" logged AS (INSERT INTO log (message_id, {_LOGGED}) SELECT message_id, {_LOGGED} FROM given),"
    " queued AS (INSERT INTO runs (message_id, channel, lanes, bucket, other_buckets, origin,"
    " state, open, received_at, created_at, message_type, control_id, revision)"
    " SELECT message_id, channel, lanes, coalesce(bucket, message_id %% 64), other_buckets,"
    f" '{Origin.RECEIVED}', '{State.RECEIVED}', 1, received_at, received_at, message_type,"
    " control_id, revision FROM given WHERE runnable = 1 ORDER BY message_id)"
    " SELECT message_id FROM given ORDER BY message_id"
)
_OUTCOMES = RowBatch(["bigint", "text", "bytea"])
RECORD = (
    "INSERT INTO log_acknowledgments (message_id, outcome, late)"
    f" SELECT {', '.join(_OUTCOMES.values)} FROM {_OUTCOMES.source}"
    " ON CONFLICT (message_id) DO UPDATE SET outcome = excluded.outcome, late = excluded.late"
)

_Outcome = tuple[int, AcknowledgmentOutcome, bytes]


class PostgresqlLog:
    """The log in a database. Several processes may write it, each with its own channels."""

    def __init__(self, url: str, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> None:
        self._url = url
        self._lock_timeout_seconds = lock_timeout_seconds
        self._connection: Connection | None = None
        self._outcomes: dict[int, tuple[int, str, bytes]] = {}
        self._prepared_day = -1
        self._not_before = 0.0
        self.rotate()

    def append(self, receipts: Sequence[Receipt]) -> list[int]:
        """Store all in one durable commit; see `interface.Log.append`."""
        if not receipts:
            return []
        values = _BATCH.parameters(_rows(receipts))
        try:
            rows = self._run("appending to the log", APPEND, values)
        except psycopg.errors.CheckViolation:
            self._make_partitions({int(found.received_at // SECONDS_PER_DAY) for found in receipts})
            rows = self._run("appending to the log", APPEND, values)
        return [row[0] for row in rows]

    def record_acknowledgments(self, outcomes: Sequence[_Outcome]) -> None:
        """Keep them until `rotate`, `close`, or until there are many."""
        self._outcomes.update(
            (found[0], (found[0], found[1].value, found[2])) for found in outcomes
        )
        if len(self._outcomes) > OUTCOMES_MAX:
            self._write_outcomes()

    def recent_control_ids(self, since: float, limit: int) -> Iterator[RecentControlId]:
        """The runnable messages since then, oldest first, at most the newest `limit`."""
        rows = self._run(
            "reading the log",
            "SELECT message_id, received_at, channel, sender, control_id, sha256 FROM log"
            " WHERE day >= %s AND received_at >= %s AND runnable = 1"
            " AND NOT starts_with(source, %s) ORDER BY message_id DESC LIMIT %s",
            (int(since // SECONDS_PER_DAY), since, EDITED_COPY, limit),
        )
        for message_id, received_at, channel, sender, control_id, sha256 in reversed(rows):
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
        rows = self._run(
            "reading the log", "SELECT acknowledgment FROM log WHERE message_id = %s", (message_id,)
        )
        return bytes(rows[0][0]) if rows else b""

    def rotate(self) -> None:
        """Write waiting outcomes; make the partitions of the next days."""
        self._write_outcomes()
        today = int(time.time() // SECONDS_PER_DAY)
        if today == self._prepared_day:
            return
        self._make_partitions(set(range(today, today + DAYS_AHEAD + 1)))
        self._prepared_day = today

    def close(self) -> None:
        """Write waiting outcomes and close the connection."""
        with suppress(StoreUnavailable):
            self._write_outcomes()
        self._drop()

    def _write_outcomes(self) -> None:
        if self._outcomes:
            rows = list(self._outcomes.values())
            self._run("recording acknowledgments", RECORD, _OUTCOMES.parameters(rows), rows=False)
            self._outcomes.clear()

    def _make_partitions(self, days: set[int]) -> None:
        try:
            make_partitions(self._connected(), days)
        except DATABASE_ERRORS as failure:
            self._drop()
            raise unavailable("making a log partition", failure) from None

    def _run(
        self, doing: str, sql: str, values: tuple[Any, ...], *, rows: bool = True
    ) -> list[tuple[Any, ...]]:
        try:
            cursor = self._connected().execute(sql, values, binary=True)
            return cursor.fetchall() if rows else []
        except psycopg.errors.CheckViolation:
            raise
        except DATABASE_ERRORS as failure:
            self._drop()
            raise unavailable(doing, failure) from None

    def _connected(self) -> Connection:
        """The connection; one that could not be made is not tried again at once.

        Intake waits here with its whole reactor, and every sender that comes would make it wait.
        """
        if self._connection is None:
            if time.monotonic() < self._not_before:
                raise StoreUnavailable("the database was not reachable a moment ago")
            try:
                self._connection = connect(
                    self._url, lock_timeout_seconds=self._lock_timeout_seconds
                )
            except DATABASE_ERRORS:
                self._not_before = time.monotonic() + RECONNECT_SECONDS
                raise
        return self._connection

    def _drop(self) -> None:
        close_quietly(self._connection)
        self._connection = None


def _rows(receipts: Sequence[Receipt]) -> list[tuple[Any, ...]]:
    rows = []
    for receipt in receipts:
        bucket, others = (
            buckets_of(receipt.channel, receipt.lanes, 0) if receipt.lanes else (None, None)
        )
        rows.append(
            (
                int(receipt.received_at // SECONDS_PER_DAY),
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
                int(receipt.runnable),
                receipt.acknowledgment_code,
                receipt.revision,
                encode_list(receipt.diagnostics),
                receipt.sha256,
                receipt.raw,
                receipt.acknowledgment,
                bucket,
                others,
            )
        )
    return rows
