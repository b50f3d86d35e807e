"""Rim. The lines of a search result: messages with their latest run."""

from collections.abc import Sequence

from engine.pipeline.states import Origin, State, Verdict
from engine.store.database import AMONG, EACH_DELIVERY, Ids, Row, Transaction
from engine.store.encoding import codes_of, decode_diagnostics
from engine.store.interface import MessageRow

_MESSAGES = (
    "SELECT message_id, channel, received_at, message_type, control_id, verdict FROM messages"
    f" WHERE message_id {AMONG}"
)
_RUNS = (
    "SELECT message_id, run_id, state, origin, diagnostics FROM runs"
    f" WHERE message_id {AMONG} ORDER BY run_id"
)
_DELIVERIES = (
    f"SELECT each.value, d.destination, d.state, a.failure_code FROM {EACH_DELIVERY}"
    " LEFT JOIN attempts a ON a.delivery_id = d.delivery_id AND a.number = d.attempts"
    " ORDER BY d.delivery_id"
)


def message_rows(transaction: Transaction, message_ids: Sequence[int]) -> list[MessageRow]:
    """One row for each message, in the given order."""
    messages = {row[0]: row for row in transaction.rows(_MESSAGES, Ids(message_ids))}
    latest = {row[0]: row for row in transaction.rows(_RUNS, Ids(message_ids))}
    deliveries: dict[int, list[Row]] = {}
    run_ids = Ids(row[1] for row in latest.values())
    for row in transaction.rows(_DELIVERIES, run_ids):
        deliveries.setdefault(row[0], []).append(row)
    found = []
    for message_id in message_ids:
        run = latest.get(message_id)
        own = deliveries.get(run[1], []) if run else []
        found.append(_message_row(messages[message_id], run, own))
    return found


def _message_row(message: Row, run: Row | None, deliveries: list[Row]) -> MessageRow:
    codes = codes_of(decode_diagnostics(run[4])) if run else set()
    codes.update(row[3] for row in deliveries if row[3])
    return MessageRow(
        message_id=message[0],
        run_id=run[1] if run else None,
        channel=message[1],
        received_at=message[2],
        message_type=message[3],
        control_id=message[4],
        state=State(run[2]) if run else None,
        verdict=Verdict(message[5]),
        origin=Origin(run[3]) if run else Origin.RECEIVED,
        codes=tuple(sorted(codes)),
        deliveries=tuple((row[1], State(row[2])) for row in deliveries),
    )
