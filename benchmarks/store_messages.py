"""Synthetic messages of the size and variety that the store benchmark promises figures for."""

import json
import random
import uuid
from dataclasses import dataclass

SURNAMES = [
    "Abel",
    "Brandt",
    "Castro",
    "Dubois",
    "Eriksen",
    "Fontaine",
    "Greco",
    "Huber",
    "Ivanov",
    "Jansen",
    "Kowalski",
]
GIVEN = [
    "Ada",
    "Ben",
    "Cora",
    "Dan",
    "Eva",
    "Finn",
    "Gina",
    "Hugo",
    "Iris",
    "Jan",
    "Kim",
    "Lena",
    "Max",
    "Nora",
    "Otto",
    "Pia",
    "Rosa",
]
STREETS = ["Mill Lane", "Station Road", "Church Street", "Park Avenue", "Harbour Way", "Long Acre"]
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True, slots=True)
class Sample:
    """One admission: the message, its output, the destination's answer, its search keys."""

    raw: bytes
    control_id: str
    patient: str
    bundle: bytes
    response: bytes
    search_keys: tuple[tuple[str, str], ...]


def make_sample(number: int) -> Sample:
    """An ADT^A01 of about 2 KB, a transaction bundle of about 8 KB, a response of about 6 KB."""
    chance = random.Random(number)
    patient = f"{chance.randrange(10**8):08d}"
    visit = f"V{chance.randrange(10**9):09d}"
    control_id = f"{chance.randrange(16**10):010X}{number}"
    raw = _message(chance, control_id, patient, visit)
    entries = _entries(chance, patient, visit)
    return Sample(
        raw=raw,
        control_id=control_id,
        patient=patient,
        bundle=json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        .replace(" ", "")
        .encode(),
        response=_response(chance, entries),
        search_keys=(
            ("mrn", patient),
            ("visit", visit),
            ("account", f"A{chance.randrange(10**9)}"),
            ("order", f"O{chance.randrange(10**9)}"),
            ("name", chance.choice(SURNAMES)),
        ),
    )


def _person(chance: random.Random) -> tuple[str, str, str, str]:
    phone = f"+44 20 {chance.randrange(10**4):04d} {chance.randrange(10**4):04d}"
    street = f"{chance.randrange(1, 200)} {chance.choice(STREETS)}"
    return chance.choice(SURNAMES), chance.choice(GIVEN), phone, street


def _message(chance: random.Random, control_id: str, patient: str, visit: str) -> bytes:
    at = f"202611{chance.randrange(1, 29):02d}{chance.randrange(24):02d}{chance.randrange(60):02d}"
    surname, given, phone, street = _person(chance)
    birth = f"19{chance.randrange(30, 99)}0{chance.randrange(1, 9)}1{chance.randrange(9)}"
    numbers = f"{patient}^^^GEN^MR~{chance.randrange(10**9)}^^^NHS^NH"
    home = f"{street}^^London^^N1 {chance.randrange(9)}AB^GBR"
    place = f"W{chance.randrange(20)}^R{chance.randrange(40)}^B{chance.randrange(6)}^GEN"
    doctor = f"D{chance.randrange(999)}^{chance.choice(SURNAMES)}^{chance.choice(GIVEN)}"
    pid = f"PID|1||{numbers}||{surname}^{given}^^^Mr^^L||{birth}|M||2106-3^White^CDCREC"
    pv1 = f"PV1|1|I|{place}||||{doctor}|||MED||||||||{doctor}|IN|{visit}^^^GEN^VN"
    lines = [
        f"MSH|^~\\&|ADT|GENERAL|ENGINE|GENERAL|{at}||ADT^A01^ADT_A01|{control_id}|P|2.5.1",
        f"EVN|A01|{at}|||U{chance.randrange(999)}^{chance.choice(SURNAMES)}^{chance.choice(GIVEN)}",
        f"{pid}|{home}||{phone}|||M|CHR",
        f"{pv1}{'|' * 25}{at}",
    ]
    lines += [_next_of_kin(chance, number) for number in range(1, 3)]
    lines += [_observation(chance, number, at) for number in range(1, 13)]
    lines += [_diagnosis(chance, number, at) for number in range(1, 5)]
    surname, given, _, street = _person(chance)
    lines.append(
        f"IN1|1|PL{chance.randrange(99)}^Plan|{chance.randrange(9999)}|Insurer {given}|{street}"
        f"|||G{chance.randrange(99999)}||||20260101|20261231|||{surname}^{given}|SELF|19600101"
    )
    return ("\r".join(lines) + "\r").encode()


def _next_of_kin(chance: random.Random, number: int) -> str:
    surname, given, phone, street = _person(chance)
    return f"NK1|{number}|{surname}^{given}|SPO^Spouse|{street}^^London|{phone}|{phone}"


def _observation(chance: random.Random, number: int, at: str) -> str:
    code = f"{chance.randrange(10**4)}-{chance.randrange(9)}^Observation {number}^LN"
    value = f"{chance.randrange(200)}|kg|50-120|N|||F|||{at}||T{chance.randrange(99)}"
    return f"OBX|{number}|NM|{code}||{value}"


def _diagnosis(chance: random.Random, number: int, at: str) -> str:
    code = f"{chance.choice('ABCDEFGI')}{chance.randrange(99):02d}.{chance.randrange(9)}"
    text = f"Condition number {chance.randrange(999)} of the list"
    return f"DG1|{number}|I10|{code}^{text}^I10||{at}|A"


def _entries(chance: random.Random, patient: str, visit: str) -> list[dict[str, object]]:
    kinds = ["Patient", "Encounter", "RelatedPerson", "RelatedPerson", "Coverage", "Location"]
    kinds += ["Practitioner"] * 2 + ["Condition"] * 4 + ["Observation"] * 2
    return [_entry(chance, kind, patient, visit, number) for number, kind in enumerate(kinds)]


def _entry(
    chance: random.Random, kind: str, patient: str, visit: str, number: int
) -> dict[str, object]:
    surname, given, phone, street = _person(chance)
    key = f"{kind}|{patient}|{visit}|{number}"
    identity = str(uuid.uuid5(NAMESPACE, key))
    resource = {
        "resourceType": kind,
        "id": identity,
        "identifier": [{"system": f"urn:oid:2.16.840.1.113883.{number}", "value": visit + patient}],
        "name": [{"use": "official", "family": surname, "given": [given]}],
        "telecom": [{"system": "phone", "value": phone, "use": "home"}],
        "address": [{"line": [street], "city": "London", "country": "GBR"}],
        "subject": {"reference": f"urn:uuid:{uuid.uuid5(NAMESPACE, 'Patient|' + patient)}"},
    }
    return {
        "fullUrl": f"urn:uuid:{identity}",
        "resource": resource,
        "request": {"method": "PUT", "url": f"{kind}/{identity}"},
    }


def _response(chance: random.Random, entries: list[dict[str, object]]) -> bytes:
    found = []
    for entry in entries:
        resource = entry["resource"]
        at = f"2026-11-22T1{chance.randrange(9)}:00:{chance.randrange(10, 59)}.000Z"
        version = chance.randrange(1, 9)
        location = f"{resource['resourceType']}/{resource['id']}/_history/{version}"
        found.append(
            {
                "response": {
                    "status": "200 OK",
                    "location": f"https://fhir.example.org/r4/tenant/general/{location}",
                    "etag": f'W/"{version}"',
                    "lastModified": at,
                    "outcome": {
                        "resourceType": "OperationOutcome",
                        "issue": [
                            {
                                "severity": "information",
                                "code": "informational",
                                "diagnostics": "Successfully conditionally updated the resource",
                            }
                        ],
                    },
                }
            }
        )
    head = f"HTTP/1.1 200 OK\r\nx-request-id: {uuid.UUID(int=chance.getrandbits(128))}\r\n\r\n"
    body = {"resourceType": "Bundle", "type": "transaction-response", "entry": found}
    return head.encode() + json.dumps(body).encode()
