"""Rim. Making a store's tables and bringing older ones up to date, by Alembic.

A step that was shipped is never edited; a change is a new file in `migrations/versions`. All
missing steps run in one transaction, so a store is at one revision or at the next.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from engine.store.interface import StoreUnavailable

STATE_PAGE_SIZE = 4096


def migrate_sqlite(folder: Path) -> None:
    """Make or update `state.db` and the folder of the log. Raises StoreUnavailable."""
    from engine.store.sqlite.connection import connect, store_errors

    with store_errors("making the store"):
        (folder / "log").mkdir(parents=True, exist_ok=True)
        _refuse_lost_state(folder)
        connect(folder / "state.db", page_size=STATE_PAGE_SIZE).close()
        with _connection("sqlite://", lambda: connect(folder / "state.db")) as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            _upgrade(connection)
            connection.exec_driver_sql("COMMIT")


def _refuse_lost_state(folder: Path) -> None:
    """A new state beside an old log would deliver every message of the log again."""
    if not (folder / "state.db").exists() and any((folder / "log").glob("*.db")):
        raise StoreUnavailable(
            "state.db is missing beside a log with messages: restore it (see docs/store.md)"
        )


def migrate_postgresql(url: str) -> None:
    """Make or update the tables of a database. Raises StoreUnavailable.

    Two processes that migrate at once take turns: the first to make the lock table wins.
    """
    import psycopg

    from engine.store.postgresql.connection import unavailable

    try:
        with _connection("postgresql+psycopg://", lambda: psycopg.connect(url)) as connection:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS migrating (n integer)")
            connection.exec_driver_sql("LOCK TABLE migrating IN EXCLUSIVE MODE")
            _upgrade(connection)
            _renumber(connection)
            connection.commit()
    except DBAPIError as failure:
        raise unavailable("making the store", failure.orig or failure) from None
    except psycopg.Error as failure:
        raise unavailable("making the store", failure) from None


def _renumber(connection: Connection) -> None:
    """After a restore from a logical dump, forget the transaction numbers of the other server.

    They may be greater than this server's, and readers wait for greater numbers.
    """
    ((now, followed, position),) = connection.exec_driver_sql(
        "SELECT pg_current_xact_id()::text::bigint, written_by, position FROM cursors"
        " WHERE name = 'log'"
    ).fetchall()
    if followed <= now:
        return
    for statement in (
        "UPDATE runs SET written_by = 0 WHERE written_by > %(now)s",
        "UPDATE log SET written_by = 0 WHERE written_by > %(now)s AND message_id <= %(position)s",
        "UPDATE log SET written_by = %(now)s WHERE written_by > %(now)s",
        "UPDATE cursors SET written_by = %(now)s",
    ):
        connection.exec_driver_sql(statement, {"now": now, "position": position})


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _connection(dialect_url: str, creator: Callable[[], Any]) -> Iterator[Connection]:
    engine = create_engine(dialect_url, creator=creator, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as failure:
        if dialect_url.startswith("sqlite"):
            raise StoreUnavailable(f"making the store: {failure.orig}") from None
        raise
    finally:
        engine.dispose()
