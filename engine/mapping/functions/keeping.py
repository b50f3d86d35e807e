"""Pure. Functions that keep texts, for a resource or a key, until more of the message is read.

The OBX of one vaccine describe leaflets and doses together: several OBX with one sub-id make one
element (HL7 v2.5.1 ch. 4A.7, OBX-4 of a VXU). A first pass over them keeps the texts under the
resource and keys such as the sub-id; a second makes the element of what was kept.
"""

from typing import Any, Protocol

from engine.mapping.functions.record import (
    TEXT_TYPES,
    Example,
    Facts,
    FunctionRecord,
    Kind,
    Parameter,
)


class Resource(Protocol):
    """A resource made earlier."""

    reference: dict[str, str]


class MessageFacts(Facts, Protocol):
    """Facts with a memory that lasts for one message."""

    values: dict[tuple[str, str], Any]


def _name(resource: Resource, keys: tuple[str | None, ...]) -> tuple[str, str]:
    return "kept", "\x1f".join([resource.reference["reference"], *[key or "" for key in keys]])


def keep(facts: MessageFacts, resource: Resource | None, value: str, *keys: str | None) -> None:
    """Keep a text for a resource, under keys; the same text once."""
    if resource is None:
        return
    texts = facts.values.setdefault(_name(resource, keys), [])
    if value not in texts:
        texts.append(value)


def kept(facts: MessageFacts, resource: Resource | None, *keys: str | None) -> str | None:
    """The texts kept for a resource under the same keys, with commas between."""
    if resource is None:
        return None
    return ", ".join(facts.values.get(_name(resource, keys), ())) or None


def another(facts: MessageFacts, value: str, *keys: str | None) -> str | None:
    """The text when it is not the first that the message has under these keys; else nothing."""
    name = ("first", "\x1f".join([key or "" for key in keys]))
    first: str = facts.values.setdefault(name, value)
    return value if value != first else None


_RESOURCE = Parameter(name="resource", doc="its name", kind=Kind.RESOURCE)
_KEYS = Parameter(name="keys", doc="texts that tell what it is", required=False, many=True)

RECORDS = (
    FunctionRecord(
        name="keep",
        doc="Keeps a text for a resource under keys, for `kept`; yields nothing.",
        parameters=(_RESOURCE, Parameter(name="value", doc="the text"), _KEYS),
        returns=TEXT_TYPES,
        examples=(Example(arguments=(None, "MMR", "leaflet", "2"), result=None),),
        body=keep,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="kept",
        doc="What `keep` kept for a resource under the same keys, with commas between.",
        parameters=(_RESOURCE, _KEYS),
        returns=TEXT_TYPES,
        examples=(Example(arguments=(None, "leaflet", "2"), result=None),),
        body=kept,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="another",
        doc=(
            "The text, unless it is the first met in the message under these keys: a key for "
            "things that share a number and should not."
        ),
        parameters=(Parameter(name="value", doc="the text"), _KEYS),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("7980", "prescription", "PO-1"), result=None),),
        body=another,
        uses_facts=True,
        varies=True,
    ),
)
