"""Rim. The worker's destinations follow its configuration: kept, replaced or closed.

A destination whose configuration has not changed keeps its connections, breaker and queue. One that
changed gets a new object and keeps its queue; the old object is closed once its attempts have
ended. What waits for a destination that is gone is HELD for a person, whose lanes then go on.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.channel.model import DestinationConfig
from engine.destinations.interface import Destination, SecretSource
from engine.pipeline.states import State
from engine.runtime.worker.outlet import Outlet
from engine.runtime.worker.plans import Plans
from engine.runtime.worker.workload import Workload, bucket_of_delivery
from engine.store.interface import Delivery, Outcome

Opening = Callable[[DestinationConfig, SecretSource], Destination]
DESTINATION_GONE = "destination-gone"


@dataclass(slots=True)
class ConfiguredOutlets:
    """Keeps `Workload.outlets` in step with the plans."""

    work: Workload
    secrets: SecretSource
    opening: Opening
    _removed: set[tuple[str, str]] = field(default_factory=set)
    _retired: list[tuple[Destination, frozenset[int]]] = field(default_factory=list)
    """Replaced objects, and the tokens whose attempts still use them."""

    def use(self, plans: Plans, in_flight: frozenset[int]) -> None:
        """Open what is new, replace what changed, mark what is gone."""
        wanted: dict[tuple[str, str], DestinationConfig] = {
            (name, config.name): config
            for name, channel in plans.channels.items()
            for config in channel.config.destinations
        }
        for key, config in wanted.items():
            outlet = self.work.outlets.get(key)
            if outlet is None:
                destination = self.opening(config, self.secrets)
                self.work.outlets[key] = Outlet(key[0], config, destination)
            elif outlet.config != config:
                self._retired.append((outlet.destination, in_flight))
                outlet.reconfigure(config, self.opening(config, self.secrets))
        self._removed = self.work.outlets.keys() - wanted.keys()

    def tidy(self, in_flight: frozenset[int], now: float) -> list[tuple[int, Outcome]]:
        """Hold what waits for destinations that are gone; close what is used no more.

        Returns (lane bucket, outcome) of the deliveries held.
        """
        held: list[tuple[int, Outcome]] = []
        for key in list(self._removed):
            outlet = self.work.outlets[key]
            for live in self.work.evict(outlet, in_flight):
                row = _gone(live.delivery_id, live.attempts, now, possibly_sent=live.possibly_sent)
                held.append((bucket_of_delivery(live), row))
            if not outlet.loaded and not outlet.spilled:
                del self.work.outlets[key]
                self._removed.discard(key)
                self._retired.append((outlet.destination, frozenset()))
        return held

    async def close_retired(self, in_flight: frozenset[int]) -> None:
        """Close objects that no attempt uses any more."""
        kept: list[tuple[Destination, frozenset[int]]] = []
        for destination, tokens in self._retired:
            if tokens & in_flight:
                kept.append((destination, tokens))
            else:
                await destination.close()
        self._retired = kept

    async def close(self) -> None:
        """Close everything, when no attempt is in flight."""
        everything = [destination for destination, _ in self._retired]
        everything += [outlet.destination for outlet in self.work.outlets.values()]
        await asyncio.gather(*(destination.close() for destination in everything))
        self._retired = []


def homeless_outcome(delivery: Delivery, now: float) -> Outcome:
    """HELD, for a delivery found in the store whose destination is not configured."""
    possibly_sent = delivery.possibly_sent or delivery.state is State.PENDING
    return _gone(delivery.delivery_id, delivery.attempts, now, possibly_sent=possibly_sent)


def _gone(delivery_id: int, attempts: int, now: float, *, possibly_sent: bool) -> Outcome:
    return Outcome(
        delivery_id=delivery_id,
        number=attempts + 1,
        started_at=now,
        finished_at=now,
        state=State.HELD,
        failure_code=DESTINATION_GONE,
        possibly_sent=possibly_sent,
    )
