"""Rim. What a worker tells the store about problems: outages it sees, and groups that are over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.runtime.worker.sending import Outage
from engine.store.interface import StateStore

CLOSE_SECONDS = 5.0
"""How often the groups of which nothing waits any more are looked for."""


@dataclass(slots=True)
class ProblemWatch:
    """Belongs to one worker."""

    owner: str
    _begun: bool = field(default=False)
    _close_at: float = field(default=0.0)

    def step(
        self, changes: Sequence[Outage], now: float, *, closes: bool
    ) -> Callable[[StateStore], None] | None:
        """The step to be run in the store's thread; None when there is nothing to tell.

        Args:
            changes: circuits that opened or closed.
            now: Unix seconds.
            closes: this worker is the one that closes groups.
        """
        closing = closes and now >= self._close_at
        if self._begun and not changes and not closing:
            return None
        begins, self._begun = not self._begun, True
        if closing:
            self._close_at = now + CLOSE_SECONDS

        def tell(state: StateStore) -> None:
            if begins:
                state.problems.end_outages_of(self.owner, now)
            for change in changes:
                self._tell(state, change)
            if closing:
                state.problems.close_settled(now)

        return tell

    def _tell(self, state: StateStore, change: Outage) -> None:
        if change.code:
            state.problems.begin_outage(
                channel=change.channel,
                destination=change.destination,
                owner=self.owner,
                code=change.code,
                at=change.at,
            )
        else:
            state.problems.end_outage(
                channel=change.channel,
                destination=change.destination,
                owner=self.owner,
                at=change.at,
            )
