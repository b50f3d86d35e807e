"""Rim. The lines of a search result: messages with their latest run; and what they are about."""

from collections.abc import Sequence

from engine.pipeline.states import Origin, State, Verdict
from engine.store.database import AMONG, EACH_DELIVERY, Database, Ids, Row, Transaction
from engine.store.encoding import codes_of, decode_diagnostics, decode_list
from engine.store.interface import MessageFacts, MessageRow

_MESSAGES = (
    "SELECT message_id, channel, received_at, message_type, control_id, verdict, duplicate_of"
    " FROM messages"
    f" WHERE message_id {AMONG}"
)
_RUNS = (
    "SELECT message_id, run_id, state, origin, diagnostics, event_at FROM runs"
    f" WHERE message_id {AMONG} ORDER BY run_id"
)
_FACTS = (
    f"SELECT message_id, search_keys, event_at FROM runs WHERE message_id {AMONG} ORDER BY run_id"
)
_DELIVERIES = (
    f"SELECT each.value, d.destination, d.state, a.failure_code, d.attempts FROM {EACH_DELIVERY}"
    " LEFT JOIN attempts a ON a.number = d.attempts"
    " AND a.delivery_id = CASE WHEN d.state <> 'SENT' THEN d.delivery_id END"
    " ORDER BY d.delivery_id"
)
"""Most deliveries are SENT, and their last attempt has no failure: it is not looked for."""
_STATES = {state.value: state for state in State}
_ORIGINS = {origin.value: origin for origin in Origin}
_VERDICTS = {verdict.value: verdict for verdict in Verdict}


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
    diagnostics = decode_diagnostics(run[4]) if run else ()
    codes = codes_of(diagnostics)
    codes.update(row[3] for row in deliveries if row[3])
    errors = (one for one in diagnostics if one.get("severity") == "error")
    return MessageRow(
        message_id=message[0],
        run_id=run[1] if run else None,
        channel=message[1],
        received_at=message[2],
        message_type=message[3],
        control_id=message[4],
        state=_STATES[run[2]] if run else None,
        verdict=_VERDICTS[message[5]],
        origin=_ORIGINS[run[3]] if run else Origin.RECEIVED,
        codes=tuple(sorted(codes)),
        deliveries=tuple((row[1], _STATES[row[2]]) for row in deliveries),
        problem=next(errors, None),
        failure=next(((row[1], row[3]) for row in deliveries if row[3]), None),
        event_at=run[5] if run else None,
        duplicate_of=message[6],
        attempts=sum(row[4] for row in deliveries),
    )


def message_facts(database: Database, message_ids: Sequence[int]) -> dict[int, MessageFacts]:
    """Search keys and event time of each message, by its latest run."""
    with database.reading() as transaction:
        rows = {row[0]: row for row in transaction.rows(_FACTS, Ids(message_ids))}
    return {
        message_id: MessageFacts(
            search_keys=tuple((kind, value) for kind, value in decode_list(keys)),
            event_at=event_at,
        )
        for message_id, keys, event_at in rows.values()
    }
