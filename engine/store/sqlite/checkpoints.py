"""Rim. Write-ahead-log checkpoints of the log, in a thread of their own, off the commit path.

A checkpoint copies pages from the WAL to the database file and syncs both; done by the committing
connection it would hold up the acknowledgments of that moment. SQLite works without the GIL, so the
thread costs the reactor nothing.
"""

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

from engine.store.sqlite.connection import close_quietly, connect


class Checkpoints:
    """Takes requests for segment files and works them off one at a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wanted: dict[Path, str] = {}
        self._closing = False
        self._thread: threading.Thread | None = None

    def request(self, path: Path, *, whole: bool = False) -> None:
        """Ask for a checkpoint of a file; `whole` also empties its WAL (a sealed segment)."""
        with self._changed:
            if whole or path not in self._wanted:
                self._wanted[path] = "TRUNCATE" if whole else "PASSIVE"
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Finish what was asked for and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._closing)
                if not self._wanted:
                    return
                path = next(iter(self._wanted))
                mode = self._wanted.pop(path)
            _checkpoint(path, mode)


def _checkpoint(path: Path, mode: str) -> None:
    """One checkpoint. A failure loses nothing: the WAL stays, and the next request tries again."""
    connection: sqlite3.Connection | None = None
    with suppress(sqlite3.Error, OSError):
        connection = connect(path)
        connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    close_quietly(connection)
