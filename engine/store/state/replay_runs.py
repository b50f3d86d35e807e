"""Rim. The runs that one step of a replay job makes.

REPLAY makes a run that is processed again from the raw bytes. RESEND makes one that has its
deliveries at once, with the stored bodies of the latest run that has any.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.pipeline.states import Origin, State
from engine.store.codes import NOTHING_TO_RESEND
from engine.store.database import AMONG, LOCKED, Ids, LogReader, Row, Transaction
from engine.store.encoding import buckets_of, decode_lanes, decode_list, encode_list
from engine.store.interface import ReplayJob
from engine.store.schema import DELIVERIES_PER_RUN
from engine.store.state.roll_up import DeliveryState, is_open, roll_up_run
from engine.store.state.statements import (
    INSERT_DELIVERY,
    INSERT_RELEASED,
    SET_DELIVERY_STATE,
    SET_RUN_STATE,
)

_RUNS = (
    "SELECT run_id, message_id, channel, state, job_id, lanes, bucket, other_buckets, received_at,"
    f" message_type, control_id, revision FROM runs WHERE message_id {AMONG}"
    f" ORDER BY run_id {LOCKED}"
)
_INSERT_RUN = (
    "INSERT INTO runs (message_id, channel, lanes, bucket, other_buckets, origin, state, open,"
    " received_at, created_at, message_type, control_id, revision, replay_of, destinations,"
    " job_id, diagnostics) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " RETURNING run_id"
)
_DELIVERIES = (
    "SELECT delivery_id, destination, state, aside FROM deliveries"
    " WHERE delivery_id >= ? AND delivery_id < ? ORDER BY delivery_id"
)
_COPY_BODY = (
    "INSERT INTO delivery_bodies (delivery_id, content_type, body)"
    " SELECT ?, content_type, body FROM delivery_bodies WHERE delivery_id = ?"
)
THEN = "then"
"""As a job's revision: that which each message first ran on."""
_WAITS = frozenset({State.ERROR, State.HELD, State.UNKNOWN, State.PARKED})
"""What a newer run of the message takes the place of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What a new run takes over from the message."""

    message_id: int
    channel: str
    lanes: str
    bucket: int
    other_buckets: str | None
    received_at: float
    message_type: str
    control_id: str
    replay_of: int | None
    revision: str
    """Of the configuration the message first ran on."""


class ReplayRuns:
    """Makes the runs of one step, inside the step's transaction."""

    def __init__(
        self, transaction: Transaction, log: LogReader, job: ReplayJob, now: float
    ) -> None:
        self._transaction = transaction
        self._log = log
        self._job = job
        self._now = now
        self.superseded: list[Row] = []
        """(run_id, message_id, channel, state before, job_id) of runs whose place was taken."""
        self.superseded_states: dict[int, State] = {}

    def make(self, message_ids: Sequence[int]) -> int:
        """Make a run for each message; returns how many failed at once."""
        runs: dict[int, list[Row]] = {}
        for row in self._transaction.rows(_RUNS, Ids(message_ids)):
            runs.setdefault(row[1], []).append(row)
        return sum(not self._make_one(found, runs.get(found, [])) for found in message_ids)

    def _make_one(self, message_id: int, runs: list[Row]) -> bool:
        source = _source_of(runs) if runs else self._source_in_log(message_id)
        if source is None:
            return False
        if runs:
            self._supersede(runs[-1])
        if self._job.origin is Origin.RESEND:
            return self._resend(source, runs)
        self._insert(source, State.RECEIVED, None)
        return True

    def _source_in_log(self, message_id: int) -> _Source | None:
        """A message that never ran, such as a duplicate; None when retention took it."""
        found = self._log.header(message_id)
        if found is None:
            return None
        bucket, others = buckets_of(found.channel, decode_lanes(found.lanes), message_id)
        return _Source(
            message_id=message_id,
            channel=found.channel,
            lanes=found.lanes,
            bucket=bucket,
            other_buckets=others,
            received_at=found.received_at,
            message_type=found.message_type,
            control_id=found.control_id,
            replay_of=None,
            revision=found.revision,
        )

    def _insert(self, source: _Source, state: State, diagnostics: str | None) -> int:
        rows = self._transaction.rows(
            _INSERT_RUN,
            source.message_id,
            source.channel,
            source.lanes,
            source.bucket,
            source.other_buckets,
            self._job.origin.value,
            state.value,
            is_open(state),
            source.received_at,
            self._now,
            source.message_type,
            source.control_id,
            source.revision if self._job.revision == THEN else self._job.revision,
            source.replay_of,
            encode_list(self._job.destinations),
            self._job.job_id,
            diagnostics,
        )
        return int(rows[0][0])

    def _resend(self, source: _Source, runs: list[Row]) -> bool:
        stored = self._stored_deliveries(runs)
        if not stored:
            problem = NOTHING_TO_RESEND().as_dict()
            self._insert(source, State.ERROR, encode_list([problem]))
            return False
        run_id = self._insert(source, State.TRANSFORMED, None)
        rows = [
            (run_id * DELIVERIES_PER_RUN + position, source.message_id, destination)
            for position, (_, destination) in enumerate(stored)
        ]
        self._transaction.write_many(
            INSERT_DELIVERY, [(*row, State.QUEUED.value, 0, 0.0, None, 0) for row in rows]
        )
        for row, (delivery_id, _) in zip(rows, stored, strict=True):
            self._transaction.write(_COPY_BODY, row[0], delivery_id)
        return True

    def _stored_deliveries(self, runs: list[Row]) -> list[tuple[int, str]]:
        """(delivery_id, destination), at the job's destinations, of the latest run with any."""
        wanted = self._job.destinations
        for run in reversed(runs):
            rows = self._deliveries(run[0])
            if rows:
                return [(row[0], row[1]) for row in rows if not wanted or row[1] in wanted]
        return []

    def _deliveries(self, run_id: int) -> list[Row]:
        first = run_id * DELIVERIES_PER_RUN
        return self._transaction.rows(_DELIVERIES, first, first + DELIVERIES_PER_RUN)

    def _supersede(self, run: Row) -> None:
        """Give up what the message's latest run still waits for, at the job's destinations."""
        run_id, before = run[0], State(run[3])
        if before not in _WAITS:
            return
        wanted = self._job.destinations
        states: list[DeliveryState] = []
        given_up: list[Row] = []
        for delivery_id, destination, state, aside in self._deliveries(run_id):
            gone = state in _WAITS and (not wanted or destination in wanted)
            states.append((State.CANCELLED, 0) if gone else (state, aside))
            if gone:
                given_up.append((State.CANCELLED.value, 0.0, 0, delivery_id))
        after, is_waited_for = roll_up_run(states) if states else (State.CANCELLED, 0)
        self._transaction.write_many(SET_DELIVERY_STATE, given_up)
        self._transaction.write_many(SET_RUN_STATE, [(after.value, is_waited_for, run_id)])
        self.superseded.append(run[:5])
        self.superseded_states[run_id] = after
        if is_open(before) and not is_waited_for:
            buckets = {run[6], *decode_list(run[7])}
            self._transaction.write_many(
                INSERT_RELEASED, [(bucket, run_id, None) for bucket in sorted(buckets)]
            )


def _source_of(runs: Sequence[Row]) -> _Source:
    run = runs[-1]
    return _Source(
        message_id=run[1],
        channel=run[2],
        lanes=run[5],
        bucket=run[6],
        other_buckets=run[7],
        received_at=run[8],
        message_type=run[9],
        control_id=run[10],
        replay_of=run[0],
        revision=runs[0][11],
    )
