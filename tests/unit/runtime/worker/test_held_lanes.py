"""When a renewed lease means that lanes were never lost, and when everything must be read again."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from engine.runtime.worker.held_lanes import Clocks, HeldLanes, Renewal
from engine.runtime.worker.store_turn import StoreThread
from engine.store.interface import LaneLease, StoreUnavailable


def lease(epoch: int, *buckets: int) -> LaneLease:
    return LaneLease(owner="w", epoch=epoch, buckets=frozenset(buckets), until=0.0)


@dataclass
class FakeStore:
    leases: list[LaneLease] = field(default_factory=list)
    released: list[LaneLease] = field(default_factory=list)
    down: bool = False

    async def acquire(self, owner: str, ttl_seconds: float, share: float) -> LaneLease:
        return self.leases.pop(0)

    async def release(self, given: LaneLease) -> None:
        if self.down:
            raise StoreUnavailable
        self.released.append(given)


@dataclass(slots=True)
class FakeClocks(Clocks):
    at: float = 1000.0

    def boot(self) -> float:
        return self.at


def held(*leases: LaneLease) -> tuple[HeldLanes, FakeStore, FakeClocks]:
    store, clocks = FakeStore(list(leases)), FakeClocks()
    return HeldLanes(cast(StoreThread, store), "w", 1.0, clocks), store, clocks


async def test_first_lease_begins_and_lasts_from_before_it_was_asked_for() -> None:
    lanes, _, clocks = held(lease(1, 0, 1))
    assert lanes.due
    assert await lanes.renew(20.0) is Renewal.BEGUN
    assert lanes.seconds_left() == 20.0
    clocks.at += 4.9
    assert not lanes.due
    clocks.at += 0.1
    assert lanes.due


@pytest.mark.parametrize(
    ("after", "seconds", "renewal"),
    [
        (lease(1, 0, 1), 5.0, Renewal.KEPT),
        (lease(1, 0, 1), 500.0, Renewal.KEPT),
        (lease(2, 0, 1, 2), 5.0, Renewal.KEPT),
        (lease(2, 0, 1, 2), 20.1, Renewal.LOST),
        (lease(2, 0), 5.0, Renewal.LOST),
    ],
    ids=["same", "late but nobody took it", "more lanes", "more lanes but late", "fewer lanes"],
)
async def test_renewal_tells_whether_lanes_were_ever_lost(
    after: LaneLease, seconds: float, renewal: Renewal
) -> None:
    lanes, _, clocks = held(lease(1, 0, 1), after)
    await lanes.renew(20.0)
    clocks.at += seconds
    assert await lanes.renew(20.0) is renewal


async def test_dropped_lease_is_never_taken_up_again_under_its_epoch() -> None:
    lanes, store, _ = held(lease(1, 0), lease(1, 0), lease(2, 0))
    await lanes.renew(20.0)
    store.down = True
    await lanes.drop()
    assert lanes.seconds_left() < 0
    store.down = False
    assert await lanes.renew(20.0) is Renewal.BEGUN
    assert lanes.lease.epoch == 2
    assert [found.epoch for found in store.released] == [1]


async def test_lanes_given_away_are_ours_no_more() -> None:
    lanes, store, _ = held(lease(1, 0, 1, 2))
    await lanes.renew(20.0)
    await lanes.give(frozenset({2}))
    assert lanes.lease.buckets == {0, 1}
    assert store.released[0].buckets == {2}


async def test_expired_lease_lets_nothing_begin() -> None:
    lanes, _, _ = held(lease(1, 0))
    await lanes.renew(20.0)
    lanes.expire()
    assert lanes.seconds_left() < 0
