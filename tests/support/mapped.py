"""Resources as maps make them, and messages of them as a channel composes them."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from charting import Charting
from composed import composer_of, shipped_calls

from engine.destinations.interface import Outgoing
from engine.fhir.entries import Entry
from engine.millennium.calls.body import CONTENT_TYPE, MessageFacts, encode_calls
from engine.millennium.calls.compose import Composed, compose

Json = dict[str, Any]
CALLS = (
    "allergy.record", "chargeItem.create", "condition.record", "coverage.record", "document.file",
    "encounter.register", "familyHistory.record", "immunization.record", "medication.record",
    "observation.record", "patient.register", "procedure.record", "relatedPerson.record",
    "report.file",
)  # fmt: skip
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
V2 = "http://terminology.hl7.org/CodeSystem/v2-"
HL7 = "http://terminology.hl7.org/CodeSystem/"
AT = "2026-01-05T08:00:00-06:00"
SUBJECT, VISIT = {"reference": "Patient/p"}, {"reference": "Encounter/e"}


def concept(system: str, code: str, text: str = "") -> Json:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def identifier(system: str, value: str, kind: str) -> list[Json]:
    return [{"system": system, "value": value, "type": concept(f"{V2}0203", kind)}]


PATIENT: Json = {
    "resourceType": "Patient",
    "identifier": identifier("urn:oid:2.16.840.1.113883.3.9999.1.4", "4711", "MR"),
    "name": [{"use": "official", "family": "Okafor", "given": ["Adaeze", "N", "Ruth"]}],
    "gender": "female",
    "birthDate": "1987-04-12",
    "telecom": [{"system": "phone", "use": "home", "value": "555-0100"}],
    "address": [{"use": "home", "line": ["1 Mill Lane"], "city": "Northvale"}],
    "maritalStatus": concept(f"{HL7}v3-MaritalStatus", "M", "Married"),
}
ENCOUNTER: Json = {
    "resourceType": "Encounter",
    "identifier": identifier("urn:oid:2.16.840.1.113883.3.9999.1.5", "V1", "AN"),
    "status": "in-progress",
    "class": {"system": f"{HL7}v3-ActCode", "code": "IMP"},
    "subject": SUBJECT,
    "period": {"start": AT},
    "location": [{"location": {"reference": "Location/l"}}],
}
DOCTOR: Json = {
    "resourceType": "Practitioner",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1003000126"}],
}
PAYER: Json = {
    "resourceType": "Organization",
    "identifier": [{"system": "urn:oid:2.16.840.1.113883.3.9999.1", "value": "NORTH"}],
    "name": "North Hospital",
}
BASE = {"p": PATIENT, "e": ENCOUNTER, "d": DOCTOR, "o": PAYER}
CATEGORY = f"{HL7}condition-category"
CDA = base64.b64encode(b"<?xml version='1.0'?><ClinicalDocument/>").decode()

RESOURCES: dict[str, Json] = {
    "a laboratory result": {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, "2823-3", "Potassium"),
        "subject": SUBJECT,
        "encounter": VISIT,
        "effectiveDateTime": AT,
        "valueQuantity": {
            "value": 4.1, "unit": "mmol/L", "code": "mmol/L", "system": "http://unitsofmeasure.org"
        },
        "interpretation": [concept(f"{HL7}v3-ObservationInterpretation", "N")],
        "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}, "text": "3.5-5.1"}],
        "identifier": [{"value": "F-1"}],
        "method": {"text": "ISE"},
    },
    "a vital sign": {
        "resourceType": "Observation",
        "status": "final",
        "category": [concept(f"{HL7}observation-category", "vital-signs")],
        "code": concept(LOINC, "8331-1", "Temperature"),
        "subject": SUBJECT,
        "effectiveDateTime": AT,
        "valueQuantity": {
            "value": 37.1, "unit": "degC", "code": "Cel", "system": "http://unitsofmeasure.org"
        },
        "performer": [{"reference": "Practitioner/d"}],
    },
    "a problem": {
        "resourceType": "Condition",
        "clinicalStatus": concept(f"{HL7}condition-clinical", "active"),
        "category": [concept(CATEGORY, "problem-list-item")],
        "code": concept(SNOMED, "38341003", "Hypertension"),
        "subject": SUBJECT,
        "onsetDateTime": "2020-01-01",
        "recordedDate": "2026-01-05",
    },
    "a diagnosis of a visit": {
        "resourceType": "Condition",
        "category": [concept(CATEGORY, "encounter-diagnosis")],
        "code": concept("http://hl7.org/fhir/sid/icd-10-cm", "I10", "Hypertension"),
        "subject": SUBJECT,
        "encounter": VISIT,
    },
    "an allergy": {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": concept(f"{HL7}allergyintolerance-clinical", "active"),
        "verificationStatus": concept(f"{HL7}allergyintolerance-verification", "confirmed"),
        "category": ["medication", "food"],
        "code": concept("http://www.nlm.nih.gov/research/umls/rxnorm", "7980", "Penicillin G"),
        "patient": SUBJECT,
        "reaction": [{"manifestation": [concept(SNOMED, "247472004", "Wheal"), {"text": "Cough"}]}],
    },
    "a charted vaccination": {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": concept("http://hl7.org/fhir/sid/cvx", "88", "Influenza"),
        "patient": SUBJECT,
        "encounter": VISIT,
        "occurrenceDateTime": AT,
        "primarySource": True,
        "lotNumber": "NV-204",
        "performer": [{"actor": {"reference": "Practitioner/d"}}],
    },
    "a staged vaccination": {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": concept("http://hl7.org/fhir/sid/cvx", "88", "Influenza"),
        "patient": SUBJECT,
        "occurrenceDateTime": "2025-10-15",
        "primarySource": False,
    },
    "a procedure": {
        "resourceType": "Procedure",
        "status": "completed",
        "code": concept("http://www.ama-assn.org/go/cpt", "71046", "Chest X-ray"),
        "subject": SUBJECT,
        "performedPeriod": {"start": AT},
        "performer": [{"actor": {"reference": "Practitioner/d"}}],
    },
    "a reported medicine": {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "plan",
        "reportedBoolean": True,
        "medicationCodeableConcept": concept(
            "http://www.nlm.nih.gov/research/umls/rxnorm", "860975", "Metformin 500 mg"
        ),
        "subject": SUBJECT,
        "dosageInstruction": [{"text": "one daily"}, {"text": "with food"}],
    },
    "a letter": {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": "final",
        "type": concept(LOINC, "18842-5", "Discharge summary"),
        "subject": SUBJECT,
        "author": [{"reference": "Practitioner/d"}],
        "content": [{"attachment": {"contentType": "text/plain", "data": "SGVsbG8="}}],
        "context": {"encounter": [VISIT], "period": {"start": AT}},
    },
    "a whole C-CDA": {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": "final",
        "type": concept(LOINC, "34133-9", "Summary of episode"),
        "subject": SUBJECT,
        "date": AT,
        "content": [{"attachment": {"contentType": "text/xml", "data": CDA}}],
    },
    "a report of pathology": {
        "resourceType": "DiagnosticReport",
        "identifier": identifier("urn:oid:2.16.840.1.113883.3.9999.2", "S-1", "FILL"),
        "status": "final",
        "category": [concept(f"{V2}0074", "SP")],
        "code": concept(LOINC, "11526-1", "Pathology study"),
        "subject": SUBJECT,
        "effectiveDateTime": AT,
        "performer": [{"reference": "Practitioner/d"}],
        "presentedForm": [{"contentType": "application/pdf", "data": "JVBERi0xLjQ="}],
    },
    "a report of cardiology": {
        "resourceType": "DiagnosticReport",
        "identifier": identifier("urn:oid:2.16.840.1.113883.3.9999.2", "C-1", "FILL"),
        "status": "final",
        "category": [concept(f"{V2}0074", "CUS")],
        "code": concept(LOINC, "34552-0", "Echocardiogram"),
        "subject": SUBJECT,
        "effectiveDateTime": AT,
        "performer": [{"reference": "Practitioner/d"}],
        "presentedForm": [{"contentType": "application/pdf", "data": "JVBERi0xLjQ="}],
    },
    "a relative": {
        "resourceType": "RelatedPerson",
        "patient": SUBJECT,
        "relationship": [concept(f"{HL7}v3-RoleCode", "SPS", "Spouse")],
        "name": [{"family": "Okafor", "given": ["Emeka"]}],
        "telecom": [{"system": "phone", "use": "home", "value": "555-0101"}],
    },
    "an insurance": {
        "resourceType": "Coverage",
        "status": "active",
        "beneficiary": SUBJECT,
        "subscriber": SUBJECT,
        "subscriberId": "HM-1",
        "payor": [{"reference": "Organization/o"}],
        "class": [{"type": concept(f"{HL7}coverage-class", "plan"), "value": "HM01"}],
        "period": {"start": "2026-01-01"},
    },
    "a charge": {
        "resourceType": "ChargeItem",
        "status": "billable",
        "code": concept("http://www.ama-assn.org/go/cpt", "71046", "Chest X-ray"),
        "subject": SUBJECT,
        "context": VISIT,
        "occurrenceDateTime": AT,
        "quantity": {"value": 1},
    },
    "a family history": {
        "resourceType": "FamilyMemberHistory",
        "status": "completed",
        "patient": SUBJECT,
        "relationship": concept(f"{HL7}v3-RoleCode", "FTH", "father"),
    },
}  # fmt: skip

REQUEST: Json = {
    "resourceType": "Appointment",
    "identifier": identifier("urn:oid:2.16.840.1.113883.3.9999.7", "A-1", "FILL"),
    "status": "booked",
    "serviceType": [{"coding": [{"system": "http://snomed.info/sct", "code": "185349003"}]}],
    "start": "2026-02-05T14:30:00Z",
    "end": "2026-02-05T15:00:00Z",
    "participant": [
        {"actor": {"reference": "Patient/p"}, "status": "accepted"},
        {"actor": {"reference": "Location/21250403"}, "status": "accepted"},
    ],
}
"""An appointment; the place is one of the simulator's."""


def compose_all(
    *resources: Json, calls: Sequence[str], base: Mapping[str, Json], about: MessageFacts
) -> Composed:
    """What a channel that passes every code composes of these resources."""
    policies = {
        f"{kind}.{one.path}": "pass"
        for kind, rules in shipped_calls().rules.items()
        for one in rules.codes
    }
    entries = [Entry(resource=one, resource_id=name) for name, one in base.items()]
    entries += [
        Entry(resource=one, resource_id=f"x{number}") for number, one in enumerate(resources)
    ]
    return compose(entries, composer_of(list(calls), policies=policies, tenant="sandbox"), about)


def message(
    chart: Charting,
    *resources: Json,
    event_at: str = "2026-01-05T14:30:00Z",
    calls: Sequence[str] = CALLS,
    base: Mapping[str, Json] = BASE,
) -> Outgoing:
    """A message with these resources, all of which can be sent."""
    about = MessageFacts(event_at=event_at)
    found = compose_all(*resources, calls=calls, base=base, about=about)
    assert [one.message for one in found.diagnostics if one.severity.value == "error"] == []
    return delivery(chart, about, list(found.calls))


def delivery(chart: Charting, about: MessageFacts, calls: list[Json]) -> Outgoing:
    """A delivery of composed calls."""
    return Outgoing(
        delivery_id=next(chart.numbers),
        message_id=1,
        channel="adt",
        content_type=CONTENT_TYPE,
        body=encode_calls(about, calls),
    )
