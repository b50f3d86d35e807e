"""Pure. What deciding an identity asks for, what it is told, and what it comes to.

The decision (`deciding`) is a generator: it yields a question, is sent the answer, and returns the
decision. Whoever drives it does the input and output, and keeps none of it to himself: a question
that could not be answered is answered with NoAnswer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.millennium.identity.entries import Claim, LedgerEntry, LedgerKey
from engine.millennium.identity.verifying import MatchPolicy

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The resource a call is about."""

    resource_type: str
    keys: tuple[LedgerKey, ...]
    """Best first. One of kind ONCE, where the service cannot be searched by anything it has."""
    verify: Json = field(default_factory=dict)
    policy: MatchPolicy = MatchPolicy.STANDARD
    may_create: bool
    must_read: bool = False
    """The service's copy is needed, whatever the ledger knows: it is to be changed."""
    now: float
    """Unix seconds."""
    verified_after: float
    """What the ledger knows from before then is looked at again; Unix seconds."""


# -- questions --


@dataclass(frozen=True, slots=True)
class Look:
    """What has the ledger? Answer: Entries."""

    keys: tuple[LedgerKey, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """What has the service under this id? Answer: Sight."""

    resource_type: str
    id: str


@dataclass(frozen=True, slots=True)
class Seek:
    """What has the service under this key? Of kind ONCE: what may be what was sent, without what
    the ledger knows to be something else. Answer: Hits."""

    key: LedgerKey


@dataclass(frozen=True, slots=True)
class Take:
    """The right to create it. Answer: Claimed."""

    keys: tuple[LedgerKey, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Write this to the ledger now, the claim kept. Answer: Noted."""

    entries: tuple[LedgerEntry, ...]


Question = Look | Read | Seek | Take | Note


# -- answers --


@dataclass(frozen=True, slots=True)
class Entries:
    """The ledger's entries of the keys that have one."""

    found: Mapping[LedgerKey, LedgerEntry]


@dataclass(frozen=True, slots=True)
class Seen:
    """One resource as the service has it."""

    id: str
    etag: str
    resource: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a read gave; None: there is none."""

    seen: Seen | None


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search gave."""

    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What taking the claim came to."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The service did not answer, or refused to."""


@dataclass(frozen=True, slots=True)
class Noted:
    """It is written."""


@dataclass(frozen=True, slots=True)
class Unaskable:
    """There is no search that could tell."""


Answer = Entries | Sight | Hits | Claimed | Noted | NoAnswer | Unaskable


# -- decisions --


class Reason(StrEnum):
    """Why nothing is written now: failure codes of a delivery, a bounded vocabulary."""

    AMBIGUOUS = "identity-ambiguous"
    """One number leads to several resources."""
    SEVERAL = "identity-several"
    """The numbers of one message lead to different resources."""
    MISMATCH = "identity-mismatch"
    """The number leads to somebody else: the second factor does not agree."""
    UNVERIFIED = "identity-unverified"
    """Found by number, and there is too little to compare."""
    DUPLICATE = "identity-duplicate"
    """Another system created it too, at the same time."""
    CIRCLE = "identity-circle"
    """Merges that lead back to where they began, or on and on."""
    UNSETTLED = "create-unsettled"
    """Twice the answer to a create was lost, and the service has nothing."""
    ASKING = "create-asking"
    """The answer to a create was lost, and the service is asked again in a while."""
    CLAIMED = "create-claimed"
    """Another delivery is creating it."""
    NO_ANSWER = "identity-no-answer"
    """The service could not be asked."""
    NO_NUMBER = "identity-none"
    """It has no business key."""
    MISSING = "reference-missing"
    """What it refers to is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """It is there."""

    seen: Seen | None
    """The service's copy where it was read."""
    id: str
    entries: tuple[LedgerEntry, ...] = ()
    """To be recorded; ends the claim."""
    adopted: bool = False
    """A create of ours had made it, whose answer was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """It is not there, and the claim on its keys is ours."""

    creates: int = 0
    """Sent before, and lost for all that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """It is not there, and is not ours to create."""

    keys: tuple[LedgerKey, ...]
    """What it would be known by: merged ones replaced by those they lead to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Try again later."""

    reason: Reason
    entries: tuple[LedgerEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A person must decide."""

    reason: Reason
    ids: tuple[str, ...] = ()
    """Resources it is about: shown to the person."""
    entries: tuple[LedgerEntry, ...] = ()


Decision = Use | Create | Missing | Wait | Hold
