"""Pure. Functions on spans of time: a moment and a number of minutes after it.

PR1-5 and PR1-7 of HL7 v2.5.1 ch. 6.5.4 give a start and a length; FHIR wants start and end.
"""

import re
from datetime import datetime, timedelta

from engine.mapping.codes import BAD_DATE, BAD_NUMBER
from engine.mapping.functions.dates import date_time
from engine.mapping.functions.record import Example, Facts, FunctionRecord, Parameter

_MOMENT = re.compile(r"([0-9]{12})([0-9]{2})?(\.[0-9]{1,4})?([+-][0-9]{4})?")
_MINUTES = re.compile(r"[0-9]{1,6}(?:\.0*)?")


def add_minutes(facts: Facts, value: str, minutes: str) -> str | None:
    """The dateTime some minutes after an HL7 timestamp; the offset stays that of the start."""
    match = _MOMENT.fullmatch(value.strip())
    if match is None:
        facts.fault(BAD_DATE)
        return None
    if _MINUTES.fullmatch(minutes.strip()) is None:
        facts.fault(BAD_NUMBER)
        return None
    day, seconds, _, offset = match.groups()
    try:
        start = datetime.strptime(day + (seconds or "00"), "%Y%m%d%H%M%S")  # noqa: DTZ007  the offset is kept as text
        end = start + timedelta(minutes=int(float(minutes)))
    except (ValueError, OverflowError):
        facts.fault(BAD_DATE)
        return None
    return date_time(facts, end.strftime("%Y%m%d%H%M%S") + (offset or ""))


RECORDS = (
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
            Example(arguments=("20240311", "15"), result=None, fault="T561"),
        ),
        body=add_minutes,
        uses_facts=True,
    ),
)
