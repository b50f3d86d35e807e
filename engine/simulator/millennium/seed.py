"""Rim. What every tenant holds from the start: an enrolling organization, a place, a practitioner,
a schedule with free slots, and a patient to try reads with. Nobody here is real.
"""

from engine.simulator.millennium.answers import Resource

ORGANIZATION = "675844"
"""The enrolling organization of a registration."""
LOCATION = "21250403"
PRACTITIONER = "4122622"
CANARY = "12742399"
"""A patient that reads can be tried with."""
SCHEDULE = "24477854-21304876-62852027-0"
SLOTS = 8


def seed_resources() -> list[Resource]:
    """The resources, with the ids they have in every tenant."""
    return [
        {
            "resourceType": "Organization",
            "id": ORGANIZATION,
            "active": True,
            "name": "North Hospital",
            "identifier": [{"system": "urn:oid:2.16.840.1.113883.3.9999.1", "value": "NORTH"}],
        },
        {
            "resourceType": "Location",
            "id": LOCATION,
            "status": "active",
            "name": "North Hospital, Medicine",
            "managingOrganization": {"reference": f"Organization/{ORGANIZATION}"},
            "identifier": [{"value": "FSI^~NORTH^~MED"}],
        },
        {
            "resourceType": "Practitioner",
            "id": PRACTITIONER,
            "active": True,
            "name": [{"use": "usual", "family": "Hartmann", "given": ["Liesl"]}],
            "identifier": [
                {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1003000126"},
            ],
        },
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


def _slot(number: int) -> Resource:
    return {
        "resourceType": "Slot",
        "id": f"2447785{number}-21304876-62852027-{15 * number}",
        "schedule": {"reference": f"Schedule/{SCHEDULE}"},
        "status": "free",
        "start": f"2030-03-04T{9 + number:02d}:00:00Z",
        "end": f"2030-03-04T{9 + number:02d}:30:00Z",
    }
