"""Pure. When a message happened, and when it was sent, by its own word. HL7 v2.5.1 chapter 2A,
TS."""

from datetime import UTC, datetime, timedelta, timezone
from datetime import tzinfo as tzinfo_type
from functools import lru_cache

from engine.hl7v2.message import Message
from engine.hl7v2.timestamps import Precision, Timestamp, parse_timestamp
from engine.mapping.functions.dates import find_zone


def event_at(message: Message, zone: str | None) -> float | None:
    """EVN-2, else MSH-7, as Unix seconds; a time without an offset is the channel's zone's or
    UTC."""
    texts = [segment.field(2) for segment in message.segment_list("EVN")[:1]]
    texts.append(message.header_segment.field(7))
    for text in texts:
        found = _event_seconds(text.partition(message.delimiters.component)[0], zone)
        if found is not None:
            return found
    return None


@lru_cache(maxsize=256)
def _event_seconds(text: str, zone: str | None) -> float | None:
    """A time as sent as Unix seconds; kept, as messages of one moment tell it several times."""
    found = parse_timestamp(text) if text else None
    if found is None or found.precision.value < Precision.DAY.value:
        return None
    return unix_seconds(found, zone)


def unix_seconds(moment: Timestamp, zone: str | None) -> float | None:
    """A moment as Unix seconds; None for one that no calendar has."""
    if moment.offset_minutes is not None:
        tzinfo: tzinfo_type = timezone(timedelta(minutes=moment.offset_minutes))
    else:
        tzinfo = (find_zone(zone) if zone else None) or UTC
    try:
        return datetime(
            moment.year,
            moment.month,
            moment.day,
            moment.hour,
            moment.minute,
            min(moment.second, 59),
            tzinfo=tzinfo,
        ).timestamp()
    except (ValueError, OverflowError):
        return None


def instant(message: Message) -> str | None:
    """MSH-7 as a FHIR instant for Bundle.timestamp; None unless it has seconds and an offset."""
    text = message.header_segment.field(7)
    return _instant(text.partition(message.delimiters.component)[0]) if text else None


@lru_cache(maxsize=256)
def _instant(text: str) -> str | None:
    found = parse_timestamp(text)
    if found is None or found.offset_minutes is None:
        return None
    if found.precision.value < Precision.SECOND.value or found.second > 59:
        return None
    sign = "-" if found.offset_minutes < 0 else "+"
    hours, minutes = divmod(abs(found.offset_minutes), 60)
    fraction = f".{found.fraction}" if found.fraction else ""
    return (
        f"{found.year:04}-{found.month:02}-{found.day:02}"
        f"T{found.hour:02}:{found.minute:02}:{found.second:02}{fraction}"
        f"{sign}{hours:02}:{minutes:02}"
    )


def instant_of(moment: float) -> str:
    """Unix seconds as a FHIR instant."""
    found = datetime.fromtimestamp(moment, UTC)
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")
