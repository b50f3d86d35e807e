"""Pure. The resources of one message on their way to a server, and the references between them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.diagnostics import Diagnostic
from engine.fhir.marks import Mark


@dataclass(slots=True)
class Recurring:
    """What was found out about a resource that comes again in other messages of the feed."""

    is_valid: bool = False
    """It passed the gate (`fhir.compiled`)."""
    encoded: bytes = b""
    """Its entry of a transaction that updates by id, where it is known."""
    references: frozenset[bytes] = frozenset()
    """What a Bundle must hold for that."""
    joined: "dict[int, tuple[Entry, Entry]] | None" = None
    """By the identity of another entry for the same resource: that entry, and both as one."""


@dataclass(slots=True, kw_only=True)  # a message makes a dozen: frozen ones take four times as long
class Entry:
    """One resource on its way to a server. Never changed."""

    resource: dict[str, Any]
    """As JSON values, without id; references to other entries are `Type/id`. Never changed."""
    resource_id: str
    """Derived by `fhir.identity`, a UUID in its text form."""
    identifier: tuple[str, str] | None = None
    """(system, value) of the business identifier that conditional forms search by."""
    merges: bool = False
    """The message says only a part of it: what it does not say stays as the server has it."""
    deletes: tuple[str, ...] = ()
    """Elements to be deleted of what the server has, as `fhir.updating` reads them."""
    only_merged: bool = False
    """It says something of a resource that others made, and is left out where nothing is merged."""
    referred: bool = False
    """The server has it: others refer to it, and it is not written."""
    recurring: Recurring | None = field(default=None, compare=False, repr=False)
    """Set when this very entry is used for several messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedBundle:
    """A Bundle as bytes, and what has to be said about the way it was made."""

    body: bytes
    diagnostics: tuple[Diagnostic, ...]
    marks: tuple[Mark, ...] = ()
    """The entries that are only a part of their resource."""


def entry_name(entry: Entry) -> str:
    """`Type/id`, by which other entries refer to it."""
    return f"{entry.resource['resourceType']}/{entry.resource_id}"


def references_of(value: Any, path: str) -> Iterable[tuple[str, str]]:
    """(path, text) of every `reference` below a value."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "reference" and isinstance(item, str):
                yield f"{path}.reference", item
            else:
                yield from references_of(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from references_of(item, f"{path}[{index}]")


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A copy of a resource or a part of it, with references written as `names` says."""
    if isinstance(value, dict):
        return {
            key: names.get(item, item)
            if key == "reference" and isinstance(item, str)
            else renamed(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    return value
