"""Rim. A document's header as intake knows messages: by the fields of an MSH.

Routes, duplicates, lanes and the log speak of messages by these fields, so documents need none of
their own. Which they are says `pipeline.document_message`, which makes a message of them.
"""

from engine.cda.header import DocumentHeader, read_header, shown
from engine.cda.reader import is_document
from engine.hl7v2.delimiters import STANDARD
from engine.hl7v2.header import Header, peek
from engine.pipeline.document_message import control_id, message_type

DOCUMENT = "ClinicalDocument"
"""In the place of `MSH`."""


def as_header(facts: DocumentHeader, raw: bytes) -> Header:
    """The header of a document in the form of a message's."""
    if facts.problems:
        return Header((DOCUMENT,), STANDARD, "utf-8", facts.problems, False, 0)
    parts = (
        *(DOCUMENT, "^~\\&", "", facts.sender, "", "", facts.effective_time, ""),
        *(message_type(facts), shown(control_id(facts, raw)), "", facts.version_number),
    )
    return Header(parts, STANDARD, "utf-8", (), True, 0)


def header_of(raw: bytes) -> Header:
    """The header of a message or a document."""
    return as_header(read_header(raw), raw) if is_document(raw) else peek(raw)


def is_of_document(header: Header) -> bool:
    """True for what `as_header` made, whether the document can be taken in or not."""
    return header.parts[:1] == (DOCUMENT,)
