"""Rim. What the ledger promises: which resources exist, who creates one now, what is merged.

It decides nothing: the decisions are `engine.millennium.identity`'s. All calls block, each is one
transaction, and every failure is a StoreUnavailable. Values and rules are in
`engine.millennium.identity.entries`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.millennium.identity.entries import Claim, LedgerEntry, LedgerKey


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerStep:
    """One call of a delivery that is done."""

    delivery_id: int
    position: int
    outcome: str
    """Such as `created Patient/12742399`; no patient data."""


class LedgerStore(Protocol):
    """The ledger, shared by all workers of all nodes."""

    def find(self, root: str, keys: Sequence[LedgerKey]) -> dict[LedgerKey, LedgerEntry]:
        """What is known of these keys at a service root; merges are not followed."""
        ...

    def known_ids(self, root: str, resource_type: str, ids: Sequence[str]) -> set[str]:
        """Those of these resource ids that some key points to already."""
        ...

    def retired_into(self, root: str, resource_type: str, resource_id: str) -> set[str]:
        """Ids of the resources that were merged into this one, at whatever remove."""
        ...

    def claim(self, root: str, keys: Sequence[LedgerKey], owner: str, ttl_seconds: float) -> Claim:
        """The right to create what has these keys: all of them, or REFUSED and none.

        At most one owner at a time has a key, in all processes of all nodes. A claim ends by
        `record` or `release`, or after its time on the database's clock; one that ended by time,
        or that the same owner left behind, is given as TAKEN_OVER.
        """
        ...

    def release(self, root: str, keys: Sequence[LedgerKey], owner: str) -> None:
        """End claims when nothing was created, or before anything was sent."""
        ...

    def record(
        self,
        root: str,
        entries: Sequence[LedgerEntry],
        owner: str = "",
        step: LedgerStep | None = None,
    ) -> None:
        """Write entries, the owner's claims on them ended, and the step, in one transaction.

        Of `applied` the later time of each group stays. A RETIRED key stays as it is.
        """
        ...

    def merge(
        self, root: str, survivor: Sequence[LedgerKey], retired: Sequence[LedgerKey], at: float
    ) -> None:
        """Retire keys, with all others of their resources, into the survivor (its best key first).

        `at` is the time of the event: an older merge never undoes a later one. A survivor that
        was retired before lives again, so no circle is made.
        """
        ...

    def steps(self, delivery_id: int) -> dict[int, str]:
        """Position -> outcome of the calls of a delivery that are done."""
        ...

    def admit(self, destination: str, delivery_id: int, held_first: int) -> bool:
        """False for the first `held_first` deliveries of a destination until a person released
        each."""
        ...
