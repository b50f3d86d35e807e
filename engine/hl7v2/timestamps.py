"""Pure. HL7 v2 timestamps: `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`.

HL7 v2.5.1 chapter 2A, TS and DTM. Precision is what was written and the offset is kept: nothing is
shifted or made up. Dates that are not in the calendar (30 February), zeros and ISO forms with
dashes are invalid.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

_FORM = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,9}))?)?)?)?)?)?"
    r"(?:([+-])(\d\d)(\d\d)?)?",
    re.ASCII,
)


class Precision(Enum):
    """The smallest part that was written."""

    YEAR = 1
    MONTH = 2
    DAY = 3
    HOUR = 4
    MINUTE = 5
    SECOND = 6
    FRACTION = 7


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A moment as written; parts beyond the precision hold their smallest value."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    fraction: str
    """Digits after the point, as written, or an empty text."""
    offset_minutes: int | None
    """East of UTC; None when the text has none."""
    precision: Precision


@lru_cache(maxsize=4096)
def parse_timestamp(text: str) -> Timestamp | None:
    """Read a timestamp; None when it is not one of the calendar.

    Blanks around it are passed over. A degree of precision after `^` (TS.2) must be cut off before.
    The midnight hour 24 is not accepted: the standard ends the day with 23.
    """
    matched = _FORM.fullmatch(text.strip())
    if matched is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, zone_hours, zone_minutes = (
        matched.groups()
    )
    parts = (month, day, hour, minute, second, fraction)
    count = sum(part is not None for part in parts)
    numbers = [int(part) if part else 0 for part in parts[:5]]
    month_number, day_number = numbers[0] if month else 1, numbers[1] if day else 1
    if int(year) == 0 or not 1 <= month_number <= 12:
        return None
    if not 1 <= day_number <= monthrange(int(year), month_number)[1]:
        return None
    if numbers[2] > 23 or numbers[3] > 59 or numbers[4] > 59:
        return None
    offset = None
    if sign:
        offset = int(zone_hours) * 60 + int(zone_minutes or 0)
        if offset > 14 * 60 or int(zone_minutes or 0) > 59:
            return None
        offset = -offset if sign == "-" else offset
    return Timestamp(
        int(year),
        month_number,
        day_number,
        numbers[2],
        numbers[3],
        numbers[4],
        fraction or "",
        offset,
        Precision(count + 1),
    )
