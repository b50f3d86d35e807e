"""Ten days of a hospital's feed, each message made from its number alone.

So a million need no table: whoever wants a value to search for makes the message of a number drawn
by chance, and knows what is stored of it. 5,000 patients, ten messages a visit, ten types.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

PATIENTS = 5_000
MESSAGES_PER_VISIT = 10
SECONDS_BETWEEN = 0.864
"""100,000 messages a day."""
FINE, FILTERED, MAP_ERROR, HELD, REFUSED, DUPLICATE = range(6)
"""What becomes of a message."""

TYPES = (
    *("ADT^A01", "ADT^A08", "ADT^A08", "ADT^A08", "ADT^A02", "ADT^A03", "ADT^A04"),
    *("ORU^R01", "ORU^R01", "ORU^R01", "ORU^R01", "ORM^O01", "ORM^O01", "SIU^S12", "MDM^T02"),
)
STRUCTURES = {"ADT^A04": "ADT_A01", "ADT^A08": "ADT_A01"}
ORDERS = frozenset({"ORU^R01", "ORM^O01"})
SURNAMES = ("Abel", "Brandt", "Castro", "Dubois", "Eriksen", "Fontaine", "Greco", "Huber", "Jansen")
GIVEN = ("Ada", "Ben", "Cora", "Dan", "Eva", "Finn", "Gina", "Hugo", "Iris", "Kim", "Lena", "Max")
RESULTS = ("718-7^Hemoglobin", "6690-2^Leukocytes", "777-3^Platelets", "2345-7^Glucose",
           "2160-0^Creatinine", "2823-3^Potassium")  # fmt: skip
KINDS = ("Encounter", "Observation", "Observation", "Condition", "Condition", "Practitioner",
         "Practitioner", "Location", "RelatedPerson", "Coverage", "Provenance")  # fmt: skip
CAUSES = 24
"""Different reasons why maps fail or servers refuse."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the message of a number, without making it."""

    number: int
    type: str
    control_id: str
    patient: int
    mrn: str
    visit: str
    order: str
    """Empty for a message without an order."""
    request_id: str
    patient_id: str
    """Of the Patient resource: the same for all messages of the patient."""
    id_parts: tuple[str, str]
    """Beginning and end of the ids of the other resources."""
    fate: int

    @property
    def resource_ids(self) -> tuple[str, ...]:
        """Of the other resources: this message's alone."""
        begin, end = self.id_parts
        return tuple(f"{begin}-{at:04x}-{end}" for at in range(len(KINDS)))

    @property
    def search_keys(self) -> tuple[tuple[str, str], ...]:
        """As the engine reads them from the message."""
        found = [("mrn", self.mrn), ("account", f"A{self.visit}"), ("visit", self.visit)]
        return (*found, ("order", self.order)) if self.order else tuple(found)


def _fate(number: int) -> int:
    if number % 50 == 7:
        return FILTERED
    if number % 200 == 11:
        return DUPLICATE
    return {21: MAP_ERROR, 22: REFUSED, 521: MAP_ERROR, 522: REFUSED, 523: HELD}.get(
        number % 1000, FINE
    )


def known(number: int) -> Known:
    """The message of this number."""
    digest = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=32).hexdigest()
    patient = int(digest[:8], 16) % PATIENTS
    kind = TYPES[int(digest[8:12], 16) % len(TYPES)]
    fate = _fate(number)
    twin = number - 1 if fate == DUPLICATE else number
    return Known(
        number=number,
        type=kind,
        control_id=f"Q{twin:011d}",
        patient=patient,
        mrn=f"{70_000_000 + patient * 13}",
        visit=f"V{patient:05d}{number // (PATIENTS * MESSAGES_PER_VISIT):04d}",
        order=f"ORD{digest[12:20].upper()}" if kind in ORDERS else "",
        request_id=f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}",
        patient_id=f"11111111-{patient:04x}-4abc-8def-{patient:012x}",
        id_parts=(digest[24:32], f"4{digest[33:36]}-9{digest[37:40]}-{digest[40:52]}"),
        fate=fate,
    )


def raw_of(one: Known, at: float) -> bytes:
    """The message, some 1 KB."""
    text = _template(one.type, one.patient)
    moment = datetime.fromtimestamp(at, UTC).strftime("%Y%m%d%H%M%S")
    for name, value in (
        ("@TIME", moment),
        ("@CONTROL", one.control_id),
        ("@VISIT", one.visit),
        ("@ORDER", one.order),
    ):
        text = text.replace(name, value)
    return text.encode()


@cache
def _template(kind: str, patient: int) -> str:
    surname = f"{SURNAMES[patient % 9]}{patient // 108}"
    given = GIVEN[patient % 12]
    sex = "FM"[patient % 2]
    born = f"19{30 + patient % 60}0{1 + patient % 9}1{patient % 10}"
    home = f"{patient % 180 + 1} Mill Lane^^Milltown^IL^60{patient % 1000:03d}^USA"
    doctor = f"D{patient % 400:04d}^{SURNAMES[patient % 7]}^{GIVEN[patient % 11]}"
    mrn = f"{70_000_000 + patient * 13}"
    person = f"PID|1||{mrn}^^^NORTH^MR||{surname}^{given}^^^^^L||{born}|{sex}"
    place = f"PV1|1|I|W{patient % 20}^{patient % 40}^1^NORTH"
    later = "|" * 24 + "@TIME-0600"
    structure = STRUCTURES.get(kind, kind.replace("^", "_"))
    lines = [
        f"MSH|^~\\&|REG|NORTH|ENGINE|HUB|@TIME-0600||{kind}^{structure}|@CONTROL|P|2.5.1",
        f"EVN|{kind[4:]}|@TIME-0600|||{doctor}",
        f"{person}||2106-3^White^CDCREC|{home}||^PRN^PH^^1^555^{patient:07d}|||M||A@VISIT^^^NORTH^AN",
        f"NK1|1|{surname}^{GIVEN[patient % 5]}|SPO^Spouse^HL70063|{home}",
        f"{place}||||{doctor}|{doctor}||MED||||1|||{doctor}|IN|@VISIT^^^NORTH^VN|{later}",
    ]
    if kind in ORDERS:
        lines.append(f"ORC|RE|@ORDER^REG|@ORDER^LAB||CM||||@TIME-0600|||{doctor}")
        lines.append(
            f"OBR|1|@ORDER^REG|@ORDER^LAB|58410-2^CBC panel^LN|||@TIME-0600|||||||||{doctor}"
            "||||||@TIME-0600||LAB|F"
        )
        lines += [
            f"OBX|{at + 1}|NM|{RESULTS[(patient + at) % 6]}^LN||{patient % 90 + at}.{at}|g/dL"
            "|10-50||||F|||@TIME-0600"
            for at in range(4)
        ]
    else:
        lines += [
            f"DG1|{at}||I1{at}.{patient % 9}^Diagnosis {at}^I10C||@TIME-0600|A" for at in (1, 2, 3)
        ]
        lines += [
            f"AL1|{at}|DA|{patient % 50 + at}^Substance {at}^L|MO|rash and other reactions"
            for at in (1, 2)
        ]
        lines.append(f"IN1|1|PLAN{patient % 9}|PAY{patient % 30}|Payer {patient % 30}|{home}")
    return "\r".join(lines) + "\r"


def bundle_of(one: Known) -> bytes:
    """What is sent for it, some 7 KB."""
    begin, end = one.id_parts
    text = _bundle_template(one.patient).replace("@BEGIN", begin).replace("@END", end)
    return text.replace("@VISIT", one.visit).encode()


@cache
def _bundle_template(patient: int) -> str:
    entries = [_entry("Patient", f"11111111-{patient:04x}-4abc-8def-{patient:012x}", patient)]
    entries += [_entry(kind, f"@BEGIN-{at:04x}-@END", patient) for at, kind in enumerate(KINDS)]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return json.dumps(bundle, separators=(",", ":"))


def _entry(kind: str, identity: str, patient: int) -> Mapping[str, Any]:
    name = {"use": "official", "family": SURNAMES[patient % 9], "given": [GIVEN[patient % 12]]}
    return {
        "fullUrl": f"urn:uuid:{identity}",
        "resource": {
            "resourceType": kind,
            "id": identity,
            "identifier": [
                {"system": "urn:oid:2.16.840.1.113883.3.9999.1.4", "value": f"@VISIT-{patient}"}
            ],
            "name": [name],
            "telecom": [{"system": "phone", "value": f"555{patient:07d}", "use": "home"}],
            "address": [{"line": [f"{patient % 180} Mill Lane"], "city": "Milltown"}],
            "subject": {"reference": f"urn:uuid:11111111-{patient:04x}-4abc-8def-{patient:012x}"},
        },
        "request": {"method": "PUT", "url": f"{kind}/{identity}"},
    }


def response_of(one: Known) -> bytes:
    """What the server answered, some 1 KB."""
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\nx-request-id: {one.request_id}"
    )
    entries = ",".join(
        f'{{"response":{{"status":"200 OK","location":"{kind}/{own}/_history/1"}}}}'
        for kind, own in zip(KINDS, one.resource_ids, strict=True)
    )
    body = f'{{"resourceType":"Bundle","type":"transaction-response","entry":[{entries}]}}'
    return f"{head}\r\n\r\n{body}".encode()


def diagnostics_of(one: Known) -> tuple[Mapping[str, Any], ...]:
    """Why the map failed, or held it."""
    cause = one.number // 1000 % CAUSES
    return (
        {
            "code": ("M512", "T566", "F301", "H214")[cause % 4],
            "severity": "error",
            "message": f"the value has no row in table local-{cause}",
            "path": f"PV1-{cause + 2}",
        },
    )


def refusal_of(one: Known) -> tuple[str, bytes]:
    """How the server refused it: failure code and answer."""
    cause = one.number // 1000 % CAUSES
    issue = {"severity": "error", "code": "invariant", "expression": [f"Encounter.field{cause}"]}
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    head = f"HTTP/1.1 422 Unprocessable\r\nx-request-id: {one.request_id}\r\n\r\n"
    return "http-422", (head + body).encode()
