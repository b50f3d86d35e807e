"""Pure. A resource that is not valid R4 loses the elements at fault, never more, and never in
silence.

The maps are checked and convert what they can; what still fails here is data no rule foresaw. One
bad field costs that field: the innermost optional element around the fault is left out, with a
warning that names it. Where the fault leaves a required element out, what it is required in goes
too, up to the whole resource, which then is not sent, with an error.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from engine.diagnostics import Diagnostic, Place, Severity
from engine.fhir.checker import check
from engine.fhir.compiled import is_valid
from engine.fhir.entries import Entry
from engine.pipeline import codes

ROUNDS_MAX = 20
"""Each round removes at least one element; more faults than this make a resource not worth
sending."""

Step = str | int


def repair_entries(entries: Sequence[Entry]) -> tuple[list[Entry], list[Diagnostic]]:
    """The entries that are valid, repaired where they were not; and what was left out.

    References to a resource that was left out are left out of the others too.
    """
    if all(_is_valid(entry) for entry in entries):
        return list(entries), []
    kept: list[Entry] = []
    gone: set[str] = set()
    problems: list[Diagnostic] = []
    for entry in entries:
        if _is_valid(entry):
            kept.append(entry)
            continue
        resource = _repair(entry.resource, problems)
        if resource is None:
            gone.add(f"{entry.resource['resourceType']}/{entry.resource_id}")
        else:
            kept.append(_with(entry, resource))
    if not gone:
        return kept, problems
    cleaned, more = _without_references(kept, gone)
    return cleaned, problems + more


def _is_valid(entry: Entry) -> bool:
    """Ask the gate, once for a resource that comes again in other messages."""
    recurring = entry.recurring
    if recurring is None:
        return is_valid(entry.resource)
    if not recurring.is_valid:
        recurring.is_valid = is_valid(entry.resource)
    return recurring.is_valid


def _without_references(
    entries: list[Entry], gone: set[str]
) -> tuple[list[Entry], list[Diagnostic]]:
    """Drop references to `gone`; a resource that needs one goes with it, and so on."""
    problems: list[Diagnostic] = []
    changed: list[Entry] = []
    for entry in entries:
        resource = deepcopy(entry.resource)
        if _drop_references(resource, gone):
            changed.append(_with(entry, resource))
        else:
            changed.append(entry)
    repaired, more = repair_entries(changed)
    return repaired, problems + more


def _drop_references(value: Any, gone: set[str]) -> bool:
    """Take `reference` to any of `gone` out of a value, in place; True when there was one."""
    found = False
    if isinstance(value, dict):
        if value.get("reference") in gone:
            del value["reference"]
            found = True
        for item in value.values():
            found |= _drop_references(item, gone)
    elif isinstance(value, list):
        for item in value:
            found |= _drop_references(item, gone)
    return found


def _with(entry: Entry, resource: dict[str, Any]) -> Entry:
    return replace(entry, resource=resource, recurring=None)


def _repair(resource: dict[str, Any], problems: list[Diagnostic]) -> dict[str, Any] | None:
    """A valid copy with elements left out, or None when nothing valid is left."""
    name = str(resource.get("resourceType"))
    copy = deepcopy(resource)
    for _ in range(ROUNDS_MAX):
        faults = [found for found in check(copy) if found.severity is Severity.ERROR]
        if not faults:
            return copy
        fault = faults[0]
        path = fault.place.path or ""
        removed = _remove(copy, _steps(path))
        if removed is None:
            problems.append(codes.RESOURCE_REMOVED(Place(path=name), path=path, code=fault.code))
            return None
        place = Place(path=f"{name}.{removed}")
        problems.append(codes.ELEMENT_REMOVED(place, path=f"{name}.{removed}", code=fault.code))
    problems.append(codes.RESOURCE_REMOVED(Place(path=name), path=name, code=faults[0].code))
    return None


def _steps(path: str) -> list[Step]:
    """`Patient.name[0].family` as [`name`, 0, `family`]."""
    found: list[Step] = []
    for part in path.split(".")[1:]:
        name, *indexes = part.split("[")
        found.append(name)
        found += [int(index[:-1]) for index in indexes if index[:-1].isdigit()]
    return found


def _remove(resource: dict[str, Any], steps: list[Step]) -> str | None:
    """Take out the deepest element of the path that is there, and what is empty without it.

    Returns its path below the resource; None when that is the resource itself.
    """
    chain: list[tuple[Any, Step]] = []
    here: Any = resource
    for step in steps:
        there = (
            step in here
            if isinstance(here, dict)
            else isinstance(here, list) and isinstance(step, int) and step < len(here)
        )
        if not there:
            break
        chain.append((here, step))
        here = here[step]
    if not chain or chain == [(resource, "resourceType")]:
        return None
    shown = _text([step for _, step in chain])
    while chain:
        holder, step = chain.pop()
        del holder[step]
        if holder or holder is resource:
            return shown
        shown = _text([step for _, step in chain])
    return shown


def _text(steps: list[Step]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
