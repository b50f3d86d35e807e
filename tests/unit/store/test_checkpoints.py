"""Checkpoints off the commit path."""

import sqlite3

from engine.store.sqlite.checkpoints import Checkpoints
from engine.store.sqlite.connection import connect


def filled(path):
    connection = connect(path, page_size=4096, autocheckpoint_pages=0)
    connection.execute("CREATE TABLE t (x)")
    connection.execute("INSERT INTO t VALUES (randomblob(50000))")
    return connection


def test_a_whole_checkpoint_empties_the_write_ahead_log(tmp_path):
    connection = filled(tmp_path / "a.db")
    wal = tmp_path / "a.db-wal"
    assert wal.stat().st_size > 50_000
    checkpoints = Checkpoints()
    checkpoints.request(tmp_path / "a.db")
    checkpoints.request(tmp_path / "a.db", whole=True)
    checkpoints.close()
    assert wal.stat().st_size == 0
    connection.close()
    again = sqlite3.connect(tmp_path / "a.db")
    assert again.execute("SELECT length(x) FROM t").fetchall() == [(50_000,)]
    again.close()


def test_closing_finishes_every_request(tmp_path):
    connections = [filled(tmp_path / f"{number}.db") for number in range(5)]
    checkpoints = Checkpoints()
    for number in range(5):
        checkpoints.request(tmp_path / f"{number}.db", whole=True)
    checkpoints.close()
    assert [path.stat().st_size for path in tmp_path.glob("*-wal")] == [0] * 5
    for connection in connections:
        connection.close()


def test_a_file_that_is_gone_harms_nothing(tmp_path):
    checkpoints = Checkpoints()
    checkpoints.request(tmp_path / "none.db", whole=True)
    checkpoints.close()
    checkpoints.close()
