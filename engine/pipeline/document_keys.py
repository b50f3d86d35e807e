"""Pure. Lanes, search keys and the time of a document, from the facts of its header.

A document stands in the lane of its patient, which is that of HL7 v2 messages with the same
number: CX.1 of PID-3 and the extension of `patientRole/id` are the same number, and lanes know no
assigner. Which of several is the record number a document does not say, so it stands in the lanes
of all of them: it comes after everything that arrived before it about any of them.
"""

from engine.cda.header import DocumentHeader, shown
from engine.hl7v2.header import Header
from engine.hl7v2.timestamps import Precision, parse_timestamp
from engine.pipeline.lane_keys import LANE_CHARACTERS_MAX, LANES_MAX, LanePlan
from engine.pipeline.moments import unix_seconds
from engine.pipeline.search_keys import KEY_CHARACTERS_MAX, KEYS_MAX
from engine.pipeline.version_order import patient_number, version_keys, version_of

_PATIENT_PATHS = frozenset({"PID-3", "PID-3.1", "PID-3[1]", "PID-3[1].1"})


def document_lanes(facts: DocumentHeader, header: Header, plan: LanePlan) -> tuple[str, ...]:
    """The lanes of a document, such as `("patient 12345",)`; empty when it names no patient.

    Args:
        facts: of its header.
        header: the same facts where a message has them, for channels whose lane is a field of MSH.
        plan: the channel's. Where its lane is PID-3 the document stands in the same lanes; paths to
            what no document has are passed over, and the patient is left.
    """
    numbers = [patient_number(one) for one in facts.patients]
    for path, reader in zip(plan.paths, plan.readers, strict=True):
        if path in _PATIENT_PATHS and numbers:
            return _lanes("key", numbers)
        text = reader(b"", header) if path.startswith("MSH-") else ""
        if text:
            return _lanes("key", [text])
    return _lanes("patient", numbers)


def _lanes(kind: str, numbers: list[str]) -> tuple[str, ...]:
    keys = (f"{kind} {number[:LANE_CHARACTERS_MAX]}" for number in numbers if number)
    return tuple(dict.fromkeys(keys))[:LANES_MAX]


def document_search_keys(facts: DocumentHeader) -> tuple[tuple[str, str], ...]:
    """(kind, value) pairs: patients, the document, its set and version, those it is related to."""
    found: dict[tuple[str, str], None] = {}
    for identifier in facts.patients:
        found["mrn", patient_number(identifier)] = None
    for kind, identifier in (("document", facts.identifier), ("set", facts.set_id)):
        for value in (shown(identifier), identifier[1]):
            if value:
                found[kind, value] = None
    for related in facts.related:
        found["related", shown(related.identifier)] = None
    found.update(dict.fromkeys(version_keys(version_of(facts))))
    return tuple((kind, value[:KEY_CHARACTERS_MAX]) for kind, value in found)[:KEYS_MAX]


def document_event_at(facts: DocumentHeader, zone: str | None) -> float | None:
    """The document's `effectiveTime` as Unix seconds; None where it is not at least a day."""
    found = parse_timestamp(facts.effective_time) if facts.effective_time else None
    if found is None or found.precision.value < Precision.DAY.value:
        return None
    return unix_seconds(found, zone)
