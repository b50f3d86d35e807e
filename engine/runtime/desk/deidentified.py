"""Rim. A message without the patient: what identifies is replaced, what maps read stays.

What a masked viewer sees stays. Of the rest codes, their systems, numbers and assigning authorities
stay, because maps decide by them; dates are moved, all by the same number of days; every other text
becomes a made-up one, the same for the same, so that what belonged together still does. Fields that
no definition knows are texts. HIPAA safe harbor, 45 CFR 164.514(b)(2).
"""

import re
import secrets
from datetime import date, timedelta

from engine.hl7v2 import definitions
from engine.hl7v2.message import Message, Segment
from engine.hl7v2.path import Leaf, leaves
from engine.hl7v2.serializer import serialize_segments
from engine.runtime.desk.masking import MaskingPolicy

DAYS_MIN = 365
DAYS_MORE = 3650
NUMBERS = frozenset({"SI", "NM"})
CODES = frozenset({"ID", "IS"})
CODE_LENGTH_MAX = 3
"""Longer codes stay where HL7's table has them: senders put anything into such fields."""
AUTHORITY = "HD"
CODED_TYPES = frozenset({"CWE", "CE", "CNE", "CF"})
DATE_TYPES = frozenset({"DT", "DTM", "TS"})
CODE_PARTS = (1, 3, 4, 6)
"""Of a coded datatype: code and system, twice."""
NUMBER_LENGTH_MAX = 12
_NUMBER = re.compile(r"[<>=]*[+-]?[0-9.]{1,15}")


def deidentified(message: Message, policy: MaskingPolicy, days: int | None = None) -> bytes:
    """The message with made-up values.

    Args:
        message: parsed.
        policy: what masked viewers see.
        days: how far dates are moved back; None: a random number that nobody keeps.
    """
    moved = DAYS_MIN + secrets.randbelow(DAYS_MORE) if days is None else days
    made_up: dict[str, str] = {}
    texts = {segment.index: segment.text for segment in message.segments}
    starts = {segment.index: segment.start for segment in message.segments}
    systems = _systems(message)
    for leaf in reversed(list(leaves(message))):  # from the end, so that places stay where they are
        text = texts[leaf.segment_index]
        begin = leaf.start - starts[leaf.segment_index]
        end = leaf.end - starts[leaf.segment_index]
        value = text[begin:end]
        new = _replaced(message, leaf, value, policy, systems, moved, made_up)
        texts[leaf.segment_index] = text[:begin] + new + text[end:]
    lines = [texts[segment.index] for segment in message.segments]
    return serialize_segments([line.replace("\n", " ") for line in lines], message.codec)


def _systems(message: Message) -> set[tuple[int, int, int]]:
    """Repetitions of fields whose third part names a coding system."""
    return {
        (leaf.segment_index, leaf.field, leaf.repetition)
        for leaf in leaves(message)
        if leaf.component == 3 and leaf.text
    }


def _replaced(
    message: Message,
    leaf: Leaf,
    value: str,
    policy: MaskingPolicy,
    systems: set[tuple[int, int, int]],
    days: int,
    made_up: dict[str, str],
) -> str:
    if leaf.null or (leaf.segment_name == "MSH" and leaf.field != 10):
        return value
    if policy.shows(leaf.path) and leaf.segment_name != "MSH":
        return value
    whole, part, table = _types(message, leaf)
    if part in DATE_TYPES or whole in DATE_TYPES:
        return _moved(value, days)
    if whole in CODED_TYPES:
        coded = (leaf.segment_index, leaf.field, leaf.repetition) in systems
        return value if coded and leaf.component in CODE_PARTS else _text(value, made_up)
    return (
        value
        if _tells_nobody(part or whole, value, table, message.version)
        else _text(value, made_up)
    )


def _tells_nobody(datatype: str, value: str, table: str, version: str) -> bool:
    """True for numbers, codes and assigning authorities."""
    if datatype == AUTHORITY:
        return True
    if datatype in NUMBERS:
        return _NUMBER.fullmatch(value) is not None
    if datatype not in CODES:
        return False
    known = definitions.table(version, table) if table else None
    return len(value) <= CODE_LENGTH_MAX or (known is not None and value in known)


def _types(message: Message, leaf: Leaf) -> tuple[str, str, str]:
    """Datatype of the field, of the component, and the table; empty where there is none."""
    known = definitions.segment(message.version, leaf.segment_name)
    field = known.fields.get(leaf.field) if known is not None else None
    if field is None:
        return "", "", ""
    whole = field.datatype
    if whole == "varies":
        segment: Segment = message.segments[leaf.segment_index]
        whole = segment.field(2)
    datatype = definitions.datatype(message.version, whole)
    part = datatype.components.get(leaf.component) if datatype is not None else None
    if part is None:
        return whole, "", field.table or ""
    return whole, part.datatype, part.table or ""


def _moved(value: str, days: int) -> str:
    """A date so many days earlier; what is no whole date loses all but its year."""
    digits = value[:8]
    if len(digits) == 8 and digits.isascii() and digits.isdigit():
        try:
            then = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
            return f"{then - timedelta(days=days):%Y%m%d}{value[8:]}"
        except (ValueError, OverflowError):
            return value[:4]
    return value[:4] if value[:4].isdigit() else ""


def _text(value: str, made_up: dict[str, str]) -> str:
    """A made-up value: of digits for digits, and the same for the same."""
    known = made_up.get(value)
    if known is None:
        number = len(made_up) + 1
        if value.isascii() and value.isdigit():
            length = min(max(len(value), 4), NUMBER_LENGTH_MAX)
            known = str(10 ** (length - 1) * 9 + number)
        else:
            known = f"Text{number}"
        made_up[value] = known
    return known
