"""Pure. Two descriptions of one resource become one, without guessing.

A message often tells of one person in several places, with different detail. The first description
stands; the second only adds what the first lacks. Nothing is joined inside a value: half a name
from here and half from there would be a person who does not exist.
"""

from functools import lru_cache
from typing import Any

from engine.fhir import definitions

Json = dict[str, Any]
_COMPARED_MAX = 64
"""Of longer lists items are only told apart as equal or not: a message can name thousands of
participants of one appointment, and each would be compared with all before it."""

NULL_FLAVOR = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"


class Seen:
    """The items of a long list that grows with each description, so that each is read once."""

    __slots__ = ("_count", "_items", "_list")

    def __init__(self) -> None:
        self._list: list[Any] = []
        self._count = 0
        self._items: set[Any] = set()

    def adds(self, items: list[Any], new: list[Any]) -> list[Any]:
        """`items` and those of `new` that are not among them."""
        if items is not self._list or len(items) != self._count:
            self._items = {_hashable(item) for item in items}
        merged = list(items)
        for item in new:
            known = _hashable(item)
            if known not in self._items:
                self._items.add(known)
                merged.append(item)
        self._list, self._count = merged, len(merged)
        return merged


def _hashable(value: Any) -> Any:
    """Equal for equal JSON values."""
    if isinstance(value, dict):
        return frozenset([(key, _hashable(item)) for key, item in value.items()])
    if isinstance(value, list):
        return tuple([_hashable(item) for item in value])
    return value


def merge(first: Json, second: Json, seen: dict[str, Seen] | None = None) -> Json:
    """What `first` says, and what only `second` says. Neither argument is changed.

    An element that only `second` has is taken over, unless `first` has the same choice in another
    type. A value that tells strictly more (the same and something else) replaces the lesser one. Of
    lists the items that are new are added at the end. To merge the same again changes nothing.

    Args:
        first: a resource as JSON values.
        second: another description of the same resource; one of another type is not looked at.
        seen: kept between the merges of one resource, where many follow each other.
    """
    if first is second or first.get("resourceType") != second.get("resourceType"):
        return first
    keys = _keys(str(first.get("resourceType")))
    merged = dict(first)
    for key, item in second.items():
        if key in first:
            if item is not first[key]:
                merged[key] = _merge_value(first[key], item, key, seen)
        elif not _is_taken(key, first, keys):
            merged[key] = item
    return merged


@lru_cache(maxsize=200)
def _keys(resource_type: str) -> tuple[dict[str, str], frozenset[str]]:
    """The element of each JSON key of a type, and the elements that have several keys."""
    definition = definitions.type_definition(resource_type)
    named = definition.keys if definition is not None else {}
    elements = {key: str(known[0].name) for key, known in named.items()}
    choices = frozenset(name for key, name in elements.items() if key != name)
    return elements, choices


def _is_taken(key: str, first: Json, keys: tuple[dict[str, str], frozenset[str]]) -> bool:
    """True when `first` has the element of a key that it has not.

    `valueString`, `_valueString` and `valueCode` are one element.
    """
    elements, choices = keys
    plain = key.removeprefix("_")
    name = elements.get(plain, plain)
    if name in choices:
        return any(elements.get(one.removeprefix("_")) == name for one in first)
    return plain in first or f"_{plain}" in first


def _merge_value(first: Any, second: Any, key: str, seen: dict[str, Seen] | None) -> Any:
    if isinstance(first, list) and isinstance(second, list):
        if seen is not None and len(first) > _COMPARED_MAX:
            return seen.setdefault(key, Seen()).adds(first, second)
        return _merge_lists(first, second)
    return second if contains(second, first) else first


def _merge_lists(first: list[Any], second: list[Any]) -> list[Any]:
    merged = list(first)
    for item in second:
        if len(merged) > _COMPARED_MAX:
            if item not in merged:
                merged.append(item)
            continue
        if any(contains(known, item) for known in merged):
            continue
        for index, known in enumerate(merged):
            if contains(item, known):
                merged[index] = item
                break
        else:
            merged.append(item)
    return merged


def contains(whole: Any, part: Any) -> bool:
    """True when `whole` says everything that `part` says."""
    if whole is part:
        return True
    if type(whole) is not type(part):
        return False
    if isinstance(part, dict):
        for key, item in part.items():  # loops: this runs for every message with a shared doctor
            if key not in whole or not contains(whole[key], item):
                return False
        return True
    if isinstance(part, list):
        for item in part:
            for known in whole:
                if contains(known, item):
                    break
            else:
                return False
        return True
    return bool(whole == part)


def says_nothing(value: Any) -> bool:
    """True for what stands where a required element has no source: `unknown`, a null flavour."""
    if isinstance(value, dict):
        return value.get("system") == NULL_FLAVOR
    return bool(value == "unknown")
