"""Pure. Functions on repeat patterns of orders: how often, how far apart, on which days.

A repeat pattern is a code of HL7 table 0335 (`Q6H`, `BID`, `Q2J135`, `PRNBID`), whose family has no
end and so fits no code table; FHIR wants frequency, period, days and events apart
(HL7 v2.5.1 ch. 4.3.2, https://hl7.org/fhir/R4/datatypes.html#Timing).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from engine.mapping.codes import BAD_VALUE
from engine.mapping.functions.dates import time
from engine.mapping.functions.record import Example, Facts, FunctionRecord, Parameter

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Codes of days-of-week, in the order of HL7: 1 is Monday."""

_EVERY = re.compile(r"Q([1-9][0-9]{0,3}|)(?:-([0-9]{1,4}))?(S|MIN|M|HRS|HR|H|DAYS|DAY|D|WK|W|MO|L)")
_WEEKDAYS = re.compile(r"Q([1-9][0-9]?|)J([1-7]{1,7})")
_TIMES = re.compile(r"([0-9]{1,2})(?:ID|XD|XDAY)")
_MEAL = re.compile(r"[AP]?C[MDV]?")
_CODED_UNITS = {
    "S": "s", "M": "min", "MIN": "min", "H": "h", "HR": "h", "HRS": "h", "D": "d", "DAY": "d",
    "DAYS": "d", "W": "wk", "WK": "wk", "MO": "mo", "L": "mo",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What a repeat pattern says, as far as its code is known."""

    frequency: int | None = None
    period: int | None = None
    period_max: int | None = None
    unit: str | None = None
    days: tuple[str, ...] = ()
    when: str | None = None
    count: int | None = None


_NAMED = {
    "BID": Pattern(frequency=2, period=1, unit="d"),
    "TID": Pattern(frequency=3, period=1, unit="d"),
    "QID": Pattern(frequency=4, period=1, unit="d"),
    "DAILY": Pattern(frequency=1, period=1, unit="d"),
    "QOD": Pattern(frequency=1, period=2, unit="d"),
    "QAM": Pattern(frequency=1, period=1, unit="d", when="MORN"),
    "QPM": Pattern(frequency=1, period=1, unit="d", when="EVE"),
    "QHS": Pattern(frequency=1, period=1, unit="d", when="HS"),
    "HS": Pattern(frequency=1, period=1, unit="d", when="HS"),
    "QSHIFT": Pattern(frequency=3, period=1, unit="d"),
    "ONCE": Pattern(count=1),
    "1X": Pattern(count=1),
    "STAT": Pattern(count=1),
}


@lru_cache(maxsize=1024)
def read_pattern(text: str) -> Pattern | None:
    """What a code of table 0335 says, `PRN` at either end left out; None when it says nothing."""
    code = text.strip().upper().removeprefix("PRN").removesuffix("PRN").strip()
    named = _NAMED.get(code)
    if named is not None:
        return named
    match = _EVERY.fullmatch(code)
    if match is not None:
        period, most = int(match[1] or 1), int(match[2]) if match[2] else None
        return Pattern(frequency=1, period=period, period_max=most, unit=_CODED_UNITS[match[3]])
    match = _WEEKDAYS.fullmatch(code)
    if match is not None:
        days = tuple(DAYS[int(day) - 1] for day in sorted(set(match[2])))
        return Pattern(frequency=len(days), period=int(match[1] or 1), unit="wk", days=days)
    match = _TIMES.fullmatch(code)
    if match is not None and int(match[1]):
        return Pattern(frequency=int(match[1]), period=1, unit="d")
    return Pattern(when=code) if _MEAL.fullmatch(code) and code != "C" else None


def repeat_frequency(value: str) -> int | None:
    """How often in each period a repeat pattern says."""
    found = read_pattern(value)
    return found.frequency if found else None


def repeat_period(value: str) -> int | None:
    """How many units each period of a repeat pattern has."""
    found = read_pattern(value)
    return found.period if found else None


def repeat_period_max(value: str) -> int | None:
    """The longest period of a pattern that gives two, such as `Q4-6H`."""
    found = read_pattern(value)
    return found.period_max if found else None


def repeat_unit(value: str) -> str | None:
    """The unit of a repeat pattern's period."""
    found = read_pattern(value)
    return found.unit if found else None


def repeat_days(value: str) -> list[str]:
    """The days of the week of a repeat pattern."""
    found = read_pattern(value)
    return list(found.days) if found else []


def repeat_when(value: str) -> str | None:
    """The event of daily life of a repeat pattern."""
    found = read_pattern(value)
    return found.when if found else None


def repeat_count(value: str) -> int | None:
    """How often in all: once."""
    found = read_pattern(value)
    return found.count if found else None


def week_days(facts: Facts, value: str, last: str | None) -> list[str]:
    """The days from one number to another, 1 being Monday; over the week's end when need be."""
    numbers = [text.strip() for text in (value, last or value)]
    if any(len(text) != 1 or text not in "1234567" for text in numbers):
        facts.fault(BAD_VALUE, what="a day of the week, 1 to 7")
        return []
    first, end = (int(text) - 1 for text in numbers)
    return [DAYS[(first + step) % 7] for step in range((end - first) % 7 + 1)]


def times_of_day(facts: Facts, value: str) -> list[str]:
    """The times of day of RI.2, which lists them with commas."""
    found = (time(facts, text) for text in value.split(",") if text.strip())
    return [text for text in found if text is not None]


_PATTERN = Parameter(name="value", doc="a repeat pattern: RPT.1 or RI.1")
_CODES = ("CWE", "CE", "IS", "ID", "ST")


def _record(
    name: str, doc: str, body: Callable[[str], object], returns: str, examples: tuple[Example, ...]
) -> FunctionRecord:
    """The record of a function that reads one thing of a repeat pattern."""
    return FunctionRecord(
        name=name,
        doc=doc,
        parameters=(_PATTERN,),
        returns=(returns,),
        accepts=_CODES,
        examples=examples,
        body=body,
        yields_list=body is repeat_days,
    )


RECORDS = (
    _record(
        "repeat_frequency",
        "How often in each period: 2 of `BID` (table 0335).",
        repeat_frequency,
        "positiveInt",
        (
            Example(arguments=("BID",), result=2),
            Example(arguments=("Q6H",), result=1),
            Example(arguments=("5ID",), result=5),
            Example(arguments=("C",), result=None),
        ),
    ),
    _record(
        "repeat_period",
        "How many units a period has: 6 of `Q6H`.",
        repeat_period,
        "decimal",
        (
            Example(arguments=("Q6H",), result=6),
            Example(arguments=("q6h prn",), result=6),
            Example(arguments=("PRNBID",), result=1),
        ),
    ),
    _record(
        "repeat_period_max",
        "The longest period of a pattern that gives two: 6 of `Q4-6H`.",
        repeat_period_max,
        "decimal",
        (
            Example(arguments=("Q4-6H",), result=6),
            Example(arguments=("Q6H",), result=None),
        ),
    ),
    _record(
        "repeat_unit",
        "The unit of a period: `h` of `Q6H`, `mo` of `Q1L`.",
        repeat_unit,
        "code",
        (
            Example(arguments=("Q30M",), result="min"),
            Example(arguments=("QOD",), result="d"),
            Example(arguments=("Once",), result=None),
        ),
    ),
    _record(
        "repeat_days",
        "The days of the week: Monday, Wednesday and Friday of `QJ135`.",
        repeat_days,
        "code",
        (
            Example(arguments=("QJ135",), result=["mon", "wed", "fri"]),
            Example(arguments=("Q2J2",), result=["tue"]),
        ),
    ),
    _record(
        "repeat_when",
        "The event of daily life: `HS` of `QHS`, `ACM` before breakfast.",
        repeat_when,
        "code",
        (
            Example(arguments=("QHS",), result="HS"),
            Example(arguments=("PCV",), result="PCV"),
            Example(arguments=("C",), result=None),
        ),
    ),
    _record(
        "repeat_count",
        "How often in all: 1 of `Once`.",
        repeat_count,
        "positiveInt",
        (
            Example(arguments=("Once",), result=1),
            Example(arguments=("BID",), result=None),
        ),
    ),
    FunctionRecord(
        name="week_days",
        doc="The days of the week from one number to another, 1 being Monday (RPT.3, RPT.4).",
        parameters=(
            Parameter(name="value", doc="the first"),
            Parameter(name="last", doc="the last", required=False),
        ),
        returns=("code",),
        accepts=("NM", "ST"),
        examples=(
            Example(arguments=("1", "3"), result=["mon", "tue", "wed"]),
            Example(arguments=("6", "1"), result=["sat", "sun", "mon"]),
            Example(arguments=("4", None), result=["thu"]),
            Example(arguments=("8", None), result=[], fault="T567"),
        ),
        body=week_days,
        uses_facts=True,
        yields_list=True,
    ),
    FunctionRecord(
        name="times_of_day",
        doc="Times of day that stand in one text with commas between (RI.2).",
        parameters=(Parameter(name="value", doc="the times"),),
        returns=("time",),
        accepts=("ST",),
        examples=(
            Example(arguments=("0800,1400",), result=["08:00:00", "14:00:00"]),
            Example(arguments=("0800,2570",), result=["08:00:00"], fault="T561"),
        ),
        body=times_of_day,
        uses_facts=True,
        yields_list=True,
    ),
)
