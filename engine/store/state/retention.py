"""Rim. Forgetting what is old enough: state rows in small transactions, then whole parts of the
log.

Messages whose latest run is in a state to keep stay, with all their rows and their bytes. The log
copies such messages forward before it drops the part they are in, so the disk always comes back.
"""

from engine.pipeline.states import State
from engine.store.database import AMONG, EACH_ID, Database, Ids, LogReader, Row, Transaction
from engine.store.encoding import codes_of, decode_diagnostics, decode_list
from engine.store.schema import DELIVERIES_PER_RUN
from engine.store.state.following import CODE, CONTROL_ID, KEY_MAX

MESSAGES_PER_TRANSACTION = 500
"""Small, so that no writer waits long."""

_OLD = (
    "SELECT message_id, control_id FROM messages WHERE message_id > ? AND message_id <="
    " (SELECT max(last_message_id) FROM minutes WHERE minute <= ?) AND received_at < ?"
    " ORDER BY message_id LIMIT ?"
)
_RUNS = (
    "SELECT run_id, message_id, state, open, diagnostics, search_keys FROM runs"
    f" WHERE message_id {AMONG} ORDER BY run_id"
)
_OF_RUNS = (
    f"SELECT d.delivery_id, each.value, d.state FROM {EACH_ID} CROSS JOIN deliveries d"
    f" WHERE d.delivery_id >= each.value * {DELIVERIES_PER_RUN}"
    f" AND d.delivery_id < (each.value + 1) * {DELIVERIES_PER_RUN}"
)
_CODES = f"SELECT DISTINCT failure_code FROM attempts WHERE delivery_id {AMONG}"
_DELETE_KEY = "DELETE FROM search_keys WHERE value = ? AND kind = ? AND message_id = ?"
_TABLES_BY_DELIVERY = ("attempts", "delivery_bodies", "deliveries")


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
        transaction.write("DELETE FROM counters WHERE minute < ?", int(before) - 60)
        transaction.write(
            "DELETE FROM minutes WHERE minute <= ? AND last_message_id < coalesce("
            "(SELECT min(message_id) FROM messages), ?)",
            int(before),
            position + 1,
        )
    log.forget(before, kept)
    return forgotten


def _forget(
    transaction: Transaction, messages: list[Row], keep_states: frozenset[State]
) -> list[int]:
    """Delete the rows of these messages, (message_id, control_id), except of those returned."""
    ids = Ids(row[0] for row in messages)
    runs = transaction.rows(_RUNS, ids)
    deliveries = transaction.rows(_OF_RUNS, Ids(row[0] for row in runs))
    keeping = _to_keep(runs, deliveries, keep_states)
    gone = Ids(message_id for message_id in ids if message_id not in keeping)
    run_message = {row[0]: row[1] for row in runs if row[1] not in keeping}
    by_message: dict[int, list[int]] = {}
    for delivery_id, run_id, _ in deliveries:
        if run_id in run_message:
            by_message.setdefault(run_message[run_id], []).append(delivery_id)
    control_ids = {row[0]: row[1] for row in messages}
    for message_id in gone:
        own = [row for row in runs if row[1] == message_id]
        for value, kind in _keys(transaction, own, by_message.get(message_id, [])):
            transaction.write(_DELETE_KEY, value, kind, message_id)
        transaction.write(_DELETE_KEY, control_ids[message_id], CONTROL_ID, message_id)
    delivery_ids = Ids(found for own_ids in by_message.values() for found in own_ids)
    for table in _TABLES_BY_DELIVERY:
        transaction.write(f"DELETE FROM {table} WHERE delivery_id {AMONG}", delivery_ids)
    transaction.write(f"DELETE FROM runs WHERE message_id {AMONG}", gone)
    transaction.write(f"DELETE FROM messages WHERE message_id {AMONG}", gone)
    return [message_id for message_id in ids if message_id in keeping]


def _to_keep(runs: list[Row], deliveries: list[Row], keep_states: frozenset[State]) -> set[int]:
    """Messages with an open run, or whose latest run, or a delivery of it, is in such a state."""
    latest = {row[1]: row for row in runs}
    latest_runs = {row[0]: row[1] for row in latest.values()}
    keeping = {row[1] for row in runs if row[3]}
    keeping |= {message_id for message_id, row in latest.items() if State(row[2]) in keep_states}
    keeping |= {
        latest_runs[run_id]
        for _, run_id, state in deliveries
        if run_id in latest_runs and State(state) in keep_states
    }
    return keeping


def _keys(
    transaction: Transaction, runs: list[Row], delivery_ids: list[int]
) -> set[tuple[str, str]]:
    """(value, kind) of every search key these runs have written."""
    found: set[tuple[str, str]] = set()
    for row in runs:
        found |= {(value[:KEY_MAX], kind) for kind, value in decode_list(row[5])}
        found |= {(code, CODE) for code in codes_of(decode_diagnostics(row[4]))}
    found |= {(row[0], CODE) for row in transaction.rows(_CODES, Ids(delivery_ids)) if row[0]}
    return found
