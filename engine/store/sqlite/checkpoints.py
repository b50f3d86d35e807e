"""Rim. Write-ahead-log checkpoints of the log, in a thread of their own, off the commit path.

A checkpoint copies pages from the WAL to the database file and syncs both; done by the committing
connection it would hold up the acknowledgments of that moment. SQLite works without the GIL, so the
thread costs the reactor nothing.
"""

import sqlite3
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

from engine.store.sqlite.connection import close_quietly, connect


class Checkpoints:
    """Takes requests for segment files and works them off one at a time."""

    def __init__(self) -> None:
        self._requests: deque[tuple[Path, str]] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None

    def request(self, path: Path, *, whole: bool = False) -> None:
        """Ask for a checkpoint of a file; `whole` also empties its WAL (a sealed segment)."""
        wanted = (path, "TRUNCATE" if whole else "PASSIVE")
        if wanted in self._requests:
            return
        self._requests.append(wanted)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
            self._thread.start()
        self._wake.set()

    def close(self) -> None:
        """Finish what was asked for and end the thread."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._requests:
                path, mode = self._requests[0]
                _checkpoint(path, mode)
                self._requests.popleft()
            if self._closing:
                return


def _checkpoint(path: Path, mode: str) -> None:
    """One checkpoint. A failure loses nothing: the WAL stays, and the next request tries again."""
    connection: sqlite3.Connection | None = None
    with suppress(sqlite3.Error, OSError):
        connection = connect(path)
        connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    close_quietly(connection)
