"""Rim. Makes what a hospital would send: admissions, transfers, discharges, merges, results,
other messages of care, and documents, all about the same patients.

Deterministic for a seed and a start time. Now and then it makes the mistakes real senders make,
each with a name, so that a demo has something true to find: see `MISTAKES`.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.simulator.care import CARE, Scene
from engine.simulator.documents import DOCUMENT_MISTAKES, make_document
from engine.simulator.people import Person, make_person

SENDER = "REG|NORTH"
Test = tuple[str, str, str, float, float, float, float]
"""Code, name, unit, normal range, and the range that values are drawn from."""
Panel = tuple[str, tuple[Test, ...]]
PANELS: Mapping[str, Panel] = {
    "24323-8": ("Comprehensive metabolic panel", (
        ("2345-7", "Glucose", "mg/dL", 70, 99, 60, 240),
        ("3094-0", "Urea nitrogen", "mg/dL", 7, 20, 4, 60),
        ("2160-0", "Creatinine", "mg/dL", 0.6, 1.2, 0.4, 4.0),
        ("2951-2", "Sodium", "mmol/L", 136, 145, 125, 150),
        ("2823-3", "Potassium", "mmol/L", 3.5, 5.1, 2.8, 6.2),
    )),
    "58410-2": ("CBC panel", (
        ("6690-2", "Leukocytes", "10*3/uL", 4.5, 11.0, 2.0, 25.0),
        ("718-7", "Hemoglobin", "g/dL", 12.0, 17.5, 6.0, 19.0),
        ("777-3", "Platelets", "10*3/uL", 150, 450, 40, 700),
    )),
}  # fmt: skip

STRUCTURES = {
    "A02": "ADT_A02", "A03": "ADT_A03", "A06": "ADT_A06", "A11": "ADT_A09", "A12": "ADT_A12",
    "A28": "ADT_A05", "A31": "ADT_A05", "A40": "ADT_A39",
}  # fmt: skip
"""Message structures of events that do not use ADT_A01."""

MISTAKES = {
    "wrong-charset": "MSH-18 says UTF-8, the bytes are Latin-1",
    "unborn": "a birth date in the next century, which the receiving server refuses",
    "no-identifier": "PID-3 is empty",
    "resent": "the sender missed an acknowledgment and sends the same message again",
}


DOCUMENT = "CCD"
"""The type of documents; they do not go over MLLP."""
CARE_MESSAGE = "care"
KINDS = ("ADT", "ORU", CARE_MESSAGE, DOCUMENT)
DOCUMENTS_PER_ROUND = 10
"""Of so many documents the first have a mistake each, so that the shortest demo shows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message or document to send."""

    payload: bytes
    message_type: str
    mistake: str | None = None


class Hospital:
    """An endless, repeatable stream of messages."""

    panels: Mapping[str, Panel] = PANELS
    rare_panels: Mapping[str, Panel] = {}
    """Not drawn: they come when they are asked for."""
    coding_system: str = "LN"
    """Of the codes of panels and tests."""
    visit_authority: str = "NORTH"
    """Who gives visits their numbers."""

    def __init__(
        self, *, seed: int, start: datetime, mistakes: float = 0.05, documents: bool = False
    ) -> None:
        """Args: the dice; when it begins; share of mistakes; whether documents are among it."""
        self._dice = random.Random(seed)  # noqa: S311  synthetic data, not cryptography
        self._clock = start
        self._people = [make_person(number, self._dice) for number in range(1, 61)]
        self._number = 0
        self._documents = 0
        self._shares = (45, 30, 15, 10 if documents else 0)
        self._mistakes = mistakes

    def messages(self) -> Iterator[Sent]:
        """The stream."""
        while True:
            self._clock += timedelta(seconds=self._dice.randint(1, 90))
            person = self._dice.choice(self._people)
            if self._dice.random() < self._mistakes:
                yield from self._mistaken(person)
                continue
            kind = self._dice.choices(KINDS, self._shares)[0]
            if kind == "ORU":
                yield self._sent(self._result(person), "ORU^R01")
            elif kind == CARE_MESSAGE:
                yield self._care(person, self._dice.choice(tuple(CARE)))
            elif kind == DOCUMENT:
                yield self._document(person)
            else:
                event, text = self._movement(person)
                yield self._sent(text, f"ADT^{event}")

    def _sent(self, text: str, message_type: str, mistake: str | None = None) -> Sent:
        return Sent(payload=text.encode("utf-8"), message_type=message_type, mistake=mistake)

    def _document(self, person: Person) -> Sent:
        self._documents += 1
        turn = self._documents % DOCUMENTS_PER_ROUND
        mistake = tuple(DOCUMENT_MISTAKES)[turn - 1] if 0 < turn <= len(DOCUMENT_MISTAKES) else None
        payload = make_document(
            person, number=self._documents, written=self._clock, mistake=mistake
        )
        return Sent(payload=payload, message_type=DOCUMENT, mistake=mistake)

    def _care(self, person: Person, kind: str) -> Sent:
        event, structure, write = CARE[kind]
        header = self._header(kind, event, structure)
        scene = Scene(
            person=person, clock=self._clock, number=self._number,
            patient=self._patient(person), visit=self._visit(person),
        )  # fmt: skip
        return self._sent(header + write(scene), f"{kind}^{event}")

    def _mistaken(self, person: Person) -> Iterator[Sent]:
        kind = self._dice.choice(tuple(MISTAKES))
        _, text = self._movement(person)
        if kind == "wrong-charset":
            text = text.replace(f"^{person.given}", "^Zoé", 1)
            yield Sent(payload=text.encode("latin-1", "replace"), message_type="ADT", mistake=kind)
        elif kind == "unborn":
            yield self._sent(text.replace(f"|{person.birth_date}|", "|21010101|", 1), "ADT", kind)
        elif kind == "no-identifier":
            yield self._sent(text.replace(f"{person.mrn}^^^NORTH^MR", "", 1), "ADT", kind)
        else:
            yield self._sent(text, "ADT")
            yield self._sent(text, "ADT", kind)

    def _movement(self, person: Person) -> tuple[str, str]:
        """The next event of a visit, as a state machine a nurse would recognise."""
        dice = self._dice
        if not person.admitted:
            event = dice.choices(("A01", "A04", "A28", "A31", "A40"), (50, 25, 8, 12, 5))[0]
            if event in ("A01", "A04"):
                person.visit += 1
                person.admitted = True
        else:
            event = dice.choices(
                ("A02", "A08", "A03", "A11", "A12", "A13", "A06"), (25, 35, 22, 5, 5, 4, 4)
            )[0]
            if event in ("A03", "A11"):
                person.admitted = False
            if event == "A02":
                person.room = dice.randint(100, 399)
        return event, self._adt(event, person)

    def _header(self, kind: str, event: str, structure: str) -> str:
        self._number += 1
        stamp = self._clock.strftime("%Y%m%d%H%M%S")
        return (
            f"MSH|^~\\&|{SENDER}|ENGINE|HUB|{stamp}||{kind}^{event}^{structure}|D{self._number:07d}"
            f"|P|2.5.1|||||||UNICODE UTF-8\r"
        )

    def _patient(self, person: Person) -> str:
        city, state, code = person.city
        return (
            f"PID|1||{person.mrn}^^^NORTH^MR~{900000000 + person.number}^^^SSA^SS||"
            f"{person.family}^{person.given}^^^^^L||{person.birth_date}|{person.sex}|||"
            f"{person.street}^^{city}^{state}^{code}^USA^H||^PRN^PH^^1^555^{person.phone[3:]}"
            f"|||M\r"
        )

    def _visit(self, person: Person) -> str:
        number, family, given = person.doctor
        doctor = f"{number}^{family}^{given}^^^^^^NPI^L^^^NPI"
        discharged = "" if person.admitted else self._clock.strftime("%Y%m%d%H%M%S")
        fields = {
            1: "1", 2: "I", 3: f"{person.ward}^{person.room}^A^NORTH", 7: doctor, 10: person.ward,
            17: doctor, 19: f"{person.visit_number}^^^{self.visit_authority}^VN",
            44: self._clock.strftime("%Y%m%d%H%M%S"), 45: discharged,
        }  # fmt: skip
        return "PV1|" + "|".join(fields.get(n, "") for n in range(1, 46)).rstrip("|") + "\r"

    def _adt(self, event: str, person: Person) -> str:
        structure = STRUCTURES.get(event, "ADT_A01")
        parts = [self._header("ADT", event, structure)]
        parts.append(f"EVN|{event}|{self._clock.strftime('%Y%m%d%H%M%S')}\r")
        parts.append(self._patient(person))
        if event == "A40":
            parts.append(f"MRG|{800000 + person.number}^^^NORTH^MR\r")
            return "".join(parts)
        if event in ("A01", "A04", "A08", "A28", "A31"):
            name = self._dice.choice(("Jo", "Kim", "Alex"))
            parts.append(
                f"NK1|1|{person.family}^{name}|SPO^Spouse^HL70063"
                f"|||^PRN^PH^^1^555^{self._dice.randint(1000000, 9999999)}\r"
            )
        parts.append(self._visit(person) if event not in ("A28", "A31") else "PV1|1|N\r")
        if event in ("A01", "A04", "A08"):
            parts.append("AL1|1|DA|7980^Penicillin G^RXNORM|MO|Hives\r")
            parts.append("DG1|1||I50.9^Heart failure, unspecified^I10|||A\r")
        return "".join(parts)

    def _result(self, person: Person, panel: str = "") -> str:
        """A panel of results; without one it is drawn."""
        dice = self._dice
        person.results += 1
        order = f"{person.number:05d}{person.results:04d}"
        panel = panel or dice.choice(tuple(self.panels))
        title, tests = {**self.panels, **self.rare_panels}[panel]
        coded = self.coding_system
        stamp = self._clock.strftime("%Y%m%d%H%M%S")
        number, family, given = person.doctor
        parts = [
            self._header("ORU", "R01", "ORU_R01"),
            self._patient(person),
            self._visit(person),
            f"ORC|RE|P{order}^REG|F{order}^LAB\r",
            (
                f"OBR|1|P{order}^REG|F{order}^LAB|{panel}^{title}^{coded}|||{stamp}|||||||||"
                f"{number}^{family}^{given}^^^^^^NPI^L^^^NPI||||||{stamp}||LAB|F\r"
            ),
        ]
        for index, (code, name, unit, low, high, least, most) in enumerate(tests, 1):
            value = round(dice.uniform(least, most), 1)
            flag = "L" if value < low else "H" if value > high else "N"
            parts.append(
                f"OBX|{index}|NM|{code}^{name}^{coded}||{value}|{unit}^^UCUM|{low}-{high}|{flag}|||F"
                f"|||{stamp}\r"
            )
        return "".join(parts)
