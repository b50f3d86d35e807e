"""Pure. Functions that join what one message says in several places.

A child order names the result it was made for by numbers and codes (OBR-26, OBR-29; HL7 v2.5.1 ch.
4.5.3.26 and 4.5.3.29), and results form groups by their sub-ids (OBX-4, ch. 7.4.2.4): the parent
stands in another order of the message, or further up. A map remembers resources as it makes them
and recalls the one that a later segment names.
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

    def put(self, made: Any, names: tuple[str, ...], value: Any, *, append: bool) -> None:
        """Set an element of a resource already made."""


def _name(what: str, keys: tuple[str | None, ...]) -> tuple[str, str]:
    return what, "\x1f".join([key or "" for key in keys])


def remember(
    facts: MessageFacts, resource: Resource | None, *keys: str | None
) -> dict[str, str] | None:
    """The Reference of a resource, which is kept under the keys."""
    if resource is None:
        return None
    name = _name("remember", keys)
    if name not in facts.values:
        facts.values[name] = resource
    elif facts.values[name] is not resource:
        facts.values[name] = None  # two things under one name: neither is meant for sure
    return resource.reference


def recall(facts: MessageFacts, *keys: str | None) -> dict[str, str] | None:
    """The Reference of what was remembered under these keys; None when that was not one thing."""
    found = facts.values.get(_name("remember", keys))
    return None if found is None else dict(found.reference)


def member_of(
    facts: MessageFacts, resource: Resource | None, *keys: str | None
) -> dict[str, str] | None:
    """The Reference of the remembered Observation, to whose members the resource is added."""
    found = facts.values.get(_name("remember", keys))
    if resource is None or found is None or found is resource:
        return None
    if resource.reference not in found.resource.get("hasMember", ()):
        facts.put(found, ("hasMember",), resource.reference, append=True)
    return dict(found.reference)


def occurrence(facts: MessageFacts, *keys: str | None) -> str | None:
    """`2` when the same texts are met the second time in the message; None the first time."""
    name = _name("occurrence", keys)
    count = facts.values[name] = facts.values.get(name, 0) + 1
    return str(count) if count > 1 else None


def gather(facts: MessageFacts, text: str, *keys: str | None) -> None:
    """Keep a text after those gathered under the same keys before."""
    facts.values.setdefault(_name("gather", keys), []).append(text)


def gathered(facts: MessageFacts, *keys: str | None) -> str | None:
    """What was gathered under these keys, one text a line."""
    found = facts.values.get(_name("gather", keys))
    return "\n".join(found) if found else None


def parent_sub_id(value: str) -> str | None:
    """The sub-id one level up: `1.1` of `1.1.2`."""
    return value.rpartition(".")[0] or None


_KEYS = Parameter(name="keys", doc="the texts it is known by", required=False, many=True)
_RESOURCE = Parameter(name="resource", doc="its name", kind=Kind.RESOURCE)

RECORDS = (
    FunctionRecord(
        name="remember",
        doc="The Reference of a resource, which is kept under the keys for `recall` and "
        "`member_of` until the message ends.",
        parameters=(_RESOURCE, _KEYS),
        returns=("Reference",),
        examples=(Example(arguments=(None, "result", "F-1"), result=None),),
        body=remember,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="recall",
        doc="The Reference of what was remembered under the same keys earlier in the message; "
        "nothing when there was none, or more than one.",
        parameters=(_KEYS,),
        returns=("Reference",),
        examples=(Example(arguments=("result", "F-1"), result=None),),
        body=recall,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="member_of",
        doc="Adds the Observation to `hasMember` of the one remembered under the keys, and gives "
        "the Reference of that one.",
        parameters=(_RESOURCE, _KEYS),
        returns=("Reference",),
        examples=(Example(arguments=(None, "result", "F-1"), result=None),),
        body=member_of,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="occurrence",
        doc="`2`, `3` and so on when the same texts come again in the message; nothing the first "
        "time. For keys of things that nothing else tells apart.",
        parameters=(_KEYS,),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("request", "GLU"), result=None),),
        body=occurrence,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="gather",
        doc="Keeps a text for `gathered`; yields nothing.",
        parameters=(Parameter(name="value", doc="the text"), _KEYS),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("No acute disease.", "impression"), result=None),),
        body=gather,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="gathered",
        doc="What `gather` kept under the same keys, one text a line.",
        parameters=(_KEYS,),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("impression",), result=None),),
        body=gathered,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="parent_sub_id",
        doc="The sub-id of the result one level up, of dotted ones such as `1.1.2` (OBX-4).",
        parameters=(Parameter(name="value", doc="OBX-4"),),
        returns=TEXT_TYPES,
        accepts=("ST", "OG"),
        examples=(
            Example(arguments=("1.1.2",), result="1.1"),
            Example(arguments=("1",), result=None),
        ),
        body=parent_sub_id,
    ),
)
