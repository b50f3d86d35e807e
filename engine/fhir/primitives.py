"""Pure. The formats of FHIR's primitive types: JSON type, pattern, range, real calendar dates.

The patterns are R4's own, with three changes: a date must exist (no 30 February), control
characters are refused in all texts (R4 says so in words), and base64 is checked by decoding,
because R4's pattern takes exponential time. The compiled gate uses the very same patterns.
FHIR R4 4.0.1, https://hl7.org/fhir/R4/datatypes.html#primitive.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from typing import Any

TEXT_LENGTH_MAX = 1_048_576
"""R4: strings shall not exceed 1 MB."""
INTEGER_MAX = 2_147_483_647

_YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_BY_FOUR = "(?:0[48]|[2468][048]|[13579][26])"
_LEAP_YEAR = f"(?:[0-9]{{2}}{_BY_FOUR}|{_BY_FOUR}00)"
_DAY = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP_YEAR}-02-29)"
)
_DATE = f"(?:{_DAY}|{_YEAR}(?:-(?:0[1-9]|1[0-2]))?)"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]+)?"
_ZONE = "(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_INSTANT = f"{_DAY}T{_TIME}{_ZONE}"
_TEXT = "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff]+"
_WORD = "[^\\s\\x00-\\x1f\\ud800-\\udfff]+"

PATTERNS: dict[str, str] = {
    "canonical": _WORD,
    "code": f"{_WORD}(?: {_WORD})*",
    "date": _DATE,
    "dateTime": f"(?:{_INSTANT}|{_DATE})",
    "id": "[A-Za-z0-9\\-.]{1,64}",
    "instant": _INSTANT,
    "markdown": _TEXT,
    "oid": "urn:oid:[0-2](?:\\.(?:0|[1-9][0-9]*))+",
    "string": _TEXT,
    "time": _TIME,
    "uri": _WORD,
    "url": _WORD,
    "uuid": "urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "xhtml": "\\s*<div[\\s>/][\\s\\S]*>\\s*",
}
"""Primitive type to the pattern its whole text must match; texts with no pattern have a check."""

RANGES: dict[str, tuple[int, int]] = {
    "integer": (-INTEGER_MAX - 1, INTEGER_MAX),
    "positiveInt": (1, INTEGER_MAX),
    "unsignedInt": (0, INTEGER_MAX),
}

_MATCH: dict[str, Callable[[str], Any]] = {
    name: re.compile(pattern).fullmatch for name, pattern in PATTERNS.items()
}
_WHITESPACE = re.compile("[ \\t\\r\\n]+")


def is_valid(kind: str, value: object) -> bool:
    """True when a JSON value (str, int, float, Decimal or bool) is a valid primitive of that type.

    Raises:
        KeyError: `kind` is not a primitive type of R4.
    """
    return has_json_type(kind, value) and has_format(kind, value)


def has_json_type(kind: str, value: object) -> bool:
    """True when the value has the JSON type that the primitive type is written in."""
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "decimal":
        return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if kind in RANGES:
        if isinstance(value, Decimal):  # written without a point or exponent
            return value.as_tuple().exponent == 0
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str)


def has_format(kind: str, value: Any) -> bool:
    """True when a value of the right JSON type has the right format and range."""
    match = _MATCH.get(kind)
    if match is not None:
        return match(value) is not None and (len(value) <= TEXT_LENGTH_MAX or kind == "xhtml")
    if kind in RANGES:
        low, high = RANGES[kind]
        return low <= int(value) <= high
    if kind == "boolean":
        return True
    if kind == "decimal":
        return value.is_finite() if isinstance(value, Decimal) else _is_finite(value)
    if kind == "base64Binary":
        return is_base64(value)
    raise KeyError(kind)


def _is_finite(value: int | float) -> bool:
    return isinstance(value, int) or isfinite(value)


def is_base64(text: str) -> bool:
    """True for non-empty base64 (RFC 4648 section 4, padded); white space may part it."""
    try:
        a2b_base64(_WHITESPACE.sub("", text), strict_mode=True)
    except (Base64Error, ValueError):
        return False
    return bool(text.strip())
