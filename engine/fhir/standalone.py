"""Pure. References and order where each entry is a request of its own: batch and single.

No server resolves a fullUrl there, so a reference must name its target in a way that holds alone:
`Type/id` where the id is ours, `Type?identifier=...` where the server can search, and otherwise the
identifier without a literal reference (a logical reference). Entries are ordered so that a target
is written before what refers to it.
FHIR R4 4.0.1, https://hl7.org/fhir/R4/http.html#batch and references.html#logical.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.fhir import codes
from engine.fhir.entries import Entry, entry_name, references_of
from engine.fhir.forms import UPDATE, Form, identifier_query

CONDITIONAL_REFERENCE = "conditional-reference"

Logical = dict[str, tuple[str, str] | None]
"""`Type/id` to the identifier that stands in its place, None where there is none."""


def arrange(
    entries: Mapping[str, Entry],
    forms: Sequence[Form],
    aliases: Mapping[str, str],
    capabilities: frozenset[str],
    diagnostics: list[Diagnostic],
) -> tuple[list[tuple[Entry, Form]], dict[str, str]]:
    """The entries with their forms in order, and the new name of each.

    Args:
        entries: by name, each resource once.
        forms: one for each entry, in the same order.
        aliases: other names of entries.
        capabilities: what the server can do.
        diagnostics: is added to for each reference that can only be logical, or not at all.
    """
    names: dict[str, str] = {}
    logical: Logical = {}
    for (name, entry), form in zip(entries.items(), forms, strict=True):
        names[name] = name
        if form.kind == UPDATE:
            continue
        if entry.identifier is not None and CONDITIONAL_REFERENCE in capabilities:
            resource_type = entry.resource["resourceType"]
            names[name] = f"{resource_type}?{identifier_query(entry.identifier)}"
        else:
            logical[name] = entry.identifier
    for alias, name in aliases.items():
        if name in logical:
            logical[alias] = logical[name]
    listed = [
        (replace(entry, resource=_rewritten(entry, logical, diagnostics)), form)
        for entry, form in _targets_first(list(zip(entries.values(), forms, strict=True)), aliases)
    ]
    return listed, names


def _rewritten(entry: Entry, logical: Logical, diagnostics: list[Diagnostic]) -> dict[str, Any]:
    if not logical:
        return entry.resource
    path = entry.resource["resourceType"]
    rewritten: dict[str, Any] = _with_logical(entry.resource, path, logical, diagnostics)
    return rewritten


def _with_logical(value: Any, path: str, logical: Logical, diagnostics: list[Diagnostic]) -> Any:
    """A copy whose references to entries without a known id carry their identifier instead."""
    if isinstance(value, list):
        return [
            _with_logical(item, f"{path}[{index}]", logical, diagnostics)
            for index, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    copy: dict[str, Any] = {}
    for key, item in value.items():
        if key != "reference" or not isinstance(item, str) or item not in logical:
            copy[key] = _with_logical(item, f"{path}.{key}", logical, diagnostics)
            continue
        identifier = logical[item]
        place = Place(path=f"{path}.reference")
        if identifier is None:
            diagnostics.append(codes.UNRESOLVABLE(place))
            copy[key] = item
            continue
        diagnostics.append(codes.LOGICAL_REFERENCE(place))
        copy["type"] = item.partition("/")[0]
        copy["identifier"] = {"system": identifier[0], "value": identifier[1]}
    return copy


def _targets_first(
    listed: list[tuple[Entry, Form]], aliases: Mapping[str, str]
) -> list[tuple[Entry, Form]]:
    """Stable order in which an entry comes after those it refers to; circles keep their order."""
    places = {entry_name(entry): index for index, (entry, _) in enumerate(listed)}
    targets = []
    for entry, _ in listed:
        named = [aliases.get(text, text) for _, text in references_of(entry.resource, "")]
        targets.append([places[name] for name in named if name in places])
    order: list[int] = []
    entered: set[int] = set()
    for start in range(len(listed)):
        stack = [(start, False)]
        while stack:
            index, done = stack.pop()
            if done:
                order.append(index)
            elif index not in entered:
                entered.add(index)
                stack.append((index, True))
                stack.extend((target, False) for target in reversed(targets[index]))
    return [listed[index] for index in order]
