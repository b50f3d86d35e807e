"""Resources in Millennium's form: the rules of each type, by example."""

import base64
from typing import Any

import pytest
from composed import TENANT, composer_of, shipped_calls

from engine.fhir.entries import Entry
from engine.millennium.calls.body import MessageFacts
from engine.millennium.calls.compose import Composed, compose

Json = dict[str, Any]

PATIENT: Json = {
    "resourceType": "Patient",
    "identifier": [
        {
            "use": "usual",
            "type": {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}
                ]
            },
            "system": "urn:oid:1.2.3",
            "value": "4711",
            "assigner": {"display": "NORTH"},
        }
    ],
    "name": [{"family": "Okafor", "given": ["Adaeze", "N", "Ruth"], "prefix": ["Dr", "Ms"]}],
}
SUBJECT = {"reference": "Patient/p"}
CDA = base64.b64encode(b"<?xml version='1.0'?><ClinicalDocument/>").decode()


def composed(resource: Json, *others: tuple[str, Json], call: str) -> Composed:
    policies = {
        f"{kind}.{one.path}": "pass"
        for kind, rules in shipped_calls().rules.items()
        for one in rules.codes
    }
    entries = [Entry(resource=PATIENT, resource_id="p")]
    entries += [Entry(resource=one, resource_id=name) for name, one in others]
    entries.append(Entry(resource=resource, resource_id="x"))
    return compose(entries, composer_of([call], policies=policies), MessageFacts())


def shaped(resource: Json, *others: tuple[str, Json], call: str) -> Json:
    found = composed(resource, *others, call=call)
    calls = {one["name"]: one for one in found.calls}
    name = f"{resource['resourceType']}/x"
    assert name in calls, [one.message for one in found.diagnostics]
    made: Json = calls[name]["resource"]
    return made


def refusal(resource: Json, *others: tuple[str, Json], call: str) -> str:
    found = composed(resource, *others, call=call)
    return "; ".join(one.message for one in found.diagnostics if one.code in ("O822", "O825"))


def test_a_patient_is_enrolled_by_one_identifier_and_known_by_the_others():
    made = shaped({**PATIENT, "active": True}, call="patient.register")
    enrolling, known = made["identifier"]
    assert enrolling == {"assigner": {"reference": "Organization/675844"}}
    assert set(known) == {"type", "system", "value"}
    assert made["name"] == [
        {"use": "official", "family": "Okafor", "given": ["Adaeze", "N Ruth"], "prefix": ["Dr"]}
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": [{"family": "Okafor"}]}, "official one"),
        ({"name": [{"use": "maiden", "family": "O", "given": ["A"]}]}, "official one"),
        ({"name": [{"family": "O" * 101, "given": ["A"]}]}, "official one"),
        ({"identifier": [{"value": "4711"}]}, "an identifier with a system"),
        ({"active": False}, "active"),
    ],
)
def test_a_patient_that_cannot_be_created_says_what_it_lacks(change: Json, reason: str):
    assert reason in refusal({**PATIENT, **change}, call="patient.register")


def test_a_name_that_has_ended_is_not_the_official_one():
    names = [
        {"family": "Old", "given": ["A"], "period": {"end": "2020-01-01T00:00:00Z"}},
        {"use": "usual", "family": "New", "given": ["A"]},
    ]
    made = shaped({**PATIENT, "name": names}, call="patient.register")
    assert made["name"][0]["family"] == "New"


def test_a_visit_has_one_provider_or_one_place_and_no_class():
    encounter = {
        "resourceType": "Encounter",
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
        "subject": SUBJECT,
        "identifier": PATIENT["identifier"],
        "period": {"start": "2026-01-05"},
        "location": [{"location": {"reference": "urn:engine:Location/a"}}],
    }
    made = shaped(encounter, call="encounter.register")
    assert made["serviceProvider"] == {"reference": "Organization/675844"}
    assert not {"class", "location", "period"} & set(made)
    in_ward = {**encounter, "location": [{"location": {"reference": "Location/21250403"}}]}
    placed = shaped(in_ward, call="encounter.register")
    assert placed["location"] == in_ward["location"]
    assert "serviceProvider" not in placed
    assert made["type"][0]["coding"][0]["code"] == "E"
    assert "status" in refusal({**encounter, "status": "cancelled"}, call="encounter.register")


def observation(**change: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]},
        "subject": SUBJECT,
        "effectiveDateTime": "2026-01-05T08:00:00-06:00",
        "valueQuantity": {"value": 98, "code": "mg/dL", "system": "http://unitsofmeasure.org"},
        **change,
    }


def test_a_result_has_one_range_with_limits_or_words_and_one_interpretation():
    limits = {"low": {"value": 70}, "high": {"value": 105}, "text": "70-105"}
    made = shaped(
        observation(
            referenceRange=[limits, {"text": "adults"}],
            interpretation=[{"text": "high"}, {"text": "abnormal"}],
            identifier=[{"value": "F-1"}],
        ),
        call="observation.record",
    )
    assert made["referenceRange"] == [{"low": {"value": 70}, "high": {"value": 105}}]
    assert made["interpretation"] == [{"text": "high"}]
    assert made["valueQuantity"]["unit"] == "mg/dL"
    assert made["category"][0]["coding"][0]["code"] == "laboratory"
    assert "identifier" not in made


def test_a_vital_sign_is_a_quantity_somebody_took():
    pulse = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    nurse = {
        "resourceType": "Practitioner",
        "identifier": [{"system": "urn:oid:9", "value": "7"}],
    }
    taken = observation(code=pulse, performer=[{"reference": "Practitioner/n"}])
    made = shaped(taken, ("n", nurse), call="observation.record")
    assert made["category"][0]["coding"][0]["code"] == "vital-signs"
    function = made["performer"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]
    assert function["code"] == "LA"
    nameless = ("n", {"resourceType": "Practitioner"})
    assert "performer" in refusal(taken, nameless, call="observation.record")
    words = {key: item for key, item in taken.items() if key != "valueQuantity"}
    words["valueString"] = "fast"
    assert "valueQuantity" in refusal(words, ("n", nurse), call="observation.record")


@pytest.mark.parametrize("status", ["preliminary", "registered", "entered-in-error"])
def test_a_result_that_is_not_final_is_not_taken(status: str):
    assert "status" in refusal(observation(status=status), call="observation.record")


def test_a_result_of_another_section_than_the_laboratory_has_no_category():
    report = {
        "resourceType": "DiagnosticReport",
        "category": [{"coding": [{"code": "RAD"}]}],
        "result": [{"reference": "Observation/x"}],
    }
    assert "category" in refusal(observation(), ("r", report), call="observation.record")


def test_a_diagnosis_of_a_visit_is_active_and_names_it():
    diagnosis = {
        "resourceType": "Condition",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/condition-category",
                        "code": "encounter-diagnosis",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "29857009"}]},
        "subject": SUBJECT,
        "encounter": {"reference": "Encounter/e"},
        "abatementDateTime": "2026-01-06",
    }
    visit = {"resourceType": "Encounter", "identifier": [{"system": "urn:oid:5", "value": "9"}]}
    made = shaped(diagnosis, ("e", visit), call="condition.record")
    assert made["clinicalStatus"]["coding"][0]["code"] == "active"
    assert "abatementDateTime" not in made
    nameless = ("e", {"resourceType": "Encounter"})
    assert "encounter" in refusal(diagnosis, nameless, call="condition.record")


def test_a_problem_that_is_refuted_can_only_change_one_that_is_there():
    problem = {
        "resourceType": "Condition",
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                    "code": "inactive",
                }
            ]
        },
        "verificationStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
                    "code": "refuted",
                }
            ]
        },
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/condition-category",
                        "code": "problem-list-item",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "29857009"}]},
        "subject": SUBJECT,
    }
    *_, call = composed(problem, call="condition.record").calls
    assert call["only"] == "change"


def test_of_an_allergy_one_category_is_kept():
    allergy = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                    "code": "active",
                }
            ]
        },
        "category": ["biologic", "food", "medication"],
        "code": {"text": "Penicillin"},
        "patient": SUBJECT,
        "reaction": [
            {"manifestation": [{"text": "Wheal"}, {"text": "Cough"}]},
            {"severity": "mild"},
        ],
    }
    made = shaped(allergy, call="allergy.record")
    assert made["category"] == ["medication"]
    assert made["reaction"] == [{"manifestation": [{"text": "Wheal"}]}]


def test_a_vaccination_is_charted_with_a_visit_and_staged_without():
    vaccination = {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "88"}]},
        "patient": SUBJECT,
        "occurrenceDateTime": "2026-01-05",
        "primarySource": True,
        "reportOrigin": {"text": "recall"},
        "manufacturer": {"reference": "Organization/o"},
        "encounter": {"reference": "Encounter/e"},
    }
    visit = {"resourceType": "Encounter", "identifier": [{"system": "urn:oid:5", "value": "9"}]}
    maker = {"resourceType": "Organization", "name": "Northvale Vaccines"}
    charted = shaped(vaccination, ("e", visit), ("o", maker), call="immunization.record")
    assert charted["encounter"] == {"reference": "urn:engine:Encounter/e"}
    assert charted["manufacturer"] == {"display": "Northvale Vaccines"}
    assert "reportOrigin" not in charted
    nameless = ("e", {"resourceType": "Encounter"})
    assert "encounter" not in shaped(vaccination, nameless, call="immunization.record")


def document(**change: Any) -> Json:
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "34133-9"}]},
        "subject": SUBJECT,
        "date": "2026-01-05T08:00:00-06:00",
        "content": [{"attachment": {"contentType": "text/xml", "data": CDA}}],
        **change,
    }


def test_a_whole_c_cda_is_filed_as_xml_with_the_end_of_what_it_documents():
    made = shaped(document(), call="document.file")
    (content,) = made["content"]
    assert content["attachment"] == {"contentType": "application/xml;charset=utf-8", "data": CDA}
    assert made["context"]["period"]["end"] == "2026-01-05T08:00:00-06:00"


@pytest.mark.parametrize(
    ("attachment", "reason"),
    [
        ({"contentType": "text/xml", "url": "https://host/doc"}, "content itself"),
        ({"contentType": "image/png", "data": CDA}, "contentType"),
        ({"contentType": "text/plain", "data": "//79"}, "UTF-8"),
        (
            {
                "contentType": "text/xml",
                "data": base64.b64encode(b'<?xml version="1.0" encoding="latin1"?><a/>').decode(),
            },
            "declared as UTF-8",
        ),
    ],
)
def test_a_document_millennium_could_not_read_is_not_filed(attachment: Json, reason: str):
    found = refusal(document(content=[{"attachment": attachment}]), call="document.file")
    assert reason in found


def test_a_cancelled_document_voids_the_one_that_is_there():
    *_, call = composed(document(docStatus="entered-in-error"), call="document.file").calls
    assert call["only"] == "change"


def test_an_order_of_a_medicine_is_left_to_another_destination():
    order = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "Aspirin"},
        "subject": SUBJECT,
    }
    assert "MLLP" in refusal(order, call="medication.record")
    assert (
        shaped({**order, "reportedBoolean": True}, call="medication.record")["status"] == "active"
    )


def test_an_appointment_without_a_slot_of_millennium_is_proposed():
    appointment = {
        "resourceType": "Appointment",
        "status": "booked",
        "serviceType": [{"coding": [{"system": "http://snomed.info/sct", "code": "73761001"}]}],
        "start": "2026-01-05T08:00:00-06:00",
        "end": "2026-01-05T08:30:00-06:00",
        "participant": [
            {"actor": {"reference": "Location/l"}, "status": "accepted"},
            {"actor": SUBJECT, "status": "accepted"},
            {"actor": {"reference": "Practitioner/n"}, "status": "accepted"},
        ],
    }
    room = {"resourceType": "Location", "identifier": [{"system": "urn:oid:8", "value": "R1"}]}
    made = shaped(appointment, ("l", room), call="appointment.request")
    assert made["status"] == "proposed"
    assert [one["status"] for one in made["participant"]] == ["needs-action", "needs-action"]
    assert made["requestedPeriod"] == [
        {"start": "2026-01-05T08:00:00-06:00", "end": "2026-01-05T08:30:00-06:00"}
    ]
    nameless = ("l", {"resourceType": "Location"})
    assert "Location" in refusal(appointment, nameless, call="appointment.request")
    cancelled = {**appointment, "status": "cancelled"}
    assert "cancelationReason" in refusal(cancelled, ("l", room), call="appointment.request")


def test_an_insurance_names_a_payer_that_millennium_can_find():
    coverage = {
        "resourceType": "Coverage",
        "status": "active",
        "beneficiary": SUBJECT,
        "relationship": {"coding": [{"code": "self"}]},
        "payor": [{"display": "Harbour Mutual"}],
    }
    assert "payor" in refusal(coverage, call="coverage.record")
    payer = {"resourceType": "Organization", "identifier": [{"system": "urn:oid:6", "value": "H"}]}
    known = {**coverage, "payor": [{"reference": "Organization/h"}]}
    made = shaped(known, ("h", payer), call="coverage.record")
    assert made["subscriber"] == made["beneficiary"]


def test_a_charge_is_told_by_a_bill_code_of_the_tenant():
    charge = {
        "resourceType": "ChargeItem",
        "status": "billable",
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "71046"}]},
        "subject": SUBJECT,
        "context": {"reference": "Encounter/e"},
        "occurrenceDateTime": "2026-01-05T08:00:00-06:00",
        "quantity": {"value": 1},
    }
    visit = {"resourceType": "Encounter", "identifier": [{"system": "urn:oid:5", "value": "9"}]}
    made = shaped(charge, ("e", visit), call="chargeItem.create")
    assert made["status"] == "unknown"
    assert made["code"]["coding"][0]["system"].endswith("/CodeSystem/BillCodes-CPT")
    own = "https://fhir.cerner.com/any/CodeSystem/BillCodes-CDM_SCHED"
    local = {**charge, "code": {"coding": [{"system": own, "code": "4711"}]}}
    (coding,) = shaped(local, ("e", visit), call="chargeItem.create")["code"]["coding"]
    assert coding["system"].endswith(f"/{TENANT}/CodeSystem/BillCodes-CDM_SCHED")
    unknown = {**charge, "code": {"coding": [{"system": "urn:oid:1.2", "code": "4711"}]}}
    assert "a bill code" in refusal(unknown, ("e", visit), call="chargeItem.create")
    assert "a credit" in refusal({**charge, "status": "aborted"}, call="chargeItem.create")
