"""Pure. Functions on lengths of time: durations, minutes, the moment a length later.

A length is a CQ (`10^d`), or the code of TQ.3 of old versions, unit first (`D10`): HL7 v2.5.1 ch.
4.3.3. FHIR takes seven units of time, by their UCUM codes.
"""

import re
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from engine.mapping.codes import BAD_DATE
from engine.mapping.functions.dates import date_time
from engine.mapping.functions.numbers import UCUM, Number, read_number
from engine.mapping.functions.record import Example, Facts, FunctionRecord, Kind, Parameter

UNITS: dict[str, str] = {
    "s": "s", "S": "s", "sec": "s", "second": "s", "seconds": "s",
    "min": "min", "M": "min", "mins": "min", "minute": "min", "minutes": "min",
    "h": "h", "H": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "d": "d", "D": "d", "day": "d", "days": "d",
    "wk": "wk", "W": "wk", "w": "wk", "week": "wk", "weeks": "wk",
    "mo": "mo", "L": "mo", "mon": "mo", "month": "mo", "months": "mo",
    "a": "a", "y": "a", "yr": "a", "year": "a", "years": "a",
}  # fmt: skip
"""Units of time as senders write them to the seven that FHIR takes; `M` is minutes in HL7."""

_NAMES = {
    "s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month",
    "a": "year",
}  # fmt: skip
_MINUTES = {"s": 1 / 60, "min": 1, "h": 60, "d": 1440, "wk": 10080}

_UNIT_FIRST = re.compile(r"([SMHDWL])([0-9]{0,6})")
_LENGTH = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)")
_STAMP = re.compile(r"([0-9]{8}|[0-9]{12}(?:[0-9]{2})?)(?:\.[0-9]{1,4})?([+-][0-9]{4})?")


def time_unit(value: str) -> str | None:
    """A unit of time as FHIR takes it; nothing for a word that is none."""
    text = value.strip()
    return UNITS.get(text) or UNITS.get(text.lower())


def read_length(parts: list[str]) -> tuple[Number, str] | None:
    """Number and FHIR unit of a CQ (`10`, `d`), of `D10` or of `10 days`; None for any other."""
    text = parts[0].strip() if parts else ""
    if len(parts) > 1 and parts[1]:
        number, unit = text, time_unit(parts[1])
    elif match := _UNIT_FIRST.fullmatch(text):
        number, unit = match[2] or "1", UNITS[match[1]]
    elif match := _LENGTH.fullmatch(text):
        number, unit = match[1], time_unit(match[2])
    else:
        number, unit = "1", time_unit(text)
    value = read_number(number)
    return (value, unit) if value is not None and unit is not None else None


def duration(value: list[str], words: str | None = None) -> dict[str, Any] | None:
    """A Duration; nothing when number or unit is not known."""
    found = read_length(value)
    if found is None:
        return None
    number, unit = found
    return {"value": number, "unit": words or _NAMES[unit], "system": UCUM, "code": unit}


def minutes(value: list[str], unit: str | None) -> int | None:
    """Whole minutes of a length; nothing when it has no unit of fixed length."""
    found = read_length([*value[:1], unit] if unit else value)
    if found is None or found[1] not in _MINUTES:
        return None
    return round(float(found[0]) * _MINUTES[found[1]])


def after(facts: Facts, value: str, length: list[str], back: bool | None) -> str | None:
    """The dateTime a length after an HL7 timestamp, or before it.

    Of a date alone whole days are counted, the first and the last included, as FHIR reads a Period.
    """
    found, match = read_length(length), _STAMP.fullmatch(value.strip())
    if found is None or match is None:
        facts.fault(BAD_DATE)
        return None
    digits, offset = match[1], match[2] or ""
    pattern = "%Y%m%d" if len(digits) == 8 else "%Y%m%d%H%M%S"
    try:
        start = datetime.strptime(f"{digits}00" if len(digits) == 12 else digits, pattern)  # noqa: DTZ007  the offset is kept as text
        if len(digits) == 8:
            end = _moved(start, *_whole_days(float(found[0]), found[1]), -1 if back else 1)
            end += timedelta(days=1 if back else -1)
        else:
            end = _moved(start, float(found[0]), found[1], -1 if back else 1)
    except (ValueError, OverflowError):
        facts.fault(BAD_DATE)
        return None
    return date_time(facts, end.strftime(pattern) + offset)


def _whole_days(number: float, unit: str) -> tuple[float, str]:
    """A length in days where it has that many, at least one; months and years as they are."""
    if unit not in _MINUTES:
        return number, unit
    return max(ceil(number * _MINUTES[unit] / 1440), 1), "d"


def _moved(start: datetime, number: float, unit: str, sign: int) -> datetime:
    """The moment so many units later or earlier.

    Raises:
        ValueError, OverflowError: there is no such day.
    """
    if unit in _MINUTES:
        return start + sign * timedelta(minutes=round(number * _MINUTES[unit]))
    month = start.year * 12 + start.month - 1 + sign * round(number * (12 if unit == "a" else 1))
    year, month = divmod(month, 12)
    for day in range(start.day, start.day - 4, -1):
        try:
            return start.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise ValueError


_CODES = ("CWE", "CE", "IS", "ID", "ST")

RECORDS = (
    FunctionRecord(
        name="time_unit",
        doc="A unit of time as FHIR takes it (s, min, h, d, wk, mo, a); nothing for other words.",
        parameters=(Parameter(name="value", doc="the unit"),),
        returns=("code",),
        accepts=_CODES,
        examples=(
            Example(arguments=("hours",), result="h"),
            Example(arguments=("M",), result="min"),
            Example(arguments=("fortnight",), result=None),
        ),
        body=time_unit,
    ),
    FunctionRecord(
        name="duration",
        doc="A Duration of a CQ (`10^d`) or of TQ.3 (`D10`); nothing when the unit is no time.",
        parameters=(
            Parameter(name="value", doc="CQ or TQ.3", kind=Kind.COMPOSITE),
            Parameter(name="words", doc="the sender's words for the unit, CQ.2.2", required=False),
        ),
        returns=("Duration", "Quantity"),
        accepts=("CQ", "ST"),
        examples=(
            Example(
                arguments=(["10", "d"], None),
                result={
                    "value": 10,
                    "unit": "day",
                    "system": "http://unitsofmeasure.org",
                    "code": "d",
                },
            ),
            Example(
                arguments=(["W2"], None),
                result={
                    "value": 2,
                    "unit": "week",
                    "system": "http://unitsofmeasure.org",
                    "code": "wk",
                },
            ),
            Example(
                arguments=(["3", "D"], "days"),
                result={
                    "value": 3,
                    "unit": "days",
                    "system": "http://unitsofmeasure.org",
                    "code": "d",
                },
            ),
            Example(arguments=(["INDEF"], None), result=None),
        ),
        body=duration,
    ),
    FunctionRecord(
        name="minutes",
        doc="Whole minutes of a length of time: `minutes(RPT.9, RPT.10)`.",
        parameters=(
            Parameter(name="value", doc="CQ, or a number", kind=Kind.COMPOSITE),
            Parameter(name="unit", doc="its unit", required=False),
        ),
        returns=("unsignedInt",),
        accepts=("CQ", "NM", "ST"),
        examples=(
            Example(arguments=(["2", "h"], None), result=120),
            Example(arguments=(["30"], "min"), result=30),
            Example(arguments=(["1", "mo"], None), result=None),
        ),
        body=minutes,
    ),
    FunctionRecord(
        name="after",
        doc=(
            "The dateTime a length of time after a moment, or before it: "
            "`TQ1-8 -> after length=TQ1-6 back=true`. Days are counted with the first and the last."
        ),
        parameters=(
            Parameter(name="value", doc="the moment"),
            Parameter(name="length", doc="CQ, or TQ.3", kind=Kind.COMPOSITE),
            Parameter(name="back", doc="true: before it", required=False, kind=Kind.VALUE),
        ),
        returns=("dateTime",),
        accepts=("TS", "DTM", "DT", "ST"),
        examples=(
            Example(
                arguments=("202403111450+0000", ["2", "h"], None),
                result="2024-03-11T16:50:00+00:00",
            ),
            Example(arguments=("20240301", ["10", "d"], None), result="2024-03-10"),
            Example(arguments=("20240310", ["W1"], True), result="2024-03-04"),
            Example(arguments=("20240301", ["36", "h"], None), result="2024-03-02"),
            Example(arguments=("20240131", ["1", "mo"], None), result="2024-02-28"),
            Example(arguments=("2024", ["1", "mo"], None), result=None, fault="T561"),
        ),
        body=after,
        uses_facts=True,
        varies=True,
    ),
)
