"""Facts of a Bundle, as `Type.path=value`, where one resource has to hold all of a group."""

from typing import Any

ABSENT = "absent"


def holds(resources: list[dict[str, Any]], group: str) -> bool:
    """True when one resource holds every fact of a group.

    Args:
        resources: of one Bundle.
        group: `Condition: code.coding[0].code=44054006; clinicalStatus=absent`, or
            `no Condition` where none may be there.
    """
    if group.startswith("no "):
        return all(one["resourceType"] != group[3:] for one in resources)
    kind, _, facts = group.partition(": ")
    return any(
        all(_fits(one, fact) for fact in facts.split("; "))
        for one in resources
        if one["resourceType"] == kind
    )


def _fits(resource: dict[str, Any], fact: str) -> bool:
    path, _, expected = fact.partition("=")
    value = _at(resource, path)
    if expected == ABSENT:
        return value is None
    if isinstance(value, bool):
        return str(value).lower() == expected
    return value is not None and str(value) == expected


def _at(value: Any, path: str) -> Any:
    """What stands at `code.coding[0].code`; None when nothing does."""
    for name in path.replace("[", ".[").split("."):
        if name.startswith("["):
            index = int(name[1:-1])
            value = value[index] if isinstance(value, list) and index < len(value) else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value
