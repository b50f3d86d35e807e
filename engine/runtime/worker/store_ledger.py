"""Rim. The ledger for destinations: the store's, asked in the worker's store thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from engine.destinations.ledger import LedgerUnavailable
from engine.millennium.identity.entries import Claim, LedgerEntry, LedgerKey
from engine.runtime.worker.store_turn import StoreThread
from engine.store.interface import LedgerStore, StoreUnavailable
from engine.store.ledger_interface import LedgerStep

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreLedger:
    """`destinations.interface.Ledger` over the store thread."""

    store: StoreThread

    async def find(self, root: str, keys: Sequence[LedgerKey]) -> dict[LedgerKey, LedgerEntry]:
        """What is known of these keys."""
        return await self._ask(lambda ledger: ledger.find(root, keys))

    async def known_ids(self, root: str, resource_type: str, ids: Sequence[str]) -> set[str]:
        """Those of these ids that some key points to."""
        return await self._ask(lambda ledger: ledger.known_ids(root, resource_type, ids))

    async def retired_into(self, root: str, resource_type: str, resource_id: str) -> set[str]:
        """Ids of the resources that were merged into this one."""
        return await self._ask(lambda ledger: ledger.retired_into(root, resource_type, resource_id))

    async def claim(
        self, root: str, keys: Sequence[LedgerKey], owner: str, ttl_seconds: float
    ) -> Claim:
        """The right to create what has these keys."""
        return await self._ask(lambda ledger: ledger.claim(root, keys, owner, ttl_seconds))

    async def release(self, root: str, keys: Sequence[LedgerKey], owner: str) -> None:
        """End claims."""
        await self._ask(lambda ledger: ledger.release(root, keys, owner))

    async def record(
        self,
        root: str,
        entries: Sequence[LedgerEntry],
        owner: str = "",
        step: tuple[int, int, str] | None = None,
    ) -> None:
        """Write entries and a step that is done."""
        done = None
        if step is not None:
            done = LedgerStep(delivery_id=step[0], position=step[1], outcome=step[2])
        await self._ask(lambda ledger: ledger.record(root, entries, owner, done))

    async def merge(
        self, root: str, survivor: Sequence[LedgerKey], retired: Sequence[LedgerKey], at: float
    ) -> None:
        """Let what is retired lead to the survivor."""
        await self._ask(lambda ledger: ledger.merge(root, survivor, retired, at))

    async def steps(self, delivery_id: int) -> dict[int, str]:
        """Calls of a delivery that are done."""
        return await self._ask(lambda ledger: ledger.steps(delivery_id))

    async def admit(self, destination: str, delivery_id: int, held_first: int) -> bool:
        """Whether a delivery may go out."""
        return await self._ask(lambda ledger: ledger.admit(destination, delivery_id, held_first))

    async def _ask(self, question: Callable[[LedgerStore], T]) -> T:
        try:
            return await self.store.call(lambda state: question(state.ledger))
        except StoreUnavailable as problem:
            raise LedgerUnavailable(str(problem)) from None
