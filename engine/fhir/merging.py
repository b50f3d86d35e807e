"""Pure. Two descriptions of one resource become one, without guessing.

A message often tells of one person in several places, with different detail. The first description
stands; the second only adds what the first lacks. Nothing is joined inside a value: half a name
from here and half from there would be a person who does not exist.
"""

from typing import Any

from engine.fhir import definitions

Json = dict[str, Any]


def merge(first: Json, second: Json) -> Json:
    """What `first` says, and what only `second` says. Neither argument is changed.

    An element that only `second` has is taken over, unless `first` has the same choice in another
    type. A value that tells strictly more (the same and something else) replaces the lesser one. Of
    lists the items that are new are added at the end.

    Args:
        first: a resource as JSON values.
        second: another description of the same resource; one of another type is not looked at.
    """
    if first is second or first.get("resourceType") != second.get("resourceType"):
        return first
    definition = definitions.type_definition(str(first.get("resourceType")))
    keys = definition.keys if definition is not None else {}
    taken = {_element_name(key, keys) for key in first}
    merged = dict(first)
    for key, item in second.items():
        if key in first:
            merged[key] = _merge_value(first[key], item)
        elif _element_name(key, keys) not in taken:
            merged[key] = item
    return merged


def _element_name(key: str, keys: dict[str, Any]) -> str:
    """The element of a JSON key, so that `valueString`, `_valueString` and `valueCode` are one."""
    name = key.removeprefix("_")
    known = keys.get(name)
    return str(known[0].name) if known is not None else name


def _merge_value(first: Any, second: Any) -> Any:
    if isinstance(first, list) and isinstance(second, list):
        return _merge_lists(first, second)
    return second if contains(second, first) else first


def _merge_lists(first: list[Any], second: list[Any]) -> list[Any]:
    merged = list(first)
    for item in second:
        for index, known in enumerate(merged):
            if contains(known, item):
                break
            if contains(item, known):
                merged[index] = item
                break
        else:
            merged.append(item)
    return merged


def contains(whole: Any, part: Any) -> bool:
    """True when `whole` says everything that `part` says."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and contains(whole[key], item) for key, item in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return all(any(contains(known, item) for known in whole) for item in part)
    return type(whole) is type(part) and bool(whole == part)
