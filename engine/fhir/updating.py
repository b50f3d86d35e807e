"""Pure. What a thin message says of a resource, put into what the server has of it.

R4 has no update that only fills in: the engine reads, merges and writes the whole. Elements of the
message replace those of the server, what it does not say stays; so does what it only says to be
unknown (data-absent-reason), because R4 asks for something there. Lists whose items have a key are
united by it. Periods and backbone elements are merged inside, as a message often tells one end.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from engine.fhir.definitions import type_definition
from engine.fhir.definitions.model import ElementDefinition

Json = dict[str, Any]

_NEVER = frozenset({"resourceType", "id", "meta"})
_SERVERS_OWN = frozenset({"meta", "text"})
"""Not compared: versions, times, and the narrative a server makes."""
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_OVER = frozenset({"finished", "cancelled", "entered-in-error"})
_OPEN = frozenset({"planned", "arrived", "in-progress", "unknown"})
"""Of a visit: a result or letter that names it after its end does not open it again."""
_SUPERSEDED, _CURRENT = "superseded", "current"
"""Of a document: an older version that comes after the one that replaced it stays replaced."""
_DELETE = re.compile(r"(?P<name>[A-Za-z]+)(?P<marks>(?:\[[^\]]*\])*)(?:\.(?P<rest>.+))?")
_MARK = re.compile(r"\[([^\]!=]+)(!?=)([^\]]*)\]")


def update(present: Json, said: Json, deletes: Sequence[str] = ()) -> Json:
    """The resource as it is to be written. Neither argument is changed.

    Args:
        present: what the server has.
        said: what the message says of it, of the same type.
        deletes: `telecom`, `period.end`, `extension[url=...]`, `telecom[use!=work]` (items that are
            marked so stay); what is required is not deleted.
    """
    kind = str(said.get("resourceType"))
    if kind == "Encounter" and present.get("status") in _OVER and said.get("status") in _OPEN:
        said = {key: value for key, value in said.items() if key != "status"}
    statuses = (present.get("status"), said.get("status"))
    if kind == "DocumentReference" and statuses == (_SUPERSEDED, _CURRENT):
        said = {key: value for key, value in said.items() if key != "status"}
    merged = present
    for path in deletes:
        if not _is_said(said, path):
            merged = _without(kind, merged, path)
    return _overlay(kind, merged, said)


def _is_said(said: Json, path: str) -> bool:
    """True when the message itself fills what the path would delete."""
    match = _DELETE.fullmatch(path)
    value = said.get(match["name"]) if match is not None else None
    if match is None or value is None:
        return False
    if match["rest"]:
        return isinstance(value, dict) and _is_said(value, match["rest"])
    marks = [one for one in _MARK.findall(match["marks"]) if one[1] == "="]
    if not marks or not isinstance(value, list):
        return True
    return any(_is_marked(item, marks) for item in value)


def says_nothing_new(present: Json, merged: Json) -> bool:
    """True when the merged resource is what the server has."""
    return _compared(present) == _compared(merged)


def _compared(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if key not in _SERVERS_OWN}


@lru_cache(maxsize=500)
def _elements(kind: str) -> tuple[dict[str, str], dict[str, ElementDefinition]]:
    """The element of each JSON key of a type, and the elements."""
    definition = type_definition(kind)
    if definition is None:
        return {}, {}
    names = {key: known[0].name for key, known in definition.keys.items()}
    return names, definition.elements


def _overlay(kind: str, present: Json, said: Json) -> Json:
    names, elements = _elements(kind)

    def element_of(key: str) -> str:
        plain = key.removeprefix("_")
        return names.get(plain, plain)

    known = {element_of(key) for key in present}
    said = {k: v for k, v in said.items() if element_of(k) not in known or not _is_absent(v)}
    told = {element_of(key) for key in said if key not in _NEVER}
    merged = {
        key: value for key, value in present.items() if key in said or element_of(key) not in told
    }
    for key, value in said.items():
        if key in _NEVER:
            merged.setdefault(key, value)
            continue
        element = elements.get(element_of(key))
        merged[key] = _joined(element, key, present.get(key), value)
    if kind == "Period" and str(merged.get("end", "9")) < str(merged.get("start", "0"))[:10]:
        merged.pop("end", None)  # an end that stood before: R4 refuses it (per-1)
    return merged


def _is_absent(value: Any) -> bool:
    """True when a value says no more than that it is not known: a required element's stand-in."""
    if isinstance(value, list):
        return bool(value) and all(_is_absent(item) for item in value)
    if isinstance(value, dict):
        inner = value.values()
        return value.get("url") == _ABSENT or (bool(value) and all(map(_is_absent, inner)))
    return False


def _joined(element: ElementDefinition | None, key: str, present: Any, said: Any) -> Any:
    """One element of the message and that of the server."""
    if isinstance(said, list) and isinstance(present, list):
        return _united(present, said, _KEYS[key]) if key in _KEYS else said
    if isinstance(said, dict) and isinstance(present, dict) and element is not None:
        kind = element.types[0] if len(element.types) == 1 else ""
        if "." in kind or kind == "Period":
            return _overlay(kind, present, said)
    return said


def _united(present: list[Any], said: list[Any], key: Callable[[Json], Any]) -> list[Any]:
    """The server's items, those the message tells anew replaced where they stand, and new ones."""
    told = {key(item) for item in said}
    left = list(said)
    for item in present:
        if item in left:
            left.remove(item)
    same = list(said)
    found: list[Any] = []
    for item in present:
        known = key(item)
        if item in same:
            same.remove(item)
            found.append(item)
        elif known is None or known not in told:
            found.append(item)
        else:
            new = next((one for one in left if key(one) == known), None)
            if new is not None:
                left.remove(new)
                found.append(new)
    return found + left


def _identifier_key(item: Json) -> Any:
    return (item.get("system"), item.get("value")) if "value" in item else None


def _link_key(item: Json) -> Any:
    other = item.get("other", {})
    return other.get("reference") or repr(other.get("identifier"))


def _type_key(item: Json) -> Any:
    """The codes of `type`: a participant in the same part is the same place in the list."""
    return tuple(
        (coding.get("system"), coding.get("code"))
        for concept in item.get("type", ())
        for coding in concept.get("coding", ())
    )


def _url_key(item: Json) -> Any:
    return item.get("url")


_KEYS: dict[str, Callable[[Json], Any]] = {
    "extension": _url_key,
    "modifierExtension": _url_key,
    "identifier": _identifier_key,
    "link": _link_key,
    "participant": _type_key,
}


def _without(kind: str, present: Json, path: str) -> Json:
    """The object without what a path names."""
    match = _DELETE.fullmatch(path)
    if match is None:
        return present
    names, elements = _elements(kind)
    name, rest = match["name"], match["rest"]
    element = elements.get(name)
    if element is None or (element.min and not rest):
        return present
    marks = _MARK.findall(match["marks"])
    changed: Json = {}
    for key, value in present.items():
        plain = key.removeprefix("_")
        if names.get(plain, plain) != name:
            changed[key] = value
        elif rest and isinstance(value, dict) and len(element.types) == 1:
            inner = _without(element.types[0], value, rest)
            if inner:
                changed[key] = inner
        elif marks and isinstance(value, list):
            kept = [item for item in value if not _is_marked(item, marks)]
            if kept:
                changed[key] = kept
    return changed


def _is_marked(item: Any, marks: list[tuple[str, str, str]]) -> bool:
    """True when an item is to go: `=` names those that go, `!=` those that stay."""
    if not isinstance(item, dict):
        return False
    return all((item.get(name) == value) is (sign == "=") for name, sign, value in marks)
