"""Pure. A resource cut to what Millennium takes of it, by its rules; what goes is reported.

What is particular to one type (`resources.patient` and its neighbours) has happened before; here
the rules work that are data: fields, extensions, systems, counts, times, values, required. An item
of a list that lacks something required inside it is left out; a resource that does is refused.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.fhir.definitions import element
from engine.millennium import codes
from engine.millennium.resources.rules import ResourceRules

Json = dict[str, Any]
_Tree = Mapping[str, Any]

SILENT = frozenset({"resourceType", "id", "meta", "text", "implicitRules", "language", "contained"})
"""Go, or stay, without a word."""
_TIMED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*(?:Z|[+-]\d\d:\d\d)")


@dataclass(slots=True, kw_only=True)
class Shaped:
    """A resource on its way into its form, and what was noticed."""

    resource: Json
    """May be changed: it is a copy."""
    left_out: list[str] = field(default_factory=list)
    """Paths of what has no place in Millennium."""
    lacking: list[str] = field(default_factory=list)
    """What is required and missing, in words."""
    problems: list[Diagnostic] = field(default_factory=list)
    demanded: list[str] = field(default_factory=list)
    """Elements that this one must have beside what its type requires."""
    skipped: str = ""
    """Why it is not to be sent, where that is as it should be."""
    change_only: bool = False
    """It can only be said of a resource that is there."""

    @property
    def kind(self) -> str:
        """The resource type."""
        return str(self.resource["resourceType"])

    def omit(self, path: str, reason: str) -> None:
        """Say that something is left out for a reason of its own."""
        where = f"{self.kind}.{path}"
        self.problems.append(codes.VALUE_LEFT_OUT(Place(path=where), field=where, reason=reason))


def shape(shaped: Shaped, rules: ResourceRules) -> None:
    """Cut the resource to the rules; `shaped` collects what goes."""
    _choose_systems(shaped, rules)
    _choose_one(shaped, rules)
    shaped.resource = _pruned(shaped, rules)
    for path in _reference_paths(rules.resource, rules.fields):
        if path not in rules.by_name:
            _drop_nameless(shaped, path)
    _drop_untimed(shaped, rules)
    for path, most in rules.counts:
        _limit(shaped, path, most)
    _check_values(shaped, rules)
    _demand(shaped, rules)


def has_time(text: object) -> bool:
    """True for a date with a time of day and an offset."""
    return isinstance(text, str) and _TIMED.fullmatch(text) is not None


# -- fields --


@lru_cache(maxsize=200)
def _tree(fields: tuple[str, ...]) -> _Tree:
    """Paths as nested names; one without names below is kept whole."""
    root: Json = {}
    for path in fields:
        here = root
        for step in path.split("."):
            here = here.setdefault(step, {})
    return root


def _pruned(shaped: Shaped, rules: ResourceRules) -> Json:
    left: list[str] = []
    extensions = frozenset(rules.extensions)
    kept = _prune(shaped.resource, _tree(rules.fields), "", extensions, left)
    shaped.left_out.extend(path for path in dict.fromkeys(left) if path not in shaped.left_out)
    return {"resourceType": shaped.kind, **(kept or {})}


def _prune(
    value: Json, tree: _Tree, path: str, extensions: frozenset[str], left: list[str]
) -> Json | None:
    kept: Json = {}
    for key, item in value.items():
        where = f"{path}.{key}" if path else key
        if key in SILENT and not (path and key == "text"):
            continue
        if key == "extension" and "extension" not in tree:
            found = [one for one in item if one.get("url") in extensions]
            left.extend(f"{where}({_tail(one)})" for one in item if one not in found)
            if found:
                kept[key] = found
        elif key in tree:
            inner = _prune_item(item, tree[key], where, extensions, left)
            if inner is not None:
                kept[key] = inner
        elif not key.startswith("_"):
            left.append(where)
    return kept or None


def _prune_item(
    item: Any, tree: _Tree, path: str, extensions: frozenset[str], left: list[str]
) -> Any:
    if not tree:
        return item
    if isinstance(item, list):
        found = [_prune_item(one, tree, path, extensions, left) for one in item]
        return [one for one in found if one is not None] or None
    return _prune(item, tree, path, extensions, left) if isinstance(item, dict) else item


def _tail(extension: Json) -> str:
    return str(extension.get("url", "")).rpartition("/")[2]


# -- single rules --


def places(resource: Json, path: str) -> list[tuple[Json, str]]:
    """Every object that may hold the last step of a path, with that step."""
    *steps, last = path.split(".")
    found = [resource]
    for step in steps:
        inner: list[Json] = []
        for one in found:
            item = one.get(step)
            inner.extend(item if isinstance(item, list) else [item] if item is not None else [])
        found = [one for one in inner if isinstance(one, dict)]
    return [(one, last) for one in found]


def concepts(holder: Json, key: str) -> list[Json]:
    """The CodeableConcepts of an element that is one, or a list of them."""
    item = holder.get(key)
    listed = item if isinstance(item, list) else [item]
    return [one for one in listed if isinstance(one, dict)]


def _choose_systems(shaped: Shaped, rules: ResourceRules) -> None:
    for path, systems in rules.systems:
        for holder, key in places(shaped.resource, path):
            for concept in concepts(holder, key):
                codings = [
                    coding
                    for coding in concept.get("coding", ())
                    if coding.get("system") in systems
                ]
                if "coding" in concept:
                    concept["coding"] = codings
                if not codings:
                    concept.pop("coding", None)


def _choose_one(shaped: Shaped, rules: ResourceRules) -> None:
    for group in rules.one_of:
        present = [path for path in group if path in shaped.resource]
        for path in present[1:]:
            del shaped.resource[path]
            shaped.left_out.append(path)


def _drop_untimed(shaped: Shaped, rules: ResourceRules) -> None:
    for path in rules.times:
        for holder, key in places(shaped.resource, path):
            if key in holder and not has_time(holder[key]):
                del holder[key]
                shaped.omit(path, "it has no time of day with an offset")
    _drop_empty(shaped.resource)


def _drop_empty(value: Json) -> None:
    for key in [key for key, item in value.items() if item in ({}, [])]:
        del value[key]


@lru_cache(maxsize=200)
def _reference_paths(kind: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the fields that are references."""
    found = ((path, element(kind, path)) for path in fields)
    return tuple(path for path, one in found if one is not None and one.types == ("Reference",))


def _drop_nameless(shaped: Shaped, path: str) -> None:
    """References that say a name or an identifier and refer to nothing."""
    for holder, key in places(shaped.resource, path):
        item = holder.get(key)
        if isinstance(item, list):
            holder[key] = [one for one in item if one.get("reference")]
        gone = isinstance(item, dict) and not item.get("reference")
        if gone or holder.get(key) == []:
            del holder[key]
            shaped.left_out.append(path)


def _limit(shaped: Shaped, path: str, most: int) -> None:
    for holder, key in places(shaped.resource, path):
        listed = holder.get(key)
        if isinstance(listed, list) and len(listed) > most:
            holder[key] = listed[:most]
            shaped.omit(path, f"more than {most} of it")


def _check_values(shaped: Shaped, rules: ResourceRules) -> None:
    for path, allowed in rules.values:
        for holder, key in places(shaped.resource, path):
            value = holder.get(key)
            if value is None:
                continue
            said = set(_codes_in(value))
            if said & set(dict(rules.change_values).get(path, ())):
                shaped.change_only = True
            elif not said & set(allowed):
                shaped.lacking.append(f"{path} that is {' or '.join(allowed)}")


def _codes_in(value: Any) -> Iterable[str]:
    """The codes of a code, a CodeableConcept or a list of them."""
    if isinstance(value, list):
        for item in value:
            yield from _codes_in(item)
    elif isinstance(value, dict):
        for coding in value.get("coding", ()):
            yield str(coding.get("code"))
    else:
        yield "true" if value is True else "false" if value is False else str(value)


# -- required --


def _demand(shaped: Shaped, rules: ResourceRules) -> None:
    nested = [path for path in rules.required if "." in path]
    for path in sorted(nested, key=lambda one: -one.count(".")):
        _demand_inside(shaped, path)
    # What is there has what a create requires; a change of it need not say so again.
    required = () if shaped.change_only else rules.required
    for path in (*required, *shaped.demanded):
        if "." not in path and ":" not in path and not _is_there(shaped.resource, path):
            shaped.lacking.append(path)


def _demand_inside(shaped: Shaped, path: str) -> None:
    """Items that lack what is required inside them go; so does an object."""
    owner, _, key = path.rpartition(".")
    for holder, name in places(shaped.resource, owner):
        item = holder.get(name)
        if isinstance(item, list):
            kept = [one for one in item if not isinstance(one, dict) or _is_there(one, key)]
            if len(kept) < len(item):
                shaped.omit(owner, f"it has no {key}")
                holder[name] = kept
        elif isinstance(item, dict) and not _is_there(item, key):
            shaped.omit(owner, f"it has no {key}")
            holder[name] = {}
        if name in holder and not holder[name]:
            del holder[name]


def _is_there(holder: Json, key: str) -> bool:
    """True when an element is there; `value[x]` for any of its types."""
    if key.endswith("[x]"):
        start = key[:-3]
        return any(name.startswith(start) and name != start for name in holder)
    return holder.get(key) not in (None, "", [], {})
