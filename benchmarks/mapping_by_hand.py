"""The maps of `mapping_library` as a programmer would write them, with the same output.

Same parser, same ids, same care for repetitions, subcomponents, escapes and bad dates; no places
for problems, no trace, no overlays. Written for speed, without contortions.
"""

import csv
import io
import re
from functools import lru_cache
from typing import Any

from mapping_library import TABLES

from engine.fhir.bundle import Entry
from engine.fhir.identity import resource_id
from engine.hl7v2.escape import unescape
from engine.hl7v2.groups import Group, Grouped
from engine.hl7v2.message import Message, Segment
from engine.mapping.functions.codes import ORIGINAL_TEXT
from engine.mapping.functions.systems import coding_system, identifier_uri

Json = dict[str, Any]

ROWS = {
    name: {row["source_code"]: row for row in csv.DictReader(io.StringIO(text))}
    for name, text in TABLES.items()
}
CODES = {
    name: {code: row["target_code"] for code, row in rows.items()} for name, rows in ROWS.items()
}
MOMENT = re.compile(r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)(\d\d)?(\.\d+)?)?([+-]\d{4})?")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
SOURCE = "urn:test"
identity_of = lru_cache(maxsize=8192)(resource_id)
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"


class ByHand:
    """One message."""

    def __init__(self, grouped: Grouped) -> None:
        self.message: Message = grouped.message
        self.root = grouped.root
        self.delimiters = grouped.message.delimiters
        self.c = self.delimiters.component
        self.r = self.delimiters.repetition
        self.s = self.delimiters.subcomponent
        self.e = self.delimiters.escape
        self.escaped = grouped.message.text.find(self.e, 9) >= 0
        self.entries: list[Entry] = []
        self.known: dict[tuple[str, str], Entry] = {}

    def leaf(self, text: str) -> str:
        if self.c in text:
            text = text.partition(self.c)[0]
        if self.s in text:
            text = text.partition(self.s)[0]
        if self.escaped and self.e in text:
            text = unescape(text, self.delimiters)
        return text.strip()

    def field(self, segment: Segment, number: int) -> str:
        fields = segment.fields
        if number >= len(fields):
            return ""
        text = fields[number]
        return self.leaf(text.partition(self.r)[0] if self.r in text else text) if text else ""

    def repetitions(self, segment: Segment, number: int) -> list[str]:
        fields = segment.fields
        text = fields[number] if number < len(fields) else ""
        if not text:
            return []
        return [one for one in text.split(self.r) if one] if self.r in text else [text]

    def first(self, segment: Segment, number: int) -> str:
        found = self.repetitions(segment, number)
        return found[0] if found else ""

    def parts(self, text: str, count: int) -> list[str]:
        parts = text.split(self.c)
        parts += [""] * (count - len(parts))
        return parts

    def put(self, resource: Json, key: tuple[str, ...]) -> str:
        kind = resource["resourceType"]
        # staff come again in most messages, results and patients do not
        identify = identity_of if kind == "Practitioner" else resource_id
        identity = identify(SOURCE, kind, key)
        if (kind, identity) not in self.known:
            entry = Entry(
                resource=resource, resource_id=identity, identifier=self.identifier_of(resource)
            )
            self.known[kind, identity] = entry
            self.entries.append(entry)
        return f"{kind}/{identity}"

    def identifier_of(self, resource: Json) -> tuple[str, str] | None:
        best = [
            (rank(one), one["system"], one["value"])
            for one in resource.get("identifier", ())
            if "system" in one and "value" in one
        ]
        return min(best)[1:] if best else None

    def system(self, text: str) -> str | None:
        hd = text.split(self.s)
        if len(hd) > 1 and hd[1]:
            found = identifier_uri(hd[1])
            if found:
                return found
        return identifier_uri(self.leaf(hd[0])) if hd[0] else None

    def cx(self, text: str) -> Json | None:
        parts = self.parts(text, 5)
        found: Json = {}
        value = self.leaf(parts[0])
        if value:
            found["value"] = value
        if parts[3]:
            system = self.system(parts[3])
            if system:
                found["system"] = system
        kind = self.leaf(parts[4]) if parts[4] else ""
        if kind:
            found["type"] = {"coding": [{"system": IDENTIFIER_TYPE, "code": kind}]}
        return found or None

    def xpn(self, text: str) -> Json | None:
        parts = self.parts(text, 7)
        found: Json = {}
        if parts[6]:
            use = CODES["NameUse"].get(self.leaf(parts[6]))
            if use:
                found["use"] = use
        return self.name(found, parts[0], parts[1:3], parts[4])

    def name(self, found: Json, family: str, given: list[str], prefix: str) -> Json | None:
        text = self.leaf(family) if family else ""
        if text:
            found["family"] = text
        names = [name for one in given if one and (name := self.leaf(one))]
        if names:
            found["given"] = names
        text = self.leaf(prefix) if prefix else ""
        if text:
            found["prefix"] = [text]
        return found or None

    def xad(self, text: str) -> Json | None:
        parts = self.parts(text, 6)
        found: Json = {}
        lines = [line for one in parts[:2] if one and (line := self.leaf(one))]
        if lines:
            found["line"] = lines
        for index, key in ((2, "city"), (3, "state"), (4, "postalCode"), (5, "country")):
            value = self.leaf(parts[index]) if parts[index] else ""
            if value:
                found[key] = value
        return found or None

    def xtn(self, text: str) -> Json | None:
        parts = self.parts(text, 8)
        found: Json = {}
        if parts[2]:
            system = CODES["PhoneSystem"].get(self.leaf(parts[2]))
            if system:
                found["system"] = system
        if parts[1]:
            sent = self.leaf(parts[1])
            use = CODES["PhoneUse"].get(sent)
            if use:
                found["use"] = use
            elif sent:  # the text that no code stands for is kept beside the element
                found["_use"] = {"extension": [{"url": ORIGINAL_TEXT, "valueString": sent}]}
        value = self.leaf(parts[3]) if parts[3] else ""
        if not value and parts[6]:
            country, area, number, extension = (self.leaf(one) for one in parts[4:8])
            pieces = [f"+{country}"] if country else []
            pieces += [one for one in (area, number) if one]
            value = " ".join([*pieces, f"ext. {extension}"] if extension else pieces)
        if not value and parts[0]:
            value = self.leaf(parts[0])
        if value:
            found["value"] = value
        return found or None

    def cwe(self, text: str) -> Json | None:
        parts = self.parts(text, 9)
        codings = []
        for at in (0, 3):
            coding: Json = {}
            if parts[at + 2]:
                system = coding_system(self.leaf(parts[at + 2]), {})
                if system:
                    coding["system"] = system
            code = self.leaf(parts[at]) if parts[at] else ""
            if code:
                coding["code"] = code
            display = self.leaf(parts[at + 1]) if parts[at + 1] else ""
            if display:
                coding["display"] = display
            if coding:
                codings.append(coding)
        found: Json = {"coding": codings} if codings else {}
        for at in (8, 1, 4):
            original = self.leaf(parts[at]) if parts[at] else ""
            if original:
                found["text"] = original
                break
        return found or None

    def practitioner(self, text: str) -> str | None:
        parts = self.parts(text, 9)
        found: Json = {"resourceType": "Practitioner"}
        identifier: Json = {}
        number = self.leaf(parts[0]) if parts[0] else ""
        if number:
            identifier["value"] = number
        system = self.system(parts[8]) if parts[8] else None
        if system:
            identifier["system"] = system
        if identifier:
            found["identifier"] = [identifier]
        name = self.name({}, parts[1], parts[2:4], parts[5])
        if name:
            found["name"] = [name]
        if len(found) == 1:
            return None
        return self.put(found, (parts[8].rstrip("^~& "), parts[0].rstrip("^~& ")))

    def moment(self, text: str) -> str | None:
        match = MOMENT.fullmatch(text)
        if match is None:
            return None
        year, month, day, hour, minute, second, fraction, offset = match.groups()
        if month is None or day is None:
            return "-".join(part for part in (year, month) if part)
        if not ("01" <= month <= "12" and "01" <= day <= "31"):
            return None
        date = f"{year}-{month}-{day}"
        if hour is None or offset is None:
            return date
        return f"{date}T{hour}:{minute}:{second or '00'}{fraction or ''}{offset[:3]}:{offset[3:]}"

    def listed(self, segment: Segment, number: int, make: Any) -> list[Json]:
        return [made for one in self.repetitions(segment, number) if (made := make(one))]

    def patient(self, pid: Segment) -> str | None:
        found: Json = {"resourceType": "Patient"}
        for key, number, make in (
            ("identifier", 3, self.cx),
            ("name", 5, self.xpn),
        ):
            values = self.listed(pid, number, make)
            if values:
                found[key] = values
        text = self.field(pid, 7)
        birth = self.moment(text) if text else None
        if birth:
            found["birthDate"] = birth[:10]
        gender = CODES["Sex"].get(self.field(pid, 8))
        if gender:
            found["gender"] = gender
        address = self.listed(pid, 11, self.xad)
        if address:
            found["address"] = address
        telecom = self.listed(pid, 13, self.xtn) + self.listed(pid, 14, self.xtn)
        if telecom:
            found["telecom"] = telecom
        status = self.table_concept("Marital", self.first(pid, 16))
        if status:
            found["maritalStatus"] = status
        text = self.field(pid, 29)
        died = self.moment(text) if text else None
        if died:
            found["deceasedDateTime"] = died
        elif text := self.field(pid, 30):
            found["deceasedBoolean"] = text == "Y"
        if len(found) == 1:
            return None
        ranks = [
            (rank(one), "system" not in one, one.get("system", ""), one["value"])
            for one in found.get("identifier", ())
            if "value" in one
        ]
        return self.put(found, min(ranks)[2:] if ranks else ("none",))

    def table_concept(self, table: str, text: str) -> Json | None:
        if not text:
            return None
        parts = [self.leaf(one) for one in text.split(self.c)]
        row = ROWS[table].get(parts[0])
        found: Json = {"coding": []}
        if row:
            found["coding"].append(
                {
                    "system": row["target_system"],
                    "code": row["target_code"],
                    "display": row["target_display"],
                }
            )
        own: Json = {}
        if len(parts) > 2 and (system := coding_system(parts[2], {})):
            own["system"] = system
        own["code"] = parts[0]
        if len(parts) > 1 and parts[1]:
            own["display"] = parts[1]
            found["text"] = parts[1]
        if not row or own.get("system", row["target_system"]) != row["target_system"]:
            found["coding"].append(own)
        return found

    def adt(self) -> list[Entry]:
        pid = self.root.first("PID")
        patient = self.patient(pid) if pid else None
        for kin in self.root.segments("NK1"):
            self.related(kin, patient)
        pv1 = self.root.first("PV1")
        encounter = self.encounter(pv1, patient) if pv1 else None
        for allergy in self.root.segments("AL1"):
            self.allergy(allergy, patient)
        for diagnosis in self.root.segments("DG1"):
            found: Json = {"resourceType": "Condition"}
            if patient:
                found["subject"] = {"reference": patient}
            if encounter:
                found["encounter"] = {"reference": encounter}
            if code := self.first(diagnosis, 3):
                found["code"] = self.cwe(code)
            if (text := self.field(diagnosis, 5)) and (recorded := self.moment(text)):
                found["recordedDate"] = recorded
            self.put(found, ("content", repr(found)))
        for insurance in self.root.groups("INSURANCE"):
            for in1 in insurance.segments("IN1"):
                self.coverage(in1, patient)
        return self.entries

    def related(self, kin: Segment, patient: str | None) -> None:
        found: Json = {"resourceType": "RelatedPerson"}
        if patient:
            found["patient"] = {"reference": patient}
        for key, number, make in (
            ("name", 2, self.xpn),
            ("relationship", 3, self.cwe),
            ("address", 4, self.xad),
        ):
            values = self.listed(kin, number, make)
            if values:
                found[key] = values
        telecom = self.listed(kin, 5, self.xtn) + self.listed(kin, 6, self.xtn)
        if telecom:
            found["telecom"] = telecom
        self.put(found, ("content", repr(found)))

    def encounter(self, pv1: Segment, patient: str | None) -> str:
        found: Json = {"resourceType": "Encounter"}
        identifier = self.listed(pv1, 19, self.cx)
        if identifier:
            found["identifier"] = identifier
        found["status"] = "in-progress"
        row = ROWS["Class"].get(self.field(pv1, 2))
        if row:
            found["class"] = {
                "system": row["target_system"],
                "code": row["target_code"],
                "display": row["target_display"],
            }
        if patient:
            found["subject"] = {"reference": patient}
        participants: list[Json] = []
        for number, role in ((7, "ATND"), (8, "REF")):
            participants += [
                {
                    "type": [{"coding": [{"system": PARTICIPATION, "code": role}]}],
                    "individual": {"reference": individual},
                }
                for text in self.repetitions(pv1, number)
                if (individual := self.practitioner(text))
            ]
        if participants:
            found["participant"] = participants
        period = {}
        for number, key in ((44, "start"), (45, "end")):
            if (text := self.field(pv1, number)) and (moment := self.moment(text)):
                period[key] = moment
        if period:
            found["period"] = period
        if source := self.first(pv1, 14):
            found["hospitalization"] = {"admitSource": self.cwe(source)}
        return self.put(found, (self.first(pv1, 19).partition(self.c)[0],))

    def allergy(self, al1: Segment, patient: str | None) -> None:
        found: Json = {"resourceType": "AllergyIntolerance"}
        if patient:
            found["patient"] = {"reference": patient}
        if code := self.first(al1, 3):
            found["code"] = self.cwe(code)
        if (text := self.field(al1, 6)) and (onset := self.moment(text)):
            found["onsetDateTime"] = onset
        if reaction := self.field(al1, 5):
            found["reaction"] = [{"manifestation": [{"text": reaction}]}]
        self.put(found, ("content", repr(found)))

    def coverage(self, in1: Segment, patient: str | None) -> None:
        found: Json = {"resourceType": "Coverage", "status": "active"}
        if patient:
            found["beneficiary"] = {"reference": patient}
        if kind := self.first(in1, 2):
            found["type"] = self.cwe(kind)
        if payor := self.field(in1, 4):
            found["payor"] = [{"display": payor}]
        period = {}
        for number, key in ((12, "start"), (13, "end")):
            if (text := self.field(in1, number)) and (moment := self.moment(text)):
                period[key] = moment[:10]
        if period:
            found["period"] = period
        if subscriber := self.field(in1, 36):
            found["subscriberId"] = subscriber
        self.put(found, ("content", repr(found)))

    def oru(self) -> list[Entry]:
        for result in self.root.groups("PATIENT_RESULT"):
            group = result.first_group("PATIENT")
            pid = group.first("PID") if group else None
            patient = self.patient(pid) if pid else None
            for order in result.groups("ORDER_OBSERVATION"):
                self.order(order, patient)
        return self.entries

    def order(self, order: Group, patient: str | None) -> None:
        obr = order.first("OBR")
        if obr is None:
            return
        report: Json = {"resourceType": "DiagnosticReport"}
        status = CODES["Status"].get(self.field(obr, 25))
        if status:
            report["status"] = status
        if code := self.first(obr, 4):
            report["code"] = self.cwe(code)
        if patient:
            report["subject"] = {"reference": patient}
        for number, key in ((7, "effectiveDateTime"), (22, "issued")):
            if (text := self.field(obr, number)) and (moment := self.moment(text)):
                report[key] = moment
        filler = self.first(obr, 3).partition(self.c)[0]
        self.put(report, (filler,))
        references = []
        for observation in order.groups("OBSERVATION"):
            for obx in observation.segments("OBX"):
                made = self.observation(obx, patient)
                reference = self.put(made, (filler, self.field(obx, 1)))
                references.append({"reference": reference})
        if references:
            report["result"] = references

    def observation(self, obx: Segment, patient: str | None) -> Json:
        found: Json = {"resourceType": "Observation"}
        status = CODES["Status"].get(self.field(obx, 11))
        if status:
            found["status"] = status
        if code := self.first(obx, 3):
            found["code"] = self.cwe(code)
        if patient:
            found["subject"] = {"reference": patient}
        if (text := self.field(obx, 14)) and (effective := self.moment(text)):
            found["effectiveDateTime"] = effective
        value = self.field(obx, 5)
        if value and self.field(obx, 2) == "NM" and NUMBER.fullmatch(value):
            found["valueQuantity"] = self.quantity(value, self.first(obx, 6))
        elif value:
            found["valueString"] = value
        interpretation = self.listed(obx, 8, self.cwe)
        if interpretation:
            found["interpretation"] = interpretation
        if reference_range := self.field(obx, 7):
            found["referenceRange"] = [{"text": reference_range}]
        return found

    def quantity(self, value: str, unit: str) -> Json:
        number = float(value) if "." in value else int(value)
        found: Json = {"value": number}
        parts = self.parts(unit, 3)
        code = self.leaf(parts[0])
        name = (self.leaf(parts[1]) if parts[1] else "") or code
        if name:
            found["unit"] = name
        system = coding_system(self.leaf(parts[2]), {}) if parts[2] else None
        if system and code:
            found["system"] = system
            found["code"] = code
        return found


PRIORITY = {"MR": 0, "PI": 1, "PT": 2, "AN": 3}


def rank(identifier: Json) -> int:
    codings = identifier.get("type", {}).get("coding", ())
    return min((PRIORITY.get(coding["code"], 9) for coding in codings), default=10)


def convert(grouped: Grouped) -> list[Entry]:
    """The entries of a message."""
    by_hand = ByHand(grouped)
    return by_hand.oru() if grouped.message.structure == "ORU_R01" else by_hand.adt()
