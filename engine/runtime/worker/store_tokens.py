"""Rim. Tokens shared by all processes: the store's, asked in the worker's store thread."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from engine.destinations.authorization.token_shelf import TokensUnavailable
from engine.pipeline.shared_token import Look
from engine.runtime.worker.store_turn import StoreThread
from engine.store.interface import StoreUnavailable, TokenStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreTokens:
    """`destinations.authorization.token_shelf.TokenShelf` over the store thread."""

    store: StoreThread

    async def look(self, name: str, holder: str, *, refused: int, unreadable: int) -> Look:
        """The token in force, or the right to ask for one, or that another has it."""
        return await self._ask(
            lambda tokens: tokens.look(name, holder, refused=refused, unreadable=unreadable)
        )

    async def give(self, name: str, holder: str, sealed: bytes, lifetime_seconds: float) -> int:
        """Keep a token."""
        return await self._ask(lambda tokens: tokens.give(name, holder, sealed, lifetime_seconds))

    async def deny(self, name: str, holder: str, failure: str, pause_seconds: float) -> None:
        """End the right to ask without a token."""
        await self._ask(lambda tokens: tokens.deny(name, holder, failure, pause_seconds))

    async def extend(self, name: str, holder: str) -> None:
        """Keep the right to ask for a while longer."""
        await self._ask(lambda tokens: tokens.extend(name, holder))

    async def _ask(self, question: Callable[[TokenStore], T]) -> T:
        try:
            return await self.store.call(lambda state: question(state.tokens))
        except StoreUnavailable as problem:
            raise TokensUnavailable(str(problem)) from None
