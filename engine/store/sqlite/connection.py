"""Rim. A SQLite connection as the store uses it: WAL, FULL, and one kind of failure.

`synchronous=FULL` makes a commit survive a power cut; NORMAL was measured to lose acknowledged
messages (docs/store.md). Transactions are begun and ended by hand.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from engine.store.interface import StoreUnavailable

BUSY_TIMEOUT_SECONDS = 5.0
"""How long a write waits for another process before it fails."""

DISK_ERRORS = (sqlite3.Error, OSError, UnicodeEncodeError)


def connect(
    path: Path,
    *,
    page_size: int | None = None,
    readonly: bool = False,
    busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
    autocheckpoint_pages: int = 1000,
) -> sqlite3.Connection:
    """Open (and with `page_size` create) a database file.

    A reader opens the file for writing too, because WAL readers share the index file beside it,
    and is then barred from writing by `query_only`. Raises sqlite3.Error; callers run under
    `store_errors`.
    """
    mode = "rwc" if page_size else "rw"
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=busy_timeout_seconds,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    if page_size:
        connection.execute(f"PRAGMA page_size={page_size}")
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint={autocheckpoint_pages}")
    connection.execute("PRAGMA journal_size_limit=16777216")
    if readonly:
        connection.execute("PRAGMA query_only=ON")
    return connection


@contextmanager
def store_errors(doing: str) -> Iterator[None]:
    """Turn every failure of SQLite or the disk into `StoreUnavailable`; `doing` says at what.

    The text keeps SQLite's words (they name tables, never values).
    """
    try:
        yield
    except DISK_ERRORS as failure:
        raise unavailable(doing, failure) from None


def unavailable(doing: str, failure: BaseException) -> StoreUnavailable:
    """The failure as operators are told it."""
    if isinstance(failure, UnicodeEncodeError):
        return StoreUnavailable(f"{doing}: text that cannot be encoded")
    return StoreUnavailable(f"{doing}: {failure}")


def close_quietly(connection: sqlite3.Connection | None) -> None:
    """Close after a failure, when closing may fail as well."""
    if connection is not None:
        with suppress(sqlite3.Error):
            connection.rollback()
        with suppress(sqlite3.Error):
            connection.close()
