"""Rim. What the worker has in hand: runs to process and deliveries to send, in their lanes.

Nothing here talks to store or network. The store is the truth; this is the part of it that the
worker has loaded, and it can be thrown away and loaded again at any time.
"""

import heapq
from collections import deque
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from itertools import count

from engine.pipeline.lanes import Key, LaneBoard
from engine.pipeline.states import Origin, State
from engine.runtime.worker.lane_buckets import lane_bucket, touches
from engine.runtime.worker.outlet import LiveDelivery, Outlet
from engine.store.interface import Body, Delivery, LaneLease, Run

GIVEN_UP_SECONDS = 3.0
"""So long a cancelled delivery keeps its place for a replay that may be on its way."""
BODY_BYTES_MAX = 64_000_000
"""Outputs kept in memory between processing and sending; the rest is read from the store again."""


@dataclass(slots=True)
class Workload:
    """Runs and deliveries in memory. Every call costs O(lanes of the item)."""

    outlets: dict[tuple[str, str], Outlet] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    processing: LaneBoard = field(default_factory=LaneBoard)
    sending: LaneBoard = field(default_factory=LaneBoard)
    deliveries: dict[int, LiveDelivery] = field(default_factory=dict)
    """By token."""
    tokens: dict[int, int] = field(default_factory=dict)
    """Delivery id -> token."""
    held: set[int] = field(default_factory=set)
    """Runs that wait for a person."""
    parked: set[int] = field(default_factory=set)
    """Tokens of deliveries that wait for a person."""
    given_up: dict[int, float] = field(default_factory=dict)
    """Parked tokens that are cancelled, and since when. They keep their place for what a replay of
    their message makes, which must go out before what waits behind them."""
    homeless: list[Delivery] = field(default_factory=list)
    """Deliveries whose destination is not in the configuration."""
    body_bytes: int = 0
    _parked_by_name: dict[tuple[int, str, str], int] = field(default_factory=dict)
    """(message id, channel, destination) -> token."""
    _retries: list[tuple[float, int]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    # -- runs --

    def add_run(self, run: Run) -> None:
        """Put a run in its lanes. A replay of the run that blocks a lane takes that one's place."""
        if run.run_id in self.runs:
            return
        self.runs[run.run_id] = run
        if run.state is State.HELD:
            self.held.add(run.run_id)
        replaced = self._held_of(run)
        if replaced is None:
            self.processing.add(run.run_id, run_keys(run))
        else:
            self.processing.replace(replaced, by=run.run_id)
            self._forget_run(replaced)

    def _held_of(self, run: Run) -> int | None:
        """An earlier run of the message that waits for a person."""
        if run.origin is Origin.RECEIVED:
            return None
        for run_id in self.held:
            if run_id != run.run_id and self.runs[run_id].message_id == run.message_id:
                return run_id
        return None

    def hold_run(self, run_id: int) -> None:
        """The run waits for a person, and its lanes wait with it."""
        self.held.add(run_id)

    def reopen_run(self, run_id: int) -> None:
        """The run is processed again, where it stands."""
        self.held.discard(run_id)
        self.runs[run_id] = replace(self.runs[run_id], state=State.RECEIVED)

    def finish_run(self, run_id: int) -> None:
        """The run is processed: its lanes go on."""
        message_id = self.runs[run_id].message_id
        self.processing.finish(run_id)
        self._forget_run(run_id)
        for token in [each for each in self.given_up if self._message_of(each) == message_id]:
            self._drop_delivery(token)

    def close_run(self, run: Run, now: float) -> None:
        """A newer replay closed the run: it leaves its lanes wherever it stands."""
        if run.run_id in self.runs:
            self.processing.drop([run.run_id])
            self._forget_run(run.run_id)
        for token in self.parked:
            if self.deliveries[token].run_id == run.run_id:
                self.given_up.setdefault(token, now)

    def drop_given_up(self, now: float) -> None:
        """Free the places that were kept for replays which made nothing, or never came."""
        awaited = {run.message_id for run in self.runs.values()} if self.given_up else set()
        for token, since in list(self.given_up.items()):
            if now - since > GIVEN_UP_SECONDS and self._message_of(token) not in awaited:
                self._drop_delivery(token)

    def _message_of(self, token: int) -> int:
        return self.deliveries[token].message_id

    def _forget_run(self, run_id: int) -> None:
        self.runs.pop(run_id, None)
        self.held.discard(run_id)

    # -- deliveries --

    def add_new(self, run: Run, destination: str, body: Body) -> LiveDelivery | None:
        """A delivery that processing just made; None when it is left to the store for now."""
        outlet = self.outlets[(run.channel, destination)]
        replaced = self._parked_of(run.message_id, run.channel, destination)
        if outlet.full and replaced is None:
            return None
        live = LiveDelivery(
            token=next(self._numbers),
            run_id=run.run_id,
            message_id=run.message_id,
            channel=run.channel,
            destination=destination,
            keys=_delivery_keys(run.channel, destination, run.lanes),
            message_type=run.message_type,
            control_id=run.control_id,
            received_at=run.received_at,
            in_full=run.origin is not Origin.RECEIVED,
            guarded=run.origin is not Origin.RECEIVED,
        )
        if self.body_bytes + len(body.body) <= BODY_BYTES_MAX:
            self.keep_body(live, body)
        self._place(live, outlet, replaced)
        return live

    def _parked_of(self, message_id: int, channel: str, destination: str) -> int | None:
        """The delivery of this message that waits for a person, whose place a replay takes."""
        token = self._parked_by_name.get((message_id, channel, destination))
        return token if token in self.parked else None

    def add_stored(self, delivery: Delivery, now: float) -> None:
        """A delivery read from the store: it was waiting, in flight, or waits for a person."""
        if delivery.delivery_id in self.tokens:
            return
        outlet = self.outlets.get((delivery.channel, delivery.destination))
        if outlet is None:
            if delivery.state is not State.HELD:
                self.homeless.append(delivery)
            return
        replaced = None
        if delivery.state is State.QUEUED:
            name = delivery.destination
            replaced = self._parked_of(delivery.message_id, delivery.channel, name)
        if outlet.full and replaced is None:
            self.spill(outlet, delivery.run_id)
            return
        self._place_stored(delivery, outlet, now, replaced)

    def add_reloaded(self, delivery: Delivery, now: float) -> None:
        """A delivery that had been left to the store and is taken up again."""
        outlet = self.outlets.get((delivery.channel, delivery.destination))
        if outlet is not None and delivery.delivery_id not in self.tokens:
            self._place_stored(delivery, outlet, now)

    def spill(self, outlet: Outlet, run_id: int) -> None:
        """Leave a delivery to the store; only its run is remembered, in order."""
        outlet.spilled.append(run_id)

    def _place_stored(
        self, delivery: Delivery, outlet: Outlet, now: float, replaced: int | None = None
    ) -> None:
        live = LiveDelivery(
            token=next(self._numbers),
            run_id=delivery.run_id,
            message_id=delivery.message_id,
            channel=delivery.channel,
            destination=delivery.destination,
            keys=_delivery_keys(delivery.channel, delivery.destination, delivery.lanes),
            message_type=delivery.message_type,
            control_id=delivery.control_id,
            received_at=delivery.received_at,
            delivery_id=delivery.delivery_id,
            attempts=delivery.attempts,
            first_attempt_at=delivery.first_attempt_at or 0.0,
            # Found in flight: whoever sent it did not live to say how it went.
            possibly_sent=delivery.possibly_sent or delivery.state is State.PENDING,
            in_full=delivery.origin is not Origin.RECEIVED,
            guarded=delivery.origin is not Origin.RECEIVED,
            left_behind=delivery.state is State.QUEUED and delivery.attempts > 0,
        )
        self.tokens[delivery.delivery_id] = live.token
        if delivery.state in (State.HELD, State.UNKNOWN):
            self._park(live)
        elif delivery.state is State.QUEUED and delivery.next_attempt_at > now:
            live.wait_until = delivery.next_attempt_at
        self._place(live, outlet, replaced)

    def _place(self, live: LiveDelivery, outlet: Outlet, replaced: int | None = None) -> None:
        self.deliveries[live.token] = live
        outlet.loaded += 1
        if replaced is None:
            self.sending.add(live.token, live.keys)
        else:
            self.sending.replace(replaced, by=live.token)
            self._forget(replaced)
        self.route()

    def route(self) -> None:
        """Bring every delivery that heads its lanes to its outlet, or to its later time."""
        for token in self.sending.take_up_to(self.sending.ready):
            if token in self.parked:
                continue
            live = self.deliveries[token]
            if live.wait_until:
                heapq.heappush(self._retries, (live.wait_until, token))
            else:
                self.outlet(live).ready.append(token)

    def due(self, now: float) -> None:
        """Bring deliveries whose time has come to their outlets."""
        while self._retries and self._retries[0][0] <= now:
            _, token = heapq.heappop(self._retries)
            live = self.deliveries.get(token)
            if live is not None and live.wait_until and token not in self.parked:
                live.wait_until = 0.0
                self.outlet(live).ready.append(token)

    def next_due(self) -> float | None:
        """When the next waiting delivery is due."""
        return self._retries[0][0] if self._retries else None

    def outlet(self, live: LiveDelivery) -> Outlet:
        """The destination of a delivery."""
        return self.outlets[(live.channel, live.destination)]

    def commit_new(self, live: LiveDelivery, delivery_id: int) -> None:
        """The store has made the delivery: it has an id now."""
        live.delivery_id = delivery_id
        self.tokens[delivery_id] = live.token

    def keep_body(self, live: LiveDelivery, body: Body) -> None:
        """Keep what a delivery sends in memory."""
        live.body = body
        self.body_bytes += len(body.body)

    def drop_body(self, live: LiveDelivery) -> None:
        """Forget what a delivery sends: the store has it."""
        if live.body is not None:
            self.body_bytes -= len(live.body.body)
            live.body = None

    def finish(self, token: int) -> None:
        """A delivery is final: its lanes go on."""
        self.sending.finish(token)
        self._forget(token)
        self.route()

    def retry_at(self, live: LiveDelivery, at: float) -> None:
        """The delivery stays at the head of its lanes and is sent again at `at`."""
        self.drop_body(live)
        live.wait_until = at
        heapq.heappush(self._retries, (at, live.token))

    def park(self, live: LiveDelivery) -> None:
        """The delivery waits for a person, and its lanes with it."""
        self.drop_body(live)
        self._park(live)

    def _park(self, live: LiveDelivery) -> None:
        self.parked.add(live.token)
        self._parked_by_name[live.message_id, live.channel, live.destination] = live.token

    def settle(self, delivery: Delivery, now: float) -> None:
        """A person decided about a delivery: send it again, or it is final."""
        token = self.tokens.get(delivery.delivery_id)
        if token is None:
            if delivery.state is State.QUEUED:
                self.add_stored(delivery, now)
            return
        if token not in self.parked:
            return
        if delivery.state is State.CANCELLED:
            self.given_up.setdefault(token, now)
            return
        if delivery.state is not State.QUEUED:
            self._drop_delivery(token)
            return
        self.parked.discard(token)
        live = self.deliveries[token]
        # Whether it had arrived was the person's question, and this is the answer.
        live.possibly_sent = False
        live.wait_until = 0.0
        if self.sending.is_head(token):
            self.outlet(live).ready.append(token)

    def _drop_delivery(self, token: int) -> None:
        self.sending.drop([token])
        self._forget(token)
        self.route()

    def _forget(self, token: int) -> None:
        live = self.deliveries.pop(token)
        self.drop_body(live)
        self.tokens.pop(live.delivery_id, None)
        self.parked.discard(token)
        self.given_up.pop(token, None)
        name = (live.message_id, live.channel, live.destination)
        if self._parked_by_name.get(name) == token:
            del self._parked_by_name[name]
        self.outlet(live).loaded -= 1

    # -- leases --

    def clear(self) -> None:
        """Forget everything that is loaded."""
        self.runs.clear()
        self.held.clear()
        self.deliveries.clear()
        self.tokens.clear()
        self.parked.clear()
        self.given_up.clear()
        self._parked_by_name.clear()
        self.homeless.clear()
        self._retries.clear()
        self.processing = LaneBoard()
        self.sending = LaneBoard()
        self.body_bytes = 0
        for outlet in self.outlets.values():
            outlet.clear()

    def keep_buckets(self, lease: LaneLease) -> None:
        """Forget all that belongs to lanes outside the lease."""
        runs = [run.run_id for run in self.runs.values() if not touches(run, lease)]
        self.processing.drop(runs)
        for run_id in runs:
            self._forget_run(run_id)
        gone = [
            live.token
            for live in self.deliveries.values()
            if bucket_of_delivery(live) not in lease.buckets
        ]
        self.sending.drop(gone)
        lost = set(gone)
        for outlet in self.outlets.values():
            outlet.ready = deque(token for token in outlet.ready if token not in lost)
        for token in gone:
            self._forget(token)
        self.route()

    # -- configuration --

    def evict(self, outlet: Outlet, in_flight: Container[int]) -> list[LiveDelivery]:
        """Take what waits for a destination that is gone off the board; returns those
        deliveries."""
        name = outlet.config.name
        gone = [
            live
            for live in self.deliveries.values()
            if live.destination == name
            and live.channel == outlet.channel
            and live.token not in in_flight
        ]
        self.sending.drop([live.token for live in gone])
        outlet.ready.clear()
        for live in gone:
            self._forget(live.token)
        self.route()
        return gone


def run_keys(run: Run) -> tuple[Key, ...]:
    """The lanes of a run."""
    return tuple((run.channel, lane) for lane in run.lanes)


def _delivery_keys(channel: str, destination: str, lanes: Iterable[str]) -> tuple[Key, ...]:
    return tuple((channel, destination, lane) for lane in lanes)


def bucket_of_delivery(live: LiveDelivery) -> int:
    """The lane bucket of a delivery: that of its run."""
    return lane_bucket(live.channel, [key[-1] for key in live.keys[:1]], live.message_id)
