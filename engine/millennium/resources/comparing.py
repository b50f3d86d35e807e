"""Pure. Whether a server's value says what is wanted: more is allowed there, less is not.

A server gives codings, texts, ids and periods of its own beside what was written; a change is only
what would be said differently.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
Normalise = Callable[[str, str], str]
"""Brings the value of an identifier of a system to the form in which it is compared."""


def unnormalised(_system: str, value: str) -> str:
    """Identifiers as they stand."""
    return value


def says(there: Any, wanted: Any) -> bool:
    """True when the server's value says what is wanted."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and _object_says(there, wanted)
    if isinstance(wanted, list):
        return isinstance(there, list) and _list_says(there, wanted)
    if isinstance(wanted, bool) or isinstance(there, bool):
        return wanted is there
    numbers = (int, float, Decimal)
    if isinstance(wanted, numbers) and isinstance(there, numbers):
        return Decimal(str(there)) == Decimal(str(wanted))
    return bool(there == wanted)


def _object_says(there: Json, wanted: Json) -> bool:
    if wanted.get("coding"):
        return _says_coding(there, wanted["coding"])
    return all(says(there.get(name), value) for name, value in wanted.items())


def _says_coding(there: Json, wanted: list[Json]) -> bool:
    """A concept is said when the server has one of its codings; the words beside are its own."""
    codings = there.get("coding")
    listed = [
        (one.get("system"), one.get("code"))
        for one in (codings if isinstance(codings, list) else [])
        if isinstance(one, dict)
    ]
    return any((one.get("system"), one.get("code")) in listed for one in wanted)


def _list_says(there: list[Any], wanted: list[Any]) -> bool:
    """Extensions by their URL; other lists item by item, where the server may have more behind."""
    if all(isinstance(one, dict) and "url" in one for one in wanted):
        return all(any(says(item, one) for item in there) for one in wanted)
    if any(not isinstance(one, dict) for one in wanted) and len(there) != len(wanted):
        return False
    return len(there) >= len(wanted) and all(
        says(item, one) for item, one in zip(there, wanted, strict=False)
    )
