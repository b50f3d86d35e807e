"""Whatever happens to messages, in whatever order, the state agrees with itself."""

import hashlib
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.pipeline.states import Origin, State, Verdict
from engine.store.interface import (
    NewDelivery,
    Outcome,
    Processed,
    Receipt,
    ReplayJob,
    Search,
    StateBatch,
)
from engine.store.open_store import migrate, open_log, open_state
from engine.store.state.roll_up import is_open, roll_up
from engine.store.state.search_keys import merge

PROCESSED = (State.TRANSFORMED, State.FILTERED, State.ERROR, State.HELD)
ENDED = (State.SENT, State.QUEUED, State.ERROR, State.UNKNOWN, State.HELD)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.integers(1, 4), st.booleans()),
        st.tuples(st.just("process"), st.sampled_from(PROCESSED), st.integers(0, 3)),
        st.tuples(st.just("deliver"), st.sampled_from(ENDED), st.integers(0, 5)),
        st.tuples(st.just("decide"), st.sampled_from([State.QUEUED, State.SENT, State.CANCELLED])),
        st.tuples(st.just("replay"), st.sampled_from([Origin.REPLAY, Origin.RESEND])),
        st.tuples(st.just("merge")),
        st.tuples(st.just("restart")),
    ),
    min_size=4,
    max_size=40,
)


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("empty") / "store"
    migrate(f"sqlite:///{folder}")
    return folder


class Play:
    """A log, a state and a worker that does as the steps say."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}"
        self.log = open_log(self.url)
        self.state = open_state(self.url)
        self.lease = self.state.acquire("w", 60.0, 1.0)
        self.known: dict[int, list[int]] = {}
        """run_id -> delivery ids of the runs given to the worker."""
        self.received: list[int] = []
        self.now = time.time()

    def receive(self, count: int, runnable: bool) -> None:
        raw = b"MSH|"
        receipt = Receipt(
            channel="adt",
            received_at=self.now,
            source="test",
            raw=raw,
            sha256=hashlib.sha256(raw).digest(),
            control_id="C",
            message_type="ADT^A01",
            lanes=("P",),
            verdict=Verdict.NEW if runnable else Verdict.DUPLICATE,
            runnable=runnable,
        )
        self.received += self.log.append([receipt] * count)

    def take(self) -> None:
        self.state.follow(100)
        runs = self.state.new_runs(self.lease, 100)
        ids = [run.run_id for run in runs]
        assert not set(ids) & set(self.known)
        assert ids == sorted(ids)
        self.known.update((run_id, []) for run_id in ids)
        for delivery in self.state.open_deliveries(self.lease, ids):
            self.known[delivery.run_id].append(delivery.delivery_id)

    def process(self, state: State, deliveries: int) -> None:
        self.take()
        waiting = [found for found in self.open_runs() if found.state is State.RECEIVED]
        if not waiting:
            return
        made = tuple(
            NewDelivery(destination=f"d{n}", content_type="t", body=b"x")
            for n in range(deliveries if state is State.TRANSFORMED else 0)
        )
        if state is State.TRANSFORMED and not made:
            state = State.FILTERED
        run_id = waiting[0].run_id
        done = Processed(
            run_id=run_id, state=state, deliveries=made, search_keys=(("mrn", f"M{run_id % 3}"),)
        )
        self.known[run_id] = self.commit(processed=(done,))[run_id]

    def deliver(self, state: State, which: int) -> None:
        self.take()
        found = self.state.open_deliveries(self.lease, sorted(self.known))
        ready = [delivery for delivery in found if delivery.state is State.QUEUED]
        if not ready:
            return
        delivery = ready[which % len(ready)]
        self.commit(started=(delivery.delivery_id,))
        outcome = Outcome(
            delivery_id=delivery.delivery_id,
            number=delivery.attempts + 1,
            started_at=self.now,
            finished_at=self.now,
            state=state,
            failure_code="" if state is State.SENT else f"http-{500 + which}",
        )
        self.commit(outcomes=(outcome,))

    def decide(self, state: State) -> None:
        waits = Search(states=(State.ERROR, State.HELD, State.UNKNOWN))
        for row in self.state.search(waits):
            detail = self.state.message(row.message_id)
            self.state.settle(
                [found.delivery_id for run in detail.runs for found in run.deliveries], state, "a"
            )

    def replay(self, origin: Origin) -> None:
        job = ReplayJob(
            job_id=0,
            created_at=self.now,
            created_by="a",
            reason="",
            message_ids=tuple(self.received[-2:]),
            origin=origin,
            destinations=(),
            rate_per_second=1.0,
            stop_after_failures=0,
            state="waiting",
            started=0,
            succeeded=0,
            failed=0,
        )
        self.state.advance_job(self.state.create_job(job), 10)

    def merge(self) -> None:
        merge(self.state._database)

    def restart(self) -> None:
        """A worker dies and another takes its lanes: it is given every open run, in order."""
        self.state.close()
        self.state = open_state(self.url)
        self.lease = self.state.acquire("w", 60.0, 1.0)
        self.known = {}
        self.take()
        assert list(self.known) == [found.run_id for found in self.open_runs()]

    def commit(self, **parts):
        return self.state.commit(StateBatch(lease=self.lease, now=self.now, **parts))

    def open_runs(self):
        """Every open run, oldest first, from the messages themselves."""
        rows = self.state.search(Search(limit=10_000))
        details = [self.state.message(row.message_id) for row in rows]
        runs = [run for detail in details for run in detail.runs if is_open(run.state)]
        return sorted(runs, key=lambda run: run.run_id)

    def check(self) -> None:
        """Searches by state agree with the messages, and runs with their deliveries."""
        rows = self.state.search(Search(limit=10_000))
        assert [row.message_id for row in rows] == self.received[::-1]
        assert len(self.state.search(Search(control_id="C", limit=10_000))) == len(rows)
        latest = {}
        for row in rows:
            runs = self.state.message(row.message_id).runs
            latest[row.message_id] = runs[-1] if runs else None
            for run in runs:
                if run.deliveries:
                    assert run.state is roll_up(found.state for found in run.deliveries)
        for state in State:
            found = self.state.search(Search(states=(state,), limit=10_000))
            expected = [
                message_id
                for message_id, run in latest.items()
                if run and state in {run.state, *(found.state for found in run.deliveries)}
            ]
            assert [row.message_id for row in found] == expected, state
        for job in self.state.jobs(range(1, 50)):
            assert job.started == job.total == len(job.message_ids)
            ended = job.succeeded + job.failed + job.left_out
            assert ended <= job.total
            assert (job.state == "done") == (ended == job.total)

    def close(self) -> None:
        self.log.close()
        self.state.close()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_the_state_agrees_with_itself(empty_store, steps):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(empty_store, Path(folder, "store"))
        play = Play(Path(folder, "store"))
        try:
            for name, *values in steps:
                getattr(play, name)(*values)
            play.take()
            play.check()
            play.restart()
        finally:
            play.close()
