"""Rim. What a person decides about deliveries, and telling the worker that owns the lane.

A decision is noted in `released` per lane bucket; the owner of the bucket takes the note away. A
note lost with a worker is no loss: the next owner of the lease reads every open delivery anyway.
"""

from collections.abc import Sequence

from engine.pipeline.states import State
from engine.store.database import AMONG, Database, Ids, Row, Transaction
from engine.store.encoding import decode_list
from engine.store.interface import Delivery, LaneLease, Run
from engine.store.schema import DELIVERIES_PER_RUN
from engine.store.state.jobs import count_job_results
from engine.store.state.roll_up import delivery_states, roll_up_run
from engine.store.state.runs import RUN_COLUMNS, delivery_of, run_of
from engine.store.state.statements import (
    INSERT_DECISION,
    INSERT_RELEASED,
    SET_DELIVERY_STATE,
    SET_RUN_STATE,
)

ALLOWED = frozenset({State.QUEUED, State.SENT, State.CANCELLED})

_UNDECIDED = (
    f"SELECT delivery_id, state FROM deliveries WHERE delivery_id {AMONG}"
    " AND state IN ('ERROR', 'HELD', 'UNKNOWN', 'PARKED')"
)
_RUNS = (
    "SELECT run_id, message_id, channel, state, job_id, bucket, other_buckets FROM runs"
    f" WHERE run_id {AMONG}"
)
_TAKE = f"DELETE FROM released WHERE bucket {AMONG} AND {{kind}} RETURNING run_id, delivery_id"
DELIVERIES = (
    "SELECT d.delivery_id, r.run_id, r.message_id, r.channel, d.destination, r.lanes, d.state,"
    " d.attempts, d.next_attempt_at, d.first_attempt_at, d.possibly_sent, r.received_at,"
    " r.message_type, r.control_id, r.origin"
    f" FROM deliveries d JOIN runs r ON r.run_id = d.delivery_id / {DELIVERIES_PER_RUN}"
    f" WHERE d.delivery_id {AMONG} ORDER BY d.delivery_id"
)


def channels_of(database: Database, delivery_ids: Sequence[int]) -> dict[int, str]:
    """The channel of each of these deliveries; none for one that is not there."""
    with database.reading() as transaction:
        rows = transaction.rows(
            "SELECT d.delivery_id, r.channel FROM deliveries d"
            f" JOIN runs r ON r.run_id = d.delivery_id / {DELIVERIES_PER_RUN}"
            f" WHERE d.delivery_id {AMONG}",
            Ids(delivery_ids),
        )
    return dict(rows)


def settle(
    database: Database, delivery_ids: Sequence[int], state: State, author: str, reason: str = ""
) -> int:
    """Put undecided deliveries into `state`; see `interface.StateStore.settle`."""
    if state not in ALLOWED:
        raise ValueError(f"a delivery cannot be settled as {state.value}")
    now = database.now()
    with database.writing() as transaction:
        found = transaction.rows(_UNDECIDED, Ids(delivery_ids))
        transaction.write_many(
            INSERT_DECISION,
            [
                (now, author, delivery_id, before, state.value, reason)
                for delivery_id, before in found
            ],
        )
        _put(transaction, [delivery_id for delivery_id, _ in found], state)
    return len(found)


def requeue(transaction: Transaction, delivery_ids: Sequence[int]) -> None:
    """Put deliveries back in their lanes, and tell the owner, without a person's decision."""
    _put(transaction, delivery_ids, State.QUEUED)


def _put(transaction: Transaction, delivery_ids: Sequence[int], state: State) -> None:
    """Give deliveries a state, their runs what follows from it, and the owners a note."""
    transaction.write_many(
        SET_DELIVERY_STATE, [(state.value, 0.0, 0, delivery_id) for delivery_id in delivery_ids]
    )
    by_run: dict[int, list[int]] = {}
    for delivery_id in delivery_ids:
        by_run.setdefault(delivery_id // DELIVERIES_PER_RUN, []).append(delivery_id)
    runs = transaction.rows(_RUNS, Ids(sorted(by_run)))
    after = {
        run_id: roll_up_run(deliveries)
        for run_id, deliveries in delivery_states(transaction, sorted(by_run)).items()
    }
    transaction.write_many(
        SET_RUN_STATE,
        [(found.value, is_open, run_id) for run_id, (found, is_open) in sorted(after.items())],
    )
    transaction.write_many(INSERT_RELEASED, _notes(runs, by_run))
    states = {run_id: found for run_id, (found, _) in after.items()}
    count_job_results(transaction, runs, states)


def _notes(runs: list[Row], by_run: dict[int, list[int]]) -> list[Row]:
    return [
        (bucket, row[0], delivery_id)
        for row in runs
        for bucket in sorted({row[5], *decode_list(row[6])})
        for delivery_id in by_run[row[0]]
    ]


def released_deliveries(database: Database, lease: LaneLease) -> list[Delivery]:
    """Deliveries decided since the last call, each once."""
    taken = _take(database, lease, "delivery_id IS NOT NULL")
    if not taken:
        return []
    with database.reading() as transaction:
        rows = transaction.rows(DELIVERIES, Ids(sorted({row[1] for row in taken})))
    return [delivery_of(row) for row in rows]


def released_runs(database: Database, lease: LaneLease) -> list[Run]:
    """Runs closed by a newer replay since the last call, each once."""
    taken = _take(database, lease, "delivery_id IS NULL")
    if not taken:
        return []
    with database.reading() as transaction:
        rows = transaction.rows(
            f"SELECT {RUN_COLUMNS} FROM runs WHERE run_id {AMONG} ORDER BY run_id",
            Ids(sorted({row[0] for row in taken})),
        )
    return [run_of(row) for row in rows]


def _take(database: Database, lease: LaneLease, kind: str) -> list[Row]:
    """Take the notes away; looked for first, so that the usual empty answer writes nothing."""
    with database.reading() as transaction:
        if not transaction.rows(f"SELECT 1 FROM released WHERE {kind} LIMIT 1"):
            return []
    with database.writing() as transaction:
        return transaction.rows(_TAKE.format(kind=kind), Ids(lease.buckets))
