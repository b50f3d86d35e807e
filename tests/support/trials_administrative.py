"""The calls of persons, visits, appointments and money, with right and wrong input."""

from simulated import code, encounter, patient
from trial import (
    ANSWERS,
    APPOINTMENT,
    AT,
    CHANGED,
    CHARGE,
    COMMUNICATION,
    COVERAGE,
    DOCTOR,
    FREE_SLOT,
    HL7,
    MISSING,
    NOBODY,
    ONE_ITEM,
    OTHER_SLOT,
    PATIENT,
    RELATIVE,
    TAKEN_SLOT,
    VISIT,
    WARD,
    Json,
    Trial,
    Wrong,
    but,
    concept,
    there,
)

_NEW = patient("4712")
_VISIT = encounter("p1", "V2")
_PROPOSED = {
    "resourceType": "Appointment",
    "status": "proposed",
    "serviceType": [code(14249, 3326000)],
    "participant": [
        {"actor": PATIENT, "status": "needs-action"},
        {"actor": WARD, "status": "needs-action"},
    ],
    "requestedPeriod": [{"start": AT, "end": AT}],
}
_TRANSACTION = "urn:uuid:7f0c8b3a-2f0e-5d0c-9a37-0c1c3b8ad1f0"
_STRUCTURE = "https://fhir-ehr.cerner.com/r4/StructureDefinition/"
_DAILY = [{"linkId": "1", "item": [{"linkId": "2", "answer": [{"valueString": "daily"}]}]}]
_answers, _of_answers = there(ANSWERS, "q1")


def _of(identity: str) -> Json:
    return {"id": identity, "etag": 'W/"0"'}


def _replace(path: str, value: object) -> Json:
    return {"op": "replace", "path": path, "value": value}


def _add(path: str, value: object) -> Json:
    return {"op": "add", "path": path, "value": value}


def _payment(*without: str) -> Json:
    parts: Json = {
        "type": {"valueCodeableConcept": {"text": "payment"}},
        "alias": {"valueString": "CASH"},
        "amount": {"valueMoney": {"value": 20, "currency": "USD"}},
        "allocation": {"extension": [{"url": "target", "valueReference": VISIT}]},
    }
    return {
        "resourceType": "Basic",
        "identifier": [{"system": "urn:oid:2.16.840.1.113883.3.9999.9", "value": "P-1"}],
        "code": {"coding": [{"code": "financial-transaction"}]},
        "extension": [
            {"url": f"{_STRUCTURE}financial-transaction-{name}", **value}
            for name, value in parts.items()
            if name not in without
        ],
    }


def _charged(charge: Json) -> Json:
    identity = {
        "name": "transactionId",
        "valueUuid": "urn:uuid:7f0c8b3a-2f0e-5d0c-9a37-0c1c3b8ad1f0",
    }
    item = {"name": "chargeItem", "resource": charge}
    return {"resourceType": "Parameters", "parameter": [identity, item]}


_NO_CHARGE = _charged(CHARGE)["parameter"][:1]


def _replacing(identity: str) -> Json:
    reference = {"reference": f"ChargeItem/{identity}"}
    replacing = {"url": f"{_STRUCTURE}replacing", "valueReference": reference}
    return but(CHARGE, extension=[replacing], quantity={"value": 2})


def _credited(version: str, subject: Json = PATIENT) -> Json:
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "versionId", "valueId": version},
            {"name": "subject", "valueReference": subject},
            {"name": "context", "valueReference": VISIT},
            {"name": "transactionId", "valueUuid": _TRANSACTION},
        ],
    }


PEOPLE = {
    "patient.create": Trial(
        content=_NEW,
        after={"Patient/{id} active": True, "Patient/{id} identifier.0.value": "4712"},
        wrong={
            "nobody enrols": Wrong(content=but(_NEW, identifier=_NEW["identifier"][1:])),
            "no official name": Wrong(
                content=but(_NEW, name=[{"use": "usual", "family": "Okafor", "given": ["Ada"]}])
            ),
            "no name at all": Wrong(content=but(_NEW, "name")),
        },
    ),
    "patient.patch": Trial(
        arguments=_of("p1"),
        content=[
            {"op": "test", "path": "/telecom/0/id", "value": "CI-PH-1-0"},
            _replace("/telecom/0/value", "555-0199"),
        ],
        captures=CHANGED,
        after={"Patient/p1 telecom.0.value": "555-0199"},
        wrong={
            "an id that was not tested": Wrong(content=[_replace("/telecom/0/value", "555-0199")]),
            "an id that is another's": Wrong(
                content=[
                    {"op": "test", "path": "/telecom/0/id", "value": "CI-PH-2-0"},
                    _replace("/telecom/0/value", "555-0199"),
                ]
            ),
            "what no patch reaches": Wrong(content=[_replace("/active", False)]),
            "no patch": Wrong(content={"gender": "male"}, code="http-400"),
        },
    ),
    "relatedPerson.create": Trial(
        content=RELATIVE,
        after={"RelatedPerson/{id} patient.reference": "Patient/p1"},
        wrong={
            "two codes of the relationship": Wrong(
                content=but(
                    RELATIVE,
                    relationship=[{"coding": RELATIVE["relationship"][0]["coding"] * 2}],
                )
            ),
            "of nobody": Wrong(content=but(RELATIVE, patient=NOBODY)),
        },
    ),
    "relatedPerson.patch": Trial(
        arguments=_of("r1"),
        content=[_add("/telecom/-", {"system": "email", "use": "home", "value": "e@example.org"})],
        captures=CHANGED,
        after={"RelatedPerson/r1 telecom.1.value": "e@example.org"},
        wrong={
            "an id that was not tested": Wrong(content=[{"op": "remove", "path": "/telecom/0"}]),
            "what no patch reaches": Wrong(content=[_replace("/birthDate", "1980-01-01")]),
        },
    ),
    "practitioner.create": Trial(
        content={
            "resourceType": "Practitioner",
            "name": [{"family": "Lund", "given": ["Astrid"]}],
        },
        after={"Practitioner/{id} name.0.family": "Lund"},
        wrong={
            "no given name": Wrong(
                content={"resourceType": "Practitioner", "name": [{"family": "Lund"}]}
            ),
            "two names": Wrong(
                content={
                    "resourceType": "Practitioner",
                    "name": [{"family": "Lund", "given": ["Astrid"]}] * 2,
                },
                code="http-422-list-length",
                says=ONE_ITEM,
            ),
        },
    ),
    "organization.create": Trial(
        content={"resourceType": "Organization", "name": "South Clinic"},
        after={"Organization/{id} name": "South Clinic"},
        wrong={
            "a name that another has": Wrong(
                content={"resourceType": "Organization", "name": "North Hospital"}
            ),
            "no name": Wrong(content={"resourceType": "Organization", "active": True}),
        },
    ),
    "communication.create": Trial(
        content=COMMUNICATION,
        after={"Communication/{id} status": "completed"},
        wrong={
            "a category that is not taken": Wrong(
                content=but(COMMUNICATION, category=[{"text": "instruction"}])
            ),
            "to the patient": Wrong(content=but(COMMUNICATION, recipient=[PATIENT])),
        },
    ),
    "communication.patch": Trial(
        arguments=_of("com1"),
        content=[_replace("/extension", [{"url": f"{_STRUCTURE}reply-to", "valueString": "x"}])],
        captures=CHANGED,
        after={"Communication/com1 extension.0.valueString": "x"},
        wrong={"the status": Wrong(content=[_replace("/status", "completed")])},
    ),
    "questionnaireResponse.update": Trial(
        arguments=_of_answers,
        content=but(_answers, item=_DAILY),
        captures=CHANGED,
        after={"QuestionnaireResponse/q1 item.0.item.0.answer.0.valueString": "daily"},
        wrong={
            "another patient": Wrong(
                content=but(_answers, subject={"reference": "Patient/12742399"})
            ),
            "no answers": Wrong(content=but(_answers, "item")),
        },
    ),
}

VISITS = {
    "encounter.create": Trial(
        content=_VISIT,
        after={"Encounter/{id} class.code": "IMP", "Encounter/{id} identifier.0.value": "V2"},
        wrong={
            "both an organization and a location": Wrong(
                content=but(_VISIT, location=[{"location": WARD}])
            ),
            "neither": Wrong(content=but(_VISIT, "serviceProvider")),
            "a type of another code set": Wrong(content=but(_VISIT, type=[code(71, 3313000)])),
            "cancelled": Wrong(content=but(_VISIT, status="cancelled")),
        },
    ),
    "encounter.patch": Trial(
        arguments=_of("e1"),
        content=[_replace("/period/end", "2026-01-07T10:00:00Z")],
        captures=CHANGED,
        after={"Encounter/e1 period.end": "2026-01-07T10:00:00Z"},
        wrong={
            "the status": Wrong(content=[_replace("/status", "finished")]),
            "the place": Wrong(content=[_replace("/location", [{"location": WARD}])]),
        },
    ),
    "appointment.create": Trial(
        content=APPOINTMENT,
        after={
            "Appointment/{id} start": "2030-03-04T09:00:00Z",
            f"Slot/{FREE_SLOT} status": "busy",
        },
        wrong={
            "booked without a slot": Wrong(
                content=but(APPOINTMENT, "slot"), code="http-422-list-length", says=ONE_ITEM
            ),
            "a slot that is not there": Wrong(
                content=but(APPOINTMENT, slot=[{"reference": "Slot/none"}])
            ),
            "proposed without a place": Wrong(
                content=but(_PROPOSED, participant=_PROPOSED["participant"][:1])
            ),
        },
    ),
    "appointment.patch": Trial(
        arguments=_of("ap1"),
        content=[
            _replace("/status", "cancelled"),
            _add("/cancelationReason", {"text": "Patient request"}),
        ],
        captures=CHANGED,
        after={"Appointment/ap1 status": "cancelled", f"Slot/{TAKEN_SLOT} status": "free"},
        wrong={
            "cancelled without a reason": Wrong(content=[_replace("/status", "cancelled")]),
            "a step that does not come next": Wrong(content=[_replace("/status", "fulfilled")]),
            "a slot that is not there": Wrong(
                content=[_replace("/slot", [{"reference": "Slot/none"}])]
            ),
            "the time": Wrong(content=[_replace("/start", AT)]),
        },
    ),
    "slot.patch": Trial(
        arguments=_of(OTHER_SLOT),
        content=[_replace("/status", "busy")],
        captures=CHANGED,
        after={f"Slot/{OTHER_SLOT} status": "busy"},
        wrong={
            "a status that is none": Wrong(content=[_replace("/status", "gone")]),
            "its time": Wrong(content=[_replace("/start", AT)]),
        },
    ),
}

MONEY = {
    "coverage.create": Trial(
        content=COVERAGE,
        after={"Coverage/{id} subscriberId": "HM-1"},
        wrong={
            "cancelled": Wrong(content=but(COVERAGE, status="cancelled")),
            "paid by the patient": Wrong(content=but(COVERAGE, payor=[PATIENT])),
            "two payers": Wrong(
                content=but(COVERAGE, payor=COVERAGE["payor"] * 2),
                code="http-422-list-length",
                says=ONE_ITEM,
            ),
        },
    ),
    "coverage.patch": Trial(
        arguments=_of("cov1"),
        content=[_replace("/subscriberId", "HM-2")],
        captures=CHANGED,
        after={"Coverage/cov1 subscriberId": "HM-2"},
        wrong={
            "the status": Wrong(content=[_replace("/status", "cancelled")]),
            "the beneficiary": Wrong(content=[_replace("/beneficiary", NOBODY)]),
        },
    ),
    "coverage.delete": Trial(
        arguments=_of("cov1"),
        captures=(),
        after={"Coverage/cov1": None},
        wrong={
            "one that is gone": Wrong(
                arguments=_of("cov2"),
                kind=MISSING,
                code="http-404",
                says="Millennium does not know the resource",
            )
        },
    ),
    "chargeItem.create": Trial(
        content=_charged(CHARGE),
        captures=("etag", "opc_request_id", "request_id"),
        after={"ChargeItem/{last} code.coding.0.code": "71046"},
        wrong={
            "no bill code": Wrong(content=_charged(but(CHARGE, code=concept(f"{HL7}x", "71046")))),
            "no visit": Wrong(content=_charged(but(CHARGE, "context"))),
            "billable already": Wrong(content=_charged(but(CHARGE, status="billable"))),
            "no charge": Wrong(content=but(_charged(CHARGE), parameter=_NO_CHARGE)),
        },
    ),
    "chargeItem.modify": Trial(
        content=_charged(_replacing("ch1")),
        after={"ChargeItem/{id} quantity.value": 2},
        wrong={
            "it replaces nothing": Wrong(content=_charged(CHARGE)),
            "it replaces what is not there": Wrong(content=_charged(_replacing("none"))),
        },
    ),
    "chargeItem.credit": Trial(
        arguments={"id": "ch1"},
        content=_credited("0"),
        after={"ChargeItem/{id} code.coding.0.code": "71046"},
        wrong={
            "an older version": Wrong(content=_credited("7")),
            "of no patient": Wrong(content=_credited("0", DOCTOR)),
            "a charge that is not there": Wrong(
                arguments={"id": "none"},
                kind=MISSING,
                code="http-404",
                says="Millennium does not know the resource",
            ),
        },
    ),
    "financialTransaction.create": Trial(
        content=_payment(),
        after={"Basic/{id} identifier.0.value": "P-1"},
        wrong={
            "no amount": Wrong(content=_payment("amount")),
            "no alias of the tenant": Wrong(content=_payment("alias")),
        },
    ),
}

TRIALS = {**PEOPLE, **VISITS, **MONEY}
