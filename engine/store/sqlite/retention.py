"""Rim. Giving the log's disk space back: sealed segments are unlinked whole.

A segment goes when its newest message is older than the limit. Messages that must outlive it are
first copied to `kept.db`, which has the same tables; `SegmentReader` looks there last.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from engine.store.sqlite.connection import connect
from engine.store.sqlite.segments import KEPT, LOG_TABLES, list_segments, segment_path

_TABLES = ("headers", "bodies", "acknowledgments")


def forget_segments(folder: Path, before: float, keep: Sequence[int]) -> None:
    """Unlink what is old, keeping these messages (ascending ids); drop others from `kept.db`.

    The newest segment is never touched: intake writes it. Raises sqlite3.Error, OSError.
    """
    firsts = list_segments(folder)
    for first, following in pairwise(firsts):
        path = segment_path(folder, first)
        if _newest(path) >= before:
            continue
        inside = list(keep[bisect_left(keep, first) : bisect_left(keep, following)])
        if inside:
            _keep(folder / KEPT, path, inside)
        path.unlink()
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    _drop_from_kept(folder / KEPT, before, keep)


def _newest(path: Path) -> float:
    connection = connect(path, readonly=True)
    try:
        rows = connection.execute("SELECT max(received_at) FROM headers").fetchall()
    finally:
        connection.close()
    return float(rows[0][0] or 0.0)


def _keep(kept: Path, segment: Path, message_ids: list[int]) -> None:
    connection = connect(kept, page_size=4096)
    try:
        connection.executescript(LOG_TABLES)
        connection.execute("ATTACH DATABASE ? AS old", (str(segment),))
        connection.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            connection.execute(
                f"INSERT OR IGNORE INTO main.{table} SELECT * FROM old.{table}"
                " WHERE message_id IN (SELECT value FROM json_each(?))",
                (str(message_ids),),
            )
        connection.execute("COMMIT")
    finally:
        connection.close()


def _drop_from_kept(kept: Path, before: float, keep: Sequence[int]) -> None:
    """Messages that are no longer to be kept leave `kept.db` too."""
    if not kept.exists():
        return
    connection = connect(kept)
    try:
        _drop(connection, before, keep)
    finally:
        connection.close()


def _drop(connection: sqlite3.Connection, before: float, keep: Sequence[int]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for table in ("bodies", "acknowledgments", "headers"):
        connection.execute(
            f"DELETE FROM {table} WHERE message_id IN (SELECT message_id FROM headers"
            " WHERE received_at < ? AND message_id NOT IN (SELECT value FROM json_each(?)))",
            (before, str(list(keep))),
        )
    connection.execute("COMMIT")
