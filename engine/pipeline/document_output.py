"""Pure. What a document adds to a server beside its own resources, and how its own are written.

A document knows only a part of people, places and visits: those are merged with what the server
has. A new version says which document it replaces: that one's DocumentReference becomes
superseded, and stays so if the older version arrives late (`fhir.updating`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engine.cda.header import DocumentHeader, Identifier
from engine.diagnostics import Diagnostic
from engine.fhir import outcome
from engine.fhir.entries import Entry, entry_name
from engine.fhir.identity import resource_id
from engine.pipeline.version_order import REPLACES

PARTIAL_TYPES = frozenset(
    {
        "Device",
        "DocumentReference",
        "Encounter",
        "Location",
        "Organization",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "RelatedPerson",
    }
)
"""Types of which a document says what it happens to know. A DocumentReference is among them for its
status alone."""
_REFERENCE = "DocumentReference"
_OUTCOME = "outcome"
_HEADS = frozenset({"Composition", "MessageHeader"})
_ASSEMBLER = {
    "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
    "code": "assembler",
    "display": "Assembler",
}
_UNKNOWN = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}

Json = dict[str, Any]


def document_entries(
    entries: Sequence[Entry], facts: DocumentHeader, source_system: str
) -> list[Entry]:
    """The resources of a document as they are written, and those it supersedes.

    Args:
        entries: as the maps made them.
        facts: of the document's header.
        source_system: root of derived ids, as the maps were told.
    """
    found = [
        one if one.merges or one.resource["resourceType"] not in PARTIAL_TYPES else _partial(one)
        for one in entries
    ]
    return found + _superseded(entries, facts, source_system)


def _partial(entry: Entry) -> Entry:
    """The same as a part; a DocumentReference is searched by the id of its own version.

    By the id of the set, which versions share, a newer one would be written over the older.
    """
    master = entry.resource.get("masterIdentifier", {})
    if master.get("system") and master.get("value"):
        known = (str(master["system"]), str(master["value"]))
        return replace(entry, merges=True, identifier=known)
    return replace(entry, merges=True)


def _superseded(entries: Sequence[Entry], facts: DocumentHeader, source_system: str) -> list[Entry]:
    """The DocumentReferences of the documents that this one replaces.

    Their ids follow from their own id; where this document's does not, an overlay has changed the
    key, and nothing is known of theirs.
    """
    known = {one.resource_id for one in entries if one.resource["resourceType"] == _REFERENCE}
    if _reference_id(facts.identifier, source_system) not in known:
        return []
    targets = _targets(entries)
    found: dict[str, Entry] = {}
    for related in facts.related:
        identity = _reference_id(related.identifier, source_system)
        identifier = next((one for one in targets if _names(one, related.identifier)), None)
        if related.kind != REPLACES or identity in known or identifier is None:
            continue
        resource = {
            "resourceType": _REFERENCE,
            "masterIdentifier": identifier,
            "status": "superseded",
            "content": [{"attachment": _UNKNOWN}],
        }
        found[identity] = Entry(
            resource=resource, resource_id=identity, merges=True, only_merged=True
        )
    return list(found.values())


def _reference_id(identifier: Identifier, source_system: str) -> str:
    parts = identifier if identifier[1] else identifier[:1]
    return resource_id(source_system, _REFERENCE, parts)


def _targets(entries: Sequence[Entry]) -> list[Json]:
    """The identifiers of other documents that the Composition says it replaces."""
    found: list[Json] = []
    for one in entries:
        if one.resource["resourceType"] == "Composition":
            for related in one.resource.get("relatesTo", ()):
                target = related.get("targetIdentifier")
                if related.get("code") == "replaces" and target:
                    found.append(target)
    return found


def _names(target: Json, identifier: Identifier) -> bool:
    root, extension = identifier
    value = str(target.get("value", ""))
    return value == extension if extension else value.lower().endswith(root.lower())


def with_outcome(
    entries: Sequence[Entry],
    problems: Sequence[Diagnostic],
    source_system: str,
    key: str,
    recorded: str,
) -> list[Entry]:
    """The resources with a Provenance of their conversion, which says what was noticed.

    The OperationOutcome is contained in it: servers store none by itself and would refuse the
    whole transaction.

    Args:
        entries: the resources; the first of them, or the Composition, is what it is about.
        problems: in order; without one the outcome says so.
        source_system: root of derived ids.
        key: of the message or document, so that a replay writes the same resource.
        recorded: when, an instant.
    """
    first = next((one for one in entries if one.resource["resourceType"] in _HEADS), entries[0])
    resource = {
        "resourceType": "Provenance",
        "contained": [{**outcome.build(problems), "id": _OUTCOME}],
        "target": [{"reference": entry_name(first)}],
        "recorded": recorded,
        "activity": {"text": "conversion"},
        "agent": [{"type": {"coding": [_ASSEMBLER]}, "who": {"display": "interface engine"}}],
        "entity": [{"role": "source", "what": {"reference": f"#{_OUTCOME}"}}],
    }
    identity = resource_id(source_system, "Provenance", ("conversion", key))
    return [*entries, Entry(resource=resource, resource_id=identity)]
