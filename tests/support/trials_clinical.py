"""The calls of what is charted of a patient, with right and wrong input. Reference 1.4."""

from simulated import code, observation
from trial import (
    ALLERGY,
    AT,
    CHANGED,
    CONDITION,
    DOCTOR,
    DOCUMENT,
    FAMILY_HISTORY,
    HL7,
    IMMUNIZATION,
    LOINC,
    MEDICINE,
    MIXED,
    NOBODY,
    ONE_ITEM,
    PATIENT,
    RESULT,
    SNOMED,
    V2,
    VISIT,
    Trial,
    Wrong,
    but,
    concept,
    there,
)

_LAB = observation("p1")
_BOTH = {"coding": [*code(72, 21704910)["coding"], *concept(LOINC, "2823-3")["coding"]]}
_result, _of_result = there(RESULT, "L-1", "1")
_allergy, _of_allergy = there(ALLERGY, "a1")
_condition, _of_condition = there(CONDITION, "c1")
_given, _of_given = there(IMMUNIZATION, "M1")
_family, _of_family = there(FAMILY_HISTORY, "f1")
_document, _of_document = there(DOCUMENT, "d1", "1")
_void = but(_document, status="entered-in-error", docStatus="entered-in-error")
_REPORT = {
    "resourceType": "DiagnosticReport",
    "identifier": [{"system": "urn:oid:2.16.840.1.113883.3.9999.2", "value": "S-1"}],
    "status": "final",
    "category": [concept(LOINC, "LP7839-6", "Pathology")],
    "code": concept(LOINC, "11526-1", "Pathology study"),
    "subject": PATIENT,
    "effectiveDateTime": AT,
    "performer": [DOCTOR],
    "presentedForm": [{"contentType": "application/pdf", "data": "JVBERi0xLjQ="}],
}
_PROCEDURE = {
    "resourceType": "Procedure",
    "status": "completed",
    "code": concept("http://www.ama-assn.org/go/cpt", "71046", "Chest X-ray"),
    "subject": PATIENT,
    "performedDateTime": AT,
    "performer": [{"actor": DOCTOR}],
}
_PROVENANCE = {
    "resourceType": "Provenance",
    "target": [{"reference": "AllergyIntolerance/a1"}],
    "recorded": AT,
    "agent": [{"who": DOCTOR}],
}

TRIALS = {
    "observation.create": Trial(
        content=_LAB,
        after={"Observation/{id} valueQuantity.value": 4.1, "Observation/{id} status": "final"},
        wrong={
            "both kinds of codes": Wrong(
                content=but(_LAB, code=_BOTH), code="http-422-mixed-codings", says=MIXED
            ),
            "a LOINC that is not mapped": Wrong(content=but(_LAB, code=concept(LOINC, "8310-5"))),
            "a code that is retired": Wrong(content=but(_LAB, code=code(72, 21705101))),
            "a unit without its system": Wrong(
                content=but(_LAB, valueQuantity={"value": 4.1, "unit": "mmol/L"})
            ),
            "a patient nobody knows": Wrong(content=but(_LAB, subject=NOBODY)),
            "no JSON of this type": Wrong(content=[], code="http-400"),
        },
    ),
    "observation.update": Trial(
        arguments=_of_result,
        content=but(_result, "valueQuantity", status="amended", valueString="haemolysed"),
        captures=CHANGED,
        after={"Observation/L-1 valueString": "haemolysed", "Observation/L-1 status": "amended"},
        wrong={
            "not amended": Wrong(content=_result),
            "another patient": Wrong(
                content=but(_result, status="amended", subject={"reference": "Patient/12742399"})
            ),
            "another id in the body": Wrong(content=but(_result, id="L-2"), code="http-400"),
        },
    ),
    "condition.create": Trial(
        content=CONDITION,
        after={"Condition/{id} code.coding.0.code": "38341003"},
        wrong={
            "no clinical status": Wrong(content=but(CONDITION, "clinicalStatus")),
            "a diagnosis without its visit": Wrong(
                content=but(
                    CONDITION,
                    category=[concept(f"{HL7}condition-category", "encounter-diagnosis")],
                )
            ),
            "two categories": Wrong(
                content=but(CONDITION, category=CONDITION["category"] * 2),
                code="http-422-list-length",
                says=ONE_ITEM,
            ),
        },
    ),
    "condition.update": Trial(
        arguments=_of_condition,
        content=but(
            _condition, clinicalStatus=concept(f"{HL7}condition-clinical", "resolved"),
            abatementDateTime="2026-01-05",
        ),
        captures=CHANGED,
        after={"Condition/c1 abatementDateTime": "2026-01-05"},
        wrong={
            "no clinical status": Wrong(content=but(_condition, "clinicalStatus")),
            "another patient": Wrong(
                content=but(_condition, subject={"reference": "Patient/12742399"})
            ),
        },
    ),
    "allergyIntolerance.create": Trial(
        content=ALLERGY,
        after={"AllergyIntolerance/{id} category": ["medication"]},
        wrong={
            "two manifestations of a reaction": Wrong(
                content=but(
                    ALLERGY, reaction=[{"manifestation": [{"text": "Cough"}, {"text": "Rash"}]}]
                ),
                code="http-422-list-length",
                says=ONE_ITEM,
            ),
            "a biologic": Wrong(content=but(ALLERGY, category=["biologic"])),
            "no code": Wrong(content=but(ALLERGY, "code")),
        },
    ),
    "allergyIntolerance.update": Trial(
        arguments=_of_allergy,
        content=but(_allergy, criticality="high"),
        captures=CHANGED,
        after={"AllergyIntolerance/a1 criticality": "high"},
        wrong={
            "another code": Wrong(content=but(_allergy, code=concept(SNOMED, "91936005"))),
            "another patient": Wrong(
                content=but(_allergy, patient={"reference": "Patient/12742399"})
            ),
        },
    ),
    "immunization.create": Trial(
        content=IMMUNIZATION,
        after={"Immunization/{id} encounter.reference": "Encounter/e1"},
        wrong={
            "no time": Wrong(content=but(IMMUNIZATION, "occurrenceDateTime")),
            "an origin of what was given here": Wrong(
                content=but(IMMUNIZATION, primarySource=True, reportOrigin={"text": "card"})
            ),
            "a visit nobody knows": Wrong(
                content=but(IMMUNIZATION, encounter={"reference": "Encounter/none"})
            ),
        },
    ),
    "immunization.update": Trial(
        arguments=_of_given,
        content=but(_given, lotNumber="NV-204", primarySource=False),
        captures=CHANGED,
        after={"Immunization/M1 lotNumber": "NV-204"},
        wrong={
            "given here": Wrong(content=but(_given, primarySource=True)),
            "no vaccine": Wrong(content=but(_given, "vaccineCode")),
        },
    ),
    "familyMemberHistory.create": Trial(
        content=FAMILY_HISTORY,
        after={"FamilyMemberHistory/{id} relationship.coding.0.code": "3316002"},
        wrong={
            "no relationship": Wrong(content=but(FAMILY_HISTORY, "relationship")),
            "a value of another code set": Wrong(
                content=but(FAMILY_HISTORY, relationship=code(40, 21704910))
            ),
        },
    ),
    "familyMemberHistory.update": Trial(
        arguments=_of_family,
        content=but(_family, name="Emeka"),
        captures=CHANGED,
        after={"FamilyMemberHistory/f1 name": "Emeka"},
        wrong={
            "another relationship": Wrong(content=but(_family, relationship=code(40, 3316001))),
            "a modifier extension": Wrong(
                content=but(_family, modifierExtension=[{"url": "urn:x", "valueBoolean": True}])
            ),
        },
    ),
    "procedure.create": Trial(
        content=_PROCEDURE,
        after={"Procedure/{id} status": "completed"},
        wrong={
            "not completed": Wrong(content=but(_PROCEDURE, status="in-progress")),
            "done by the patient": Wrong(
                content=but(_PROCEDURE, performer=[{"actor": PATIENT}])
            ),
        },
    ),
    "medicationRequest.create": Trial(
        content=MEDICINE,
        after={"MedicationRequest/{id} reportedBoolean": True},
        wrong={
            "an order": Wrong(content=but(MEDICINE, reportedBoolean=False)),
            "no medicine": Wrong(content=but(MEDICINE, "medicationCodeableConcept")),
        },
    ),
    "medicationRequest.patch": Trial(
        arguments={"id": "m1", "etag": 'W/"0"'},
        content=[{"op": "replace", "path": "/status", "value": "stopped"}],
        captures=CHANGED,
        after={"MedicationRequest/m1 status": "stopped"},
        wrong={
            "completed": Wrong(
                content=[{"op": "replace", "path": "/status", "value": "completed"}]
            ),
            "another element": Wrong(
                content=[{"op": "replace", "path": "/intent", "value": "order"}]
            ),
        },
    ),
    "documentReference.create": Trial(
        content=DOCUMENT,
        after={
            "DocumentReference/{id} content.0.attachment.contentType": "application/pdf",
            "DocumentReference/{id} type.coding.0.code": "21705027",
        },
        wrong={
            "no end of its period": Wrong(
                content=but(DOCUMENT, context={"period": {"start": AT}})
            ),
            "both kinds of codes": Wrong(
                content=but(DOCUMENT, type=_BOTH), code="http-422-mixed-codings", says=MIXED
            ),
            "a type of content that is not taken": Wrong(
                content=but(
                    DOCUMENT,
                    content=[{"attachment": {"contentType": "image/png", "data": "aGk="}}],
                )
            ),
            "two contents": Wrong(
                content=but(DOCUMENT, content=DOCUMENT["content"] * 2),
                code="http-422-list-length",
                says=ONE_ITEM,
            ),
        },
    ),
    "documentReference.update": Trial(
        arguments=_of_document,
        content=_void,
        captures=CHANGED,
        after={
            "DocumentReference/d1 status": "entered-in-error",
            "DocumentReference/d1 docStatus": "entered-in-error",
        },
        wrong={
            "plain text": Wrong(
                content=but(
                    _document,
                    content=[
                        {"attachment": {"contentType": "text/plain;charset=utf-8", "data": "aGk="}}
                    ],
                )
            ),
            "another visit": Wrong(
                content=but(_document, context={"period": DOCUMENT["context"]["period"]})
            ),
            "no content": Wrong(content=but(_void, "content")),
        },
    ),
    "diagnosticReport.create": Trial(
        content=_REPORT,
        after={"DiagnosticReport/{id} category.0.coding.0.code": "LP7839-6"},
        wrong={
            "a laboratory's": Wrong(content=but(_REPORT, category=[concept(f"{V2}0074", "LAB")])),
            "nothing to read": Wrong(content=but(_REPORT, "presentedForm")),
        },
    ),
    "provenance.create": Trial(
        content=_PROVENANCE,
        after={"Provenance/{id} target.0.reference": "AllergyIntolerance/a1"},
        wrong={
            "of what is not there": Wrong(
                content=but(_PROVENANCE, target=[{"reference": "AllergyIntolerance/none"}])
            ),
            "of two": Wrong(
                content=but(_PROVENANCE, target=[VISIT, PATIENT]),
                code="http-422-list-length",
                says=ONE_ITEM,
            ),
        },
    ),
}  # fmt: skip
