"""How fast the board answers: 200 channels, a million runs, a day of counters for every minute.

    python -m benchmarks.board [--store postgresql://...] [--channels 200] [--runs 1000000]

Fills a new SQLite store in a temporary folder, or the empty PostgreSQL database that is named, with
rows as the engine writes them, and asks for the page as a browser does: rendering, session and
rights included.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from engine.runtime.desk import accounts, sessions
from engine.runtime.desk.board import Board
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import everything
from engine.store.database import InsertMany
from engine.store.open_store import migrate, open_state
from engine.store.schema import COUNTERS, RUNS, TOTALS

DAY_SECONDS = 86_400
EVENTS = (("received", 3), ("transformed", 3), ("delivery sent", 3), ("filtered", 1))
BATCH = 20_000
ROUNDS = 12

RUN_COLUMNS = (
    "run_id", "message_id", "channel", "lanes", "bucket", "origin", "state", "open", "received_at",
    "created_at", "message_type", "control_id", "revision",
)  # fmt: skip


def name(number: int) -> str:
    """Of a channel."""
    return f"channel-{number:03d}"


def counters(channels: int, now: float) -> Iterator[tuple[int, str, str, int]]:
    """A day of minutes."""
    first = int(now) // 60 * 60 - DAY_SECONDS
    for minute in range(first, first + DAY_SECONDS, 60):
        for channel in range(channels):
            for event, count in EVENTS:
                yield minute, name(channel), event, count


def runs(count: int, channels: int, now: float) -> Iterator[tuple[object, ...]]:
    """Of a hundred one waits; of five hundred one failed."""
    for number in range(1, count + 1):
        at = now - DAY_SECONDS + number * DAY_SECONDS / count
        waits, failed = number % 100 == 0, number % 500 == 1
        state = "TRANSFORMED" if waits else "ERROR" if failed else "SENT"
        yield (
            number, number, name(number % channels), "", 1, "received", state, int(waits), at, at,
            "ADT^A01", str(number), "",
        )  # fmt: skip


def fill(url: str, channels: int, count: int) -> None:
    """Write the rows."""
    migrate(url)
    now = time.time()
    state = open_state(url)
    database = state._database  # type: ignore[attr-defined]
    totals = [(name(one), event, 1000, now) for one in range(channels) for event, _ in EVENTS]
    for table, columns, rows in (
        (COUNTERS, ("minute", "channel", "event", "count"), counters(channels, now)),
        (RUNS, RUN_COLUMNS, runs(count, channels, now)),
        (TOTALS, ("channel", "event", "count", "last_at"), iter(totals)),
    ):
        statement = InsertMany(table=table, columns=columns)
        batch = []
        for row in rows:
            batch.append(row)
            if len(batch) == BATCH:
                with database.writing() as transaction:
                    transaction.write_many(statement, batch)
                batch = []
        with database.writing() as transaction:
            transaction.write_many(statement, batch)
    state.close()


def measure(url: str) -> None:
    """Ask for the page and print how long it took."""
    import warnings

    from engine.telemetry.recorder import MemoryRecorder
    from engine.web.application import application
    from engine.web.console import Console, ConsoleSettings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient

    desk = Desk(url)
    began = time.perf_counter()
    Board(desk).warm()
    print(f"reading the day once   {(time.perf_counter() - began) * 1000:7.0f} ms")
    owner = everything("benchmark", "benchmark")
    user = accounts.add_user(
        desk, owner, name="viewer", password="a long password 1", roles=["viewer"]
    )
    settings = ConsoleSettings()
    console = Console(desk, settings, MemoryRecorder())
    console.board.warm()
    client = TestClient(application(console), base_url="http://127.0.0.1")
    client.cookies.set("engine_session", sessions.begin(desk, user, "", settings.limits))
    took = []
    for _ in range(ROUNDS):
        time.sleep(1.05)  # what was read for the round before is not good any more
        began = time.perf_counter()
        answer = client.get("/board/rows")
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200
    print(f"a refresh, median      {statistics.median(took):7.0f} ms, the most {max(took):.0f} ms")
    print(f"                       {len(answer.content):,} bytes")
    desk.close()


def main() -> None:
    """Fill and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", default="")
    parser.add_argument("--channels", type=int, default=200)
    parser.add_argument("--runs", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.store or f"sqlite:///{Path(folder) / 'store'}"
        fill(url, given.channels, given.runs)
        measure(url)


if __name__ == "__main__":
    main()
