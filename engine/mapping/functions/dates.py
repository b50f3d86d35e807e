"""Pure. Functions that make FHIR dates and times from HL7 v2 timestamps.

HL7 sends `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]` (v2.5.1 ch. 2.A.22). Precision and offset
are kept. FHIR wants an offset as soon as there are hours: it is the value's own, else that of the
channel's `time_zone` on that day, else that of MSH-7, else only the date is kept and that is
reported. Seconds FHIR demands and the sender left out are written as zeros. A date never moves
because of an offset.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.mapping.codes import BAD_DATE, NO_TIME, TIME_GAP, ZONE_UNKNOWN
from engine.mapping.functions.record import Example, Facts, FunctionRecord, Parameter

_TIMESTAMP = re.compile(
    r"(?P<year>[0-9]{4})(?:(?P<month>[0-9]{2})(?:(?P<day>[0-9]{2})"
    r"(?:(?P<hour>[0-9]{2})(?:(?P<minute>[0-9]{2})(?:(?P<second>[0-9]{2})"
    r"(?P<fraction>\.[0-9]{1,9})?)?)?)?)?)?(?P<offset>[+-][0-9]{4}|[+-][0-9]{2}|Z)?"
)
_TIME = re.compile(r"([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(\.[0-9]{1,9})?)?)?([+-][0-9]{4})?")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_OFFSET_MINUTES_MAX = 14 * 60


@lru_cache(maxsize=64)
def find_zone(name: str) -> ZoneInfo | None:
    """The time zone of that IANA name, or None."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _valid_day(year: int, month: int, day: int) -> bool:
    if not (year >= 1 and 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return leap or month != 2 or day < 29


@lru_cache(maxsize=4096)
def _date_text(digits: str) -> str | None:
    """`YYYY`, `YYYYMM` or `YYYYMMDD` with hyphens; None when there is no such day."""
    year, month, day = digits[:4], digits[4:6], digits[6:8]
    if not _valid_day(int(year), int(month or "1"), int(day or "1")):
        return None
    if day:
        return f"{year}-{month}-{day}"
    return f"{year}-{month}" if month else year


def date(facts: Facts, value: str) -> str | None:
    """A FHIR date: a time of day and an offset are dropped without moving the day."""
    if len(value) == 8 and value.isdigit() and value.isascii():
        found = _date_text(value)
    else:
        match = _TIMESTAMP.fullmatch(value.strip())
        found = _date_text(value.strip()[:8].partition("+")[0].partition("-")[0]) if match else None
    if found is None:
        facts.fault(BAD_DATE)
    return found


def date_time(facts: Facts, value: str) -> str | None:
    """A FHIR dateTime."""
    return _moment(facts, value, instant=False)


def instant(facts: Facts, value: str) -> str | None:
    """A FHIR instant: nothing unless there is a time of day with an offset."""
    return _moment(facts, value, instant=True)


@lru_cache(maxsize=4096)
def _parts(value: str) -> tuple[str, str, str] | None:
    """Date, time of day and offset as FHIR writes them, each empty when it was not sent."""
    match = _TIMESTAMP.fullmatch(value.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, written = match.groups()
    date_text = _date_text(year + (month or "") + (day or ""))
    offset = _written_offset(written) if written else ""
    if date_text is None or offset is None:
        return None
    if hour is None:
        return date_text, "", offset
    minute, second = minute or "00", second or "00"
    if hour > "23" or minute > "59" or second > "59":
        return None
    return date_text, f"{hour}:{minute}:{second}{fraction or ''}", offset


def _moment(facts: Facts, value: str, *, instant: bool) -> str | None:
    found = _parts(value)
    if found is None:
        facts.fault(BAD_DATE)
        return None
    if instant and not found[1]:
        facts.fault(NO_TIME)
        return None
    date_text, time_text, offset = found
    if not time_text:
        return date_text
    if not offset:
        known = _offset(facts, date_text, int(time_text[:2]), int(time_text[3:5]))
        if known is None:
            facts.fault_once(ZONE_UNKNOWN, "zone")
            return None if instant else date_text
        offset = known
    return f"{date_text}T{time_text}{offset}"


def _offset(facts: Facts, day_text: str, hour: int, minute: int) -> str | None:
    """`+01:00` of a time that was sent without, or None when no offset can be known."""
    if facts.time_zone:
        zone = find_zone(facts.time_zone)
        if zone is not None:
            return _zone_offset(facts, zone, day_text, hour, minute)
    if facts.header_offset_minutes is not None:
        return offset_text(facts.header_offset_minutes)
    return None


def offset_known(facts: Facts, digits: str) -> str | None:
    """The offset a timestamp without one is written with (`+01:00`), None when none is known."""
    day, hour, minute = _date_text(digits[:8]), digits[8:10] or "00", digits[10:12] or "00"
    if day is None or len(day) < 10 or hour > "23" or minute > "59":
        return None
    return _offset(facts, day, int(hour), int(minute))


@lru_cache(maxsize=256)
def _written_offset(written: str) -> str | None:
    if written == "Z":
        return "Z"
    hours, minutes = written[1:3], written[3:5] or "00"
    if int(hours) * 60 + int(minutes) > _OFFSET_MINUTES_MAX or minutes > "59":
        return None
    return f"{written[0]}{hours}:{minutes}"


def _zone_offset(facts: Facts, zone: ZoneInfo, day_text: str, hour: int, minute: int) -> str | None:
    year, month, day = (int(part) for part in day_text.split("-"))
    local = datetime(year, month, day, hour, minute, tzinfo=zone)
    found = local.utcoffset()
    if found is None:
        return None
    if 1 < year < 9999 and local.astimezone(UTC).astimezone(zone).replace(
        tzinfo=None
    ) != local.replace(tzinfo=None):
        facts.fault(TIME_GAP)
    return offset_text(int(found // timedelta(minutes=1)))


def offset_text(minutes: int) -> str:
    """`+05:30` of 330."""
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"{sign}{hours:02d}:{rest:02d}"


def header_offset(timestamp: str) -> int | None:
    """The offset of MSH-7 in minutes, or None when it has none."""
    match = _TIMESTAMP.fullmatch(timestamp.strip())
    written = match["offset"] if match is not None else None
    if written is None:
        return None
    if written == "Z":
        return 0
    minutes = int(written[1:3]) * 60 + int(written[3:5] or 0)
    if minutes > _OFFSET_MINUTES_MAX:
        return None
    return -minutes if written[0] == "-" else minutes


def time(facts: Facts, value: str) -> str | None:
    """A FHIR time of day; an offset is dropped, which FHIR cannot say."""
    text = value.strip()
    match = _TIME.fullmatch(text)
    if match is None or match.group(1) > "23":
        facts.fault(BAD_DATE)
        return None
    hour, minute, second, fraction = match.group(1), match.group(2), match.group(3), match.group(4)
    minute, second = minute or "00", second or "00"
    if minute > "59" or second > "59":
        facts.fault(BAD_DATE)
        return None
    return f"{hour}:{minute}:{second}{fraction or ''}"


_VALUE = Parameter(name="value", doc="a timestamp")
_ACCEPTS = ("TS", "DTM", "DT", "ST", "NM")

RECORDS = (
    FunctionRecord(
        name="date",
        doc="A date with the precision sent; a time of day is dropped, the day never moves.",
        parameters=(_VALUE,),
        returns=("date", "dateTime"),
        accepts=_ACCEPTS,
        examples=(
            Example(arguments=("19800131",), result="1980-01-31"),
            Example(arguments=("1980",), result="1980"),
            Example(arguments=("198001",), result="1980-01"),
            Example(arguments=("198001312330+1400",), result="1980-01-31"),
            Example(arguments=("19820230",), result=None, fault="T561"),
            Example(arguments=("0",), result=None, fault="T561"),
        ),
        body=date,
        uses_facts=True,
    ),
    FunctionRecord(
        name="dateTime",
        doc="A dateTime with the precision and offset sent; without an offset only the date.",
        parameters=(_VALUE,),
        returns=("dateTime",),
        accepts=_ACCEPTS,
        examples=(
            Example(arguments=("20260102030405.12-0500",), result="2026-01-02T03:04:05.12-05:00"),
            Example(arguments=("202601020304+0100",), result="2026-01-02T03:04:00+01:00"),
            Example(
                arguments=("202607020304",),
                result="2026-07-02T03:04:00+02:00",
                time_zone="Europe/Berlin",
            ),
            Example(arguments=("202601020304",), result="2026-01-02", fault="T562"),
            Example(arguments=("20260102",), result="2026-01-02"),
            Example(
                arguments=("20260329023000",),
                result="2026-03-29T02:30:00+01:00",
                fault="T563",
                time_zone="Europe/Berlin",
            ),
            Example(arguments=("2026-01-02",), result=None, fault="T561"),
        ),
        body=date_time,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="instant",
        doc="An instant; nothing when there is no time of day, or no offset.",
        parameters=(_VALUE,),
        returns=("instant", "dateTime"),
        accepts=_ACCEPTS,
        examples=(
            Example(arguments=("20260102030405Z",), result="2026-01-02T03:04:05Z"),
            Example(arguments=("20260102",), result=None, fault="T575"),
        ),
        body=instant,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="time",
        doc="A time of day.",
        parameters=(_VALUE,),
        returns=("time",),
        accepts=("TM", "ST"),
        examples=(
            Example(arguments=("0304",), result="03:04:00"),
            Example(arguments=("2561",), result=None, fault="T561"),
        ),
        body=time,
        uses_facts=True,
    ),
)
