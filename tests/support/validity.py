"""What every Bundle is held to, whether a message or a document made it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from engine.diagnostics import Diagnostic
from engine.fhir import checker
from engine.fhir.bundle import check_references
from engine.fhir.entries import Entry

Json = dict[str, Any]

OUR_FAULTS = ("T569", "T570")
"""A rule that failed, or a map that could not be compiled."""
_ABSOLUTE = re.compile(r"(?:https?://[^\s/]+(?:/\S*)?|urn:(?:oid:[012](?:\.\d+)+|\w[\w-]*:\S+))")
_CONTACTS = ("elecom", "ContactPoint")


def refusals(entries: Sequence[Entry], resources: Sequence[Json]) -> Iterator[str]:
    """What our gate says of the resources made, and fhir.resources of them as they are sent."""
    for entry in entries:
        for problem in checker.check(entry.resource):
            yield f"{entry.resource['resourceType']}: {problem.code} {problem.place.path}"
    for resource in resources:
        try:
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        except ValueError as refused:
            yield f"fhir.resources: {str(refused)[:200]}"


def dangling_and_doubles(entries: Sequence[Entry], resources: Sequence[Json]) -> Iterator[str]:
    """References to nothing, and resources that are in the Bundle twice."""
    yield from (str(found.place.path) for found in check_references(entries))
    names = Counter((found["resourceType"], found["id"]) for found in resources)
    yield from (f"{kind} twice" for (kind, _), count in names.items() if count > 1)


def systems(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, text) of every `system` but those of telephone numbers, which are codes."""
    if isinstance(value, list):
        for item in value:
            yield from systems(item, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "system" and isinstance(item, str):
                if not path.endswith(_CONTACTS):
                    yield path, item
            else:
                yield from systems(item, f"{path}.{key}")


def is_system(text: str) -> bool:
    """True for an absolute URI that stands for something."""
    return _ABSOLUTE.fullmatch(text) is not None and "example.com" not in text


def failed_rules(diagnostics: Iterable[Diagnostic]) -> Iterator[str]:
    """Faults of ours among what a conversion reported."""
    for found in diagnostics:
        if found.code in OUR_FAULTS:
            yield f"a rule failed: {found.message} at {found.place.file}:{found.place.line}"
