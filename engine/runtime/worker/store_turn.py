"""Rim. Everything a worker asks of the store in one turn, done in one visit to the store's thread.

One transaction writes what the last turn brought (TX2 and TX3); then come the reads the next turn
needs. A failing read loses nothing: the write stands, and the reads are asked for again.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from engine.pipeline.states import FINAL_STATES, State
from engine.store.interface import (
    Body,
    Control,
    Delivery,
    LaneLease,
    ParkingRound,
    Run,
    StateBatch,
    StateStore,
    StoreUnavailable,
)

T = TypeVar("T")

_LEAVES_LANES = FINAL_STATES | {State.PARKED}

FOLLOW_COUNT = 500
"""Log entries that get their runs in one turn."""
PARKED_PER_LOOK = 500
"""Keys of parked deliveries that one look asks about."""
RAW_CHUNK = 4
"""Messages whose bytes are read at once to begin with: one can have 50 MB."""
RAW_CHUNK_SMALL = 64
"""And once it is known that they are small."""
SMALL_BYTES = 64_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRequest:
    """What to write and what to read."""

    batch: StateBatch
    room: int
    """How many new runs may be given; 0: none are asked for."""
    messages: Sequence[int]
    """Message ids whose bytes are wanted."""
    raw_bytes_max: int
    """Reading bytes stops when more than this is at hand."""
    reload: Sequence[int]
    """Runs whose deliveries are to be read again."""
    bodies: Sequence[int]
    """Deliveries whose body is wanted."""
    foreign: Sequence[tuple[int, int]] = ()
    """(run_id, message_id) of runs another worker owns, whose state is wanted."""
    shared: Sequence[int] = ()
    """Own runs that may wait for another worker's lane."""
    reopen: Sequence[int] = ()
    """Held runs that are to be processed again."""
    look_around: bool = False
    """Also read what people released, and the controls."""
    parked_after: int = 0
    """Parked deliveries are looked at from behind this one on."""


@dataclass(slots=True)
class TurnReply:
    """What came of it."""

    created: dict[int, list[int]] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    raw: dict[int, bytes] = field(default_factory=dict)
    """By message id."""
    raw_asked: set[int] = field(default_factory=set)
    """Message ids whose bytes were asked of the store: one that is not in `raw` is damaged."""
    deliveries: list[Delivery] = field(default_factory=list)
    """Of new runs that were processed earlier, and of `reload`."""
    reloaded: list[Delivery] = field(default_factory=list)
    bodies: dict[int, Body] = field(default_factory=dict)
    released: list[Delivery] = field(default_factory=list)
    parked: ParkingRound | None = None
    closed: list[Run] = field(default_factory=list)
    reopened: list[int] = field(default_factory=list)
    """Of `reopen`, those that are RECEIVED now."""
    controls: dict[str, Control] | None = None
    final: set[int] = field(default_factory=set)
    """Foreign runs that are final."""
    unblocked: set[int] = field(default_factory=set)
    """Shared runs that head the other worker's lane too."""
    read_failed: bool = False


class StoreThread:
    """The one thread that talks to the store, because its calls block. Raises StoreUnavailable."""

    def __init__(self, open_state: Callable[[], StateStore]) -> None:
        """Args: opens the store; called in the thread, which alone uses it from then on."""
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._state = self._pool.submit(open_state).result()

    async def turn(self, request: TurnRequest) -> TurnReply:
        """One turn. Raises StoreUnavailable or LeaseLost when nothing was written."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, _turn, self._state, request)

    async def acquire(self, owner: str, ttl_seconds: float, share: float) -> LaneLease:
        """Take or renew lane buckets. Raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool, self._state.acquire, owner, ttl_seconds, share
        )

    async def release(self, lease: LaneLease) -> None:
        """Give buckets back. Raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self._state.release, lease)

    async def call(self, work: Callable[[StateStore], T]) -> T:
        """Anything else, such as moving replay jobs on. Raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, work, self._state)

    def close(self) -> None:
        """Wait for the last call and end the thread; the store is closed with it."""
        self._pool.submit(self._state.close).result()
        self._pool.shutdown()


def _turn(state: StateStore, request: TurnRequest) -> TurnReply:
    reply = TurnReply()
    batch = request.batch
    if batch.processed or batch.started or batch.outcomes:
        reply.created = state.commit(batch)
    try:
        _read(state, request, reply)
    except StoreUnavailable:
        reply.read_failed = True
    return reply


def _read(state: StateStore, request: TurnRequest, reply: TurnReply) -> None:
    lease = request.batch.lease
    if request.look_around:
        # Before what was released is read: it is then part of that.
        reply.parked = state.release_parked(lease, request.parked_after, PARKED_PER_LOOK)
        reply.released = state.released_deliveries(lease)
        reply.closed = state.released_runs(lease)
        reply.controls = state.controls()
        _read_neighbours(state, request, reply)
    if request.reopen:
        reply.reopened = state.reopen(lease, request.reopen)
    if request.bodies:
        reply.bodies = state.bodies(request.bodies)
    if request.reload:
        reply.reloaded = state.open_deliveries(lease, request.reload)
    if request.room > 0:
        state.follow(FOLLOW_COUNT)
        reply.runs = state.new_runs(lease, request.room)
        earlier = [run.run_id for run in reply.runs if run.state is not State.RECEIVED]
        if earlier:
            reply.deliveries = state.open_deliveries(lease, earlier)
    fresh = [run.message_id for run in reply.runs if run.state is State.RECEIVED]
    _read_raw(state, [*request.messages, *fresh], request.raw_bytes_max, reply)


def _read_neighbours(state: StateStore, request: TurnRequest, reply: TurnReply) -> None:
    """Runs that stand in another worker's lane too."""
    if request.shared:
        reply.unblocked = set(request.shared) - state.blocked(request.shared)
    if request.foreign:
        states = state.run_states([message_id for _, message_id in request.foreign])
        reply.final = {
            run_id
            for run_id, message_id in request.foreign
            if message_id in states and states[message_id][0] in _LEAVES_LANES
        }


def _read_raw(
    state: StateStore, message_ids: Sequence[int], bytes_max: int, reply: TurnReply
) -> None:
    """Bytes, a few messages at a time, until there are enough."""
    read, begin, count = 0, 0, RAW_CHUNK
    while begin < len(message_ids) and read < bytes_max:
        chunk = message_ids[begin : begin + count]
        found = state.raw(chunk)
        reply.raw_asked.update(chunk)
        reply.raw.update(found)
        size = sum(map(len, found.values()))
        read += size
        begin += count
        count = RAW_CHUNK_SMALL if size <= SMALL_BYTES * len(chunk) else RAW_CHUNK
