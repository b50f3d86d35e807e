"""Pure. The header of a document as a message of HL7 v2, so that conditions of a channel read it.

Routes, filters and senders speak of messages by MSH and PID. A document says the same things at
other places, and is asked by the same paths: an analyst writes a condition once. The body is not in
it.

| field | of a document |
|---|---|
| MSH-4 | id of the custodian, else of the author's organisation: root and extension |
| MSH-7 | `effectiveTime` |
| MSH-9 | `CDA` and the code of its type, mostly of LOINC |
| MSH-10 | its id, `root^extension` in one text; without one, the SHA-256 of its bytes |
| MSH-12 | its version number |
| MSH-21 | its templates: the extension, in the third component the root |
| PID-3 | each `patientRole/id`: the extension, in the fourth component the root |
| PID-5, PID-7, PID-8 | names, birth time and gender code of the (first) patient |
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from engine.cda.header import DocumentHeader, Identifier, shown
from engine.channel.documents import MESSAGE_CODE
from engine.hl7v2.delimiters import STANDARD
from engine.hl7v2.escape import escape
from engine.hl7v2.message import Message, Segment

_OID = "ISO"
_VERSION = "2.8.2"
"""MSH-12 is the version of the document; its fields are read as those of the newest HL7 v2."""


def message_type(facts: DocumentHeader) -> str:
    """`CDA^34133-9`, or `CDA` where the document does not say what it is."""
    return f"{MESSAGE_CODE}^{facts.code}" if facts.code else MESSAGE_CODE


def control_id(facts: DocumentHeader, raw: bytes) -> Identifier:
    """The id of a document; one without is known by its bytes, so that a second is a duplicate."""
    known = facts.identifier
    return known if any(known) else ("sha256", sha256(raw).hexdigest())


def as_message(facts: DocumentHeader, raw: bytes) -> Message:
    """The header in the form of a message.

    Args:
        facts: of the header; where it cannot be read they are empty, and so are the fields.
        raw: the document.
    """
    sender = next((one for one in (facts.custodian, facts.author) if any(one)), ())
    header = {
        4: [_repetition(*sender)],
        7: [_repetition(facts.effective_time)],
        9: [_repetition(MESSAGE_CODE, facts.code)],
        10: [_repetition(shown(control_id(facts, raw)))],
        12: [_repetition(facts.version_number)],
        21: [_repetition(extension, "", root, _OID) for root, extension in facts.templates],
    }
    patient = {
        3: [_number(one) for one in facts.patients],
        5: [_repetition(*one) for one in facts.names],
        7: [_repetition(facts.birth_time)],
        8: [_repetition(facts.gender)],
    }
    texts = [f"MSH|{STANDARD.encoding_characters}|{_fields(header, 3)}"]
    if any(any(repetitions) for repetitions in patient.values()):
        texts.append(f"PID|{_fields(patient, 1)}")
    segments: list[Segment] = []
    start = 0
    for text in texts:
        segments.append(Segment(text[:3], text, len(segments), start, STANDARD.field))
        start += len(text) + 1
    return Message(
        text="".join(f"{text}\r" for text in texts),
        segments=segments,
        delimiters=STANDARD,
        codec="utf-8",
        raw=raw,
        structure="",
        version=_VERSION,
    )


def _number(identifier: Identifier) -> str:
    """An extension is a number of its assigner; a root that stands alone is the number."""
    root, extension = identifier
    if not extension:
        return _repetition(root)
    assigner = STANDARD.subcomponent.join(("", escape(root, STANDARD), _OID))
    return f"{escape(extension, STANDARD)}^^^{assigner}"


def _repetition(*components: str) -> str:
    return "^".join(escape(one, STANDARD) for one in components).rstrip("^")


def _fields(values: Mapping[int, Sequence[str]], first: int) -> str:
    """The fields of a segment, from the first on."""
    numbers = range(first, max(values) + 1)
    return "|".join("~".join(values.get(number, ())) for number in numbers)
