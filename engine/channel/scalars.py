"""Pure. One text -> the value of an option: numbers with their range, words, checked forms."""

import re
from typing import Any

from engine.channel import codes
from engine.channel.fields import FieldSpec, Kind
from engine.diagnostics import Diagnostic, Place, did_you_mean

_INTEGER = re.compile(r"[+-]?\d+(_\d{3})*\Z")
_NUMBER = re.compile(r"[+-]?\d+(_\d{3})*(\.\d+)?\Z")


def coerce(
    text: str, option: FieldSpec, name: str, place: Place
) -> tuple[Any | None, Diagnostic | None]:
    """Make the value of an option out of its text.

    Args:
        text: as written, references already in place.
        option: what it must be.
        name: the option as written, for the diagnostic.
        place: where it stands.

    Returns:
        The value, or None and the problem.
    """
    if option.kind in (Kind.INTEGER, Kind.NUMBER):
        return _coerce_number(text, option, name, place)
    if option.kind is Kind.BOOLEAN:
        if text in ("true", "false"):
            return text == "true", None
        hint = "write true or false"
        return None, codes.NOT_A_CHOICE(place, option=name, value=text, hint=hint)
    if option.kind is Kind.CHOICE:
        if text in option.choices:
            return text, None
        known = f"known: {', '.join(option.choices)}"
        near = did_you_mean(text, option.choices)
        hint = f"{near} {known}" if near else known
        return None, codes.NOT_A_CHOICE(place, option=name, value=text, hint=hint)
    wrong = option.form(text) if option.form else None
    if wrong:
        return None, codes.BAD_FORM(place, option=name, expected=option.form_name, problem=wrong)
    return text, None


def _coerce_number(
    text: str, option: FieldSpec, name: str, place: Place
) -> tuple[Any | None, Diagnostic | None]:
    pattern = _INTEGER if option.kind is Kind.INTEGER else _NUMBER
    if not pattern.match(text):
        return None, codes.NOT_A_NUMBER(place, option=name, expected=option.kind.value)
    number = float(text.replace("_", ""))
    low, high = option.minimum, option.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        expected = (
            f"at least {low:,.10g}" if high is None else f"from {low or 0:,.10g} to {high:,.10g}"
        )
        return None, codes.OUT_OF_RANGE(place, option=name, expected=expected)
    return (int(number) if option.kind is Kind.INTEGER else number * option.scale), None
