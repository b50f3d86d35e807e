"""Rim. The state on PostgreSQL: one connection, pipelined, opened again after a failure.

A transaction's statements are sent without waiting for each answer; only those whose rows are
needed cost a round trip.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import Select, Table
from sqlalchemy.dialects import postgresql as dialect_module

from engine.store.database import (
    AMONG,
    EACH_DELIVERY,
    HORIZON,
    LOCKED,
    SHARED,
    Ask,
    Ids,
    Many,
    Row,
)
from engine.store.encoding import storable
from engine.store.interface import StoreUnavailable
from engine.store.postgresql.batches import statement_of
from engine.store.postgresql.connection import (
    DATABASE_ERRORS,
    LOCK_TIMEOUT_SECONDS,
    Connection,
    close_quietly,
    connect,
    unavailable,
)
from engine.store.schema import DELIVERIES_PER_RUN

_DIALECT = dialect_module.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
# the order and the limit make PostgreSQL read the key's range, whatever it believes of the table
_EACH_DELIVERY = (
    "unnest(%s::bigint[]) AS each(value) CROSS JOIN LATERAL (SELECT * FROM deliveries"
    f" WHERE delivery_id >= each.value * {DELIVERIES_PER_RUN}"
    f" AND delivery_id < (each.value + 1) * {DELIVERIES_PER_RUN}"
    f" ORDER BY delivery_id LIMIT {DELIVERIES_PER_RUN}) AS d"
)
_WORDS = (
    (AMONG, "= ANY(%s::bigint[])"),
    (EACH_DELIVERY, _EACH_DELIVERY),
    (HORIZON, "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"),
    (LOCKED, "FOR UPDATE"),
    (SHARED, "FOR SHARE"),
    ("?", "%s"),
)


class PostgresqlTransaction:
    """Statements of one transaction; see `database.Transaction`."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """The rows of a statement; waits for them."""
        return self._connection.execute(translate(sql), _bound(values), binary=True).fetchall()

    def write(self, sql: str, *values: Any) -> None:
        """Run a statement; does not wait, so how many rows it touched is not known."""
        self._connection.execute(translate(sql), _bound(values), binary=True)

    def write_many(self, statement: Many, rows: Sequence[Row]) -> None:
        """One statement for all rows; does not wait."""
        if rows:
            sql, batch = statement_of(statement)
            self._connection.execute(sql, batch.parameters(rows))

    def prepare(self, query: Select[Any]) -> Ask:
        """A SQLAlchemy query, rendered once."""
        compiled = query.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        sql, own = str(compiled), compiled.params

        def ask(values: Mapping[str, Any]) -> list[Row]:
            # planned for these values: one plan for all channels reads a busy one's for a rare one
            given = {**own, **values}
            return self._connection.execute(sql, given, prepare=False, binary=True).fetchall()

        return ask


class PostgresqlDatabase:
    """The database of a URL. Belongs to one thread."""

    def __init__(
        self,
        url: str,
        *,
        readonly: bool = False,
        lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    ) -> None:
        self._url = url
        self._readonly = readonly
        self._lock_timeout_seconds = lock_timeout_seconds
        self._connection: Connection | None = None
        self._current: PostgresqlTransaction | None = None

    @contextmanager
    def writing(
        self, *, one_snapshot: bool = False, durable: bool = True
    ) -> Iterator[PostgresqlTransaction]:
        """A write transaction; see `database.Database.writing`."""
        if self._readonly:
            raise StoreUnavailable("the state was opened for reading only")
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ" if one_snapshot else "BEGIN"
        with self._transaction(begin, "writing the state") as transaction:
            if not durable:
                transaction.write("SET LOCAL synchronous_commit = off")
            yield transaction

    def reading(self) -> AbstractContextManager[PostgresqlTransaction]:
        """A consistent read; inside another transaction, a part of it."""
        if self._current is not None:
            return nullcontext(self._current)
        return self._transaction(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "reading the state"
        )

    @contextmanager
    def _transaction(self, begin: str, doing: str) -> Iterator[PostgresqlTransaction]:
        try:
            if self._connection is None:
                self._connection = connect(
                    self._url, lock_timeout_seconds=self._lock_timeout_seconds
                )
            connection = self._connection
            with connection.pipeline():
                connection.execute(begin)
                try:
                    self._current = PostgresqlTransaction(connection)
                    yield self._current
                    connection.execute("COMMIT")
                except BaseException:
                    with suppress(psycopg.Error):
                        connection.execute("ROLLBACK")
                    raise
                finally:
                    self._current = None
        except DATABASE_ERRORS as failure:
            close_quietly(self._connection)
            self._connection = None
            raise unavailable(doing, failure) from None

    def now(self) -> float:
        """The server's clock."""
        with self.reading() as transaction:
            rows = transaction.rows("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(rows[0][0])

    def reuse_space(self, *tables: Table) -> None:
        """Vacuum the tables, unless somebody does already; left to the server where it may not."""
        if self._connection is not None:
            with suppress(*DATABASE_ERRORS):
                for table in tables:
                    self._connection.execute(f"VACUUM (SKIP_LOCKED, INDEX_CLEANUP ON) {table.name}")

    def close(self) -> None:
        """Close the connection."""
        close_quietly(self._connection)
        self._connection = None


@cache
def translate(sql: str) -> str:
    """A statement in PostgreSQL's words; see `database`."""
    sql = sql.replace("%", "%%")
    for word, other in _WORDS:
        sql = sql.replace(word, other)
    return sql


def _bound(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        list(value)
        if isinstance(value, Ids)
        else storable(value)
        if isinstance(value, str)
        else value
        for value in values
    )
