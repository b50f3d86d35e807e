"""Rim. The worker: takes runs from its lanes, processes them, delivers what came of it, in turns.

A turn decides in memory, writes everything in ONE transaction, then sends what that transaction
made PENDING. So nothing is sent that the store does not know of, and a message of a lane goes out
only when its predecessor's end is on disk. After a delivery the mark is retried, never the POST:
what was decided is kept until the store takes it. Losing the lease ends all work on those lanes:
what was not sent is forgotten here, and what may have been sent the next owner finds PENDING and
settles.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from engine.destinations.authorization.sources import TokenSources
from engine.destinations.interface import SecretSource
from engine.destinations.opening import open_destination
from engine.runtime.worker import document_versions
from engine.runtime.worker.configured_outlets import (
    ConfiguredOutlets,
    Opening,
    homeless_outcome,
)
from engine.runtime.worker.delivery import expired_outcome
from engine.runtime.worker.earlier_plans import EarlierPlans
from engine.runtime.worker.held_lanes import Clocks, HeldLanes, Renewal
from engine.runtime.worker.lane_buckets import lane_bucket
from engine.runtime.worker.outlet import LiveDelivery
from engine.runtime.worker.plans import Plans, no_earlier_plans
from engine.runtime.worker.problem_watch import ProblemWatch
from engine.runtime.worker.processing import RAW_BYTES_MAX, Draft, Processing
from engine.runtime.worker.replay_jobs import ReplayJobs
from engine.runtime.worker.sending import Sending
from engine.runtime.worker.store_ledger import StoreLedger
from engine.runtime.worker.store_tokens import StoreTokens
from engine.runtime.worker.store_turn import StoreThread, TurnReply, TurnRequest
from engine.runtime.worker.workload import Workload
from engine.store.interface import (
    LeaseLost,
    NewerSent,
    Outcome,
    ParkingRound,
    StateBatch,
    StoreUnavailable,
)
from engine.telemetry.events import LeaseLostSeen, RunProcessed, StoreFailed, StoreResumed
from engine.telemetry.logs import error_caught
from engine.telemetry.recorder import Recorder

T = TypeVar("T")

RUNS_LOADED_MAX = 50_000
"""Runs on the processing board; more only wait behind runs that wait for a person."""
ROOM_PER_TURN = 256
LOOP_ROUNDS = 3
"""Of the event loop, until an answer that has come in has ended its attempt."""
STORE_RETRY_SECONDS = 0.25
STORE_RETRY_SECONDS_MAX = 5.0
FAULT_PAUSE_SECONDS = 1.0
"""After a fault of our own, so that one that comes again does not burn a core."""


LEASE_SECONDS_MIN = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker is told at start."""

    owner: str
    share: float = 1.0
    """Of all lane buckets, 0..1."""
    lease_seconds: float = 0.0
    """How long lanes stay ours without a sign of life; 0.0: as the longest attempt asks."""
    poll_seconds: float = 0.05
    """How often an idle worker looks for new messages."""
    look_around_seconds: float = 0.25
    """How often it looks for what people released, for controls and for replay jobs."""


class Worker:
    """One worker, in one event loop, with one thread for the store."""

    def __init__(
        self,
        store: StoreThread,
        settings: WorkerSettings,
        secrets: SecretSource,
        recorder: Recorder,
        clocks: Clocks | None = None,
        opening: Opening | None = None,
        earlier: Callable[[str], Plans] = no_earlier_plans,
    ) -> None:
        """Args: the store, what it is told, where secrets come from and events go; for tests the
        time and how destinations are opened; what gives the plans of an earlier configuration.
        """
        self._store = store
        self._settings = settings
        self._recorder = recorder
        self._clocks = clocks or Clocks()
        self._plans = Plans()
        self._wake = asyncio.Event()
        self._work = Workload()
        self._processing = Processing(self._work, EarlierPlans(earlier, self._use_earlier))
        self._lanes = HeldLanes(store, settings.owner, settings.share, self._clocks)
        self._sending = Sending(
            self._work,
            recorder,
            self._clocks.now,
            self._lanes.seconds_left,
            self._wake,
            self._newer,
            self._newer_version,
        )
        opened = opening or partial(
            open_destination, ledger=StoreLedger(store), tokens=TokenSources(StoreTokens(store))
        )
        self._outlets = ConfiguredOutlets(self._work, secrets, opened)
        self._jobs = ReplayJobs()
        self._problems = ProblemWatch(settings.owner)
        self._look_at = 0.0
        self._parked_after = 0
        self._unwritten: list[tuple[int, Outcome]] = []
        """(lane bucket, outcome) that the store has not taken yet."""
        self._stopping = False
        self.store_works = True
        """False while the store takes nothing."""

    # -- life --

    def use(self, plans: Plans) -> None:
        """Work with this configuration from the next turn on."""
        self._plans = plans
        self._outlets.use(plans, self._tokens_in_flight())
        self._processing.use_plans()
        self._wake.set()

    def _use_earlier(self) -> None:
        self._processing.use_earlier()
        self._wake.set()

    def stop(self) -> None:
        """Begin no more, finish what is in flight, give the lanes back, end."""
        self._stopping = True
        self._wake.set()

    @property
    def in_hand(self) -> dict[str, int]:
        """What is loaded and in flight, for health and tests."""
        return {
            "runs": len(self._work.processing),
            "deliveries": len(self._work.deliveries),
            "in flight": len(self._sending.in_flight),
        }

    @property
    def destinations(self) -> dict[str, str]:
        """`destination adt/records` to its breaker and how its last attempt failed, for health."""
        return {
            f"destination {outlet.channel}/{outlet.config.name}": (
                f"{outlet.breaker.state.value} {outlet.last_failure}".strip()
            )
            for outlet in self._work.outlets.values()
        }

    async def run(self) -> None:
        """Work until `stop`. A fault of the engine itself drops what is loaded and starts over."""
        while not self._stopping:
            try:
                if not await self.turn():
                    await self._rest()
            except StoreUnavailable:
                self._store_failed(STORE_RETRY_SECONDS_MAX)
                await self._wait(STORE_RETRY_SECONDS_MAX)
            except Exception as problem:  # noqa: BLE001  the feed must go on; the fault is recorded
                self._recorder.record(error_caught(problem))
                await self._start_over()
                await self._wait(FAULT_PAUSE_SECONDS)
        await self._end()

    async def _end(self) -> None:
        await self._sending.ended()
        self._unwritten += self._sending.collect()
        try:
            if self._unwritten:
                await self._store.turn(self._request([], [], idle=True))
            await self._lanes.drop()
        except (StoreUnavailable, LeaseLost):
            # What is not marked stays PENDING: the next owner settles it.
            self._recorder.record(
                StoreFailed(waiting_messages=len(self._unwritten), retry_seconds=0)
            )
        await self._outlets.close()

    async def _rest(self) -> None:
        """Wait for an attempt to end, for the next time something is due, or for the next look."""
        now = self._clocks.now()
        times = [
            self._work.next_due(),
            *(each.wake_at(now) for each in self._work.outlets.values()),
        ]
        pause = min([at - now for at in times if at is not None], default=1.0)
        await self._wait(max(0.0, min(pause, self._settings.poll_seconds)))

    async def _wait(self, seconds: float) -> None:
        if self._stopping:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    # -- the turn --

    async def turn(self) -> bool:
        """One turn; False when there was nothing to do. Raises StoreUnavailable without a lease."""
        if self._lanes.due:
            await self._renew()
            if not self._lanes.lease.buckets:
                return False
        self._sending.launch_late()
        drafts = self._processing.process_some(self._plans, self._clocks.now())
        await self._conclude_documents([one for one in drafts if one.again is not None])
        # What was answered while we processed frees its place for this turn: twice as much is
        # then under way, and is written by half as many commits.
        await _let_answers_in()
        now = self._clocks.now()
        self._unwritten += self._sending.collect()
        self._work.due(now)
        self._hold_homeless(now)
        starting = [] if self._stopping else self._sending.choose(now)
        request = self._request(drafts, starting)
        reply = await self._written(request)
        if reply is None:
            return True
        self._unwritten.clear()
        self._after(drafts, starting, reply)
        await _let_answers_in()  # and requests out, before processing holds the loop again
        if request.look_around:
            await self._look_around()
        return bool(drafts or starting or reply.runs or reply.released or self._processing.busy)

    def _request(
        self, drafts: list[Draft], starting: list[LiveDelivery], *, idle: bool = False
    ) -> TurnRequest:
        boot = self._clocks.boot()
        look = boot >= self._look_at and not idle
        if look:
            self._look_at = boot + self._settings.look_around_seconds
        tokens = {live.token for live in starting}
        foreign, shared = self._processing.neighbours() if look else ([], [])
        room = RUNS_LOADED_MAX - len(self._work.processing)
        if self._processing.raw_bytes >= RAW_BYTES_MAX:
            self._processing.drop_ahead()
        reload = [] if idle else self._to_reload()
        return TurnRequest(
            batch=StateBatch(
                lease=self._lanes.lease,
                processed=[draft.row(tokens) for draft in drafts],
                started=[live.delivery_id for live in starting if live.delivery_id],
                outcomes=[outcome for _, outcome in self._unwritten],
                now=self._clocks.now(),
            ),
            room=0 if idle else min(ROOM_PER_TURN, room),
            messages=[] if idle else self._processing.wanted(),
            raw_bytes_max=max(1, RAW_BYTES_MAX - self._processing.raw_bytes),
            reload=reload,
            bodies=[live.delivery_id for live in starting if live.body is None],
            foreign=foreign,
            shared=shared,
            reopen=[] if idle else self._processing.to_reopen(),
            look_around=look,
            parked_after=self._parked_after,
        )

    def _to_reload(self) -> list[int]:
        """Runs whose deliveries were left to the store and are wanted now."""
        wanted: list[int] = []
        for outlet in self._work.outlets.values():
            if outlet.wants_reload:
                wanted += outlet.take_spilled()
        return wanted

    async def _conclude_documents(self, drafts: list[Draft]) -> None:
        """Documents of which a newer version was delivered are processed as such."""
        asked = document_versions.keys_of(drafts)
        if asked:
            question = partial(self._store.call, document_versions.ask(asked))
            document_versions.leave_to_newer(drafts, await self._answered(question))
        for draft in drafts:
            self._processing.conclude(draft)

    async def _answered(self, question: Callable[[], Awaitable[T]]) -> T:
        """What the store says, asked until it answers. Raises StoreUnavailable when that is not
        before the end, and LeaseLost."""
        pause, since = STORE_RETRY_SECONDS, self._clocks.boot()
        while True:
            try:
                answer = await question()
            except StoreUnavailable:
                if self._stopping and self._clocks.boot() - since > STORE_RETRY_SECONDS_MAX:
                    raise
                self._store_failed(pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, STORE_RETRY_SECONDS_MAX)
            else:
                self._store_answered(since)
                return answer

    async def _written(self, request: TurnRequest) -> TurnReply | None:
        """The turn's transaction, tried until the store takes it; None when the lease was lost."""
        try:
            return await self._answered(partial(self._store.turn, request))
        except LeaseLost:
            await self._start_over()
            return None

    def _store_failed(self, retry_seconds: float) -> None:
        self.store_works = False
        waiting = len(self._unwritten)
        self._recorder.record(StoreFailed(waiting_messages=waiting, retry_seconds=retry_seconds))

    def _store_answered(self, since: float) -> None:
        if not self.store_works:
            self.store_works = True
            self._recorder.record(StoreResumed(down_seconds=self._clocks.boot() - since))

    def _after(
        self,
        drafts: list[Draft],
        starting: list[LiveDelivery],
        reply: TurnReply,
    ) -> None:
        """What was written is true now: give ids, send, take in what was read."""
        now = self._clocks.now()
        for draft in drafts:
            ids = reply.created.get(draft.run.run_id, [])
            for delivery_id, (output, live) in zip(ids, draft.deliveries, strict=False):
                if live is not None:
                    self._work.commit_new(live, delivery_id)
                else:
                    outlet = self._work.outlets[(draft.run.channel, output.destination)]
                    self._work.spill(outlet, draft.run.run_id)
            self._recorder.record(
                RunProcessed(
                    channel=draft.run.channel,
                    state=draft.result.state.value,
                    run_id=draft.run.run_id,
                    message_id=draft.run.message_id,
                )
            )
        self._sending.launch(starting, reply.bodies)
        self._processing.receive(reply, self._lanes.lease)
        for delivery in reply.deliveries:
            self._work.add_stored(delivery, now)
        for delivery in reply.reloaded:
            self._work.add_reloaded(delivery, now)
        # Only now, so that what a replay or a resend makes can take the place of what it closes.
        for run in reply.closed:
            self._processing.close(run, now)
        for delivery in reply.released:
            self._work.settle(delivery, now)
        if reply.parked is not None:
            self._hold_expired(reply.parked, now)
        if reply.controls is not None:
            for outlet in self._work.outlets.values():
                control = reply.controls.get(outlet.channel)
                outlet.paused = control is not None and control.mode == "pause"

    def _hold_expired(self, parked: ParkingRound, now: float) -> None:
        """What a parked delivery waits for did not come in time: a person decides."""
        self._parked_after = parked.next_after
        for found in parked.expired:
            bucket = lane_bucket(found.channel, found.lanes, found.message_id)
            outcome = expired_outcome(found, now)
            self._unwritten.append((bucket, outcome))
            self._sending.record_failure(found, outcome)

    def _hold_homeless(self, now: float) -> None:
        """Deliveries whose destination is not configured wait for a person."""
        homeless, self._work.homeless = self._work.homeless, []
        for found in homeless:
            bucket = lane_bucket(found.channel, found.lanes, found.message_id)
            self._unwritten.append((bucket, homeless_outcome(found, now)))

    async def _look_around(self) -> None:
        tokens = self._tokens_in_flight()
        self._work.drop_given_up(self._clocks.now())
        self._unwritten += self._outlets.tidy(tokens, self._clocks.now())
        await self._outlets.close_retired(tokens)
        first = self._jobs.is_ours(self._lanes.lease)
        if first:
            await self._store.call(self._jobs.step(self._clocks.now()))
        changes, self._sending.outages = self._sending.outages, []
        tell = self._problems.step(changes, self._clocks.now(), closes=first)
        if tell is None:
            return
        try:
            await self._store.call(tell)
        except StoreUnavailable:
            self._sending.outages = changes + self._sending.outages
            raise

    async def _newer(self, delivery_id: int) -> list[NewerSent]:
        return await self._store.call(lambda state: state.guarding_newer(delivery_id))

    async def _newer_version(self, delivery_id: int) -> int | None:
        return await self._store.call(lambda state: state.newer_version(delivery_id))

    def _tokens_in_flight(self) -> frozenset[int]:
        return frozenset(self._sending.in_flight)

    # -- the lease --

    def _lease_seconds(self) -> float:
        """Longer than the longest attempt, so that an attempt always fits into a fresh lease."""
        longest = max((each.attempt_seconds for each in self._work.outlets.values()), default=0.0)
        return self._settings.lease_seconds or max(LEASE_SECONDS_MIN, longest * 1.5 + 5.0)

    async def _renew(self) -> None:
        """Renew the lease, and follow what became of it. Raises StoreUnavailable."""
        renewal = await self._lanes.renew(self._lease_seconds())
        lease = self._lanes.lease
        if renewal is Renewal.LOST:
            await self._start_over()
        elif renewal is Renewal.BEGUN:
            self._unwritten = [each for each in self._unwritten if each[0] in lease.buckets]
        if lease.wanted_by_others and self._lanes.lease is lease:
            await self._hand_over(lease.wanted_by_others)

    async def _hand_over(self, count: int) -> None:
        """Give lanes to a worker that has too few, once nothing of theirs is in flight."""
        given = frozenset(sorted(self._lanes.lease.buckets)[-count:])
        await self._sending.ended()
        self._unwritten += self._sending.collect()
        if await self._written(self._request([], [], idle=True)) is None:
            return
        self._unwritten.clear()
        await self._lanes.give(given)
        self._work.keep_buckets(self._lanes.lease)
        self._processing.forget_lanes()

    async def _start_over(self) -> None:
        """Forget everything but the outcomes, give back what lanes there are, and begin again.

        Attempts in flight end first: how they went is written if the lanes come back to us.
        """
        self._recorder.record(LeaseLostSeen(epoch=self._lanes.lease.epoch))
        self._lanes.expire()
        await self._sending.ended()
        self._unwritten += self._sending.collect()
        self._work.clear()
        self._processing.clear()
        self._sending.clear()
        await self._lanes.drop()


async def _let_answers_in() -> None:
    """Let the loop look at its sockets, and let what waits for them go on."""
    for _ in range(LOOP_ROUNDS):
        await asyncio.sleep(0)
