"""Rim. What a composed call is about at the service: ids for names, keys, the second factor."""

from collections.abc import Mapping
from typing import Any

from engine.destinations.ledger import Ledger
from engine.destinations.millennium.stopping import held
from engine.millennium.calls.model import CallPreset
from engine.millennium.calls.references import engine_names, with_references
from engine.millennium.identity.entries import EntryState, KeyKind, LedgerEntry, LedgerKey
from engine.millennium.identity.matching import instant
from engine.millennium.identity.normalising import Rules, keys_of
from engine.millennium.identity.order import RESOURCE
from engine.millennium.identity.steps import Reason

Json = dict[str, Any]


def referenced(
    call: Json, known: Mapping[str, str], lacking: Mapping[str, Reason], creator: CallPreset
) -> Json:
    """The resource with ids for names; what may go goes with a reference that is not known.

    Args:
        call: whose resource it is; it stays as it is.
        known: the engine's name of a resource -> its reference at the service.
        lacking: names of what is not there, and why.
        creator: the call that creates it: its rules say what is required.

    Raises:
        Stopped: HELD, it may not go without one of them.
    """
    resource: Json = call["resource"]
    names = list(engine_names(resource))
    if not names:
        return resource
    demanded = call.get("demanded", ())
    made, _, missing = with_references(resource, known, creator.rules, demanded)
    if missing:
        reasons = [lacking[name] for name in names if name in lacking]
        raise held(reasons[0] if reasons else Reason.MISSING, creator.resource)
    return made


def keys_for(call: Json, creator: CallPreset, pools: Rules) -> tuple[LedgerKey, ...]:
    """The keys of what a call writes: its identifiers, or what the message says once."""
    if creator.once:
        once = LedgerKey(
            kind=KeyKind.ONCE,
            resource_type=creator.resource,
            system=call["call"],
            value=call["once"],
        )
        return (once,)
    return keys_of(creator.resource, call["identifiers"], pools)


def without_retired(resource: Json, entries: Mapping[LedgerKey, LedgerEntry], pools: Rules) -> Json:
    """The resource without numbers that were merged away: the survivor does not get them back."""
    kind = resource.get("resourceType", "")
    identifiers = resource.get("identifier")
    retired = {key for key, entry in entries.items() if entry.state is EntryState.RETIRED}
    if not retired or not isinstance(identifiers, list):
        return resource
    kept = [
        item
        for item in identifiers
        if not ({"system", "value"} <= item.keys() and {*keys_of(kind, [item], pools)} & retired)
    ]
    return {**resource, "identifier": kept}


async def second_factor(call: Json, known: Mapping[str, str], ledger: Ledger, root: str) -> Json:
    """The second factor of a call; of a visit the ids of its patient, those merged into it too."""
    verify: Json = call.get("verify", {})
    if "subject" not in verify:
        return verify
    kind, _, found = known.get(verify["subject"], "").partition("/")
    if not found:
        return {}
    merged = await ledger.retired_into(root, kind, found)
    return {"subject": (found, *sorted(merged))}


def applied_to(resource_id: str, entries: Mapping[LedgerKey, LedgerEntry]) -> Mapping[str, float]:
    """Times of what was written to a resource, of all keys that lead to it."""
    found: dict[str, float] = {}
    for entry in entries.values():
        if entry.id == resource_id and entry.state is EntryState.KNOWN:
            found |= entry.applied
    return found


def event_times(call: Json, resource: Json) -> Mapping[str, float]:
    """The event's time for each group of a resource that was created."""
    at = instant(call.get("event_at"))
    return {} if at is None else dict.fromkeys((*resource, RESOURCE), at)
