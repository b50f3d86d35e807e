"""Rim. Runs that wait for a person are taken up again: HELD becomes RECEIVED.

The run keeps its number, so it keeps its place before what waits behind it. It is written before it
is processed: from then on no replay can take its place, and a worker that dies leaves it to the
next as a run to process.
"""

from collections.abc import Sequence

from engine.pipeline.states import State
from engine.store.database import AMONG, LOCKED, Database, Ids
from engine.store.interface import LaneLease
from engine.store.schema import DELIVERIES_PER_RUN
from engine.store.state.leases import check
from engine.store.state.statements import SET_RUN_STATE

_RUNS = (
    f"SELECT run_id, state FROM runs WHERE run_id {AMONG}"
    " AND state IN ('HELD', 'RECEIVED')"
    " AND NOT EXISTS (SELECT 1 FROM deliveries"
    f" WHERE delivery_id >= run_id * {DELIVERIES_PER_RUN}"
    f" AND delivery_id < (run_id + 1) * {DELIVERIES_PER_RUN})"
    f" ORDER BY run_id {LOCKED}"
)


def reopen(database: Database, lease: LaneLease, run_ids: Sequence[int]) -> list[int]:
    """Take runs up again; see `interface.StateStore.reopen`."""
    with database.writing() as transaction:
        check(transaction, lease)
        rows = transaction.rows(_RUNS, Ids(run_ids))
        held = [run_id for run_id, state in rows if state == State.HELD]
        transaction.write_many(
            SET_RUN_STATE, [(State.RECEIVED.value, 1, run_id) for run_id in held]
        )
    return [run_id for run_id, _ in rows]
