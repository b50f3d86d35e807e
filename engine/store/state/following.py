"""Rim. From log rows to state rows: runs to work on, and what makes messages findable.

Every message is indexed (kind, control id, minute), also one that never runs, such as a duplicate.
"""

from collections.abc import Sequence

from engine.pipeline.states import Origin, State, Verdict
from engine.store.database import LoggedMessage, Transaction
from engine.store.encoding import buckets_of, codes_of, decode_diagnostics, decode_lanes
from engine.store.state.edited_copies import mark_stored
from engine.store.state.search_keys import CODE, CONTROL_ID, KEY_MAX, Key, add_keys
from engine.store.state.statements import INSERT_MESSAGE, INSERT_RUN
from engine.store.state.tally import SECONDS_PER_MINUTE, Tally

TYPE_MAX = 64

_EVENTS = {Verdict.DUPLICATE: "duplicate", Verdict.CONFLICT: "conflict", Verdict.FAULT: "fault"}

_WIDEN_MINUTE = (
    "INSERT INTO minutes (minute, first_message_id, last_message_id) VALUES (?, ?, ?)"
    " ON CONFLICT (minute) DO UPDATE SET"
    " first_message_id = CASE WHEN excluded.first_message_id < minutes.first_message_id"
    " THEN excluded.first_message_id ELSE minutes.first_message_id END,"
    " last_message_id = CASE WHEN excluded.last_message_id > minutes.last_message_id"
    " THEN excluded.last_message_id ELSE minutes.last_message_id END"
)


def index_messages(transaction: Transaction, messages: Sequence[LoggedMessage]) -> None:
    """Write what makes these messages findable, and count them."""
    transaction.write_many(
        INSERT_MESSAGE,
        [
            (
                message.message_id,
                message.received_at,
                message.channel,
                message.message_type[:TYPE_MAX],
                message.control_id[:KEY_MAX],
                message.verdict,
                message.duplicate_of,
            )
            for message in messages
        ],
    )
    mark_stored(transaction, messages)
    add_keys(
        transaction,
        [
            (message.control_id, CONTROL_ID, message.message_id)
            for message in messages
            if message.control_id
        ]
        + _codes_at_receipt(messages),
    )
    tally = Tally()
    minutes: dict[int, list[int]] = {}
    for message in messages:
        at = message.received_at
        tally.add(at, message.channel, "received")
        event = _EVENTS.get(Verdict(message.verdict))
        if event:
            tally.add(at, message.channel, event)
        minutes.setdefault(int(at) // SECONDS_PER_MINUTE, []).append(message.message_id)
    tally.write(transaction)
    for minute, ids in sorted(minutes.items()):
        transaction.write(_WIDEN_MINUTE, minute * SECONDS_PER_MINUTE, min(ids), max(ids))


def _codes_at_receipt(messages: Sequence[LoggedMessage]) -> list[Key]:
    """The codes of what will never run, such as frames at fault; a run brings its own."""
    return [
        (code, CODE, message.message_id)
        for message in messages
        if message.diagnostics and not message.runnable
        for code in sorted(codes_of(decode_diagnostics(message.diagnostics)))
    ]


def make_runs(transaction: Transaction, messages: Sequence[LoggedMessage]) -> None:
    """Make the first run of each message that is to run."""
    transaction.write_many(INSERT_RUN, [_run_row(found) for found in messages if found.runnable])


def _run_row(message: LoggedMessage) -> tuple[object, ...]:
    lanes = decode_lanes(message.lanes)
    bucket, others = buckets_of(message.channel, lanes, message.message_id)
    return (
        message.message_id,
        message.channel,
        message.lanes,
        bucket,
        others,
        Origin.RECEIVED.value,
        State.RECEIVED.value,
        1,
        message.received_at,
        message.received_at,
        message.message_type,
        message.control_id,
        message.revision,
    )
