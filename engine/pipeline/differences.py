"""Pure. How two outputs of one message differ: paths and kinds, never values.

Paths carry no indexes and no ids, so that the same change in a thousand messages is one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from engine.fhir.marks import plain_type
from engine.pipeline.result import FHIR_JSON

DIFFERENCES_MAX = 200
"""Of one output; beyond it the outputs have little in common."""


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One place where the outputs differ."""

    path: str
    """Such as `Patient.name.family`; `Observation` for a whole resource."""
    kind: str
    """added, removed, value or type."""


def differences(before_type: str, before: bytes, after_type: str, after: bytes) -> set[Difference]:
    """Where two outputs differ; empty when they say the same.

    Resources are matched by where they are sent to (request.url), then by place. Outputs that are
    not FHIR JSON differ as a whole.
    """
    if before == after and plain_type(before_type) == plain_type(after_type):
        return set()
    if plain_type(before_type) != FHIR_JSON or plain_type(after_type) != FHIR_JSON:
        return {Difference("message", "value")}
    try:
        old, new = _resources(orjson.loads(before)), _resources(orjson.loads(after))
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        return {Difference("message", "value")}
    found: set[Difference] = set()
    for key in {**old, **new}:
        name = key[0]
        if key not in old:
            found.add(Difference(name, "added"))
        elif key not in new:
            found.add(Difference(name, "removed"))
        else:
            found.update(_differ(name, old[key], new[key]))
        if len(found) >= DIFFERENCES_MAX:
            break
    return found


def _resources(bundle: Mapping[str, Any]) -> dict[tuple[str, str, int], Any]:
    """(type, request.url, how many of them before) -> resource."""
    if bundle.get("resourceType") != "Bundle":
        return {(str(bundle.get("resourceType", "")), "", 0): bundle}
    found: dict[tuple[str, str, int], Any] = {}
    for entry in bundle.get("entry", ()):
        resource = entry.get("resource", {})
        url = entry.get("request", {}).get("url", "")
        number = 0
        while (key := (str(resource.get("resourceType", "")), url, number)) in found:
            number += 1
        found[key] = resource
    return found


def _differ(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            below = f"{path}.{name}"
            if name not in old:
                yield Difference(below, "added")
            elif name not in new:
                yield Difference(below, "removed")
            else:
                yield from _differ(below, old[name], new[name])
    elif isinstance(old, list) and isinstance(new, list):
        for one, other in zip(old, new, strict=False):
            yield from _differ(path, one, other)
        if len(old) != len(new):
            yield Difference(path, "added" if len(new) > len(old) else "removed")
    elif type(old) is type(new):
        yield Difference(path, "value")
    else:
        yield Difference(path, "type")
