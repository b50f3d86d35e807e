"""Rim. What the state needs of a database: transactions, rows, and the same statement many times.

The state is written once for both databases, in SQLite's words; a few differ, and
`PostgresqlDatabase` replaces them: the `?` of a value, and the constants below. Statements that
run once per row of a batch are values (`InsertMany`, `UpdateMany`) that each database renders its
own way, because that is where the time goes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Select, Table

from engine.store.schema import DELIVERIES_PER_RUN

AMONG = "IN (SELECT value FROM json_each(?))"
"""`column AMONG`: one of an `Ids` value."""
EACH_DELIVERY = (
    "json_each(?) AS each CROSS JOIN deliveries d"
    f" ON d.delivery_id >= each.value * {DELIVERIES_PER_RUN}"
    f" AND d.delivery_id < (each.value + 1) * {DELIVERIES_PER_RUN}"
)
"""`FROM EACH_DELIVERY`: the deliveries `d` of the runs in an `Ids` value, `each.value` the run."""

LOCKED = "/* FOR UPDATE */"
"""Ends a SELECT: the rows stay locked until the transaction ends (SQLite locks the file)."""
SHARED = "/* FOR SHARE */"
"""Ends a SELECT: nobody else changes the rows until the transaction ends."""
HORIZON = "(1 /* HORIZON */)"
"""Rows with a smaller `written_by` are all there is; see `schema.RUNS`."""

Row = tuple[Any, ...]
Ask = Callable[[Mapping[str, Any]], list[Row]]
"""Runs a query with values for some of its `bindparam`s; the others keep their own."""


class Ids(tuple[int, ...]):
    """A list of ids as one value of a statement."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertMany:
    """Insert rows; a row's values are in the order of `columns`."""

    table: Table
    columns: tuple[str, ...]
    conflict: str = ""
    """`ON CONFLICT ...`, or nothing."""

    def sqlite(self) -> str:
        """The statement for one row, run by `executemany`."""
        marks = ", ".join("?" * len(self.columns))
        names = ", ".join(self.columns)
        return f"INSERT INTO {self.table.name} ({names}) VALUES ({marks}) {self.conflict}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMany:
    """Update rows by their key; a row's values are those of `sets` in order, then the key's."""

    table: Table
    sets: tuple[tuple[str, str], ...]
    """(column, expression with `?` for its one value)."""
    key: str

    def sqlite(self) -> str:
        """The statement for one row, run by `executemany`."""
        sets = ", ".join(f"{column} = {expression}" for column, expression in self.sets)
        return f"UPDATE {self.table.name} SET {sets} WHERE {self.key} = ?"


Many = InsertMany | UpdateMany


class Transaction(Protocol):
    """One transaction: all of it or nothing."""

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """Run a statement and return its rows."""
        ...

    def write(self, sql: str, *values: Any) -> None:
        """Run a statement; may not wait for it. What it touched is known by `RETURNING`."""
        ...

    def write_many(self, statement: Many, rows: Sequence[Row]) -> None:
        """Run a statement for every row; nothing when there are none."""
        ...

    def prepare(self, query: Select[Any]) -> "Ask":
        """A query built with SQLAlchemy, to be run as often as one likes.

        Rendering one costs many times what running it does: so it is rendered once.
        """
        ...


class Database(Protocol):
    """A database with the state's tables. Belongs to one thread."""

    def writing(
        self, *, one_snapshot: bool = False, durable: bool = True
    ) -> AbstractContextManager[Transaction]:
        """A write transaction; committed at the end of the block, rolled back on any exception.

        With `one_snapshot` all its statements see the same rows, and it fails rather than change
        what another has changed meanwhile (on SQLite writers take turns anyway). One that is not
        `durable` does not wait for the disk, for which intake waits too: a power cut may undo it.
        Failures of the database leave the block as StoreUnavailable.
        """
        ...

    def reading(self) -> AbstractContextManager[Transaction]:
        """A consistent read; the same failures."""
        ...

    def now(self) -> float:
        """The database's clock, Unix seconds: leases are measured by it."""
        ...

    def reuse_space(self, *tables: Table) -> None:
        """What was deleted from tables that are filled and emptied all the time is free at once.

        SQLite sees to that by itself. PostgreSQL would come to it after a minute, and every look
        into such a table reads all that was ever in it until then.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class LoggedMessage(NamedTuple):
    """A message's row in the log, without its bytes; a tuple because following makes many."""

    message_id: int
    received_at: float
    channel: str
    source: str
    control_id: str
    sender: str
    message_type: str
    version: str
    lanes: str
    verdict: str
    duplicate_of: int | None
    runnable: int
    acknowledgment_code: str
    revision: str
    diagnostics: str | None
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedBody:
    """A message's bytes in the log, and how its acknowledgment went."""

    raw: bytes
    acknowledgment: bytes
    outcome: str | None
    """None: nothing recorded."""
    late: bytes


class LogReader(Protocol):
    """The log as the state reads it."""

    def raw(self, message_ids: Sequence[int]) -> Iterator[tuple[int, bytes, bytes]]:
        """(message_id, raw bytes, SHA-256 at receipt) of those that are there."""
        ...

    def header(self, message_id: int) -> LoggedMessage | None:
        """One message's header."""
        ...

    def body(self, message_id: int) -> LoggedBody | None:
        """One message's bytes."""
        ...

    def follow(self, database: Database, limit: int) -> int:
        """Bring the state up to date with the log; see `interface.StateStore.follow`."""
        ...

    def forget(self, before: float, keep: Sequence[int]) -> None:
        """Delete the parts of the log that ended before then, except the messages to `keep`."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...
