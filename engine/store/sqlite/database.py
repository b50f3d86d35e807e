"""Rim. The state file on SQLite: one connection, transactions begun with BEGIN IMMEDIATE.

Several processes write the one file; each takes the write lock at the start of its transaction, so
none fails half way for want of it.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Select, Table
from sqlalchemy.dialects import sqlite as dialect_module

from engine.store.database import Ask, Ids, Many, Row
from engine.store.interface import StoreUnavailable
from engine.store.sqlite.connection import (
    BUSY_TIMEOUT_SECONDS,
    DISK_ERRORS,
    close_quietly,
    connect,
    unavailable,
)

_DIALECT = dialect_module.dialect(paramstyle="qmark")


class SqliteTransaction:
    """Statements on the state file; see `database.Transaction`."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """The rows of a statement."""
        return self._connection.execute(sql, _bound(values)).fetchall()

    def write(self, sql: str, *values: Any) -> None:
        """Run a statement."""
        self._connection.execute(sql, _bound(values))

    def write_many(self, statement: Many, rows: Sequence[Row]) -> None:
        """The statement once per row."""
        if rows:
            self._connection.executemany(_rendered(statement), rows)

    def prepare(self, query: Select[Any]) -> Ask:
        """A SQLAlchemy query, rendered once."""
        compiled = query.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        sql, names, own = str(compiled), compiled.positiontup or (), compiled.params

        def ask(values: Mapping[str, Any]) -> list[Row]:
            given = [values.get(name, own[name]) for name in names]
            return self._connection.execute(sql, given).fetchall()

        return ask


class SqliteDatabase:
    """`state.db`. Opened at the first use and again after a failure."""

    def __init__(
        self,
        path: Path,
        *,
        readonly: bool = False,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
    ) -> None:
        self._open: Callable[[], sqlite3.Connection] = lambda: connect(
            path, readonly=readonly, busy_timeout_seconds=busy_timeout_seconds
        )
        self._readonly = readonly
        self._connection: sqlite3.Connection | None = None

    def writing(
        self,
        *,
        one_snapshot: bool = False,  # noqa: ARG002  always so
        durable: bool = True,
    ) -> AbstractContextManager[SqliteTransaction]:
        """A write transaction; see `database.Database.writing`."""
        if self._readonly:
            raise StoreUnavailable("the state was opened for reading only")
        if durable:
            return self._transaction("BEGIN IMMEDIATE", "writing the state")
        return self._soon_on_disk()

    @contextmanager
    def _soon_on_disk(self) -> Iterator[SqliteTransaction]:
        """A write transaction that the next durable one, or a checkpoint, brings to the disk."""
        if self._connection is None:
            with self.reading():
                pass
        self._synchronous("NORMAL")
        try:
            with self._transaction("BEGIN IMMEDIATE", "writing the state") as transaction:
                yield transaction
        finally:
            self._synchronous("FULL")

    def _synchronous(self, level: str) -> None:
        if self._connection is not None:
            self._connection.execute(f"PRAGMA synchronous={level}")

    def reading(self) -> AbstractContextManager[SqliteTransaction]:
        """A consistent read."""
        return self._transaction("BEGIN", "reading the state")

    @contextmanager
    def _transaction(self, begin: str, doing: str) -> Iterator[SqliteTransaction]:
        try:
            if self._connection is None:
                self._connection = self._open()
            connection = self._connection
            connection.execute(begin)
            try:
                yield SqliteTransaction(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.rollback()
                raise
        except DISK_ERRORS as failure:
            close_quietly(self._connection)
            self._connection = None
            raise unavailable(doing, failure) from None

    def now(self) -> float:
        """The machine's clock."""
        return time.time()

    def reuse_space(self, *tables: Table) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Close the file."""
        close_quietly(self._connection)
        self._connection = None


def _bound(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(json.dumps(value) if isinstance(value, Ids) else value for value in values)


@cache
def _rendered(statement: Many) -> str:
    return statement.sqlite()
