"""Pure. Functions on spans of time: the end that fits a start, a moment some minutes later.

PR1-5 and PR1-7 of HL7 v2.5.1 ch. 6.5.4 give a start and a length; FHIR wants start and end, and
refuses a Period that ends before it starts (per-1).
"""

import re
from datetime import UTC, datetime, timedelta

from engine.mapping.codes import BAD_DATE, BAD_NUMBER, END_BEFORE_START
from engine.mapping.functions.dates import date_time, find_zone, instant, offset_known
from engine.mapping.functions.record import Example, Facts, FunctionRecord, Parameter

_MOMENT = re.compile(r"([0-9]{12})([0-9]{2})?(\.[0-9]{1,4})?([+-][0-9]{4})?")
_STAMP = re.compile(r"([0-9]{4,14})(?:\.[0-9]{1,4})?([+-][0-9]{4})?")
_MINUTES = re.compile(r"[0-9]{1,6}(?:\.0*)?")


def add_minutes(facts: Facts, value: str, minutes: str) -> str | None:
    """The dateTime some minutes after an HL7 timestamp."""
    later = _later(facts, value, minutes)
    return date_time(facts, later) if later else None


def instant_after(facts: Facts, value: str, minutes: str) -> str | None:
    """The instant some minutes after an HL7 timestamp."""
    later = _later(facts, value, minutes)
    return instant(facts, later) if later else None


def _later(facts: Facts, value: str, minutes: str) -> str | None:
    """The HL7 timestamp some minutes later."""
    match = _MOMENT.fullmatch(value.strip())
    if match is None:
        facts.fault(BAD_DATE)
        return None
    if _MINUTES.fullmatch(minutes.strip()) is None:
        facts.fault(BAD_NUMBER)
        return None
    day, seconds, _, offset = match.groups()
    zone = find_zone(facts.time_zone) if facts.time_zone and not offset else None
    length = timedelta(minutes=int(float(minutes)))
    try:
        start = datetime.strptime(day + (seconds or "00"), "%Y%m%d%H%M%S")  # noqa: DTZ007  the offset is kept as text
        if zone is not None:  # clocks may be set between start and end
            end = (start.replace(tzinfo=zone).astimezone(UTC) + length).astimezone(zone)
            return end.strftime("%Y%m%d%H%M%S%z")
        end = start + length
    except (ValueError, OverflowError):
        facts.fault(BAD_DATE)
        return None
    return end.strftime("%Y%m%d%H%M%S") + (offset or "")


def period_end(facts: Facts, value: str, start: str | None) -> str | None:
    """The dateTime of an end; nothing, and a diagnostic, when it is before the start."""
    if start and _is_before(facts, value.strip(), start.strip()):
        facts.fault(END_BEFORE_START)
        return None
    return date_time(facts, value)


def _is_before(facts: Facts, value: str, start: str) -> bool:
    """True when both are timestamps and `value` is earlier at the precision both have.

    One without an offset has that of the channel or of the message, as it will be written.
    """
    ends, begins = _STAMP.fullmatch(value), _STAMP.fullmatch(start)
    if ends is None or begins is None:
        return False
    length = min(len(ends[1]), len(begins[1]))
    if length <= 8 or ends[2] == begins[2]:
        return ends[1][:length] < begins[1][:length]
    first = _instant(ends[1], ends[2] or offset_known(facts, ends[1]))
    second = _instant(begins[1], begins[2] or offset_known(facts, begins[1]))
    if first is None or second is None:
        return ends[1][:8] < begins[1][:8]
    return first < second


def _instant(digits: str, offset: str | None) -> datetime | None:
    """The moment in UTC; nothing without an offset."""
    try:
        return datetime.strptime(f"{digits:0<14}{offset}", "%Y%m%d%H%M%S%z") if offset else None
    except ValueError:
        return None


RECORDS = (
    FunctionRecord(
        name="period_end",
        doc="The end of a period; nothing before its start: `DR.2 -> period_end start=DR.1`.",
        parameters=(
            Parameter(name="value", doc="the end"),
            Parameter(name="start", doc="the start", required=False),
        ),
        returns=("dateTime",),
        accepts=("TS", "DTM", "DT", "ST"),
        examples=(
            Example(arguments=("20240314", "20240311141500"), result="2024-03-14"),
            Example(arguments=("20240310", "20240311"), result=None, fault="T573"),
            Example(
                arguments=("20240311120000+0200", "20240311113000+0000"), result=None, fault="T573"
            ),
            Example(
                arguments=("20240311140000+0000", "20240311113000"),
                result=None,
                fault="T573",
                time_zone="America/New_York",
            ),
            Example(arguments=("20240314", None), result="2024-03-14"),
        ),
        body=period_end,
        uses_facts=True,
    ),
    FunctionRecord(
        name="instant_after",
        doc="The instant some minutes after a moment: `SCH-11.4 -> instant_after minutes=SCH-9`.",
        parameters=(
            Parameter(name="value", doc="the moment"),
            Parameter(name="minutes", doc="how many"),
        ),
        returns=("instant", "dateTime"),
        accepts=("TS", "DTM", "ST"),
        examples=(
            Example(
                arguments=("202403111450+0000", "15"),
                result="2024-03-11T15:05:00+00:00",
            ),
            Example(arguments=("202403111450", "15"), result=None, fault="T562"),
        ),
        body=instant_after,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="add_minutes",
        doc="The dateTime some minutes after a moment: `PR1-5 -> add_minutes minutes=PR1-7`.",
        parameters=(
            Parameter(name="value", doc="the moment"),
            Parameter(name="minutes", doc="how many"),
        ),
        returns=("dateTime",),
        accepts=("TS", "DTM", "ST"),
        examples=(
            Example(arguments=("202403111450+0000", "15"), result="2024-03-11T15:05:00+00:00"),
            Example(
                arguments=("202403310030", "120"),
                result="2024-03-31T03:30:00+01:00",
                time_zone="Europe/London",
            ),
            Example(arguments=("20240311", "15"), result=None, fault="T561"),
        ),
        body=add_minutes,
        uses_facts=True,
    ),
)
