"""Rim. The sending half of a turn: which deliveries begin, and how their attempts ended."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from engine.destinations.interface import AttemptResult, Outgoing, Settlement
from engine.pipeline.response import Fault, classify_fault
from engine.pipeline.retry import BreakerState
from engine.pipeline.states import FailureClass, State
from engine.runtime.worker.delivery import (
    Attempt,
    attempt,
    guarded_attempt,
    left_to_newer,
    outcome_of,
)
from engine.runtime.worker.outlet import LiveDelivery, Outlet
from engine.runtime.worker.workload import Workload, bucket_of_delivery
from engine.store.interface import Body, Delivery, NewerSent, Outcome
from engine.telemetry.events import AttemptEnded, BreakerClosed, BreakerOpened, DeliveryFailed
from engine.telemetry.recorder import Recorder

_UNUSABLE = Attempt(
    result=AttemptResult(classification=classify_fault(Fault.BODY_UNUSABLE)),
    settlement=Settlement.PERSON,
)


@dataclass(slots=True)
class _Ended:
    live: LiveDelivery
    outlet: Outlet
    attempt: Attempt
    started_at: float
    finished_at: float


@dataclass(frozen=True, slots=True)
class Outage:
    """A destination that stopped answering, or answers again."""

    channel: str
    destination: str
    at: float
    code: str
    """Of the attempt that opened the circuit; empty: it answers again."""


@dataclass(slots=True)
class Sending:
    """Attempts in flight, and those that have ended but are not written yet."""

    work: Workload
    recorder: Recorder
    now: Callable[[], float]
    """Unix seconds."""
    lease_seconds: Callable[[], float]
    """How long the lease lasts from now, by our own clock."""
    wake: asyncio.Event
    newer: Callable[[int], Awaitable[list[NewerSent]]]
    """What later messages delivered that a replayed delivery may not overwrite. Raises
    StoreUnavailable."""
    newer_version: Callable[[int], Awaitable[int | None]]
    """The message that brought a newer version of a delivery's document. Raises
    StoreUnavailable."""
    in_flight: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    """By token."""
    late: list[tuple[LiveDelivery, Body]] = field(default_factory=list)
    """Marked PENDING, but the lease was too short to send: they wait for it to be renewed."""
    outages: list[Outage] = field(default_factory=list)
    """Circuits that opened or closed since the store was last told."""
    _ended: list[_Ended] = field(default_factory=list)

    def choose(self, now: float) -> list[LiveDelivery]:
        """Deliveries whose attempt begins with this turn's commit."""
        chosen: list[LiveDelivery] = []
        for outlet in self.work.outlets.values():
            ready = outlet.ready
            while ready and outlet.admits(now):
                live = self.work.deliveries.get(ready[0])
                if live is not None and live.body is None and not live.delivery_id:
                    break  # its body can be read once this turn has made it
                ready.popleft()
                if live is None:
                    continue
                outlet.start(now)
                chosen.append(live)
        return chosen

    def launch(self, started: list[LiveDelivery], bodies: dict[int, Body]) -> None:
        """Send what the store now knows to be PENDING."""
        for live in started:
            outlet = self.work.outlet(live)
            body = live.body or bodies.get(live.delivery_id)
            if body is None:
                self._end(live, outlet, _UNUSABLE, self.now())
                continue
            task = asyncio.create_task(self._send(live, outlet, body))
            self.in_flight[live.token] = task

    def launch_late(self) -> None:
        """Try again what the lease was too short for."""
        waiting, self.late = self.late, []
        for live, body in waiting:
            task = asyncio.create_task(self._send(live, self.work.outlet(live), body))
            self.in_flight[live.token] = task

    async def _send(self, live: LiveDelivery, outlet: Outlet, body: Body) -> None:
        outgoing = Outgoing(
            delivery_id=live.delivery_id,
            message_id=live.message_id,
            channel=live.channel,
            content_type=body.content_type,
            body=body.body,
            message_type=live.message_type,
            control_id=live.control_id,
            received_at=live.received_at,
            possibly_sent=live.possibly_sent,
            in_full=live.in_full or live.attempts > 0 or live.possibly_sent,
        )
        started_at = self.now()
        if live.guarded:
            refused = await guarded_attempt(outgoing, self.newer)
            if refused is not None:
                self._end(live, outlet, refused, started_at)
                return
            live.guarded = False
        if live.left_behind:
            refused = await left_to_newer(live.delivery_id, self.newer_version)
            if refused is not None:
                self._end(live, outlet, refused, started_at)
                return
            live.left_behind = False
        # The last look at the lease, in the same turn of the loop as the send: what begins now
        # must end before another owner can begin.
        if self.lease_seconds() < outlet.attempt_seconds:
            self.in_flight.pop(live.token, None)
            self.late.append((live, body))
            return
        ended = await attempt(outlet.destination, outgoing)
        self._end(live, outlet, ended, started_at)

    def _end(self, live: LiveDelivery, outlet: Outlet, ended: Attempt, started_at: float) -> None:
        self.in_flight.pop(live.token, None)
        self._ended.append(_Ended(live, outlet, ended, started_at, self.now()))
        self.wake.set()

    def collect(self) -> list[tuple[int, Outcome]]:
        """(lane bucket, outcome) of ended attempts; lanes and breakers have moved on."""
        ended, self._ended = self._ended, []
        return [(bucket_of_delivery(each.live), self._absorb(each)) for each in ended]

    def clear(self) -> None:
        """Forget what waits for a longer lease; nothing is in flight when this is called."""
        self.late.clear()

    async def ended(self) -> None:
        """Wait until no attempt is in flight: every attempt has its own time limit."""
        while self.in_flight:
            await asyncio.wait(list(self.in_flight.values()))

    def _absorb(self, ended: _Ended) -> Outcome:
        live, outlet = ended.live, ended.outlet
        outlet.in_flight -= 1
        live.attempts += 1
        live.first_attempt_at = live.first_attempt_at or ended.started_at
        outcome = outcome_of(
            ended.attempt,
            delivery_id=live.delivery_id,
            number=live.attempts,
            possibly_sent=live.possibly_sent,
            policy=outlet.config.retry,
            started_at=ended.started_at,
            finished_at=ended.finished_at,
            first_attempt_at=live.first_attempt_at,
            random_unit=random.random(),  # noqa: S311  jitter, not a secret
            located=outlet.located,
        )
        live.possibly_sent = outcome.possibly_sent
        self._move_breaker(outlet, outcome, ended.finished_at)
        self._record(live, outcome)
        if outcome.state is State.QUEUED:
            self.work.retry_at(live, outcome.next_attempt_at)
        elif outcome.state in (State.HELD, State.UNKNOWN):
            self.work.park(live)
        else:
            self.work.finish(live.token)
        return outcome

    def _move_breaker(self, outlet: Outlet, outcome: Outcome, now: float) -> None:
        before = outlet.breaker.state
        outlet.last_failure = outcome.failure_code
        if outcome.failure_class in (FailureClass.TRANSIENT, FailureClass.AMBIGUOUS):
            outlet.breaker = outlet.breaker.failed(outlet.config.retry, now)
        else:
            outlet.breaker = outlet.breaker.answered()
        after = outlet.breaker.state
        name = outlet.config.name
        if after is BreakerState.OPEN and before is BreakerState.CLOSED:
            seconds = outlet.config.retry.breaker_seconds
            self.recorder.record(
                BreakerOpened(channel=outlet.channel, destination=name, seconds=seconds)
            )
            self.outages.append(Outage(outlet.channel, name, now, outcome.failure_code))
        elif after is BreakerState.CLOSED and before is not BreakerState.CLOSED:
            self.recorder.record(BreakerClosed(channel=outlet.channel, destination=name))
            self.outages.append(Outage(outlet.channel, name, now, ""))

    def _record(self, live: LiveDelivery, outcome: Outcome) -> None:
        self.recorder.record(
            AttemptEnded(
                channel=live.channel,
                destination=live.destination,
                state=outcome.state.value,
                code=outcome.failure_code,
                delivery_id=live.delivery_id,
                seconds=outcome.finished_at - outcome.started_at,
            )
        )
        if outcome.state in (State.ERROR, State.HELD, State.UNKNOWN):
            self.record_failure(live, outcome)

    def record_failure(self, delivery: LiveDelivery | Delivery, outcome: Outcome) -> None:
        """Tell that a delivery failed, or waits for a person."""
        self.recorder.record(
            DeliveryFailed(
                channel=delivery.channel,
                destination=delivery.destination,
                state=outcome.state.value,
                code=outcome.failure_code,
                delivery_id=outcome.delivery_id,
                message_id=delivery.message_id,
            )
        )
