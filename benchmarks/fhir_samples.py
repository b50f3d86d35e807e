"""Synthetic resources of the size that an ADT A01 and an ORU R01 with 30 results become."""

from typing import Any

from engine.fhir.bundle import Entry
from engine.fhir.identity import resource_id

SOURCE = "urn:oid:2.999.1"
MRN = "urn:oid:2.999.1.1"
V2 = "http://terminology.hl7.org/CodeSystem/v2-"

Json = dict[str, Any]


def identity(resource_type: str, *parts: str) -> str:
    return resource_id(SOURCE, resource_type, parts)


def reference(resource_type: str, *parts: str) -> Json:
    return {"reference": f"{resource_type}/{identity(resource_type, *parts)}"}


def coded(system: str, code: str, text: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def identifier(system: str, value: str, kind: str) -> Json:
    return {
        "use": "usual",
        "type": {"coding": [{"system": f"{V2}0203", "code": kind}]},
        "system": system,
        "value": value,
    }


def patient() -> Json:
    return {
        "resourceType": "Patient",
        "identifier": [
            identifier(MRN, "700012345", "MR"),
            identifier("urn:oid:2.999.1.2", "AC-99881", "AN"),
        ],
        "active": True,
        "name": [
            {"use": "official", "family": "Gren", "given": ["Mira", "J"], "prefix": ["Ms"]},
            {"use": "maiden", "family": "Tolle", "given": ["Mira"]},
        ],
        "telecom": [
            {"system": "phone", "value": "+1 555 0100", "use": "home"},
            {"system": "email", "value": "mira@example.org", "use": "home"},
            {"system": "phone", "value": "+1 555 0101", "use": "work"},
        ],
        "gender": "female",
        "birthDate": "1974-02-28",
        "deceasedBoolean": False,
        "address": [
            {
                "use": "home",
                "line": ["12 Lower Mill", "Flat 3"],
                "city": "Aldwick",
                "state": "OH",
                "postalCode": "44101",
                "country": "USA",
            }
        ],
        "maritalStatus": coded("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "M", "M"),
        "communication": [{"language": coded("urn:ietf:bcp:47", "en", "English")}],
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-religion",
                "valueCodeableConcept": coded(
                    "http://terminology.hl7.org/CodeSystem/v3-ReligiousAffiliation", "1013", "C"
                ),
            }
        ],
    }


def practitioner(number: str) -> Json:
    return {
        "resourceType": "Practitioner",
        "identifier": [identifier("http://hl7.org/fhir/sid/us-npi", number, "NPI")],
        "name": [{"family": "Okafor", "given": ["Ada"], "prefix": ["Dr"], "suffix": ["MD"]}],
    }


def encounter() -> Json:
    return {
        "resourceType": "Encounter",
        "identifier": [identifier("urn:oid:2.999.1.3", "V-5550001", "VN")],
        "status": "in-progress",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "IMP",
            "display": "inpatient encounter",
        },
        "type": [coded("urn:oid:2.999.1.4", "ADM", "Admission")],
        "subject": reference("Patient", MRN, "700012345"),
        "participant": [
            {
                "type": [
                    coded(
                        "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                        "ATND",
                        "attender",
                    )
                ],
                "individual": reference("Practitioner", "1111111112"),
            },
            {"individual": reference("Practitioner", "1111111113")},
        ],
        "period": {"start": "2026-03-01T08:30:00-05:00"},
        "hospitalization": {
            "admitSource": coded(f"{V2}0023", "7", "Emergency"),
            "dischargeDisposition": coded(f"{V2}0112", "01", "Home"),
        },
        "location": [{"location": reference("Location", "4W", "12", "A"), "status": "active"}],
        "serviceProvider": reference("Organization", "AGH"),
    }


def entries_of(resources: list[Json]) -> list[Entry]:
    """Entries whose ids are those the references are made with."""
    keys = {
        "Patient": (MRN, "700012345"),
        "Encounter": ("V-5550001",),
        "Location": ("4W", "12", "A"),
    }
    made = []
    for number, resource in enumerate(resources):
        kind, known = resource["resourceType"], resource.get("identifier")
        key = keys.get(kind) or ((known[0]["value"],) if known else (str(number),))
        if kind == "Organization":
            key = (resource["alias"][0],)
        made.append(
            Entry(
                resource=resource,
                resource_id=identity(kind, *key),
                identifier=(known[0]["system"], known[0]["value"]) if known else None,
            )
        )
    return made


def adt_entries() -> list[Entry]:
    """Nine resources."""
    return entries_of(adt_resources())


def oru_entries() -> list[Entry]:
    """Thirty-three resources: a patient, a laboratory, a report and thirty observations."""
    return entries_of(oru_resources())


def adt_resources() -> list[Json]:
    return [
        {
            "resourceType": "MessageHeader",
            "eventCoding": {"system": f"{V2}0003", "code": "A01", "display": "ADT/ACK - Admit"},
            "source": {"name": "REG", "endpoint": "urn:oid:2.999.1"},
            "destination": [{"name": "FHIR", "endpoint": "urn:oid:2.999.9"}],
            "focus": [reference("Patient", MRN, "700012345"), reference("Encounter", "V-5550001")],
        },
        patient(),
        encounter(),
        practitioner("1111111112"),
        practitioner("1111111113"),
        {
            "resourceType": "Location",
            "identifier": [{"system": "urn:oid:2.999.1.5", "value": "4W-12-A"}],
            "status": "active",
            "name": "4W 12 A",
            "mode": "instance",
            "physicalType": coded(
                "http://terminology.hl7.org/CodeSystem/location-physical-type", "bd", "Bed"
            ),
        },
        {"resourceType": "Organization", "name": "Aldwick General", "alias": ["AGH"]},
        {
            "resourceType": "RelatedPerson",
            "active": True,
            "patient": reference("Patient", MRN, "700012345"),
            "relationship": [coded(f"{V2}0063", "SPO", "Spouse")],
            "name": [{"family": "Gren", "given": ["Tom"]}],
            "telecom": [{"system": "phone", "value": "+1 555 0102", "use": "home"}],
        },
        {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": coded(
                "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                "active",
                "Active",
            ),
            "type": "allergy",
            "category": ["medication"],
            "criticality": "high",
            "code": coded("urn:oid:2.999.1.6", "PEN", "Penicillin"),
            "patient": reference("Patient", MRN, "700012345"),
            "onsetDateTime": "2010-05",
            "reaction": [
                {"manifestation": [{"text": "Hives"}], "severity": "moderate"},
            ],
        },
    ]


def observation(number: int) -> Json:
    return {
        "resourceType": "Observation",
        "identifier": [{"system": "urn:oid:2.999.1.7", "value": f"F-1-{number}"}],
        "status": "final",
        "category": [
            coded(
                "http://terminology.hl7.org/CodeSystem/observation-category",
                "laboratory",
                "Laboratory",
            )
        ],
        "code": {
            "coding": [
                {"system": "http://loinc.org", "code": f"{2000 + number}-3", "display": "Test"},
                {"system": "urn:oid:2.999.1.8", "code": f"T{number}", "display": "Test"},
            ],
            "text": "Test",
        },
        "subject": reference("Patient", MRN, "700012345"),
        "effectiveDateTime": "2026-03-01T09:10:00-05:00",
        "issued": "2026-03-01T11:00:00-05:00",
        "performer": [reference("Organization", "LAB")],
        "valueQuantity": {
            "value": 4.5,
            "unit": "mmol/L",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        },
        "interpretation": [
            coded("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "N", "N")
        ],
        "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}, "text": "3.5-5.1"}],
    }


def oru_resources() -> list[Json]:
    observations = [observation(number) for number in range(30)]
    report: Json = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": "urn:oid:2.999.1.9", "value": "F-1"}],
        "status": "final",
        "code": coded("urn:oid:2.999.1.8", "CHEM", "Chemistry"),
        "subject": reference("Patient", MRN, "700012345"),
        "effectiveDateTime": "2026-03-01T09:10:00-05:00",
        "issued": "2026-03-01T11:00:00-05:00",
        "result": [reference("Observation", f"F-1-{number}") for number in range(30)],
    }
    laboratory: Json = {"resourceType": "Organization", "name": "Laboratory", "alias": ["LAB"]}
    return [patient(), laboratory, report, *observations]
