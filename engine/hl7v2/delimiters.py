"""Pure. The delimiters a message declares in MSH-1 and MSH-2.

HL7 v2.5.1 chapter 2.5.4 recommends `|^~\\&`; 2.7 adds an optional fifth character in MSH-2, the
truncation character. Senders declare others, fewer, more, or the same one twice; all of these are
read, with a diagnostic.
"""

from dataclasses import dataclass

from engine.diagnostics import Diagnostic, Place
from engine.hl7v2 import codes


@dataclass(frozen=True, slots=True)
class Delimiters:
    """One character each; `truncation` is None where MSH-2 has four characters."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str | None = None

    @property
    def encoding_characters(self) -> str:
        """MSH-2."""
        marks = self.component + self.repetition + self.escape + self.subcomponent
        return marks + (self.truncation or "")


STANDARD = Delimiters()
_STANDARD_WITH_TRUNCATION = Delimiters(truncation="#")
_DEFAULTS = "^~\\&"
_FREE = "\x01\x02\x03\x04\x05"
_UNUSUAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \t\r\n")


def read_delimiters(
    field: str, encoding_characters: str
) -> tuple[Delimiters, tuple[Diagnostic, ...]]:
    """The delimiters of a message.

    Args:
        field: MSH-1, one character.
        encoding_characters: MSH-2 as received.

    Returns:
        The delimiters, standard ones where characters are missing, and what was wrong.
    """
    if field == "|":
        if encoding_characters == "^~\\&":
            return STANDARD, ()
        if encoding_characters == "^~\\&#":
            return _STANDARD_WITH_TRUNCATION, ()
    problems: list[Diagnostic] = []
    if field in _UNUSUAL:
        problems.append(codes.DELIMITER_UNUSUAL(Place(path="MSH-1")))
    place = Place(path="MSH-2")
    marks = "".join(mark for mark in encoding_characters if mark not in _UNUSUAL)
    if len(marks) < len(encoding_characters):
        problems.append(codes.DELIMITER_IMPLAUSIBLE(place))
    # one written twice, as `^~\\\\&` by programs that escape the backslash, is meant once
    once = "".join(dict.fromkeys(mark for mark in marks if mark != field))
    if len(once) < len(marks):
        problems.append(codes.DELIMITERS_EQUAL(place))
    if len(once) < 4:
        problems.append(codes.DELIMITERS_MISSING(place, count=len(once)))
        once = _filled(once, field)
    elif len(once) > 5:
        problems.append(codes.DELIMITERS_EXTRA(place, count=len(once)))
    found = Delimiters(field, once[0], once[1], once[2], once[3], once[4:5] or None)
    return found, tuple(problems)


def _filled(marks: str, field: str) -> str:
    """Four characters: the standard ones for the missing roles, else ones that no text holds."""
    for mark in _DEFAULTS[len(marks) :]:
        free = (one for one in (mark, *_FREE) if one not in marks + field)
        marks += next(free)
    return marks
