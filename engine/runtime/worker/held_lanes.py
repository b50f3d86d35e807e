"""Rim. The worker's lease: how long it holds, when to renew it, and whether it was ever lost.

Deadlines are counted on CLOCK_BOOTTIME from before the lease was asked for, so neither a jump of
the wall clock nor a suspended machine makes a lease look younger than it is.
"""

import contextlib
import time
from dataclasses import dataclass, field, replace
from enum import Enum

from engine.runtime.worker.store_turn import StoreThread
from engine.store.interface import LaneLease, LeaseLost, StoreUnavailable

NO_LEASE = LaneLease(owner="", epoch=0, buckets=frozenset(), until=0.0)
RENEWALS_PER_LEASE = 4
"""So that one slow answer of the store does not cost the lease."""


@dataclass(slots=True)
class Clocks:
    """The clocks, so that tests can have their own."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def boot(self) -> float:
        """Seconds since start of the machine, suspension included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class Renewal(Enum):
    """What a renewal found."""

    BEGUN = "begun"
    """Lanes, where there were none."""
    KEPT = "kept"
    """All lanes there were, perhaps more."""
    LOST = "lost"
    """Some may have been in other hands meanwhile: nothing that is loaded can be trusted."""


@dataclass(slots=True)
class HeldLanes:
    """The lease of one worker."""

    store: StoreThread
    owner: str
    share: float
    clocks: Clocks
    lease: LaneLease = field(default=NO_LEASE)
    _until: float = 0.0
    _renew_at: float = 0.0
    _dropped_epoch: int = 0
    """The lease that was given up: under it the store would not give its runs again."""

    def seconds_left(self) -> float:
        """How long the lease lasts from now, by our own clock."""
        return self._until - self.clocks.boot()

    @property
    def due(self) -> bool:
        """True when the lease is to be renewed."""
        return self.clocks.boot() >= self._renew_at

    async def renew(self, ttl_seconds: float) -> Renewal:
        """Take or renew. Raises StoreUnavailable. After LOST call `drop`, and nothing else."""
        before, asked = self.lease, self.clocks.boot()
        lease = await self.store.acquire(self.owner, ttl_seconds, self.share)
        if lease.epoch == self._dropped_epoch:
            await self.store.release(lease)
            lease = await self.store.acquire(self.owner, ttl_seconds, self.share)
        doubtful = asked > self._until or not before.buckets <= lease.buckets
        lost = bool(before.buckets) and lease.epoch != before.epoch and doubtful
        self.lease, self._until = lease, asked + ttl_seconds
        self._renew_at = asked + ttl_seconds / RENEWALS_PER_LEASE
        if lost:
            return Renewal.LOST
        return Renewal.KEPT if before.buckets else Renewal.BEGUN

    async def give(self, given: frozenset[int]) -> None:
        """Give some lanes to others; nothing of theirs may be in flight. Raises
        StoreUnavailable."""
        kept = replace(self.lease, buckets=self.lease.buckets - given, wanted_by_others=0)
        await self.store.release(replace(self.lease, buckets=given))
        self.lease = kept

    def expire(self) -> None:
        """Let nothing begin any more under this lease."""
        self._until = 0.0

    async def drop(self) -> None:
        """Give everything back and begin anew at the next renewal."""
        with contextlib.suppress(StoreUnavailable, LeaseLost):
            await self.store.release(self.lease)
        self._dropped_epoch = self.lease.epoch
        self.lease, self._until, self._renew_at = NO_LEASE, 0.0, 0.0
