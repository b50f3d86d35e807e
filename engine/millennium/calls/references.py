"""Pure. References between the resources of one message, and their ids once these are known.

In a composed call a reference is `urn:engine:Type/<engine id>`. At delivery each becomes the id the
server knows the resource by; one that stays unknown takes the smallest optional element round it
with it, and where nothing round it is optional the call cannot be made.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from engine.fhir.entries import references_of
from engine.millennium.calls.body import ENGINE
from engine.millennium.resources.rules import ResourceRules

Json = dict[str, Any]
_TEMPLATE = re.compile(r"\{([^{}]+)\}")
_GONE = object()


def engine_names(value: Any) -> Iterable[str]:
    """`Type/<engine id>` of every reference to a resource of the message, in order."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "reference" and isinstance(item, str):
                if item.startswith(ENGINE):
                    yield item[len(ENGINE) :]
            else:
                yield from engine_names(item)
    elif isinstance(value, list):
        for item in value:
            yield from engine_names(item)


def with_references(
    resource: Json,
    known: Mapping[str, str],
    rules: ResourceRules | None,
    demanded: Iterable[str] = (),
) -> tuple[Json, list[str], list[str]]:
    """The resource with ids for names.

    Args:
        resource: with references of the form `urn:engine:...`; it stays as it is.
        known: `Type/<engine id>` to `Type/<id of the server>`.
        rules: of the resource: what is required may not go.
        demanded: what this one requires beside, as its call says: `encounter`, or
            `participant:Location` for a reference to that type in it.

    Returns:
        The resource, the paths of elements that went with an unknown reference, and the paths of
        required ones that lack theirs: with one of these it must not be sent.
    """
    required = frozenset((*(rules.required if rules is not None else ()), *demanded))
    walk = _Walk(known, required)
    made = walk.object(resource, "")
    whole: Json = made if isinstance(made, dict) else {"resourceType": resource["resourceType"]}
    missing = [path for path in walk.gone if path in required and "." not in path]
    missing = [path for path in dict.fromkeys(missing) if not whole.get(path)]
    for text in demanded:
        key, _, kind = text.partition(":")
        if kind and not any(one.startswith(f"{kind}/") for one in _names_in(whole.get(key))):
            missing.append(f"{key} of a {kind}")
    return whole, list(dict.fromkeys(walk.gone)), missing


def _names_in(value: Any) -> list[str]:
    """`Type/id` of every reference below a value."""
    return [text.removeprefix(ENGINE) for _, text in references_of(value, "")]


class _Walk:
    """One walk through a resource."""

    def __init__(self, known: Mapping[str, str], required: frozenset[str]) -> None:
        self.known = known
        self.required = required
        self.gone: list[str] = []

    def object(self, value: Json, path: str) -> Any:
        reference = value.get("reference")
        if isinstance(reference, str) and reference.startswith(ENGINE):
            found = self.known.get(reference[len(ENGINE) :])
            if found is None:
                self.gone.append(path)
                return _GONE
            value = {**value, "reference": found}
        made: Json = {}
        for key, item in value.items():
            where = f"{path}.{key}" if path else key
            kept = self.item(item, where)
            if kept is not _GONE:
                made[key] = kept
            elif path and where in self.required:
                self.gone.append(path)
                return _GONE
        return made if made or not value else _GONE

    def item(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return self.object(value, path)
        if isinstance(value, list):
            kept = [found for one in value if (found := self.item(one, path)) is not _GONE]
            return kept if kept or not value else _GONE
        return value


def filled_probe(probe: str, resource: Json) -> str:
    """The search of a probe with the values of the resource; empty when one of them is missing.

    Args:
        probe: such as `Observation?patient={subject}&code={code}&date={effectiveDateTime}`; a
            reference gives its id, a coded element `system|code` of its first coding.
        resource: with the ids of the server.
    """
    texts: dict[str, str] = {}
    for name in _TEMPLATE.findall(probe):
        value = _search_value(_inside(resource, name.split(".")))
        if not value:
            return ""
        texts[name] = quote(value, safe="")
    return _TEMPLATE.sub(lambda match: texts[match[1]], probe)


def _inside(value: Any, steps: list[str]) -> Any:
    """What a path names; of a list, in its first item."""
    for step in steps:
        if isinstance(value, list):
            value = value[0] if value else None
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _search_value(value: Any) -> str:
    if isinstance(value, list):
        return _search_value(value[0]) if value else ""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    if "reference" in value:
        return str(value["reference"]).rpartition("/")[2]
    for coding in value.get("coding", ()):
        if coding.get("code"):
            return f"{coding.get('system', '')}|{coding['code']}"
    return ""
