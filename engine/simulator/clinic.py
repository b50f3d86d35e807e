"""Rim. Makes what a clinic sends whose chart is Millennium: for each patient a visit told from the
registration to the discharge, so that results, vaccinations, letters and documents come after the
patient and the visit they belong to.

Deterministic for a seed and a start time, as `hospital`. Results have codes of the laboratory, in
the examples those of LAB_A; now and then one comes that no table knows: `UNKNOWN_TEST`.
"""

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from engine.simulator.care import CARE
from engine.simulator.documents import make_document
from engine.simulator.hospital import DOCUMENT, Hospital, Panel, Sent
from engine.simulator.people import Person, make_person

PEOPLE = 24
FIRST_NUMBER = 201
"""Of the patients: they share no record number with those of `hospital`."""
AT_ONCE = 3
"""Visits that are told side by side."""
LOCAL_PANELS: Mapping[str, Panel] = {
    "CHEM": ("Basic chemistry", (
        ("GLU", "Glucose", "mg/dL", 70, 99, 60, 240),
        ("BUN", "Urea nitrogen", "mg/dL", 7, 20, 4, 60),
        ("CREA", "Creatinine", "mg/dL", 0.6, 1.2, 0.4, 4.0),
        ("NA", "Sodium", "mmol/L", 136, 145, 125, 150),
        ("K", "Potassium", "mmol/L", 3.5, 5.1, 2.8, 6.2),
    )),
    "BLOOD": ("Blood count", (
        ("WBC", "Leukocytes", "10*3/uL", 4.5, 11.0, 2.0, 25.0),
        ("HGB", "Hemoglobin", "g/dL", 12.0, 17.5, 6.0, 19.0),
        ("PLT", "Platelets", "10*3/uL", 150, 450, 40, 700),
    )),
}  # fmt: skip
UNKNOWN_TEST = ("CRP", "C-Reactive Protein", "mg/L", 0, 5, 1, 120)
UNKNOWN_PANEL = "INFL"
UNKNOWN_EVERY = 5
"""Every so many visits have a result with the unknown code; the second is the first of them."""
VISIT = ("A04", "ORU", "VXU", "A02", "A08", "MDM", DOCUMENT, "ORU", "A03")
"""What happens in a visit, in order."""
MERGED_EVERY = 3
"""After every so many visits a number that was given twice is merged into the patient's."""
SECONDS_BETWEEN = 20


class Clinic(Hospital):
    """An endless, repeatable stream of visits."""

    panels = LOCAL_PANELS
    rare_panels: Mapping[str, Panel] = {UNKNOWN_PANEL: ("Inflammation", (UNKNOWN_TEST,))}
    coding_system = "L"
    visit_authority = "NORTHFIN"

    def __init__(self, *, seed: int, start: datetime) -> None:
        """Args: the dice; when it begins. It makes no mistakes but the unknown code."""
        super().__init__(seed=seed, start=start, mistakes=0.0, documents=True)
        dice = random.Random(seed + 1)  # noqa: S311  synthetic data, not cryptography
        self._people = [make_person(FIRST_NUMBER + number, dice) for number in range(PEOPLE)]
        self._visits = 0

    def messages(self) -> Iterator[Sent]:
        """The stream."""
        waiting = self._tellings()
        telling = [next(waiting) for _ in range(AT_ONCE)]
        while True:
            for place, visit in enumerate(telling):
                self._clock += timedelta(seconds=SECONDS_BETWEEN)
                sent = next(visit, None)
                if sent is None:
                    telling[place] = next(waiting)
                else:
                    yield sent

    def _tellings(self) -> Iterator[Iterator[Sent]]:
        while True:
            for person in self._people:
                self._visits += 1
                yield self._visit_of(person, self._visits)

    def _visit_of(self, person: Person, number: int) -> Iterator[Sent]:
        for kind in VISIT:
            if kind == "ORU":
                yield self._sent(self._result(person), "ORU^R01")
            elif kind == DOCUMENT:
                yield self._plain_document(person)
            elif kind in CARE:
                yield self._care(person, kind)
            else:
                yield self._moved(person, kind)
            if kind == "VXU" and number % UNKNOWN_EVERY == 2:
                yield self._sent(self._result(person, UNKNOWN_PANEL), "ORU^R01")
        if number % MERGED_EVERY == 1:
            yield self._sent(self._adt("A40", person), "ADT^A40")

    def _moved(self, person: Person, event: str) -> Sent:
        if event == "A04":
            person.visit += 1
        if event == "A02":
            person.room = self._dice.randint(100, 399)
        if event == "A08":
            person.phone = f"555{self._dice.randint(1000000, 9999999)}"
        person.admitted = event != "A03"
        return self._sent(self._adt(event, person), f"ADT^{event}")

    def _plain_document(self, person: Person) -> Sent:
        self._documents += 1
        payload = make_document(person, number=self._documents, written=self._clock)
        return Sent(payload=payload, message_type=DOCUMENT)
