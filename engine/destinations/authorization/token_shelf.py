"""Rim. Where tokens are kept between requests: a process's own memory, or what all processes share.

Decisions are those of `engine.pipeline.shared_token`, whoever keeps the row.
"""

from collections.abc import Callable
from typing import Protocol

from engine.pipeline.shared_token import KeptToken, Look, denied, extended, given, look


class TokensUnavailable(Exception):  # noqa: N818  a condition of the store, named as the store says it
    """The shared tokens cannot be read or written now."""


class TokenShelf(Protocol):
    """Keeps one row for each name. Every call raises TokensUnavailable."""

    async def look(self, name: str, holder: str, *, refused: int, unreadable: int) -> Look:
        """The token in force, or the right to ask for one, or that another has it."""
        ...

    async def give(self, name: str, holder: str, sealed: bytes, lifetime_seconds: float) -> int:
        """Keep a token; its generation, or 0 when another has taken over."""
        ...

    async def deny(self, name: str, holder: str, failure: str, pause_seconds: float) -> None:
        """End the right to ask without a token."""
        ...

    async def extend(self, name: str, holder: str) -> None:
        """Keep the right to ask for a while longer."""
        ...


class OwnShelf:
    """One row in memory: where nothing is shared, and while what is shared cannot be reached."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Args: the clock of lifetimes."""
        self._clock = clock
        self._name = ""
        self._kept = KeptToken()

    async def look(self, name: str, holder: str, *, refused: int, unreadable: int) -> Look:
        """See `TokenShelf.look`. A new name ends what was kept under the one before."""
        if name != self._name:
            self._name, self._kept = name, KeptToken()
        found = look(self._kept, self._clock(), holder, refused=refused, unreadable=unreadable)
        self._kept = found.kept
        return found

    async def give(self, name: str, holder: str, sealed: bytes, lifetime_seconds: float) -> int:
        """See `TokenShelf.give`."""
        return self._change(name, given(self._kept, holder, sealed, lifetime_seconds))

    async def deny(self, name: str, holder: str, failure: str, pause_seconds: float) -> None:
        """See `TokenShelf.deny`."""
        self._change(name, denied(self._kept, self._clock(), holder, failure, pause_seconds))

    async def extend(self, name: str, holder: str) -> None:
        """See `TokenShelf.extend`."""
        self._change(name, extended(self._kept, self._clock(), holder))

    def _change(self, name: str, after: KeptToken | None) -> int:
        if name != self._name or after is None:
            return 0  # of scopes that are asked for no more
        self._kept = after
        return after.generation
