"""What a store does when its disk, lock or server fails: StoreUnavailable, then recovery."""

import random
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.pipeline.states import State
from engine.store.interface import Search, StoreUnavailable
from engine.store.open_store import migrate

only_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize(
    "store", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)

FULL_DISK = """
import hashlib, resource, signal, sys, time
from engine.store.interface import Receipt, StoreUnavailable
from engine.store.open_store import open_log, open_state
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
url = sys.argv[1]
log, state = open_log(url), open_state(url)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
number = 0
stored = []
def append():
    global number
    batch = []
    for _ in range(5):
        number += 1
        raw = b"MSH|%d" % number + b"x" * 20000
        batch.append(Receipt(channel="c", received_at=time.time(), source="test", raw=raw,
                             sha256=hashlib.sha256(raw).digest(), control_id=str(number)))
    stored.extend(log.append(batch))
append()
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
refused = 0
for _ in range(30):
    try:
        append()
    except StoreUnavailable:
        refused += 1
assert refused >= 3, refused
before = len(stored)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
append()
assert len(stored) == before + 5
while state.follow(1000):
    pass
lease = state.acquire("w", 30.0, 1.0)
runs = state.new_runs(lease, 10_000)
assert [run.message_id for run in runs] == stored, (len(runs), len(stored))
assert set(state.raw(stored)) == set(stored)
print("refused", refused, "stored", len(stored))
"""


def test_a_full_disk_refuses_messages_and_the_log_recovers_by_itself(tmp_path):
    url = f"sqlite:///{tmp_path / 'store'}"
    command = [sys.executable, "-W", "ignore", "-c", FULL_DISK, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "refused" in done.stdout


@only_sqlite
def test_a_full_state_file_refuses_the_whole_turn_and_recovers(log, worker, receipt):
    log.append([receipt() for _ in range(3)])
    runs = worker.runs()
    connection = worker.state._database._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages + 1}")
    noise = random.Random(1).randbytes(100_000)
    with pytest.raises(StoreUnavailable):
        worker.transform(runs[0], body=noise)
    assert worker.state.open_deliveries(worker.lease, [runs[0].run_id]) == []
    worker.send(runs[0], body=noise)


def test_a_log_locked_beyond_the_limit_is_unavailable_and_recovers(tmp_path, receipt):
    from engine.store.open_store import open_log
    from engine.store.sqlite.log import SqliteLog

    folder = tmp_path / "store"
    open_log(f"sqlite:///{folder}").close()
    log = SqliteLog(folder / "log", busy_timeout_seconds=0.05)
    (path,) = Path(folder, "log").glob("*.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        log.append([receipt()])
    other.execute("ROLLBACK")
    other.close()
    assert log.append([receipt()]) == [1]
    log.close()


def test_a_failure_names_no_value_of_a_message(log, receipt, store):
    secret = "SMITH-1982"
    with pytest.raises((StoreUnavailable, TypeError)) as caught:
        log.append([receipt(control_id=secret, sender=secret, sha256=None)])
    assert secret not in str(caught.value)


@pytest.fixture
def server(store):
    """A second connection to the PostgreSQL server of the store, to break things with."""
    import psycopg

    with psycopg.connect(store.url, autocommit=True) as connection:
        yield connection


END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@only_postgresql
def test_a_lost_server_connection_is_unavailable_once_and_then_opened_again(
    server, log, worker, receipt
):
    log.append([receipt()])
    (run,) = worker.runs()
    server.execute(END_OTHERS)
    with pytest.raises(StoreUnavailable):
        log.append([receipt()])
    with pytest.raises(StoreUnavailable):
        worker.transform(run)
    assert log.append([receipt()])
    worker.send(run)
    assert len(worker.runs()) == 1


@only_postgresql
def test_a_table_locked_beyond_the_limit_is_unavailable(server, store, receipt):
    from engine.store.postgresql.log import PostgresqlLog

    log = PostgresqlLog(store.url, lock_timeout_seconds=0.05)
    server.execute("BEGIN")
    server.execute("LOCK TABLE log IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(StoreUnavailable, match="55P03"):
        log.append([receipt()])
    server.execute("ROLLBACK")
    assert log.append([receipt()])
    log.close()


@only_postgresql
def test_a_late_commit_is_not_passed_over(server, store, log, worker, receipt):
    """Two intakes: the first to get ids commits last."""
    slow = store.open_log()
    (warm,) = slow.append([receipt()])
    slow._connection.execute("BEGIN")
    (late,) = slow.append([receipt()])
    (early,) = log.append([receipt()])
    assert late < early
    given = worker.runs()
    assert late not in [run.message_id for run in given]
    slow._connection.execute("COMMIT")
    given += worker.runs()
    assert sorted(run.message_id for run in given) == [warm, late, early]
    assert len(worker.state.search(Search())) == 3


@only_postgresql
def test_a_database_restored_into_another_server_goes_on(
    server, store, log, worker, receipt, new_worker
):
    """The numbers of that server's transactions may be far greater than this one's."""
    first = log.append([receipt(), receipt()])
    done, _ = worker.runs()
    worker.send(done)
    waiting = log.append([receipt()])
    for table in ("log", "runs", "cursors"):
        server.execute(f"UPDATE {table} SET written_by = written_by + 1000000000")
    migrate(store.url)
    later = log.append([receipt()])
    worker.state.release(worker.lease)
    second = new_worker(store.open_state(), "worker-2")
    assert [run.message_id for run in second.runs()] == [first[1], *waiting, *later]
    found = [row.message_id for row in second.state.search(Search())]
    assert found == [*later, *waiting, *reversed(first)]
    assert second.state.stats()[0].received == 4


def test_two_workers_follow_and_commit_at_the_same_time(store, log, receipt, new_worker):
    """Each message is indexed and worked on once, whoever comes first."""
    ids = log.append([receipt(lanes=(f"P{number % 20}",)) for number in range(120)])
    store.open_state()
    failures: list[BaseException] = []
    ready = threading.Barrier(2)

    def play(owner: str) -> None:
        try:
            worker = new_worker(store.open_state(), owner, 0.5)
            ready.wait(30)
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                for run in worker.runs(limit=7):
                    worker.send(run)
                states = worker.state.run_states(ids)
                if len(states) == len(ids) and {s for s, _ in states.values()} == {State.SENT}:
                    return
            raise AssertionError("not all messages were sent")
        except BaseException as failure:  # noqa: BLE001  shown by the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=play, args=(f"worker-{n}",)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    (stats,) = store.open_state().stats()
    assert (stats.received, stats.sent) == (120, 120)
