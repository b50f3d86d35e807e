"""Rim. Everything about one message, for the screen that explains it."""

from engine.pipeline.states import AcknowledgmentOutcome, FailureClass, Origin, State, Verdict
from engine.store.compression import Compression
from engine.store.database import (
    AMONG,
    EACH_DELIVERY,
    Database,
    Ids,
    LoggedBody,
    LoggedMessage,
    LogReader,
    Row,
    Transaction,
)
from engine.store.encoding import decode_diagnostics, decode_lanes, decode_list
from engine.store.interface import (
    AttemptRow,
    DecisionRow,
    DeliveryDetail,
    MessageDetail,
    Receipt,
    RunDetail,
    SentBefore,
    StoredMessage,
)
from engine.store.schema import DELIVERIES_PER_RUN
from engine.store.state.edited_copies import copied_as, copies_of
from engine.store.state.search_keys import later_messages

_RUNS = (
    "SELECT run_id, origin, state, replay_of, job_id, created_at, diagnostics, search_keys,"
    " revision"
    " FROM runs WHERE message_id = ? ORDER BY run_id"
)
_DELIVERIES = (
    "SELECT d.delivery_id, d.destination, d.state, d.next_attempt_at, d.possibly_sent,"
    " b.content_type, b.body FROM deliveries d"
    " LEFT JOIN delivery_bodies b ON b.delivery_id = d.delivery_id"
    " WHERE d.delivery_id >= ? AND d.delivery_id < ? ORDER BY d.delivery_id"
)
_ATTEMPTS = (
    "SELECT number, started_at, finished_at, state, failure_class, failure_code, status, request,"
    " response FROM attempts WHERE delivery_id = ? ORDER BY number"
)
_DECISIONS = (
    "SELECT at, author, state_before, state_after, reason FROM decisions"
    " WHERE delivery_id = ? ORDER BY decision_id"
)
_SENT_BEFORE = (
    "SELECT d.destination, d.state, b.content_type, b.body"
    f" FROM {EACH_DELIVERY} LEFT JOIN delivery_bodies b ON b.delivery_id = d.delivery_id"
    " ORDER BY d.delivery_id"
)
_RUN_IDS = "SELECT run_id FROM runs WHERE message_id = ? ORDER BY run_id"
_DUPLICATES = (
    f"SELECT message_id FROM messages WHERE message_id {AMONG}"
    " AND channel = ? AND duplicate_of = ? ORDER BY message_id"
)


def message_detail(
    database: Database, log: LogReader, compression: Compression, message_id: int
) -> MessageDetail | None:
    """The message with its runs, deliveries and attempts, or None when the log has it no more."""
    header = log.header(message_id)
    body = log.body(message_id)
    if header is None or body is None:
        return None
    with database.reading() as transaction:
        rows = transaction.rows(_RUNS, message_id)
        runs = tuple(_run_detail(transaction, compression, row) for row in rows)
        later = Ids(later_messages(transaction, header.control_id, message_id))
        duplicates = transaction.rows(_DUPLICATES, later, header.channel, message_id)
        copies = copies_of(transaction, message_id)
        copy = copied_as(transaction, message_id)
    keys = {(kind, value) for row in rows for kind, value in decode_list(row[7])}
    return MessageDetail(
        receipt=_receipt(header, body),
        message_id=message_id,
        acknowledgment_outcome=_outcome(body),
        late_acknowledgment=body.late,
        search_keys=tuple(sorted(keys)),
        runs=runs,
        duplicates=tuple(row[0] for row in duplicates),
        copy=copy,
        copies=tuple(copies),
    )


def stored_message(
    database: Database, log: LogReader, compression: Compression, message_id: int
) -> StoredMessage | None:
    """See `interface.StateStore.to_replay`."""
    header = log.header(message_id)
    body = log.body(message_id)
    if header is None or body is None:
        return None
    with database.reading() as transaction:
        run_ids = Ids(row[0] for row in transaction.rows(_RUN_IDS, message_id))
        rows = transaction.rows(_SENT_BEFORE, run_ids)
    return StoredMessage(
        message_id=message_id,
        channel=header.channel,
        revision=header.revision,
        received_at=header.received_at,
        message_type=header.message_type,
        raw=body.raw,
        sent=tuple(
            SentBefore(
                destination=row[0],
                state=State(row[1]),
                content_type=row[2] or "",
                body=compression.unpack(row[3] or b""),
            )
            for row in rows
        ),
    )


def _outcome(body: LoggedBody) -> AcknowledgmentOutcome:
    if body.outcome is not None:
        return AcknowledgmentOutcome(body.outcome)
    if body.acknowledgment:
        return AcknowledgmentOutcome.OWED
    return AcknowledgmentOutcome.NOT_OWED


def _receipt(header: LoggedMessage, body: LoggedBody) -> Receipt:
    return Receipt(
        channel=header.channel,
        received_at=header.received_at,
        source=header.source,
        raw=body.raw,
        sha256=header.sha256,
        control_id=header.control_id,
        sender=header.sender,
        message_type=header.message_type,
        version=header.version,
        lanes=decode_lanes(header.lanes),
        verdict=Verdict(header.verdict),
        duplicate_of=header.duplicate_of,
        runnable=bool(header.runnable),
        acknowledgment=body.acknowledgment,
        acknowledgment_code=header.acknowledgment_code,
        revision=header.revision,
        diagnostics=decode_diagnostics(header.diagnostics),
    )


def _run_detail(transaction: Transaction, compression: Compression, row: Row) -> RunDetail:
    first = row[0] * DELIVERIES_PER_RUN
    deliveries = transaction.rows(_DELIVERIES, first, first + DELIVERIES_PER_RUN)
    return RunDetail(
        run_id=row[0],
        origin=Origin(row[1]),
        state=State(row[2]),
        replay_of=row[3],
        job_id=row[4],
        created_at=row[5],
        diagnostics=decode_diagnostics(row[6]),
        deliveries=tuple(_delivery_detail(transaction, compression, found) for found in deliveries),
        revision=row[8],
    )


def _delivery_detail(
    transaction: Transaction, compression: Compression, row: Row
) -> DeliveryDetail:
    attempts = transaction.rows(_ATTEMPTS, row[0])
    return DeliveryDetail(
        delivery_id=row[0],
        destination=row[1],
        state=State(row[2]),
        attempts=tuple(_attempt(compression, found) for found in attempts),
        content_type=row[5] or "",
        body=compression.unpack(row[6] or b""),
        next_attempt_at=row[3],
        possibly_sent=bool(row[4]),
        decisions=tuple(
            DecisionRow(
                at=found[0],
                by=found[1],
                before=State(found[2]),
                after=State(found[3]),
                reason=found[4],
            )
            for found in transaction.rows(_DECISIONS, row[0])
        ),
    )


def _attempt(compression: Compression, row: Row) -> AttemptRow:
    return AttemptRow(
        number=row[0],
        started_at=row[1],
        finished_at=row[2],
        state=State(row[3]),
        failure_class=FailureClass(row[4]) if row[4] else None,
        failure_code=row[5],
        status=row[6],
        request=compression.unpack(row[7]),
        response=compression.unpack(row[8]),
    )
