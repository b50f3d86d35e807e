"""Pure. Resources that servers do not store go inside the resource that refers to them.

An OperationOutcome has no address on a server (R4: it is the answer to a request), so that of an
acknowledgment cannot be an entry of a transaction. R4 lets a resource hold what is nothing without
it (`contained`, https://hl7.org/fhir/R4/references.html#contained).
"""

from collections.abc import Sequence
from dataclasses import replace

from engine.fhir.entries import Entry, entry_name, references_of, renamed

NEVER_STORED = frozenset({"OperationOutcome"})


def contain(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, with those that no server stores inside the ones that refer to them.

    One that nothing refers to stays an entry, so that nothing is lost.
    """
    held = {
        entry_name(entry): entry
        for entry in entries
        if entry.resource["resourceType"] in NEVER_STORED
    }
    used: set[str] = set()
    found: list[Entry] = []
    for entry in entries:
        pointed = dict.fromkeys(
            text for _, text in references_of(entry.resource, "") if text in held
        )
        used.update(pointed)
        found.append(_holding(entry, [held[name] for name in pointed]) if pointed else entry)
    return [entry for entry in found if entry_name(entry) not in used]


def _holding(entry: Entry, inside: list[Entry]) -> Entry:
    """The entry with others inside, named `#outcome`, `#outcome-2`."""
    local = {
        entry_name(one): "outcome" if number == 1 else f"outcome-{number}"
        for number, one in enumerate(inside, 1)
    }
    resource = renamed(entry.resource, {name: f"#{short}" for name, short in local.items()})
    contained = [*resource.get("contained", ())]
    contained += [{**one.resource, "id": local[entry_name(one)]} for one in inside]
    return replace(entry, resource={**resource, "contained": contained}, recurring=None)
