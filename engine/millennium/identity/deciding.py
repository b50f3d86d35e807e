"""Pure. Which resource of the service a message means: the algorithm of report section 5.

The ledger first, then the service. A number the ledger knows is looked at again when that was long
ago, and merges are followed, in the ledger and on the service. A number it does not know is
searched for, under a claim when it may come to a create: nothing found is created, one found is
compared in a second factor, several are left to a person. Nothing is ever created after a search
that failed, nor while a create of before may have arrived.
"""

from collections.abc import Generator, Iterable
from typing import assert_never

from engine.millennium.identity.entries import (
    HOPS_MAX,
    Claim,
    EntryState,
    KeyKind,
    LedgerEntry,
    LedgerKey,
)
from engine.millennium.identity.knowledge import (
    PROBES_MAX,
    asked_again,
    ids_of,
    is_expected,
    leads_to,
    lost_of,
    names_one,
)
from engine.millennium.identity.outcomes import known_entries, lost_entries
from engine.millennium.identity.steps import (
    Answer,
    Claimed,
    Create,
    Decision,
    Entries,
    Hits,
    Hold,
    Look,
    Missing,
    Note,
    Noted,
    Question,
    Read,
    Reason,
    Seek,
    Seen,
    Sight,
    Take,
    Unaskable,
    Use,
    Wait,
    Wanted,
)
from engine.millennium.identity.verifying import Match, compare, successor

CREATES_MAX = 2
"""A create that was lost twice is a person's."""

Deciding = Generator[Question, Answer, Decision]


class _NoAnswerError(Exception):
    """A question was not answered."""


class _HeldError(Exception):
    """A person must decide."""

    def __init__(self, reason: Reason, ids: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.hold = Hold(reason=reason, ids=tuple(sorted(set(ids))))


def decide(wanted: Wanted) -> Deciding:
    """Decide about one resource; see the module and `steps`."""
    try:
        return (yield from _Case(wanted).decide())
    except _NoAnswerError:
        return Wait(reason=Reason.NO_ANSWER)
    except _HeldError as held:
        return held.hold


class _Case:
    """One decision on its way."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._keys = wanted.keys
        """Merged ones replaced by those they lead to."""
        self._once = wanted.keys[0].kind is KeyKind.ONCE

    def decide(self) -> Deciding:
        entries = yield from self._look()
        found = yield from self._in_ledger(entries)
        if found is not None:
            return found
        if not self._may_create():
            return (yield from self._found_or_missing())
        claim = yield from self._take()
        if claim is Claim.REFUSED:
            return Wait(reason=Reason.CLAIMED)
        if not ids_of(entries):
            # Until the claim was ours another may have made it.
            entries = yield from self._look()
            found = yield from self._in_ledger(entries)
            if found is not None:
                return found
        if claim is Claim.TAKEN_OVER:
            entries = yield from self._note_lost(entries)
        return (yield from self._search_or_create(entries))

    # -- the ledger --

    def _look(self) -> Generator[Question, Answer, dict[LedgerKey, LedgerEntry]]:
        """The entries of the keys, merges followed."""
        keys, passed = self._wanted.keys, set[LedgerKey]()
        for _ in range(HOPS_MAX + 1):
            answer = yield Look(keys)
            if not isinstance(answer, Entries):
                raise _NoAnswerError
            found = {key: answer.found[key] for key in keys if key in answer.found}
            retired = {key for key, entry in found.items() if entry.replaced_by is not None}
            if not retired:
                self._keys = keys
                return found
            if retired & passed:
                break
            passed |= retired
            keys = tuple(dict.fromkeys(leads_to(found.get(key), key) for key in keys))
        raise _HeldError(Reason.CIRCLE)

    def _in_ledger(
        self, entries: dict[LedgerKey, LedgerEntry]
    ) -> Generator[Question, Answer, Decision | None]:
        """What follows from the ledger; None: it does not know, or the service has it no more."""
        if any(entry.state is EntryState.DISPUTED for entry in entries.values()):
            return (yield from self._disputed())
        ids = ids_of(entries)
        if not ids:
            return None
        wanted = self._wanted
        fresh = () if self._once else [key for key in self._keys if not names_one(entries.get(key))]
        verified_at = min(entry.verified_at for entry in entries.values() if entry.id)
        is_recent = verified_at >= wanted.verified_after
        if len(ids) == 1 and is_recent and not fresh and not wanted.must_read:
            return Use(seen=None, id=ids[0])
        seen = yield from self._current(ids)
        # A further number of the message must not be somebody else's.
        added = yield from self._search(fresh)
        if not added and is_expected(lost_of(entries)):
            return Wait(reason=Reason.ASKING, entries=asked_again(entries))
        seen |= added
        return self._use(seen) if seen else None

    def _disputed(self) -> Deciding:
        """There were two of it: is there one now?"""
        seen: dict[str, Seen] = {}
        for key in self._keys:
            seen |= yield from self._seek(key)
        if len(seen) != 1:
            raise _HeldError(Reason.DUPLICATE, seen)
        return self._use(seen)

    # -- the service --

    def _found_or_missing(self) -> Deciding:
        if self._once:
            return Missing(keys=self._keys)
        seen = yield from self._search(self._keys)
        return self._use(seen) if seen else Missing(keys=self._keys)

    def _may_create(self) -> bool:
        """Not of a message whose numbers are all merged away: it does not say the survivor's."""
        wanted = self._wanted
        return wanted.may_create and bool(set(self._keys) & set(wanted.keys))

    def _search_or_create(self, entries: dict[LedgerKey, LedgerEntry]) -> Deciding:
        """Under the claim: search, and know whether a create of before may be under way."""
        lost = lost_of(entries)
        creates = lost.creates if lost is not None else 0
        if self._once and lost is None:
            return Create()
        try:
            seen = yield from self._search(self._keys)
        except _HeldError as held:
            if not creates and held.hold.reason is Reason.UNSETTLED:
                return Create()
            raise
        if seen:
            used = self._use(seen)
            return Use(seen=used.seen, id=used.id, entries=used.entries, adopted=creates > 0)
        if not creates:
            return Create()
        probes = (lost.probes if lost is not None else 0) + 1
        asked = lost_entries(self._keys, creates, probes)
        if probes < PROBES_MAX:
            return Wait(reason=Reason.ASKING, entries=asked)
        if creates >= CREATES_MAX:
            return Hold(reason=Reason.UNSETTLED, entries=asked)
        return Create(creates=creates)

    def _search(self, keys: Iterable[LedgerKey]) -> Generator[Question, Answer, dict[str, Seen]]:
        """What the service has under these keys, by id: at most one for each."""
        found: dict[str, Seen] = {}
        for key in keys:
            current = yield from self._seek(key)
            if len(current) > 1:
                raise _HeldError(Reason.AMBIGUOUS, current)
            found |= current
        return found

    def _seek(self, key: LedgerKey) -> Generator[Question, Answer, dict[str, Seen]]:
        """What the service has under a key, by id, merges followed."""
        answer = yield Seek(key)
        if isinstance(answer, Unaskable):
            raise _HeldError(Reason.UNSETTLED)
        if not isinstance(answer, Hits):
            raise _NoAnswerError
        return (yield from self._follow({one.id: one for one in answer.seen}))

    def _current(self, ids: Iterable[str]) -> Generator[Question, Answer, dict[str, Seen]]:
        """What the service has under these ids, merges followed."""
        found: dict[str, Seen] = {}
        for one in ids:
            seen = yield from self._read(one)
            if seen is not None:
                found[seen.id] = seen
        return (yield from self._follow(found))

    def _follow(self, seen: dict[str, Seen]) -> Generator[Question, Answer, dict[str, Seen]]:
        found: dict[str, Seen] = {}
        for one in seen.values():
            current, passed = one, {one.id}
            while other := successor(current.resource):
                if other in passed or len(passed) > HOPS_MAX:
                    raise _HeldError(Reason.CIRCLE, passed)
                passed.add(other)
                read = yield from self._read(other)
                if read is None:
                    raise _HeldError(Reason.CIRCLE, passed)
                current = read
            found[current.id] = current
        return found

    def _read(self, one: str) -> Generator[Question, Answer, Seen | None]:
        answer = yield Read(self._wanted.resource_type, one)
        if not isinstance(answer, Sight):
            raise _NoAnswerError
        return answer.seen

    def _take(self) -> Generator[Question, Answer, Claim]:
        answer = yield Take(self._keys)
        if not isinstance(answer, Claimed):
            raise _NoAnswerError
        return answer.claim

    def _note_lost(
        self, entries: dict[LedgerKey, LedgerEntry]
    ) -> Generator[Question, Answer, dict[LedgerKey, LedgerEntry]]:
        """The claim was left behind: its create may have been sent. That is written down at once,
        since the claim that says it ends with this attempt.
        """
        lost = lost_of(entries)
        noted = lost_entries(self._keys, (lost.creates if lost is not None else 0) + 1, 0)
        answer = yield Note(noted)
        if not isinstance(answer, Noted):
            raise _NoAnswerError
        return {entry.key: entry for entry in noted}

    # -- what it comes to --

    def _use(self, seen: dict[str, Seen]) -> Use:
        """The one that was found, compared; all keys lead to it from now on."""
        if len(seen) > 1:
            raise _HeldError(Reason.SEVERAL, seen)
        (found,) = seen.values()
        wanted = self._wanted
        match compare(wanted.verify, found.resource, wanted.policy):
            case Match.OTHER:
                raise _HeldError(Reason.MISMATCH, seen)
            case Match.UNSURE:
                raise _HeldError(Reason.UNVERIFIED, seen)
            case Match.SAME:
                entries = known_entries(self._keys, found.id, found.etag, wanted.now)
                return Use(seen=found, id=found.id, entries=entries)
            case other:
                assert_never(other)
