"""Rim. Deliveries that wait beside their lane for something to be known in the ledger.

Nobody wakes them: the owner of their lanes looks again and again whether what they wait for is
there, so no release can be missed, whoever wrote the ledger and whenever.
"""

from collections.abc import Mapping, Sequence

from engine.pipeline.states import State
from engine.store.database import AMONG, Database, Ids, InsertMany, Row, Transaction
from engine.store.interface import Delivery, LaneLease, Outcome, ParkingRound
from engine.store.ledger_schema import LEDGER_WAITS
from engine.store.schema import DELIVERIES_PER_RUN
from engine.store.state.decisions import DELIVERIES, requeue
from engine.store.state.leases import check
from engine.store.state.runs import delivery_of

_INSERT_WAIT = InsertMany(
    table=LEDGER_WAITS,
    columns=(
        "delivery_id",
        "position",
        "message_id",
        "bucket",
        "root",
        "kind",
        "resource_type",
        "system",
        "value",
        "until",
    ),
    conflict="ON CONFLICT (delivery_id, position) DO UPDATE SET root = excluded.root,"
    " kind = excluded.kind, resource_type = excluded.resource_type, system = excluded.system,"
    " value = excluded.value, until = excluded.until",
)
_FORGET = f"DELETE FROM ledger_waits WHERE delivery_id {AMONG}"
_WAITING = (
    "SELECT w.delivery_id, w.until, d.state, k.state FROM ledger_waits w"
    " LEFT JOIN deliveries d ON d.delivery_id = w.delivery_id"
    " LEFT JOIN ledger_keys k ON k.root = w.root AND k.kind = w.kind"
    " AND k.resource_type = w.resource_type AND k.system = w.system AND k.value = w.value"
    f" WHERE w.bucket {AMONG} AND w.delivery_id > ? ORDER BY w.delivery_id, w.position LIMIT ?"
)
_HAS = frozenset({"known", "retired"})
"""A key that was merged into another is as good as that."""


def write_waits(
    transaction: Transaction, outcomes: Sequence[Outcome], runs: Mapping[int, Row]
) -> None:
    """Note what parked deliveries wait for, and forget it of those that no longer do.

    Args:
        transaction: that of the outcomes.
        outcomes: attempts that ended.
        runs: by id, rows (run_id, message_id, channel, state, job_id, bucket).
    """
    if not any(found.aside for found in outcomes):
        return
    transaction.write(_FORGET, Ids(found.delivery_id for found in outcomes if found.aside))
    rows: list[Row] = []
    for outcome in outcomes:
        run = runs.get(outcome.delivery_id // DELIVERIES_PER_RUN)
        if outcome.waits_for is None or run is None:
            continue
        wait = outcome.waits_for
        rows += [
            (
                outcome.delivery_id,
                position,
                run[1],
                run[5],
                wait.root,
                key.kind.value,
                key.resource_type,
                key.system,
                key.value,
                wait.until,
            )
            for position, key in enumerate(wait.keys)
        ]
    transaction.write_many(_INSERT_WAIT, rows)


def release_parked(database: Database, lease: LaneLease, after: int, limit: int) -> ParkingRound:
    """Put back what waits no longer; see `interface.StateStore.release_parked`.

    Looked for first, so that the usual empty answer writes nothing.
    """
    now = database.now()
    with database.reading() as transaction:
        rows = transaction.rows(_WAITING, Ids(sorted(lease.buckets)), after, limit)
    next_after = rows[-1][0] if len(rows) == limit else 0
    parked = [row for row in rows if row[2] == State.PARKED]
    stale = {row[0] for row in rows} - {row[0] for row in parked}
    ready = {row[0] for row in parked if row[3] in _HAS}
    expired = {row[0] for row in parked if row[1] <= now} - ready
    if ready or stale:
        with database.writing() as transaction:
            check(transaction, lease)
            transaction.write(_FORGET, Ids(sorted(ready | stale)))
            requeue(transaction, sorted(ready))
    return ParkingRound(
        released_count=len(ready),
        expired=_deliveries(database, expired),
        next_after=next_after,
    )


def _deliveries(database: Database, delivery_ids: set[int]) -> tuple[Delivery, ...]:
    if not delivery_ids:
        return ()
    with database.reading() as transaction:
        rows = transaction.rows(DELIVERIES, Ids(sorted(delivery_ids)))
    return tuple(delivery_of(row) for row in rows)
