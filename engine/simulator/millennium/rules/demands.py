"""Rim. Demands that several types make in the same words."""

from collections.abc import Collection
from typing import Any

from engine.simulator.millennium.answers import Resource, RuleBrokenError
from engine.simulator.millennium.elements import codes_of, codings, dicts, reference_of


def need(element: dict[str, Any], name: str, *parts: str) -> None:
    """Each part is there and not empty."""
    for part in parts:
        if not element.get(part):
            raise RuleBrokenError(f"{name}.{part} is required", code="required")


def be_one_of(value: object, name: str, allowed: Collection[str]) -> None:
    """A code is one of those supported."""
    if not isinstance(value, str) or value not in allowed:
        raise RuleBrokenError(f"{name} must be one of {', '.join(sorted(allowed))}")


def at_most(resource: Resource, name: str, most: int = 1) -> None:
    """A list is no longer than that."""
    if len(dicts(resource.get(name))) > most:
        raise RuleBrokenError(f"{name} expected at most {most} list item{'s' * (most > 1)}")


def have_time(period: Any, name: str) -> None:
    """The ends of a period have a time."""
    for end in ("start", "end"):
        moment = period.get(end, "") if isinstance(period, dict) else ""
        if moment and "T" not in moment:
            raise RuleBrokenError(f"{name}.{end} needs a time and a time zone")


def refer_to(value: Any, name: str, *kinds: str) -> None:
    """A reference is to one of the types."""
    if not any(reference_of(value, kind) for kind in kinds):
        raise RuleBrokenError(f"{name} refers to {' or '.join(kinds)}")


def stay(before: Resource, after: Resource, *names: str) -> None:
    """Fields an update must not change; codings are the same when they share a code."""
    for name in names:
        if _same(before.get(name), after.get(name)):
            continue
        raise RuleBrokenError(f"{name} cannot be changed")


def _same(before: Any, after: Any) -> bool:
    if before == after:
        return True
    if isinstance(before, dict) and isinstance(after, dict):
        if "reference" in before or "reference" in after:
            return bool(reference_of(before)) and reference_of(before) == reference_of(after)
        if codings(before) or codings(after):
            return bool(codes_of(before) & codes_of(after))
        return before.get("text") == after.get("text")
    return False


def keep_notes(before: Resource, after: Resource) -> None:
    """Notes that are there stay as they are; there can be no second one."""
    old, new = dicts(before.get("note")), dicts(after.get("note"))
    if old and [one.get("text") for one in old] != [one.get("text") for one in new]:
        raise RuleBrokenError("note cannot be added or changed where there is one")


def first_chosen(concept: Any) -> Any:
    """A concept with at most one coding the user chose and one that was not chosen."""
    if not isinstance(concept, dict) or not codings(concept):
        return concept
    listed = codings(concept)
    chosen = [one for one in listed if one.get("userSelected") is True][:1]
    other = [one for one in listed if one.get("userSelected") is not True][:1]
    return {**concept, "coding": chosen + other}
