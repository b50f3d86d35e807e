"""Rim. What later messages delivered: looked at before an older one is sent again."""

from collections.abc import Set as AbstractSet

from engine.pipeline.version_order import is_older
from engine.store.compression import Compression
from engine.store.database import AMONG, EACH_DELIVERY, Database, Ids, Row, Transaction
from engine.store.encoding import decode_list
from engine.store.interface import NewerSent
from engine.store.schema import DELIVERIES_PER_RUN
from engine.store.state.jobs import may_overwrite
from engine.store.state.search_keys import later_with_keys

NEWER_MAX = 20
"""Later messages whose output is looked at: a replay is compared with the newest."""

_RUN = (
    "SELECT run_id, message_id, event_at, search_keys, job_id FROM runs"
    " WHERE message_id = ? ORDER BY run_id"
)
_IN_JOB = f"SELECT message_id FROM job_messages WHERE job_id = ? AND message_id {AMONG}"
_LATER_RUNS = (
    "SELECT run_id, message_id, message_type, control_id, event_at, search_keys FROM runs"
    f" WHERE message_id {AMONG} ORDER BY message_id DESC, run_id DESC"
)
_SENT = (
    "SELECT each.value, b.content_type, b.body"
    f" FROM {EACH_DELIVERY} JOIN delivery_bodies b ON b.delivery_id = d.delivery_id"
    " WHERE d.state = 'SENT' AND d.destination = ?"
)
_DESTINATION = "SELECT message_id, destination FROM deliveries WHERE delivery_id = ?"


def newer_sent(
    database: Database,
    compression: Compression,
    message_id: int,
    destination: str,
    leave_out: AbstractSet[int],
) -> list[NewerSent]:
    """See `interface.StateStore.newer_sent`."""
    with database.reading() as transaction:
        runs = transaction.rows(_RUN, message_id)
        later = _later(transaction, runs) - leave_out
        return _sent(transaction, compression, runs, destination, later)


def guarding_newer(
    database: Database, compression: Compression, delivery_id: int
) -> list[NewerSent]:
    """See `interface.StateStore.guarding_newer`."""
    with database.reading() as transaction:
        delivery = transaction.rows(_DESTINATION, delivery_id)
        if not delivery:
            return []
        message_id, destination = delivery[0]
        runs = transaction.rows(_RUN, message_id)
        job_ids = [row[4] for row in runs if row[0] == delivery_id // DELIVERIES_PER_RUN]
        job_id = job_ids[0] if job_ids else None
        if job_id is not None and may_overwrite(transaction, job_id):
            return []
        later = _later(transaction, runs)
        if job_id is not None and later:
            # They come after this one in the same job, and put the newer data back.
            later -= {row[0] for row in transaction.rows(_IN_JOB, job_id, Ids(sorted(later)))}
        return _sent(transaction, compression, runs, destination, later)


def _later(transaction: Transaction, runs: list[Row]) -> set[int]:
    """Messages received after these runs' one that share a search key with it."""
    keys = _keys(runs)
    return later_with_keys(transaction, sorted(keys), runs[0][1]) if keys else set()


def _keys(runs: list[Row]) -> set[tuple[str, str]]:
    return {(kind, value) for row in runs for kind, value in decode_list(row[3]) if value}


def _sent(
    transaction: Transaction,
    compression: Compression,
    runs: list[Row],
    destination: str,
    later: AbstractSet[int],
) -> list[NewerSent]:
    """What the newest of the later messages delivered, unless it happened before."""
    if not later:
        return []
    happened = max((row[2] for row in runs if row[2] is not None), default=None)
    newest = sorted(later, reverse=True)[:NEWER_MAX]
    keys = _keys(runs)
    rows = [
        row
        for row in transaction.rows(_LATER_RUNS, Ids(newest))
        if (happened is None or row[4] is None or row[4] >= happened)
        # An earlier version of a document that came late said less than it, not more.
        and not is_older(keys, map(tuple, decode_list(row[5])))
    ]
    bodies = {
        run_id: (content_type, body)
        for run_id, content_type, body in transaction.rows(
            _SENT, Ids(row[0] for row in rows), destination
        )
    }
    return [
        NewerSent(
            message_id=row[1],
            message_type=row[2],
            control_id=row[3],
            content_type=bodies[row[0]][0],
            body=compression.unpack(bodies[row[0]][1]),
        )
        for row in rows
        if row[0] in bodies
    ]
