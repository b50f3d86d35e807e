"""Pure. C-CDA documents inside HL7 v2 messages: found in OBX-5, and their resources joined with
the message's.

OBX-5 is ED with base64 or hexadecimal data (table 0299), or the text of the document as TX, FT or
ST, in one field, in repetitions, or a line for each OBX. HL7 v2.5.1 ch. 2A ED, ch. 9 MDM.
"""

import re
from base64 import b64decode
from binascii import unhexlify
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.cda.document import Document
from engine.cda.header import DocumentHeader, read_header
from engine.cda.reader import is_document, parse_document
from engine.diagnostics import Diagnostic, Place
from engine.fhir.entries import Entry, entry_name, renamed
from engine.fhir.merging import merge
from engine.hl7v2.escape import unescape
from engine.hl7v2.message import Message, Segment
from engine.pipeline import codes

DOCUMENTS_MAX = 10
"""Of one message."""
BYTES_MAX = 40_000_000
"""Of all of them together, unpacked."""
_TEXTS = frozenset({"TX", "FT", "ST", "ED"})
_BEGINS = re.compile(r"\s*(?:<\?xml|<[A-Za-z0-9]*:?ClinicalDocument)")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_BLANKS = re.compile(r"\s+|\\\.br\\|\\X0[DdAa]\\")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """One document of a message."""

    place: Place
    facts: DocumentHeader
    document: Document


def embedded_documents(message: Message) -> tuple[list[Embedded], list[Diagnostic]]:
    """The documents inside a message, and what is wrong with those that cannot be read.

    What OBX-5 holds of another kind (a PDF, a picture) is not looked at.
    """
    found: list[Embedded] = []
    problems: list[Diagnostic] = []
    size = 0
    for place, raw in _raw_documents(message):
        size += len(raw)
        if len(found) >= DOCUMENTS_MAX or size > BYTES_MAX:
            limit, unit = (DOCUMENTS_MAX, "pieces") if size <= BYTES_MAX else (BYTES_MAX, "bytes")
            problems.append(codes.EMBEDDED_TOO_MANY(place, limit=limit, unit=unit))
            break
        parsed = parse_document(raw)
        if parsed.document is None:
            why = parsed.diagnostics[-1]
            problems.append(codes.EMBEDDED_UNREADABLE(place, problem=why.message, code=why.code))
            continue
        problems.extend(parsed.diagnostics)
        found.append(Embedded(place=place, facts=read_header(raw), document=parsed.document))
    return found, problems


def _raw_documents(message: Message) -> Iterator[tuple[Place, bytes]]:
    segments = message.segment_list("OBX")
    index = 0
    while index < len(segments):
        segment = segments[index]
        place = Place(path=f"OBX[{index + 1}]-5")
        index += 1
        kind = segment.field(2)
        if kind == "ED" and not _BEGINS.match(segment.field(5)):
            for repetition in segment.field(5).split(message.delimiters.repetition):
                raw = _unpacked(repetition, message)
                if is_document(raw):
                    yield place, raw
        elif kind in _TEXTS and _BEGINS.match(_text(segment, message)[:200]):
            lines = [_text(segment, message)]
            while index < len(segments) and _continues(segments[index], segment, lines[-1]):
                lines.append(_text(segments[index], message))
                index += 1
            yield place, _DECLARATION.sub("", "\n".join(lines)).encode("utf-8", "replace")


def _continues(following: Segment, first: Segment, before: str) -> bool:
    """True for the next line of a document that stands in several OBX."""
    return (
        following.field(2) == first.field(2)
        and following.field(3) == first.field(3)
        and "ClinicalDocument>" not in before[-200:]
    )


def _text(segment: Segment, message: Message) -> str:
    """OBX-5 as text; its repetitions are lines. Only a start of XML is worth the unescaping."""
    marks = message.delimiters
    return unescape(segment.field(5).replace(marks.repetition, "\n"), marks)


def _unpacked(repetition: str, message: Message) -> bytes:
    """The data of an ED; nothing when it cannot be unpacked, or is too large to try."""
    parts = repetition.split(message.delimiters.component)
    if len(parts) < 5 or len(parts[4]) > BYTES_MAX * 2:
        return b""
    coding, data = parts[3].strip().upper(), parts[4]
    try:
        if coding == "HEX":
            return unhexlify(_BLANKS.sub("", data))
        if coding == "A":
            return unescape(data, message.delimiters).encode("utf-8", "replace")
        return b64decode(_BLANKS.sub("", data))
    except ValueError:
        return b""


def join_documents(own: Sequence[Entry], document: Sequence[Entry]) -> tuple[list[Entry], bool]:
    """The resources of a message with those of a document inside it.

    The document's patient becomes the message's where they share an identifier. Otherwise each
    stays with its own: a document in the wrong patient's record is worse than two records.

    Returns:
        The resources, and False when the patients are not the same.
    """
    names: dict[str, str] = {}
    listed = {entry_name(one): one for one in own}
    others = list(document)
    same = True
    for one in document:
        if one.resource["resourceType"] != "Patient" or entry_name(one) in listed:
            continue
        known = next((name for name, entry in listed.items() if _is_same(entry, one)), None)
        if known is None:
            same = False
            continue
        names[entry_name(one)] = known
        others.remove(one)
        if not one.referred:
            listed[known] = replace(
                listed[known],
                resource=merge(listed[known].resource, one.resource),
                recurring=None,
            )
    if names:
        others = [replace(one, resource=renamed(one.resource, names)) for one in others]
    return [*listed.values(), *others], same


def _is_same(entry: Entry, other: Entry) -> bool:
    if entry.resource["resourceType"] != "Patient":
        return False
    return bool(_identifiers(entry.resource) & _identifiers(other.resource))


def _identifiers(resource: Json) -> set[tuple[str, str]]:
    return {
        (one["system"], one["value"])
        for one in resource.get("identifier", ())
        if one.get("system") and one.get("value")
    }
