"""Rim. Opening a store by its URL: `sqlite:///directory` or `postgresql://...`.

Opening makes a new store where there is none, and never changes an old one: that is `migrate`.
"""

from pathlib import Path

from engine.store.interface import Log, StateStore, StoreUnavailable

SQLITE_PREFIX = "sqlite:///"


def open_log(url: str) -> Log:
    """The message log, for the one intake process that writes it. Raises StoreUnavailable."""
    folder = _sqlite_folder(url)
    from engine.store.sqlite.log import SqliteLog

    _prepare(url)
    return SqliteLog(folder / "log")


def open_state(url: str, readonly: bool = False) -> StateStore:
    """The processing state. Each thread that uses it opens its own. Raises StoreUnavailable."""
    folder = _sqlite_folder(url)
    from engine.store.sqlite.database import SqliteDatabase
    from engine.store.sqlite.log_reader import SegmentLogReader
    from engine.store.state.store import DatabaseState

    _prepare(url)
    database = SqliteDatabase(folder / "state.db", readonly=readonly)
    return DatabaseState(database, SegmentLogReader(folder / "log"))


def _prepare(url: str) -> None:
    if not (_sqlite_folder(url) / "state.db").exists():
        migrate(url)


def migrate(url: str) -> None:
    """Make or bring up to date the tables of a store. Raises StoreUnavailable."""
    from engine.store.schema import STATE
    from engine.store.sqlite.connection import connect, store_errors

    folder = _sqlite_folder(url)
    with store_errors("making the store"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log").mkdir(exist_ok=True)
        connect(folder / "state.db", page_size=8192).close()
    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{folder / 'state.db'}")
    STATE.create_all(engine)
    engine.dispose()


def _sqlite_folder(url: str) -> Path:
    if not url.startswith(SQLITE_PREFIX):
        raise StoreUnavailable("a store's URL begins with sqlite:/// or postgresql://")
    return Path(url.removeprefix(SQLITE_PREFIX))
