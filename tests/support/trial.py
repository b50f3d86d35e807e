"""A trial of one Millennium call: what is there before, right input, wrong input, its answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulated import FIN_SYSTEM, MRN_SYSTEM, code, encounter, observation, patient, standard

from engine.millennium.calls.model import AnswerClass

Json = dict[str, Any]
Arguments = Mapping[str, str | tuple[str, ...]]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
HL7 = "http://terminology.hl7.org/CodeSystem/"
V2 = f"{HL7}v2-"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
BILL = "https://fhir.cerner.com/sandbox/CodeSystem/BillCodes-"
AT = "2026-01-05T14:30:00Z"

PATIENT = {"reference": "Patient/p1"}
VISIT = {"reference": "Encounter/e1"}
DOCTOR = {"reference": "Practitioner/4122622"}
WARD = {"reference": "Location/21250403"}
NOBODY = {"reference": "Patient/nobody"}
FREE_SLOT = "24477850-21304876-62852027-0"
TAKEN_SLOT = "24477851-21304876-62852027-15"
OTHER_SLOT = "24477852-21304876-62852027-30"

REJECTED, MISSING = AnswerClass.REJECTED, AnswerClass.MISSING
RULE = "a rule of Millennium is violated"
ONE_ITEM = "a list must have exactly one item"
MIXED = "a coding array holds proprietary and standard codes together"


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """An input that is refused."""

    arguments: Arguments | None = None
    """None: those of the right input."""
    content: Any = None
    """None: that of the right input."""
    unsent: str = ""
    """What the engine says of it, where it does not even send it."""
    kind: AnswerClass = REJECTED
    code: str = "http-422"
    says: str = RULE


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A plain call with its right and its wrong inputs."""

    arguments: Arguments = field(default_factory=dict)
    content: Any = None
    captures: tuple[str, ...] = ("etag", "id", "opc_request_id", "request_id")
    after: Mapping[str, Any] = field(default_factory=dict)
    """`Type/id path` -> the value there afterwards; `{id}` is what was captured, None: gone."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    """Path in the body -> its value, of calls that read."""
    wrong: Mapping[str, Wrong]


CHANGED = ("etag", "opc_request_id", "request_id")
LISTED = ("opc_request_id",)


def but(resource: Json, *without: str, **with_: Any) -> Json:
    """A resource without some elements and with others."""
    return {key: item for key, item in {**resource, **with_}.items() if key not in without}


def concept(system: str, value: str, text: str = "") -> Json:
    """A concept with a standard code alone."""
    return standard(system, value, text)


def there(resource: Json, identity: str, etag: str = "0") -> tuple[Json, Json]:
    """A resource as the service has it, and the arguments that change it."""
    return {**resource, "id": identity}, {"id": identity, "etag": f'W/"{etag}"'}


ALLERGY: Json = {
    "resourceType": "AllergyIntolerance",
    "clinicalStatus": concept(f"{HL7}allergyintolerance-clinical", "active"),
    "category": ["medication"],
    "code": concept(RXNORM, "7980", "Penicillin G"),
    "patient": PATIENT,
    "reaction": [{"manifestation": [concept(SNOMED, "247472004", "Wheal")]}],
}
CONDITION: Json = {
    "resourceType": "Condition",
    "clinicalStatus": concept(f"{HL7}condition-clinical", "active"),
    "category": [concept(f"{HL7}condition-category", "problem-list-item")],
    "code": concept(SNOMED, "38341003", "Hypertension"),
    "subject": PATIENT,
}
IMMUNIZATION: Json = {
    "resourceType": "Immunization",
    "status": "completed",
    "vaccineCode": code(72, 21705201),
    "patient": PATIENT,
    "encounter": VISIT,
    "occurrenceDateTime": AT,
}
FAMILY_HISTORY: Json = {
    "resourceType": "FamilyMemberHistory",
    "status": "completed",
    "patient": PATIENT,
    "relationship": code(40, 3316002),
}
DOCUMENT: Json = {
    "resourceType": "DocumentReference",
    "status": "current",
    "docStatus": "final",
    "type": concept(LOINC, "18842-5", "Discharge summary"),
    "subject": PATIENT,
    "author": [DOCTOR],
    "content": [{"attachment": {"contentType": "application/pdf", "data": "JVBERi0xLjQ="}}],
    "context": {"encounter": [VISIT], "period": {"start": AT, "end": AT}},
}
FILED: Json = {
    **DOCUMENT,
    "content": [{"attachment": {"contentType": "application/pdf", "url": "Binary/b1"}}],
}
APPOINTMENT: Json = {
    "resourceType": "Appointment",
    "status": "booked",
    "slot": [{"reference": f"Slot/{FREE_SLOT}"}],
    "participant": [{"actor": PATIENT, "status": "accepted"}],
}
COVERAGE: Json = {
    "resourceType": "Coverage",
    "status": "active",
    "subscriber": PATIENT,
    "subscriberId": "HM-1",
    "beneficiary": PATIENT,
    "payor": [{"reference": "Organization/675844"}],
    "class": [{"type": concept(f"{HL7}coverage-class", "plan"), "value": "HM01"}],
}
CHARGE: Json = {
    "resourceType": "ChargeItem",
    "status": "unknown",
    "subject": PATIENT,
    "context": VISIT,
    "occurrenceDateTime": AT,
    "quantity": {"value": 1},
    "code": concept(f"{BILL}CPT", "71046", "Chest X-ray"),
}
MEDICINE: Json = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "plan",
    "reportedBoolean": True,
    "medicationCodeableConcept": concept(RXNORM, "860975", "Metformin 500 mg"),
    "subject": PATIENT,
}
RELATIVE: Json = {
    "resourceType": "RelatedPerson",
    "patient": PATIENT,
    "relationship": [code(40, 3316000)],
    "name": [{"use": "official", "family": "Okafor", "given": ["Emeka"]}],
}
COMMUNICATION: Json = {
    "resourceType": "Communication",
    "status": "completed",
    "category": [concept(f"{HL7}communication-category", "notification")],
    "subject": PATIENT,
    "recipient": [DOCTOR],
    "sender": DOCTOR,
    "payload": [{"contentAttachment": {"contentType": "text/plain", "data": "SGVsbG8="}}],
}
ANSWERS: Json = {
    "resourceType": "QuestionnaireResponse",
    "questionnaire": "Questionnaire/q1",
    "status": "completed",
    "subject": PATIENT,
    "item": [{"linkId": "1", "item": [{"linkId": "2", "answer": [{"valueString": "never"}]}]}],
}
REGISTERED: Json = {
    **patient("4711"),
    "identifier": [{"id": "CI-1-0", "system": MRN_SYSTEM, "value": "4711"}],
    "telecom": [{"id": "CI-PH-1-0", "system": "phone", "use": "home", "value": "555-0100"}],
    "active": True,
}
VISITED: Json = {
    **encounter("p1"),
    "identifier": [{"system": FIN_SYSTEM, "value": "V1"}],
}
RESULT: Json = {
    **observation("p1"),
    "code": {"coding": [*code(72, 21704910)["coding"]]},
    "identifier": [{"system": "https://fhir.cerner.com/ceuuid", "value": "CE1"}],
}

STOCK: tuple[tuple[str, Json], ...] = (
    ("p1", REGISTERED),
    ("e1", VISITED),
    ("L-1", RESULT),
    ("a1", ALLERGY),
    ("c1", CONDITION),
    ("M1", IMMUNIZATION),
    ("f1", FAMILY_HISTORY),
    ("d1", FILED),
    ("b1", {"resourceType": "Binary", "contentType": "application/pdf", "data": "JVBERi0xLjQ="}),
    ("ap1", but(APPOINTMENT, slot=[{"reference": f"Slot/{TAKEN_SLOT}"}])),
    ("cov1", COVERAGE),
    ("ch1", but(CHARGE, status="billable")),
    ("m1", MEDICINE),
    ("r1", but(RELATIVE, telecom=[{"id": "CI-TE-1-0", "system": "phone", "value": "555-0101"}])),
    ("com1", COMMUNICATION),
    ("q1", ANSWERS),
    (TAKEN_SLOT, {"resourceType": "Slot", "status": "busy", "start": AT, "end": AT}),
)  # fmt: skip
"""What the tenant holds beside its seed: id and resource; the version of each is its first."""
