"""Rim. Opening a store by its URL: `sqlite:///directory` or `postgresql://...`.

`sqlite:///.engine` is a folder beside the working directory, `sqlite:////var/lib/engine` an
absolute one. Opening makes a new store where there is none, and never changes an old one: that is
`migrate`.
"""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from engine.store.interface import Log, StateStore, StoreUnavailable
from engine.store.schema import REVISION

if TYPE_CHECKING:
    from engine.store.desk.store import DeskStore

SQLITE_PREFIX = "sqlite:///"
POSTGRESQL_PREFIXES = ("postgresql://", "postgres://")


def open_log(url: str) -> Log:
    """The message log, for the process that writes it. Raises StoreUnavailable."""
    _prepare(url)
    if _is_postgresql(url):
        from engine.store.postgresql.log import PostgresqlLog

        return PostgresqlLog(url)
    from engine.store.sqlite.log import SqliteLog

    return SqliteLog(_folder(url) / "log")


def open_state(url: str, readonly: bool = False) -> StateStore:
    """The processing state; each thread that uses it opens its own. Raises StoreUnavailable."""
    from engine.store.state.store import DatabaseState

    _prepare(url)
    if _is_postgresql(url):
        from engine.store.postgresql.database import PostgresqlDatabase
        from engine.store.postgresql.log_reader import TableLogReader

        server = PostgresqlDatabase(url, readonly=readonly)
        return DatabaseState(server, TableLogReader(url, server))
    from engine.store.sqlite.database import SqliteDatabase
    from engine.store.sqlite.log_reader import SegmentLogReader

    folder = _folder(url)
    file = SqliteDatabase(folder / "state.db", readonly=readonly)
    return DatabaseState(file, SegmentLogReader(folder / "log"))


def open_desk(url: str) -> "DeskStore":
    """Users, sessions and the audit trail; each thread opens its own. Raises StoreUnavailable."""
    from engine.store.desk.store import DeskStore

    _prepare(url)
    if _is_postgresql(url):
        from engine.store.postgresql.database import PostgresqlDatabase

        return DeskStore(PostgresqlDatabase(url))
    from engine.store.sqlite.database import SqliteDatabase

    return DeskStore(SqliteDatabase(_folder(url) / "state.db"))


def migrate(url: str) -> None:
    """Make a store's tables, or bring them up to date. Raises StoreUnavailable."""
    from engine.store.migrate import migrate_postgresql, migrate_sqlite

    if _is_postgresql(url):
        migrate_postgresql(url)
    else:
        migrate_sqlite(_folder(url))


def _prepare(url: str) -> None:
    """Make a new store; refuse one of another revision."""
    found = _postgresql_revision(url) if _is_postgresql(url) else _sqlite_revision(_folder(url))
    if found is None:
        migrate(url)
    elif found != REVISION:
        raise StoreUnavailable(
            f"the store's tables are at revision {found}, this engine needs {REVISION}:"
            " `engine serve` brings an older store up to date"
        )


def _sqlite_revision(folder: Path) -> str | None:
    from engine.store.sqlite.connection import connect, store_errors

    if not (folder / "state.db").exists():
        return None
    with store_errors("opening the store"):
        connection = connect(folder / "state.db", readonly=True)
        try:
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        except sqlite3.OperationalError as failure:
            if "no such table" in str(failure):
                return None
            raise
        finally:
            connection.close()
    return str(rows[0][0]) if rows else None


def _postgresql_revision(url: str) -> str | None:
    import psycopg

    from engine.store.postgresql.connection import DATABASE_ERRORS, connect, unavailable

    try:
        with connect(url) as connection:
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except psycopg.errors.UndefinedTable:
        return None
    except DATABASE_ERRORS as failure:
        raise unavailable("opening the store", failure) from None
    return str(rows[0][0]) if rows else None


def _is_postgresql(url: str) -> bool:
    return url.startswith(POSTGRESQL_PREFIXES)


def _folder(url: str) -> Path:
    if not url.startswith(SQLITE_PREFIX):
        raise StoreUnavailable("a store's URL begins with sqlite:/// or postgresql://")
    return Path(url.removeprefix(SQLITE_PREFIX))
