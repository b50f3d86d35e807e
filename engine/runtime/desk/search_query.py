"""Rim. The one-line query of `log search` and `replay`: `mrn:1234 status:ERROR since:2h
type:ADT^A01`.

Words are joined by "and". A word without a name is looked up in every search key and as a
control id.
"""

import re
from datetime import UTC, datetime
from typing import Any

from engine.pipeline.states import State
from engine.store.interface import Search

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
NAMES = (
    "channel", "status", "type", "control", "code", "since", "until", "id", "destination",
    "job", "key",
)  # fmt: skip
_WORD = re.compile(r'(?:(?P<name>[A-Za-z][\w-]*):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))')


class QueryError(ValueError):
    """The query cannot be read; the text says which word and why."""


def parse_query(text: str, *, now: float, limit: int = 100) -> Search:
    """Read a query.

    Args:
        text: such as `status:ERROR since:1h` or a bare control id.
        now: Unix seconds, for `since:2h`.
        limit: rows wanted.

    Raises:
        QueryError: a name is unknown or a value cannot be read.
    """
    found: dict[str, Any] = {"limit": limit}
    for match in _WORD.finditer(text):
        value = match["quoted"] if match["quoted"] is not None else match["plain"]
        _take(match["name"], value, now, found)
    return Search(**found)


def _take(name: str | None, value: str, now: float, found: dict[str, Any]) -> None:
    if name is None:
        _append(found, "keys", (None, value))
    elif name in ("since", "until"):
        found[name] = _moment(value, now)
    elif name == "status":
        _append(found, "states", _state(value))
    elif name == "id":
        _append(found, "message_ids", _number(name, value))
    elif name == "job":
        found["job_id"] = _number(name, value)
    elif name == "control":
        found["control_id"] = value
    elif name in ("channel", "type", "code", "destination"):
        _append(found, {"type": "message_types"}.get(name, f"{name}s"), value)
    else:
        _append(found, "keys", (name, value))


def _append(found: dict[str, Any], name: str, value: object) -> None:
    found[name] = (*found.get(name, ()), value)


def _state(value: str) -> State:
    try:
        return State(value.upper())
    except ValueError:
        known = ", ".join(state.value for state in State)
        raise QueryError(f"status:{value} is not a state; states are {known}") from None


def _number(name: str, value: str) -> int:
    if not value.isdigit():
        raise QueryError(f"{name}: wants a number")
    return int(value)


def _moment(value: str, now: float) -> float:
    relative = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", value)
    if relative:
        return now - float(relative[1]) * UNITS[relative[2]]
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise QueryError(
            f'"{value}" is no time: write 2h, 3d, 2026-11-22 or 2026-11-22T14:00'
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
