"""Rim. Moves replay jobs on: so many messages a second become runs, until done or failing too
often.

The runs of a job stand in their lanes behind what has come in since, so live traffic keeps its
order and a replay never overtakes it. Only the worker that holds the first lane bucket does this,
so that a job's rate is one worker's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.pipeline.retry import TokenBucket
from engine.store.interface import LaneLease, ReplayJob, StateStore

OUTSTANDING_MAX = 500
"""Runs of one job that are not final: a replay of a million messages must not fill the lanes."""
STEP_MAX = 100
"""Messages of one step, which is one transaction."""


@dataclass(slots=True)
class ReplayJobs:
    """How fast each running job may go."""

    _rates: dict[int, TokenBucket] = field(default_factory=dict)

    def is_ours(self, lease: LaneLease) -> bool:
        """True when this worker is the one that moves jobs on."""
        return 0 in lease.buckets

    def step(self, now: float) -> Callable[[StateStore], None]:
        """The step to be run in the store's thread."""

        def advance(state: StateStore) -> None:
            jobs = state.jobs()
            for job in jobs:
                self._advance(state, job, now)
            known = {job.job_id for job in jobs}
            self._rates = {key: value for key, value in self._rates.items() if key in known}

        return advance

    def _advance(self, state: StateStore, job: ReplayJob, now: float) -> None:
        total = job.total or len(job.message_ids)
        # a first step makes a waiting job a running one, unless it was paused meanwhile
        if job.state not in ("waiting", "running"):
            return
        if job.stop_after_failures and job.failed >= job.stop_after_failures:
            state.set_job_state(job.job_id, "stopped")
            return
        if job.started >= total:
            if job.succeeded + job.failed + job.left_out >= total:
                state.set_job_state(job.job_id, "done")
            return
        outstanding = job.started - job.succeeded - job.failed - job.left_out
        room = min(STEP_MAX, OUTSTANDING_MAX - outstanding, total - job.started)
        count = self._take(job, room, now)
        if count > 0:
            state.advance_job(job.job_id, count)

    def _take(self, job: ReplayJob, room: int, now: float) -> int:
        """How many messages the job's rate allows now, at most `room`."""
        rate = job.rate_per_second
        if rate <= 0:
            return room
        bucket = self._rates.get(job.job_id) or TokenBucket(rate)
        count = 0
        while count < room and bucket.wait_seconds(now) == 0.0:
            bucket = bucket.taken(now)
            count += 1
        self._rates[job.job_id] = bucket
        return count
