"""Rim. A document's header as intake knows messages: by the fields of an MSH.

Routes, duplicates, lanes and the log speak of messages by these fields, so documents need none of
their own: MSH-4 is the custodian, MSH-9 is `CDA^` and the code of the document's type, MSH-10 its
id as `root^extension`, MSH-12 its version number.
"""

import hashlib

from engine.cda.header import DocumentHeader, read_header, shown
from engine.cda.reader import is_document
from engine.hl7v2.delimiters import STANDARD
from engine.hl7v2.header import Header, peek

DOCUMENT = "ClinicalDocument"
"""In the place of `MSH`."""
MESSAGE_CODE = "CDA"


def as_header(facts: DocumentHeader, raw: bytes) -> Header:
    """The header of a document in the form of a message's.

    A document without an id is known by its bytes, so that one sent again is still a duplicate.
    """
    if facts.problems:
        return Header((DOCUMENT,), STANDARD, "utf-8", facts.problems, False, 0)
    kind = f"{MESSAGE_CODE}^{facts.code}" if facts.code else MESSAGE_CODE
    identifier = shown(facts.identifier) or f"sha256^{hashlib.sha256(raw).hexdigest()}"
    parts = (
        *(DOCUMENT, "^~\\&", "", facts.sender, "", "", facts.effective_time, "", kind),
        *(identifier, "", facts.version_number),
    )
    return Header(parts, STANDARD, "utf-8", (), True, 0)


def header_of(raw: bytes) -> Header:
    """The header of a message or a document."""
    return as_header(read_header(raw), raw) if is_document(raw) else peek(raw)


def is_of_document(header: Header) -> bool:
    """True for what `as_header` made, whether the document can be taken in or not."""
    return header.parts[:1] == (DOCUMENT,)
