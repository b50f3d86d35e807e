"""Rim. Giving runs to the worker that leases their lanes, and what a run's processing reads.

Open runs are read in the order in which they were written, each once: the cursor is kept per
bucket, so that a bucket that joins a lease later is read from its start without repeating the
others.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.pipeline.states import Origin, State
from engine.store.compression import Compression
from engine.store.database import AMONG, EACH_DELIVERY, HORIZON, Database, Ids, Row
from engine.store.encoding import decode_diagnostics, decode_lanes, decode_list
from engine.store.interface import Body, Delivery, LaneLease, Run

RUN_COLUMNS = (
    "run_id, message_id, channel, lanes, origin, state, received_at, message_type, control_id,"
    " revision, replay_of, destinations, job_id"
)
_Key = tuple[int, int]
"""(written_by, run_id): the order of runs."""
_START: _Key = (-1, -1)
_END: _Key = (1 << 62, 1 << 62)

_OPEN_RUNS = (
    f"SELECT {RUN_COLUMNS}, written_by, bucket, other_buckets FROM runs"
    f" WHERE open = 1 AND (written_by, run_id) > (?, ?) AND (written_by, run_id) <= (?, ?)"
    f" AND written_by < {HORIZON} ORDER BY written_by, run_id LIMIT ?"
)
_OPEN_DELIVERIES = (
    "SELECT d.delivery_id, r.run_id, r.message_id, r.channel, d.destination, r.lanes, d.state,"
    " d.attempts, d.next_attempt_at, d.first_attempt_at, d.possibly_sent, r.received_at,"
    " r.message_type, r.control_id, r.origin"
    f" FROM {EACH_DELIVERY} JOIN runs r ON r.run_id = each.value"
    " WHERE d.state IN ('QUEUED', 'PENDING', 'HELD', 'UNKNOWN')"
)
_LATEST_STATES = (
    f"SELECT message_id, state, diagnostics FROM runs WHERE message_id {AMONG} ORDER BY run_id"
)
_EARLIER_OPEN = (
    "SELECT run_id, lanes, channel FROM runs WHERE open = 1 AND (written_by, run_id) <"
    " (SELECT own.written_by, own.run_id FROM runs own WHERE own.run_id = ?)"
)


class GivenRuns:
    """How far each leased bucket has been given out. Belongs to one worker."""

    def __init__(self) -> None:
        self._cursors: dict[int, _Key] = {}

    def leased(self, lease: LaneLease, joined: Iterable[int]) -> None:
        """Follow a lease: `joined` buckets begin at their start, those no longer in it go."""
        fresh = set(joined)
        self._cursors = {
            bucket: _START if bucket in fresh else self._cursors.get(bucket, _START)
            for bucket in lease.buckets
        }

    def released(self, buckets: frozenset[int]) -> None:
        """Forget buckets that were given back."""
        for bucket in buckets:
            self._cursors.pop(bucket, None)

    def narrow(self, buckets: frozenset[int]) -> None:
        """Forget buckets that a caller no longer wants runs of."""
        if len(self._cursors) != len(buckets) or not buckets.issuperset(self._cursors):
            self._cursors = {bucket: self._cursors.get(bucket, _START) for bucket in buckets}

    def read(self, database: Database, limit: int) -> list[Run]:
        """Up to `limit` (or one read more) of the runs not given yet, in order."""
        given: list[Run] = []
        more = bool(self._cursors)
        while more and len(given) < limit:
            low, *others = sorted(set(self._cursors.values()))
            high = others[0] if others else _END
            with database.reading() as transaction:
                rows = transaction.rows(_OPEN_RUNS, *low, *high, limit)
            given += [run_of(row) for row in rows if self._is_new(row)]
            more = len(rows) == limit or high is not _END
            reached = (rows[-1][13], rows[-1][0]) if rows else low
            if len(rows) < limit and high is not _END:
                reached = high
            self._advance(low, reached, everywhere=not others)
        return given

    def _advance(self, low: _Key, reached: _Key, *, everywhere: bool) -> None:
        """The buckets that stood at `low` stand at `reached` now."""
        if reached == low:
            return
        if everywhere:
            self._cursors = dict.fromkeys(self._cursors, reached)
            return
        for bucket, key in self._cursors.items():
            if key == low:
                self._cursors[bucket] = reached

    def _is_new(self, row: Row) -> bool:
        """Whether a leased bucket has the run and none of them was given it before."""
        key = (row[13], row[0])
        cursor = self._cursors.get(row[14])
        if row[15] is None:
            return cursor is not None and cursor < key
        cursors = [cursor, *(self._cursors.get(bucket) for bucket in decode_list(row[15]))]
        known = [found for found in cursors if found is not None]
        return bool(known) and max(known) < key


def run_of(row: Row) -> Run:
    """A run from its `RUN_COLUMNS`."""
    return Run(
        run_id=row[0],
        message_id=row[1],
        channel=row[2],
        lanes=decode_lanes(row[3]),
        origin=Origin(row[4]),
        state=State(row[5]),
        received_at=row[6],
        message_type=row[7],
        control_id=row[8],
        revision=row[9],
        replay_of=row[10],
        destinations=tuple(decode_list(row[11])),
        job_id=row[12],
    )


def open_deliveries(database: Database, run_ids: Sequence[int]) -> list[Delivery]:
    """The deliveries of these runs that are not final, in the order of `run_ids`.

    One found PENDING was in flight when its worker died: it is possibly sent.
    """
    with database.reading() as transaction:
        rows = transaction.rows(_OPEN_DELIVERIES, Ids(run_ids))
    order = {run_id: position for position, run_id in enumerate(run_ids)}
    rows.sort(key=lambda row: (order[row[1]], row[0]))
    return [delivery_of(row) for row in rows]


def delivery_of(row: Row) -> Delivery:
    """A delivery from the columns of `_OPEN_DELIVERIES`."""
    return Delivery(
        delivery_id=row[0],
        run_id=row[1],
        message_id=row[2],
        channel=row[3],
        destination=row[4],
        lanes=decode_lanes(row[5]),
        state=State(row[6]),
        attempts=row[7],
        next_attempt_at=row[8],
        first_attempt_at=row[9],
        possibly_sent=bool(row[10]) or row[6] == State.PENDING,
        received_at=row[11],
        message_type=row[12],
        control_id=row[13],
        origin=Origin(row[14]),
    )


def bodies(
    database: Database, compression: Compression, delivery_ids: Sequence[int]
) -> dict[int, Body]:
    """What these deliveries send. One whose stored form is damaged is left out."""
    with database.reading() as transaction:
        rows = transaction.rows(
            "SELECT delivery_id, content_type, body FROM delivery_bodies"
            f" WHERE delivery_id {AMONG}",
            Ids(delivery_ids),
        )
    found: dict[int, Body] = {}
    for delivery_id, content_type, packed in rows:
        try:
            found[delivery_id] = Body(content_type=content_type, body=compression.unpack(packed))
        except ValueError:
            continue
    return found


def run_states(
    database: Database, message_ids: Sequence[int]
) -> dict[int, tuple[State, tuple[Mapping[str, Any], ...]]]:
    """State and diagnostics of the latest run of each message."""
    with database.reading() as transaction:
        rows = transaction.rows(_LATEST_STATES, Ids(message_ids))
    return {row[0]: (State(row[1]), decode_diagnostics(row[2])) for row in rows}


def blocked(database: Database, run_ids: Sequence[int]) -> set[int]:
    """Those of these runs that share a lane with an earlier open run."""
    found: set[int] = set()
    with database.reading() as transaction:
        own_rows = transaction.rows(
            f"SELECT run_id, lanes, channel FROM runs WHERE run_id {AMONG}", Ids(run_ids)
        )
        for run_id, lanes, channel in own_rows:
            own = set(decode_lanes(lanes))
            for _, others, other_channel in transaction.rows(_EARLIER_OPEN, run_id):
                if channel == other_channel and own & set(decode_lanes(others)):
                    found.add(run_id)
                    break
    return found
