"""Rim. Forgetting what is old enough: state rows in small transactions, then whole parts of the
log.

Messages whose latest run is in a state to keep stay, with all their rows and their bytes. The log
copies such messages forward before it drops the part they are in, so the disk always comes back.
"""

from engine.pipeline.states import State
from engine.store.database import AMONG, EACH_DELIVERY, Database, Ids, LogReader, Row, Transaction
from engine.store.state.edited_copies import forget_copies
from engine.store.state.id_marks import forget_marks
from engine.store.state.search_keys import forget_generations

MESSAGES_PER_TRANSACTION = 500
"""Small, so that no writer waits long."""

_OLD = (
    "SELECT message_id FROM messages WHERE message_id > ? AND message_id <="
    " (SELECT max(last_message_id) FROM minutes WHERE minute <= ?) AND received_at < ?"
    " ORDER BY message_id LIMIT ?"
)
_RUNS = f"SELECT run_id, message_id, state, open FROM runs WHERE message_id {AMONG} ORDER BY run_id"
_YOUNGER = "SELECT min(message_id) FROM messages WHERE message_id <= ? AND received_at >= ?"
"""A message that is younger than its id says: a clock was set back."""
_OF_RUNS = f"SELECT d.delivery_id, each.value, d.state FROM {EACH_DELIVERY}"
_EMPTY_PROBLEMS = (
    "DELETE FROM problems WHERE closed_at IS NOT NULL AND last_at < ? AND NOT EXISTS"
    " (SELECT 1 FROM problem_runs m WHERE m.problem_id = problems.problem_id)"
)
_TABLES_BY_DELIVERY = ("attempts", "delivery_bodies", "ledger_steps", "ledger_waits", "deliveries")


def purge(database: Database, log: LogReader, before: float, keep_states: frozenset[State]) -> int:
    """Forget messages received before then; returns how many. See `interface.StateStore.purge`.

    Messages with an open run are never forgotten.
    """
    while log.follow(database, 1000):
        pass
    forgotten = 0
    kept: list[int] = []
    position = 0
    while True:
        with database.writing() as transaction:
            rows = transaction.rows(_OLD, position, int(before), before, MESSAGES_PER_TRANSACTION)
            if not rows:
                break
            position = rows[-1][0]
            keeping = _forget(transaction, rows, keep_states)
        kept += keeping
        forgotten += len(rows) - len(keeping)
    with database.writing() as transaction:
        ((younger,),) = transaction.rows(_YOUNGER, position, before)
        boundary = younger or position + 1
        transaction.write(_EMPTY_PROBLEMS, before)
        transaction.write("DELETE FROM outages WHERE ended_at < ?", before)
        transaction.write("DELETE FROM alerts WHERE ended_at < ?", before)
        transaction.write("DELETE FROM counters WHERE minute < ?", int(before) - 60)
        transaction.write(
            "DELETE FROM minutes WHERE minute <= ? AND last_message_id < coalesce("
            "(SELECT min(message_id) FROM messages), ?)",
            int(before),
            position + 1,
        )
    forget_generations(database, boundary, kept)
    forget_marks(database, boundary, kept)
    forget_copies(database, boundary)
    log.forget(before, kept)
    return forgotten


def _forget(
    transaction: Transaction, messages: list[Row], keep_states: frozenset[State]
) -> list[int]:
    """Delete the rows of these messages, (message_id,), except of those returned."""
    ids = Ids(row[0] for row in messages)
    runs = transaction.rows(_RUNS, ids)
    deliveries = transaction.rows(_OF_RUNS, Ids(row[0] for row in runs))
    keeping = _to_keep(runs, deliveries, keep_states)
    gone = Ids(message_id for message_id in ids if message_id not in keeping)
    kept_runs = {row[0] for row in runs if row[1] in keeping}
    delivery_ids = Ids(row[0] for row in deliveries if row[1] not in kept_runs)
    for table in _TABLES_BY_DELIVERY:
        transaction.write(f"DELETE FROM {table} WHERE delivery_id {AMONG}", delivery_ids)
    gone_runs = Ids(row[0] for row in runs if row[0] not in kept_runs)
    transaction.write(f"DELETE FROM problem_runs WHERE run_id {AMONG}", gone_runs)
    transaction.write(f"DELETE FROM runs WHERE message_id {AMONG}", gone)
    transaction.write(f"DELETE FROM messages WHERE message_id {AMONG}", gone)
    return [message_id for message_id in ids if message_id in keeping]


def _to_keep(runs: list[Row], deliveries: list[Row], keep_states: frozenset[State]) -> set[int]:
    """Messages with an open run, or whose latest run, or a delivery of it, is in such a state.

    What is parked is as open as the rest, though its lane does not wait for it.
    """
    latest = {row[1]: row for row in runs}
    latest_runs = {row[0]: row[1] for row in latest.values()}
    keeping = {row[1] for row in runs if row[3] or row[2] == State.PARKED}
    keeping |= {message_id for message_id, row in latest.items() if State(row[2]) in keep_states}
    keeping |= {
        latest_runs[run_id]
        for _, run_id, state in deliveries
        if run_id in latest_runs and State(state) in keep_states
    }
    return keeping
