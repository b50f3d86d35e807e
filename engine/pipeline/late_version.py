"""Pure. What is sent of a document that comes after a newer version of itself.

Its DocumentReference with the original, as superseded: the record has every version, and nothing
the newer one said is written over. The patient it is about is at the server and only referred to;
other people and places are named in the reference itself, because what the older version knows of
them must not be written either. R4 references.html#logical.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.fhir.entries import Entry, entry_name, references_of

_REFERENCE = "DocumentReference"
_SUPERSEDED = "superseded"

Json = dict[str, Any]


def superseded_entries(entries: Sequence[Entry]) -> list[Entry]:
    """The entries of a late version that are sent: its DocumentReferences, and their patients.

    Args:
        entries: all that the document made. Earlier versions that it replaces are among them, and
            stay superseded.
    """
    others = {entry_name(one): one for one in entries}
    kept: list[Entry] = []
    for one in entries:
        if one.resource["resourceType"] == _REFERENCE:
            resource = _with_names({**one.resource, "status": _SUPERSEDED}, others)
            kept.append(replace(one, resource=resource, recurring=None))
    named = {text for one in kept for _, text in references_of(one.resource, _REFERENCE)}
    known = [
        replace(others[name], referred=True, recurring=None)
        for name in sorted(named)
        if name in others
    ]
    return [*kept, *known]


def said_now(entries: Sequence[Entry]) -> list[Entry]:
    """The entries without those that only keep the record of replaced documents."""
    return [
        one
        for one in entries
        if not one.referred
        and (one.resource["resourceType"], one.resource.get("status")) != (_REFERENCE, _SUPERSEDED)
    ]


def _with_names(value: Any, others: Mapping[str, Entry]) -> Any:
    """A copy in which references to other entries than patients are logical ones."""
    if isinstance(value, list):
        return [_with_names(item, others) for item in value]
    if not isinstance(value, dict):
        return value
    target = others.get(str(value.get("reference")))
    if target is None or target.resource["resourceType"] == "Patient":
        return {key: _with_names(item, others) for key, item in value.items()}
    return _logical(target.resource) | {k: v for k, v in value.items() if k != "reference"}


def _logical(resource: Json) -> Json:
    """Type, identifier and name of a resource, as a reference to it."""
    found: Json = {"type": resource["resourceType"]}
    identifier = next((one for one in resource.get("identifier", ()) if one.get("value")), None)
    if identifier is not None:
        found["identifier"] = identifier
    if shown := _name(resource):
        found["display"] = shown
    return found


def _name(resource: Json) -> str:
    name = resource.get("name")
    if isinstance(name, str):
        return name
    for one in name if isinstance(name, list) else ():
        parts = [*one.get("prefix", ()), *one.get("given", ()), one.get("family", "")]
        if text := one.get("text") or " ".join(str(part) for part in parts if part):
            return str(text)
    return ""
