"""Pure. What the ledger is told when a create has ended, and the look for a second one."""

from collections.abc import Generator, Iterable

from engine.millennium.identity.entries import EntryState, LedgerEntry, LedgerKey
from engine.millennium.identity.steps import (
    Answer,
    Decision,
    Hits,
    Hold,
    Question,
    Reason,
    Seek,
    Use,
    Wanted,
)
from engine.millennium.identity.verifying import successor


def known_entries(
    keys: Iterable[LedgerKey], resource_id: str, etag: str, now: float
) -> tuple[LedgerEntry, ...]:
    """All these keys lead to one resource, which the service has just confirmed."""
    return tuple(
        LedgerEntry(key=key, state=EntryState.KNOWN, id=resource_id, etag=etag, verified_at=now)
        for key in keys
    )


def check_created(wanted: Wanted, created_id: str) -> Generator[Question, Answer, Decision]:
    """Search once more after a create: was somebody else faster, or as fast?

    Nothing found is no news: how soon the service finds what it took is not documented (report
    section 9). Use: it is alone. Hold: there are two, and its keys are DISPUTED.
    """
    key = wanted.keys[0]
    answer = yield Seek(key)
    if not isinstance(answer, Hits):
        return Use(seen=None, id=created_id)
    ids = {one.id for one in answer.seen if not successor(one.resource)} | {created_id}
    if len(ids) == 1:
        return Use(seen=None, id=created_id)
    entries = tuple(
        LedgerEntry(key=one, state=EntryState.DISPUTED, id=created_id) for one in wanted.keys
    )
    return Hold(reason=Reason.DUPLICATE, ids=tuple(sorted(ids)), entries=entries)


def lost_entries(keys: Iterable[LedgerKey], creates: int, probes: int) -> tuple[LedgerEntry, ...]:
    """A create of this was sent so often and its answer lost; so often nothing was found since."""
    return tuple(
        LedgerEntry(key=key, state=EntryState.UNKNOWN, creates=creates, probes=probes)
        for key in keys
    )
