"""Pure. Which persons with id numbers (XCN) of one message are one and the same.

HL7 v2 sends a person's second number, name or licence as another repetition of the field, and the
same doctor here with and there without the assigning authority. What is known before the first
resource is made gives every mention the same key, so the order of the segments does not matter.

Two mentions are one person when a field repeats and the names agree, unless one authority gave
both numbers; or when number and surname agree and one of them names no authority.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from engine.hl7v2 import definitions
from engine.hl7v2.delimiters import Delimiters
from engine.hl7v2.message import Message
from engine.mapping.functions.systems import CODING_SYSTEMS, authority_uri
from engine.mapping.memory import SHARED_TYPES

PersonKey = tuple[str, ...]
"""Authority (a URI where one is known) and number, as in the key of `XCN[Practitioner]`."""

_PERSONS = frozenset({"XCN", "CN"})
_NPI = CODING_SYSTEMS["NPI"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One repetition of a field that names a person."""

    key: PersonKey
    kind: str
    """Of the number, XCN.13."""
    family: str
    given: str


@lru_cache(maxsize=2000)
def person_fields(version: str, segment: str) -> tuple[int, ...]:
    """The fields of a segment that hold persons with id numbers, in order."""
    found: set[int] = set()
    for name in (definitions.nearest_version(version), definitions.DEFAULT_VERSION):
        known = definitions.segment(name, segment)
        if known is not None:  # later versions withdraw fields that are still sent
            found.update(at for at, one in known.fields.items() if one.datatype in _PERSONS)
    return tuple(sorted(found))


def same_people(message: Message, authorities: dict[str, str]) -> dict[PersonKey, PersonKey]:
    """The key of each person who is known by another one too, or named twice; nearly always empty.

    Args:
        message: any message.
        authorities: the channel's registry of assigning authorities.
    """
    if not _is_doubtful(message):
        return {}
    fields = [
        [one for one in _mentions(text, message.delimiters, authorities) if one.key[1]]
        for text in dict.fromkeys(_texts(message))  # the same doctor stands in many fields
    ]
    joined: dict[PersonKey, PersonKey] = {}
    for mentions in fields:
        for first, second in _agreeing(mentions):
            _join(joined, first, second)
    everyone = [one for mentions in fields for one in mentions]
    for one in everyone:
        if not one.key[0]:
            known = {other.key for other in everyone if _differs_by_authority(one, other)}
            if len({_root(joined, key) for key in known}) == 1:
                _join(joined, one.key, known.pop())
    found = _to_best(joined)
    for mentions in fields:  # a person named twice in one field is one part of the resource
        keys = [one.key for one in mentions]
        found.update({key: found.get(key, key) for key in keys if keys.count(key) > 1})
    return found


def drop_repeats(made: Sequence[Any], trace: Any) -> None:
    """Make one item of two in a list that came to say the same, of one person known twice.

    Args:
        made: the `run.Made` of a message; resources that other messages share are left alone.
        trace: a `trace.Trace`, or None.
    """
    for one in made:
        if one.resource_type not in SHARED_TYPES:
            once = _unrepeated(one.resource)
            if once is not one.resource:
                if trace is not None:
                    trace.merged(one.resource, {}, once)
                one.resource, one.entry = once, None


def _unrepeated(resource: dict[str, Any]) -> dict[str, Any]:
    found = resource
    for name, value in resource.items():
        if type(value) is list and len(value) > 1:  # of every resource of the message
            kept = [item for at, item in enumerate(value) if item not in value[:at]]
            if len(kept) < len(value):
                found = {**found, name: kept}
    return found


def _is_doubtful(message: Message) -> bool:
    """True when a field names several persons, or one number is of two authorities."""
    component, repetition = message.delimiters.component, message.delimiters.repetition
    seen: dict[str, str] = {}
    for text in _texts(message):
        if repetition in text:
            return True
        number = text.partition(component)[0]
        if number:
            other = seen.setdefault(number, text)
            if other != text and _authority(other, component) != _authority(text, component):
                return True
    return False


def _authority(text: str, component: str) -> str:
    """XCN.9 as sent."""
    parts = text.split(component, 9)
    return parts[8] if len(parts) > 8 else ""


def _texts(message: Message) -> list[str]:
    found: list[str] = []
    version = message.version
    for segment in message.segments:
        numbers = person_fields(version, segment.name)
        if numbers:
            fields = segment.fields
            count = len(fields)
            for number in numbers:
                if number >= count:
                    break
                if fields[number]:
                    found.append(fields[number])
    return found


def _mentions(text: str, delimiters: Delimiters, authorities: dict[str, str]) -> Iterator[Mention]:
    for repetition in text.split(delimiters.repetition):
        if delimiters.escape in repetition or '""' in repetition:
            continue  # what would have to be decoded first is left as it is
        parts = repetition.split(delimiters.component)
        parts += [""] * (13 - len(parts))
        authority = [part.strip() for part in parts[8].split(delimiters.subcomponent)]
        family, given = parts[1].partition(delimiters.subcomponent)[0], parts[2]
        if not given.strip():
            family, _, given = family.partition(",")  # the whole name, as in XCN[HumanName]
        yield Mention(
            key=(authority_uri(authority, authorities) or authority[0], parts[0].strip()),
            kind=parts[12].strip(),
            family=family.strip().casefold(),
            given=given.strip().casefold(),
        )


def _agreeing(mentions: list[Mention]) -> Iterator[tuple[PersonKey, PersonKey]]:
    """Pairs of repetitions of one field that are one person."""
    names: dict[tuple[str, str], list[Mention]] = {}
    for one in mentions:
        if one.family and one.given:
            names.setdefault((one.family, one.given), []).append(one)
    for same in names.values():
        distinct = {one.key: one for one in same}
        givers = {(one.key[0], one.kind if not one.key[0] else "") for one in distinct.values()}
        if len(givers) == len(distinct):
            keys = list(distinct)
            yield from pairwise(keys)


def _differs_by_authority(one: Mention, other: Mention) -> bool:
    return bool(
        other.key[0]
        and other.key[1] == one.key[1]
        and one.family
        and other.family == one.family
        and (not one.given or not other.given or one.given[0] == other.given[0])
    )


def _root(joined: dict[PersonKey, PersonKey], key: PersonKey) -> PersonKey:
    while joined.get(key, key) != key:
        key = joined[key]
    return key


def _join(joined: dict[PersonKey, PersonKey], first: PersonKey, second: PersonKey) -> None:
    for key in (first, second):
        joined.setdefault(key, key)
    joined[_root(joined, second)] = _root(joined, first)


def _to_best(joined: dict[PersonKey, PersonKey]) -> dict[PersonKey, PersonKey]:
    """Each key to the best of its person: a national number, then one with a URI, by value."""
    persons: dict[PersonKey, list[PersonKey]] = {}
    for key in joined:
        persons.setdefault(_root(joined, key), []).append(key)
    found: dict[PersonKey, PersonKey] = {}
    for keys in persons.values():
        best = min(keys, key=lambda key: (key[0] != _NPI, ":" not in key[0], not key[0], key))
        found.update({key: best for key in keys if key != best})
    return found
