"""Pure. Functions for the parts of a result that HL7 v2 writes as text.

OBX-7 is text that mostly holds numbers (HL7 v2.5.1 ch. 7.4.2.7: `lower-upper`, `< upper`,
`> lower`); R4 takes the bounds of a range to be part of it.
"""

import re
from functools import lru_cache
from typing import Any

from engine.mapping.functions.numbers import Number, measure_of, read_number
from engine.mapping.functions.record import (
    TEXT_TYPES,
    Example,
    Facts,
    FunctionRecord,
    Kind,
    Parameter,
)

_NUMBER = r"([+-]?[0-9]*\.?[0-9]+)"
_BETWEEN = re.compile(rf"{_NUMBER}\s*(?:-|to)\s*{_NUMBER}")
_BOUND = re.compile(rf"(<=|>=)\s*{_NUMBER}")


@lru_cache(maxsize=2048)
def _bounds(text: str) -> tuple[tuple[str, Number], ...]:
    """`low` and `high` with their numbers; empty when the text is no plain range."""
    match = _BETWEEN.fullmatch(text)
    if match is not None:
        low, high = read_number(match.group(1)), read_number(match.group(2))
        if low is None or high is None or low > high:  # R4 rng-2
            return ()
        return ("low", low), ("high", high)
    match = _BOUND.fullmatch(text)
    number = read_number(match.group(2)) if match is not None else None
    if match is None or number is None:
        return ()
    return (("high" if match.group(1) == "<=" else "low", number),)


def reference_range(facts: Facts, value: str, unit: list[str] | None) -> dict[str, Any] | None:
    """Low and high of a reference range; None when the text is no plain range of numbers."""
    bounds = _bounds(value)
    if not bounds:
        return None
    measure = measure_of(unit, facts) if unit else {}
    return {name: {"value": number, **measure} for name, number in bounds}


def components(value: list[str]) -> str | None:
    """All components of a value, with blanks between."""
    return " ".join([part for part in value if part]) or None


RECORDS = (
    FunctionRecord(
        name="reference_range",
        doc="Low and high of a reference range such as `3.9-5.8`; `<5` has none, as a bound of R4 "
        "belongs to the range.",
        parameters=(
            Parameter(name="value", doc="OBX-7"),
            Parameter(
                name="unit",
                doc="a CWE of units, OBX-6",
                kind=Kind.COMPOSITE,
                required=False,
            ),
        ),
        returns=("Range", "Observation.referenceRange"),
        accepts=("ST",),
        examples=(
            Example(
                arguments=("3.9-5.80", ["mmol/L"]),
                result={
                    "low": {"value": 3.9, "unit": "mmol/L"},
                    "high": {"value": read_number("5.80"), "unit": "mmol/L"},
                },
            ),
            Example(arguments=(">=2", None), result={"low": {"value": 2}}),
            Example(arguments=("-2-+2", None), result={"low": {"value": -2}, "high": {"value": 2}}),
            Example(arguments=("<5", None), result=None),
            Example(arguments=("negative", None), result=None),
        ),
        body=reference_range,
        uses_facts=True,
        remembered=True,
    ),
    FunctionRecord(
        name="components",
        doc="All components of a value with blanks between, whatever its type.",
        parameters=(Parameter(name="value", doc="any value", kind=Kind.COMPOSITE),),
        returns=TEXT_TYPES,
        examples=(
            Example(arguments=(["D9", "Holm", "", "Arne"],), result="D9 Holm Arne"),
            Example(arguments=([""],), result=None),
        ),
        body=components,
    ),
)
