"""What is composed is taken: resources of maps, through every call, by the simulated service.

The rules here and those of the simulator were written from the same documentation by different
people; where they disagreed, one of them was wrong.
"""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from charting import Charting
from composed import composer_of, shipped_calls

from engine.destinations.interface import AttemptResult, Outgoing
from engine.fhir.entries import Entry
from engine.millennium.calls.body import CONTENT_TYPE, MessageFacts, encode_calls
from engine.millennium.calls.compose import compose
from engine.runtime.worker.store_turn import StoreThread
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator

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


@pytest_asyncio.fixture
async def chart(store: Any) -> AsyncIterator[Charting]:
    from engine.store.open_store import open_state

    async with MillenniumSimulator(SimulatorOptions()) as simulator:
        thread = StoreThread(lambda: open_state(store.url))
        found = Charting(simulator, thread, {"calls": CALLS})
        yield found
        await found.close()
        thread.close()


def message(chart: Charting, *resources: Json, **facts: str) -> Outgoing:
    """A message with these resources, as a channel would compose it."""
    policies = {
        f"{kind}.{one.path}": "pass"
        for kind, rules in shipped_calls().rules.items()
        for one in rules.codes
    }
    entries = [Entry(resource=one, resource_id=name) for name, one in BASE.items()]
    entries += [
        Entry(resource=one, resource_id=f"x{number}") for number, one in enumerate(resources)
    ]
    composer = composer_of(list(CALLS), policies=policies, tenant="sandbox")
    about = MessageFacts(event_at=facts.get("event_at", "2026-01-05T14:30:00Z"))
    found = compose(entries, composer, about)
    assert [one.message for one in found.diagnostics if one.severity.value == "error"] == []
    return Outgoing(
        delivery_id=next(chart.numbers),
        message_id=1,
        channel="adt",
        content_type=CONTENT_TYPE,
        body=encode_calls(about, found.calls),
    )


def taken(result: AttemptResult) -> None:
    assert result.classification.accepted, (result.request.decode(), result.response.decode())


@pytest.mark.parametrize("name", RESOURCES)
async def test_what_a_map_makes_is_taken_once(chart: Charting, name: str):
    resource = RESOURCES[name]
    kind = resource["resourceType"]
    before = len(chart.all(kind))
    taken(await chart.destination.send(message(chart, resource)))
    taken(await chart.destination.send(message(chart, resource)))
    assert len(chart.all(kind)) == before + 1


async def test_a_result_that_comes_again_corrected_is_amended(chart: Charting):
    result = RESOURCES["a laboratory result"]
    taken(await chart.destination.send(message(chart, result)))
    corrected = {**result, "status": "corrected", "valueString": "haemolysed"}
    del corrected["valueQuantity"]
    later = message(chart, corrected, event_at="2026-01-05T15:30:00Z")
    taken(await chart.destination.send(later))
    (found,) = chart.all("Observation")
    assert (found["status"], found["valueString"]) == ("corrected", "haemolysed")
    assert "valueQuantity" not in found


async def test_a_document_that_is_cancelled_is_voided_and_one_never_filed_is_not_made(
    chart: Charting,
):
    letter = RESOURCES["a letter"]
    voided = {**letter, "docStatus": "entered-in-error"}
    held = await chart.destination.send(message(chart, voided))
    assert not held.classification.accepted
    assert chart.all("DocumentReference") == []
    taken(await chart.destination.send(message(chart, letter)))
    taken(await chart.destination.send(message(chart, voided, event_at="2026-01-06T08:00:00Z")))
    (found,) = chart.all("DocumentReference")
    assert found["docStatus"] == "entered-in-error"


async def test_a_letter_in_a_new_version_is_amended_and_the_same_one_is_not(chart: Charting):
    letter = RESOURCES["a letter"]
    taken(await chart.destination.send(message(chart, letter)))
    again = await chart.destination.send(message(chart, letter))
    assert b"PUT" not in again.request
    newer = message(chart, letter, event_at="2026-01-06T08:00:00Z")
    taken(await chart.destination.send(newer))
    (found,) = chart.all("DocumentReference")
    assert found["docStatus"] == "amended"


async def test_demographics_change_element_by_element(chart: Charting):
    taken(await chart.destination.send(message(chart)))
    moved = {
        **PATIENT,
        "address": [{"use": "home", "line": ["2 Harbour Road"], "city": "Northvale"}],
        "telecom": [*PATIENT["telecom"], {"system": "email", "use": "home", "value": "a@b.org"}],
    }
    BASE["p"] = moved
    try:
        taken(await chart.destination.send(message(chart, event_at="2026-01-06T08:00:00Z")))
    finally:
        BASE["p"] = PATIENT
    (found,) = chart.all("Patient")
    assert found["address"][0]["line"] == ["2 Harbour Road"]
    assert [one["value"] for one in found["telecom"]] == ["555-0100", "a@b.org"]
