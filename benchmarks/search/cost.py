"""What it costs a worker that messages are found by the ids destinations know: marks against keys.

CPU microseconds a message with twelve resources and one request id, turns of 50, SQLite.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.search.stored import facts
from engine.pipeline.answer_ids import answer_ids
from engine.store.database import Transaction
from engine.store.migrate import migrate_sqlite
from engine.store.sqlite.database import SqliteDatabase
from engine.store.state import id_marks
from engine.store.state.search_keys import add_keys, merge

MESSAGES = 10_000
TURN = 50


def mark_cost() -> None:
    """Measure both ways and print."""
    known = [facts(number, MESSAGES) for number in range(MESSAGES)]
    ids = [(*one.resource_ids, one.request_id) for one in known]

    def nothing(_transaction: Transaction, _first: int) -> None:
        pass

    def marks(transaction: Transaction, first: int) -> None:
        turn = enumerate(ids[first : first + TURN], first)
        id_marks.add_marks(
            transaction, [(number, id_marks.marks_of(found)) for number, found in turn]
        )

    def keys(transaction: Transaction, first: int) -> None:
        turn = enumerate(ids[first : first + TURN], first)
        add_keys(transaction, [(one, "id", number) for number, found in turn for one in found])

    commit = _cost(nothing, merge)
    print("CPU us a message, 13 ids, beside what a turn writes anyway")
    print(f"  as marks, moved       {_cost(marks, id_marks.move_marks) - commit:6.1f}")
    print(f"  as search keys, moved {_cost(keys, merge) - commit:6.1f}")
    response = b"200\nServer: x\nX-Request-Id: req-1\nContent-Type: a/b\n\n" + b"x" * 5_000
    began = time.process_time()
    for _ in range(MESSAGES):
        answer_ids(response, located=False)
    spent = (time.process_time() - began) / MESSAGES * 1e6
    print(f"  reading an answer     {spent:6.1f}")


def _cost(
    write: Callable[[Transaction, int], None], finish: Callable[[SqliteDatabase], None]
) -> float:
    """CPU us a message of turns that store a control id each, and what `write` adds."""
    with tempfile.TemporaryDirectory(prefix="search-bench-", dir=".") as folder:
        migrate_sqlite(Path(folder))
        database = SqliteDatabase(Path(folder) / "state.db")
        began = time.process_time()
        for first in range(0, MESSAGES, TURN):
            with database.writing() as transaction:
                turn = range(first, first + TURN)
                add_keys(transaction, [(f"MSG{number}", "control id", number) for number in turn])
                write(transaction, first)
        finish(database)
        spent = time.process_time() - began
        database.close()
    return spent / MESSAGES * 1e6
