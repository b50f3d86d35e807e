"""Rim. JSON Patch (RFC 6902) of the operations and paths a type lists, with the `test` of an
element's id before what changes that element. Report 1.4.
"""

from copy import deepcopy
from typing import Any

from engine.simulator.millennium.answers import Resource, RuleBrokenError, invalid_request
from engine.simulator.millennium.tables import PatchRule

OPERATIONS_MAX = 500
OPS = ("add", "replace", "remove", "test")


def patched(
    resource: Resource, operations: Any, rules: tuple[PatchRule, ...]
) -> tuple[Resource, list[dict[str, Any]]]:
    """The resource after the patch, and the operations.

    Refuses with 400 what is no patch; raises RuleBrokenError for an operation that is not listed, a
    missing or failed test, or a path that leads nowhere.
    """
    checked = _operations(operations)
    result = deepcopy(resource)
    tested: set[tuple[str, str]] = set()
    for operation in checked:
        op, path = operation["op"], tuple(operation["path"].strip("/").split("/"))
        rule = next((one for one in rules if one.op == op and _fits(one.path, path)), None)
        if rule is None:
            raise RuleBrokenError("an operation on this path is not supported")
        if op == "test":
            if _at(result, path) != operation.get("value"):
                raise RuleBrokenError("a test failed: the element has another id")
            tested.add((path[0], path[1]))
            continue
        if rule.tested and path[:2] not in tested:
            raise RuleBrokenError("the id of the element is to be tested first")
        _apply(result, op, path, operation)
    return result, checked


def _operations(operations: Any) -> list[dict[str, Any]]:
    if not isinstance(operations, list) or not 0 < len(operations) <= OPERATIONS_MAX:
        raise invalid_request()
    for one in operations:
        if not isinstance(one, dict) or one.get("op") not in OPS:
            raise invalid_request()
        if not isinstance(one.get("path"), str) or not one["path"].startswith("/"):
            raise invalid_request()
    return operations


def _fits(listed: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(listed) == len(path) and all(
        given.isdigit() if name == "{i}" else name == given
        for name, given in zip(listed, path, strict=True)
    )


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            raise RuleBrokenError("a path of the patch leads nowhere")
    return value


def _apply(resource: Resource, op: str, path: tuple[str, ...], operation: dict[str, Any]) -> None:
    *above, last = path
    if op == "add" and last == "-":
        place = resource
        for step in above[:-1]:
            place = _at(place, (step,))
        listed = place.setdefault(above[-1], [])
        listed.append(_value(operation))
        return
    place = _made(resource, tuple(above)) if above else resource
    if isinstance(place, list):
        _at(place, (last,))
        if op == "remove":
            del place[int(last)]
        else:
            place[int(last)] = _value(operation)
    elif op == "remove" or "value" not in operation:
        place.pop(last, None)
    else:
        place[last] = operation["value"]


def _made(resource: Resource, path: tuple[str, ...]) -> Any:
    """The place of a path whose last object may not be there yet, such as `period`."""
    try:
        return _at(resource, path)
    except RuleBrokenError:
        above = _at(resource, path[:-1])
        if not isinstance(above, dict) or path[-1].isdigit():
            raise
        return above.setdefault(path[-1], {})


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise invalid_request()
    return operation["value"]
