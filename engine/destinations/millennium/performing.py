"""Rim. The calls of one delivery, one after the other, each exactly once.

A call is resolved (references, identity), made, and noted in the ledger before the next one begins,
so that another attempt goes on with the first that is not done. Nothing is created that the ledger
or the service has; see `identity.deciding`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.channel.model import MillenniumDestinationConfig
from engine.destinations.interface import Awaited
from engine.destinations.ledger import Ledger
from engine.destinations.millennium.changing import Change, apply_change
from engine.destinations.millennium.creating import Creation, create
from engine.destinations.millennium.exchanges import Exchanges
from engine.destinations.millennium.identity import Inquiry
from engine.destinations.millennium.stopping import Stopped, held, parked, stopped_by
from engine.destinations.millennium.subjects import (
    applied_to,
    event_times,
    keys_for,
    referenced,
    second_factor,
    without_retired,
)
from engine.millennium.calls.body import CHANGE, MERGE
from engine.millennium.calls.model import CallPreset, Interaction
from engine.millennium.calls.references import filled_probe
from engine.millennium.calls.rendering import content_of
from engine.millennium.identity.deciding import decide
from engine.millennium.identity.entries import KeyKind, LedgerEntry, LedgerKey
from engine.millennium.identity.matching import instant
from engine.millennium.identity.normalising import keys_of, with_normalised
from engine.millennium.identity.outcomes import check_created, known_entries
from engine.millennium.identity.steps import (
    Create,
    Hold,
    Missing,
    Reason,
    Use,
    Wait,
    Wanted,
)
from engine.millennium.identity.verifying import MatchPolicy

Json = dict[str, Any]

AWAITED_TYPES = frozenset({"Patient", "Encounter"})
"""What a message waits for: it will be registered. Others are left out where they may be."""
RESOLUTIONS_MAX = 2
"""Of one identity in an attempt: what is gone is looked for once more."""


@dataclass(slots=True, kw_only=True)
class Performance:
    """The calls of one attempt."""

    config: MillenniumDestinationConfig
    presets: Mapping[str, CallPreset]
    ledger: Ledger
    exchanges: Exchanges
    delivery_id: int
    now: float
    """Unix seconds."""
    known: dict[str, str] = field(default_factory=dict)
    """Engine's name of a resource -> its reference at the service."""
    lacking: dict[str, Reason] = field(default_factory=dict)
    """Names of what cannot be referred to, and why."""

    async def perform(self, position: int, call: Json) -> None:
        """Make one call.

        Raises:
            Stopped: it cannot be made now, or ever.
            AuthorizationFailed, LedgerUnavailable, OutOfTimeError: as their owners say.
            KeyError, TypeError, ValueError: the stored call is none.
        """
        if call["call"] == MERGE:
            await self._merge(position, call)
            return
        preset = self.presets[call["call"]]
        if "resource" in call:
            await self._write(position, call, preset)
        else:
            await self._find(call, preset)

    def resume(self, call: Json, outcome: str) -> None:
        """A call that an earlier attempt made."""
        self.exchanges.transcript.note(f"done before: {outcome}")
        reference = outcome.rpartition(" ")[2]
        if "name" in call and "/" in reference:
            self.known[call["name"]] = reference

    # -- merges --

    async def _merge(self, position: int, call: Json) -> None:
        survivor = keys_of("Patient", call["survivor"], self._pools)
        retired = keys_of("Patient", call["retired"], self._pools)
        if not survivor or not retired:
            raise held(Reason.NO_NUMBER, "Patient")
        at = instant(call.get("event_at")) or self.now
        await self.ledger.merge(self._root, survivor, retired, at)
        await self._record((), position, "merged in the ledger")
        self.exchanges.transcript.note("merged in the ledger: the survivor counts from now on")

    # -- what is only referred to --

    async def _find(self, call: Json, preset: CallPreset) -> None:
        name, kind = call["name"], preset.resource
        keys = keys_of(kind, call["identifiers"], self._pools)
        if not keys:
            self.lacking[name] = Reason.NO_NUMBER
            return
        wanted = await self._wanted(call, kind, keys)
        inquiry = self._inquiry(preset, preset, may_create=False)
        decision = await inquiry.decide(decide(wanted))
        match decision:
            case Use():
                if decision.entries:
                    await self.ledger.record(self._root, decision.entries)
                self.known[name] = f"{kind}/{decision.id}"
            case Missing() if kind in AWAITED_TYPES:
                raise self._awaiting(kind, decision.keys)
            case Missing():
                self._leave_out(name, Reason.MISSING)
            case Hold() if kind not in AWAITED_TYPES:
                self._leave_out(name, decision.reason)
            case Hold() | Wait():
                raise stopped_by(decision, kind, inquiry.failure)
            case Create():
                raise AssertionError("nothing is created that is only looked for")

    def _awaiting(self, kind: str, keys: tuple[LedgerKey, ...]) -> Stopped:
        """It waits beside its lane until one of these keys is known."""
        seconds = self.config.park_seconds
        return parked(kind, Awaited(root=self._root, keys=keys, seconds=seconds))

    def _leave_out(self, name: str, reason: Reason) -> None:
        self.lacking[name] = reason
        kind = name.partition("/")[0]
        self.exchanges.transcript.note(f"left out where it may be: {kind}, {reason.value}")

    # -- what is written --

    async def _write(self, position: int, call: Json, preset: CallPreset) -> None:
        registers = preset.interaction is Interaction.REGISTER
        creator = (preset.create or preset.change) if registers else preset
        if creator is None:
            raise ValueError(f"{preset.name} writes nothing")
        may_create = creator is not preset.change and call.get("only") != CHANGE
        kind = preset.resource
        resource = referenced(call, self.known, self.lacking, creator)
        resource = with_normalised(resource, self._pools)
        keys = keys_for(call, creator, self._pools)
        if not keys:
            raise held(Reason.NO_NUMBER, kind)
        wanted = await self._wanted(call, kind, keys)
        wanted = replace(wanted, may_create=may_create, must_read=preset.change is not None)
        for _ in range(RESOLUTIONS_MAX):
            inquiry = self._inquiry(preset.find, creator, may_create=may_create)
            inquiry.sent = resource
            inquiry.probe = filled_probe(call.get("probe", ""), resource)
            async with inquiry.claims():
                decision = await inquiry.decide(decide(wanted))
                resource = without_retired(resource, inquiry.entries, self._pools)
                match decision:
                    case Create():
                        creation = Creation(
                            preset=creator,
                            resource=resource,
                            content=content_of(creator, resource, call.get("once", "")),
                            keys=inquiry.claimed,
                            lost=decision.creates,
                        )
                        reference = await self._create(position, call, creation, inquiry, wanted)
                    case Use():
                        found = await self._use(position, call, preset, resource, decision, inquiry)
                        if found is None:
                            wanted = replace(wanted, must_read=True)
                            continue
                        reference = found
                    case Hold() | Wait():
                        await self._end(inquiry, decision.entries)
                        raise stopped_by(decision, kind, inquiry.failure)
                    case Missing():
                        # Perhaps what it changes is parked itself: its lane must go on.
                        raise self._awaiting(kind, decision.keys)
            self.known[call["name"]] = reference
            return
        raise held(Reason.MISSING, kind)

    async def _create(
        self, position: int, call: Json, creation: Creation, inquiry: Inquiry, wanted: Wanted
    ) -> str:
        """Create it, note it, look whether somebody else did; its reference."""
        created = await create(creation, self.exchanges, self.ledger, inquiry)
        kind = creation.preset.resource
        reference = f"{kind}/{created.id}"
        times = event_times(call, creation.resource)
        entries = tuple(
            replace(entry, applied=times)
            for entry in known_entries(creation.keys, created.id, created.etag, self.now)
        )
        await self._record(entries, position, f"created {reference}", inquiry)
        if wanted.keys[0].kind is KeyKind.IDENTIFIER:
            checked = await inquiry.decide(
                check_created(replace(wanted, keys=creation.keys), created.id)
            )
            if isinstance(checked, Hold):
                await self.ledger.record(self._root, checked.entries)
                raise stopped_by(checked, kind, None)
        return reference

    async def _use(
        self,
        position: int,
        call: Json,
        preset: CallPreset,
        resource: Json,
        use: Use,
        inquiry: Inquiry,
    ) -> str | None:
        """Change what is there, and note it; None when it is gone meanwhile."""
        reference = f"{preset.resource}/{use.id}"
        entries = use.entries or tuple(
            entry for entry in inquiry.entries.values() if entry.id == use.id
        )
        if preset.change is None or use.seen is None:
            verb = "adopted" if use.adopted else "found"
            await self._record(entries, position, f"{verb} {reference}", inquiry)
            return reference
        change = Change(
            preset=preset.change,
            resource=resource,
            deletes=tuple(call.get("deletes", ())),
            event_at=instant(call.get("event_at")),
            pools=self._pools,
            reader=preset.read,
        )
        applied = applied_to(use.id, inquiry.entries)
        changed = await apply_change(change, use.seen, applied, self.exchanges, inquiry)
        if changed is None:
            return None
        verb = "adopted" if use.adopted else changed.verb
        written = tuple(
            replace(entry, etag=changed.etag, verified_at=self.now, applied=changed.applied)
            for entry in entries
        )
        await self._record(written, position, f"{verb} {reference}", inquiry)
        return reference

    # -- parts --

    @property
    def _root(self) -> str:
        return self.exchanges.root

    @property
    def _pools(self) -> Mapping[str, tuple[str, ...]]:
        tenant = self.exchanges.service.tenant
        return {system: pool.normalise for system, pool in tenant.alias_pools.items()}

    async def _wanted(self, call: Json, kind: str, keys: tuple[LedgerKey, ...]) -> Wanted:
        return Wanted(
            resource_type=kind,
            keys=keys,
            verify=await second_factor(call, self.known, self.ledger, self._root),
            policy=MatchPolicy(self.config.match),
            may_create=False,
            now=self.now,
            verified_after=self.now - self.config.verify_seconds,
        )

    def _inquiry(
        self, finder: CallPreset | None, reader: CallPreset, *, may_create: bool
    ) -> Inquiry:
        return Inquiry(
            ledger=self.ledger,
            exchanges=self.exchanges,
            owner=str(self.delivery_id),
            finder=finder,
            reader=reader,
            may_create=may_create,
        )

    async def _end(self, inquiry: Inquiry, entries: tuple[LedgerEntry, ...]) -> None:
        if entries:
            await self.ledger.record(self._root, entries, inquiry.owner)

    async def _record(
        self,
        entries: tuple[LedgerEntry, ...],
        position: int,
        outcome: str,
        inquiry: Inquiry | None = None,
    ) -> None:
        """Note a call that is done, in the ledger and for this delivery, in one transaction."""
        step = (self.delivery_id, position, outcome)
        owner = inquiry.owner if inquiry is not None else ""
        await self.ledger.record(self._root, entries, owner, step)
        if inquiry is not None:
            inquiry.sending = False
