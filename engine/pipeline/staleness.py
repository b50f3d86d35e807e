"""Pure. Whether sending an output would put older data over newer: the guard of replays.

A replay sends what a message said when it came. Where a later message about the same patient,
visit or order has told the destination something else since, sending the older one undoes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from engine.fhir.marks import plain_type
from engine.pipeline.result import FHIR_JSON, HL7_V2

OVERWRITTEN_MAX = 20
"""Resources that are named; an output may hold hundreds."""


class Delivered(Protocol):
    """What a later message delivered to the same destination: `store.interface.NewerSent`."""

    @property
    def message_id(self) -> int:
        """The later message."""
        ...

    @property
    def message_type(self) -> str:
        """Such as `ADT^A08`."""
        ...

    @property
    def content_type(self) -> str:
        """Of the body."""
        ...

    @property
    def body(self) -> bytes:
        """What was sent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Overwrite:
    """What an output would put back."""

    message_id: int
    """The later message that said otherwise."""
    what: tuple[str, ...]
    """Resources as they are addressed, such as `Patient/6f1f...`, or the kind of message; without
    the values of a conditional address, which may identify a patient."""


def overwrites(
    content_type: str, body: bytes, message_type: str, later: Sequence[Delivered]
) -> Overwrite | None:
    """What sending this would undo; None when nothing.

    Of a Bundle: resources that it updates and that a later one updated to something else; what is
    only created where there is none overwrites nothing. Of an HL7 v2 message: any later message
    of the same type (MSH-9.1), because what the receiver keeps of it cannot be seen from here.

    Args:
        content_type: of the output.
        body: the output.
        message_type: of its message, such as `ADT^A08`.
        later: what later messages delivered to the same destination, the newest first.
    """
    kind = plain_type(content_type)
    if kind == HL7_V2:
        family = message_type.partition("^")[0]
        for one in later:
            if one.message_type.partition("^")[0] == family:
                return Overwrite(message_id=one.message_id, what=(family,))
        return None
    if kind != FHIR_JSON or not later:
        return None
    ours = _updates(body)
    for one in later:
        if plain_type(one.content_type) != FHIR_JSON:
            continue
        theirs = _updates(one.body)
        undone = [name for name, said in ours.items() if _undoes(said, theirs.get(name, said))]
        if undone:
            named = tuple(map(_without_values, undone[:OVERWRITTEN_MAX]))
            return Overwrite(message_id=one.message_id, what=named)
    return None


def _without_values(address: str) -> str:
    """`Patient?identifier=…`."""
    place, mark, query = address.partition("?")
    return place + mark + "&".join(f"{one.partition('=')[0]}=…" for one in query.split("&") if one)


def _undoes(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """True when one would put back what the other changed. A document that is superseded by both
    stays so, whichever says more of it."""
    both = (ours.get("resourceType"), ours.get("status"), theirs.get("status"))
    return ours != theirs and both != ("DocumentReference", "superseded", "superseded")


def _updates(body: bytes) -> dict[str, Any]:
    """Address -> resource of the entries that write over what is there."""
    try:
        bundle = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    entries = bundle.get("entry", ()) if isinstance(bundle, Mapping) else ()
    return {
        entry["request"]["url"]: _without_meta(entry.get("resource", {}))
        for entry in entries
        if entry.get("request", {}).get("method") == "PUT"
    }


def _without_meta(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name != "meta"}
