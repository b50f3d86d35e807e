"""Rim. One worker turn as one transaction: results of processing, attempts begun, attempts ended.

Written so that the same batch can be committed twice (a commit in doubt): ids are derived, inserts
skip what is there, and counts of a job follow from changes of state.
"""

from collections.abc import Iterable

from engine.pipeline.states import State
from engine.store.compression import Compression
from engine.store.database import AMONG, Database, Ids, Row, Transaction
from engine.store.encoding import codes_of, encode_list
from engine.store.interface import NewDelivery, Outcome, Processed, StateBatch
from engine.store.schema import DELIVERIES_PER_RUN
from engine.store.state.id_marks import add_marks, marks_of
from engine.store.state.jobs import count_job_results
from engine.store.state.leases import check
from engine.store.state.parking import write_waits
from engine.store.state.problems import Failures
from engine.store.state.roll_up import delivery_states, is_open, roll_up, roll_up_run
from engine.store.state.search_keys import CODE, Key, add_keys
from engine.store.state.statements import (
    END_ATTEMPT,
    INSERT_ATTEMPT,
    INSERT_BODY,
    INSERT_DELIVERY,
    PROCESS_RUN,
    SET_RUN_STATE,
    START_DELIVERY,
)
from engine.store.state.tally import Tally

_RUNS = f"SELECT run_id, message_id, channel, state, job_id, bucket FROM runs WHERE run_id {AMONG}"


class Commit:
    """The transaction of one `StateBatch`."""

    def __init__(self, batch: StateBatch, compression: Compression) -> None:
        self._batch = batch
        self._pack = compression.pack
        self._pack_request = compression.pack_recurring
        self._tally = Tally()
        self._failures = Failures()
        self._runs: dict[int, Row] = {}
        self._states: dict[int, State] = {}
        self._keys: list[Key] = []
        self._delivery_ids: dict[int, list[int]] = {}

    def write(self, database: Database) -> dict[int, list[int]]:
        """Write it all; returns run_id -> new delivery ids. Raises LeaseLost, StoreUnavailable."""
        batch = self._batch
        bodies = [self._delivery_rows(found) for found in batch.processed]
        responses = [self._attempt_row(outcome) for outcome in batch.outcomes]
        marks = self._marks_by_run()
        with database.writing() as transaction:
            check(transaction, batch.lease)
            self._read_runs(transaction)
            self._write_processed(transaction, bodies)
            transaction.write_many(
                START_DELIVERY,
                [(State.PENDING.value, batch.now, 1, found) for found in batch.started],
            )
            self._write_outcomes(transaction, responses)
            add_keys(transaction, self._keys)
            add_marks(
                transaction,
                [(self._runs[run_id][1], one) for run_id, one in marks if run_id in self._runs],
            )
            count_job_results(transaction, self._runs.values(), self._states)
            self._tally.write(transaction)
            self._failures.write(transaction, batch.now)
        return self._delivery_ids

    @property
    def keys_added(self) -> int:
        """How many search keys were written."""
        return len(self._keys)

    def _marks_by_run(self) -> list[tuple[int, list[int]]]:
        """(run_id, marks) of the ids in outputs and answers; made before the transaction begins."""
        made = [
            (one.run_id, marks_of(one.resource_ids))
            for one in self._batch.processed
            if one.resource_ids
        ]
        answered = [
            (one.delivery_id // DELIVERIES_PER_RUN, marks_of(one.answer_ids))
            for one in self._batch.outcomes
            if one.answer_ids
        ]
        return made + answered

    def _read_runs(self, transaction: Transaction) -> None:
        wanted = {found.run_id for found in self._batch.processed}
        wanted |= {found.delivery_id // DELIVERIES_PER_RUN for found in self._batch.outcomes}
        self._runs = {row[0]: row for row in transaction.rows(_RUNS, Ids(sorted(wanted)))}

    def _delivery_rows(self, found: Processed) -> list[Row]:
        """Ids and packed bodies; packing is done before the transaction begins."""
        first = found.run_id * DELIVERIES_PER_RUN
        if len(found.deliveries) > DELIVERIES_PER_RUN:
            raise ValueError(f"a run makes at most {DELIVERIES_PER_RUN} deliveries")
        rows = [
            (first + position, new.content_type, self._pack(new.body))
            for position, new in enumerate(found.deliveries)
        ]
        self._delivery_ids[found.run_id] = [row[0] for row in rows]
        return rows

    def _write_processed(self, transaction: Transaction, bodies: list[list[Row]]) -> None:
        updates: list[Row] = []
        deliveries: list[Row] = []
        for found, rows in zip(self._batch.processed, bodies, strict=True):
            run = self._runs.get(found.run_id)
            if run is None:
                continue
            message_id, channel = run[1], run[2]
            state = found.state
            if found.deliveries:
                state = roll_up(new.state for new in found.deliveries)
            self._states[found.run_id] = state
            self._failures.processed(state, found.run_id, message_id, found.diagnostics)
            updates.append(
                (
                    state.value,
                    is_open(state),
                    encode_list(found.diagnostics),
                    encode_list(found.search_keys),
                    found.event_at,
                    found.run_id,
                )
            )
            deliveries += [
                self._delivery_row(row[0], message_id, new)
                for row, new in zip(rows, found.deliveries, strict=True)
            ]
            self._keys += [(value, kind, message_id) for kind, value in found.search_keys if value]
            self._add_codes(message_id, codes_of(found.diagnostics))
            self._tally.add(self._batch.now, channel, found.state.value.lower())
        transaction.write_many(PROCESS_RUN, updates)
        transaction.write_many(INSERT_DELIVERY, deliveries)
        transaction.write_many(INSERT_BODY, [row for rows in bodies for row in rows])

    def _delivery_row(self, delivery_id: int, message_id: int, new: NewDelivery) -> Row:
        """A new delivery; one made PENDING begins its first attempt with this commit."""
        begins = new.state is State.PENDING
        first_attempt_at = self._batch.now if begins else None
        state = new.state.value
        return (
            delivery_id,
            message_id,
            new.destination,
            state,
            int(begins),
            0.0,
            first_attempt_at,
            0,
        )

    def _attempt_row(self, outcome: Outcome) -> Row:
        return (
            outcome.delivery_id,
            outcome.number,
            outcome.started_at,
            outcome.finished_at,
            outcome.state.value,
            outcome.failure_class.value if outcome.failure_class else None,
            outcome.failure_code,
            outcome.status,
            self._pack_request(outcome.request),
            self._pack(outcome.response),
        )

    def _write_outcomes(self, transaction: Transaction, responses: list[Row]) -> None:
        outcomes = self._batch.outcomes
        if not outcomes:
            return
        transaction.write_many(INSERT_ATTEMPT, responses)
        transaction.write_many(
            END_ATTEMPT,
            [
                (
                    found.state.value,
                    found.number,
                    found.started_at,
                    found.next_attempt_at,
                    int(found.possibly_sent),
                    int(found.aside),
                    found.delivery_id,
                )
                for found in outcomes
            ],
        )
        write_waits(transaction, outcomes, self._runs)
        touched = {found.delivery_id // DELIVERIES_PER_RUN for found in outcomes}
        for outcome in outcomes:
            run = self._runs.get(outcome.delivery_id // DELIVERIES_PER_RUN)
            if run is not None:
                self._tally.add(self._batch.now, run[2], _event(outcome))
                if outcome.failure_code:
                    self._add_codes(run[1], (outcome.failure_code,))
                self._failures.delivered(outcome, run[0], run[1])
        self._roll_up(transaction, touched)

    def _roll_up(self, transaction: Transaction, run_ids: Iterable[int]) -> None:
        updates: list[Row] = []
        for run_id, states in delivery_states(transaction, sorted(run_ids)).items():
            state, is_waited_for = roll_up_run(states)
            before = self._states.get(run_id) or self._runs[run_id][3]
            if state != before:
                self._states[run_id] = state
                updates.append((state.value, is_waited_for, run_id))
        transaction.write_many(SET_RUN_STATE, updates)

    def _add_codes(self, message_id: int, codes: Iterable[str]) -> None:
        self._keys += [(code, CODE, message_id) for code in codes]


def _event(outcome: Outcome) -> str:
    """The counter of an ended attempt."""
    return "retried" if outcome.state is State.QUEUED else f"delivery {outcome.state.value.lower()}"
