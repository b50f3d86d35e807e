"""Rim. Plans of earlier configurations, for replays on the configuration "as it was then"."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.runtime.worker.plans import Plans

KEPT_MAX = 3
"""Earlier configurations in memory: each has a compiled library of its own."""


class RevisionGone(Exception):  # noqa: N818  a condition, as analysts say it
    """The snapshot of that configuration is not kept any more, or cannot be read."""


@dataclass(slots=True)
class EarlierPlans:
    """Loads snapshots beside the work, one thread at a time, and keeps the last few."""

    load: Callable[[str], Plans]
    """The plans of a revision; runs in a thread. Raises OSError or ValueError."""
    loaded: Callable[[], None]
    """Told when one has been loaded, or found to be gone."""
    _plans: dict[str, Plans | None] = field(default_factory=dict)
    """By revision, the last used last; None: gone."""
    _loading: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def get(self, revision: str) -> Plans | None:
        """The plans of that revision; None while they are being loaded. Raises RevisionGone."""
        if revision not in self._plans:
            if revision not in self._loading:
                self._loading[revision] = asyncio.create_task(self._load(revision))
            return None
        plans = self._plans.pop(revision)
        self._plans[revision] = plans
        if plans is None:
            raise RevisionGone(revision)
        return plans

    async def _load(self, revision: str) -> None:
        try:
            self._plans[revision] = await asyncio.to_thread(self.load, revision)
        except (OSError, ValueError):
            self._plans[revision] = None
        finally:
            del self._loading[revision]
        while len(self._plans) > KEPT_MAX:
            del self._plans[next(iter(self._plans))]
        self.loaded()
