"""Pure. What the ledger knows: which resource of a service a business key of ours belongs to.

The service has no idempotency of its own (report section 0, 2): no conditional create, no
idempotency key. So what was created, and what may have been, is kept here. Ids and identifiers mean
nothing outside the full service root (section 1.1), which is why every call of the ledger has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class KeyKind(StrEnum):
    """What a key is made of."""

    IDENTIFIER = "identifier"
    """A business identifier: the server can be searched for it."""
    ONCE = "once"
    """Our own hash of what a message says once, for resources without such an identifier."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LedgerKey:
    """One business key. Its value is a patient's: it never reaches a log."""

    kind: KeyKind = KeyKind.IDENTIFIER
    resource_type: str
    """Some senders number patients and visits alike under one system: the type keeps them apart."""
    system: str
    """URI of the alias pool, or the name of the call for ONCE."""
    value: str = field(repr=False)
    """Normalised as its alias pool says."""


class EntryState(StrEnum):
    """What is known of a key."""

    KNOWN = "known"
    """The resource is there, under `id`."""
    UNKNOWN = "unknown"
    """A create was sent and its answer lost: it may be there. Without any lost (`creates` 0), one
    was refused for a while: it is searched for before the next."""
    RETIRED = "retired"
    """Merged into the key `replaced_by`."""
    DISPUTED = "disputed"
    """Two resources were found for it after one was created: nothing is written before a person
    has put that right on the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """What the ledger has for a key."""

    key: LedgerKey
    state: EntryState
    id: str = ""
    """Of the resource; empty while UNKNOWN, and for what was merged before it was ever seen."""
    etag: str = ""
    """As the server gave it last: opaque."""
    verified_at: float = 0.0
    """When the server last confirmed it, Unix seconds."""
    applied: Mapping[str, float] = field(default_factory=dict)
    """Field group -> time of the newest event whose values were written, Unix seconds."""
    replaced_by: LedgerKey | None = None
    creates: int = 0
    """Creates that were sent and whose outcome is not known."""
    probes: int = 0
    """How often the server was asked since the last of them, and had nothing."""


class Claim(StrEnum):
    """What asking for the right to create came to."""

    GRANTED = "granted"
    TAKEN_OVER = "taken over"
    """Its last holder never said how its create ended: it may be there."""
    REFUSED = "refused"
    """Another delivery is at it now."""


HOPS_MAX = 5
"""Merges followed from one key, in the ledger and on the server."""
