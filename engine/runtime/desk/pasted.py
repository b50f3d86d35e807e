"""Rim. What somebody pasted into the search box: a query, a whole message or document, or a place
on a FHIR server.
"""

import re
from dataclasses import dataclass, field

from engine.cda.header import read_header as read_document_header
from engine.cda.header import shown
from engine.cda.reader import is_document
from engine.hl7v2.header import peek
from engine.hl7v2.parser import parse
from engine.runtime.desk.search_query import plain_id

PASTED_CHARACTERS_MAX = 2_000_000
_AROUND = "\x0b\x1c\r\n\ufeff "
_MESSAGE = re.compile(r"MSH\W.{3,}", re.DOTALL)
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_PLACE = re.compile(
    r"(?:https?://\S+/)?(?:[A-Z][A-Za-z]{2,40}/[A-Za-z0-9.-]{1,64})(?:/_history/[\w.-]+)?/?"
    r"|urn:uuid:[0-9A-Fa-f-]{36}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """What was recognised; nothing of it for a query."""

    message: str = field(default="", repr=False)
    """A whole message or document."""
    control_id: str = field(default="", repr=False)
    """Of the message: its MSH-10, or the document's id."""
    carried_id: str = field(default="", repr=False)
    """An id on a FHIR server."""


def recognise(text: str) -> Pasted:
    """What was pasted. Never raises."""
    plain = text[:PASTED_CHARACTERS_MAX].strip(_AROUND)
    if _PLACE.fullmatch(plain):
        return Pasted(carried_id=plain_id(plain))
    if _MESSAGE.match(plain):
        header = peek("\r".join(_lines(plain)).encode("utf-8", "replace"))
        return Pasted(message=plain, control_id=header.control_id)
    raw = plain.encode("utf-8", "replace")
    if plain.startswith("<") and "ClinicalDocument" in plain and is_document(raw):
        return Pasted(message=plain, control_id=shown(read_document_header(raw).identifier))
    return Pasted()


def is_message_of(pasted: str, stored: bytes) -> bool:
    """True when a pasted text is the stored message: line ends and framing do not count."""
    message = None if is_document(stored) else parse(stored).message
    text = message.text if message is not None else stored.decode("utf-8", "replace")
    return _lines(pasted) == _lines(text)


def _lines(text: str) -> list[str]:
    return [line for line in _LINE_ENDS.split(text.strip(_AROUND)) if line.strip()]
