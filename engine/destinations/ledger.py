"""Rim. The ledger as destinations use it; implemented by the worker over its store."""

from collections.abc import Sequence
from typing import Protocol

from engine.millennium.identity.entries import Claim, LedgerEntry, LedgerKey


class LedgerUnavailable(Exception):  # noqa: N818  a condition of the store, named as the store says it
    """The ledger could not be read or written; nothing may be assumed about it."""


class Ledger(Protocol):
    """What exists on the services we write to, shared by all workers of all nodes.

    As `engine.store.ledger_interface`, without waiting in the event loop. Every call raises
    LedgerUnavailable.
    """

    async def find(self, root: str, keys: Sequence[LedgerKey]) -> dict[LedgerKey, LedgerEntry]:
        """What is known of these keys; merges are not followed."""
        ...

    async def known_ids(self, root: str, resource_type: str, ids: Sequence[str]) -> set[str]:
        """Those of these ids that some key points to."""
        ...

    async def retired_into(self, root: str, resource_type: str, resource_id: str) -> set[str]:
        """Ids of the resources that were merged into this one."""
        ...

    async def claim(
        self, root: str, keys: Sequence[LedgerKey], owner: str, ttl_seconds: float
    ) -> Claim:
        """The right to create what has these keys, or none of them."""
        ...

    async def release(self, root: str, keys: Sequence[LedgerKey], owner: str) -> None:
        """End claims when nothing was sent, or what was sent is written."""
        ...

    async def record(
        self,
        root: str,
        entries: Sequence[LedgerEntry],
        owner: str = "",
        step: tuple[int, int, str] | None = None,
    ) -> None:
        """Write entries, end the owner's claims on them, note (delivery id, position, outcome) of a
        call that is done: all in one transaction."""
        ...

    async def merge(
        self, root: str, survivor: Sequence[LedgerKey], retired: Sequence[LedgerKey], at: float
    ) -> None:
        """Let what is retired lead to the survivor."""
        ...

    async def steps(self, delivery_id: int) -> dict[int, str]:
        """Position -> outcome of the calls of a delivery that are done."""
        ...

    async def admit(self, destination: str, delivery_id: int, held_first: int) -> bool:
        """False for the first deliveries of a destination until a person released each."""
        ...
