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
    count = len(encoding_characters)
    marks = encoding_characters
    place = Place(path="MSH-2")
    if count < 4:
        problems.append(codes.DELIMITERS_MISSING(place, count=count))
        for mark in _DEFAULTS[count:]:
            marks += mark if mark not in marks + field else _unused(marks + field)
    elif count > 5:
        problems.append(codes.DELIMITERS_EXTRA(place, count=count))
    if len(set(marks[:4] + field)) < 5:
        problems.append(codes.DELIMITERS_EQUAL(place))
    found = Delimiters(field, marks[0], marks[1], marks[2], marks[3], marks[4:5] or None)
    return found, tuple(problems)


def _unused(taken: str) -> str:
    """A control character that no text holds: the role exists, nothing plays it."""
    return next(mark for mark in "\x01\x02\x03\x04\x05\x06" if mark not in taken)
