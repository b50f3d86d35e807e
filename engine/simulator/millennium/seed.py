"""Rim. What every tenant holds from the start: an enrolling organization, wards, practitioners,
a schedule with free slots, and a patient to try reads with. Nobody here is real.
"""

from typing import Any

from engine.simulator.millennium.answers import Resource
from engine.simulator.millennium.code_values import CodeTable
from engine.simulator.people import DOCTORS, WARDS

ORGANIZATION = "675844"
"""The enrolling organization of a registration."""
LOCATION = "21250403"
"""The first ward of the first tenant; the others follow."""
LOCATION_CODES = 220
"""Code set whose values are the ids of Locations."""
UNIT = "NURSEUNIT"
PRACTITIONER = "4122622"
"""The first of the hospital's doctors; the others follow."""
CANARY = "12742399"
"""A patient that reads can be tried with."""
SCHEDULE = "24477854-21304876-62852027-0"
SLOTS = 8


def seed_resources(codes: CodeTable) -> list[Resource]:
    """The resources; their ids are the same in every tenant, save those of Locations.

    Args:
        codes: of the tenant; wards have their aliases by a contributor source (set 73).
    """
    source = next(codes.coding(row) for row in codes.rows(73) if row.display == "FSI")
    wards = {row.display: row.id for row in codes.rows(LOCATION_CODES) if row.cdf_meaning == UNIT}
    return [
        {
            "resourceType": "Organization",
            "id": ORGANIZATION,
            "active": True,
            "name": "North Hospital",
            "identifier": [{"system": "urn:oid:2.16.840.1.113883.3.9999.1", "value": "NORTH"}],
        },
        *(_location(wards[ward], ward, source) for ward in WARDS),
        *(_practitioner(number) for number in range(len(DOCTORS))),
        {
            "resourceType": "Patient",
            "id": CANARY,
            "active": True,
            "identifier": [
                {
                    "id": "CI-490000001-0",
                    "use": "usual",
                    "system": "urn:oid:2.16.840.1.113883.3.9999.1.4",
                    "value": "900001",
                }
            ],
            "name": [
                {
                    "id": "CI-490000001-1",
                    "use": "official",
                    "family": "Canary",
                    "given": ["Preflight"],
                }
            ],
            "gender": "other",
            "birthDate": "1990-09-15",
        },
        {
            "resourceType": "Schedule",
            "id": SCHEDULE,
            "actor": [{"reference": f"Practitioner/{PRACTITIONER}"}],
        },
        *(_slot(number) for number in range(SLOTS)),
    ]


def _location(identity: str, ward: str, source: dict[str, Any]) -> Resource:
    return {
        "resourceType": "Location",
        "id": identity,
        "status": "active",
        "name": f"North Hospital, {ward}",
        "managingOrganization": {"reference": f"Organization/{ORGANIZATION}"},
        "identifier": [
            {"type": {"coding": [source], "text": "FSI"}, "value": f"FSI^~NORTH^~{ward}"}
        ],
    }


def _practitioner(number: int) -> Resource:
    npi, family, given = DOCTORS[number]
    return {
        "resourceType": "Practitioner",
        "id": str(int(PRACTITIONER) + number),
        "active": True,
        "name": [{"use": "usual", "family": family, "given": [given]}],
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": npi}],
    }


def _slot(number: int) -> Resource:
    return {
        "resourceType": "Slot",
        "id": f"2447785{number}-21304876-62852027-{15 * number}",
        "schedule": {"reference": f"Schedule/{SCHEDULE}"},
        "status": "free",
        "start": f"2030-03-04T{9 + number:02d}:00:00Z",
        "end": f"2030-03-04T{9 + number:02d}:30:00Z",
    }
