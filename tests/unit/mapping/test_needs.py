"""`needs`: elements of which one must be filled, else a map makes nothing."""

from typing import Any

from engine.mapping.checker.checker import check_library
from engine.mapping.library import read_library

PID = """map: PID[Patient]
from: PID
to: Patient
rules:
  contact[]: PID-5 -> XPN[Patient.contact]
"""
CONTACT = """map: XPN[Patient.contact]
from: XPN
to: Patient.contact
needs:
  - name
  - telecom
rules:
  name.family: XPN.1.1
  gender: '"male" when XPN.7 valued'
"""
MESSAGE = "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nrules:\n  - PID -> PID[Patient] as patient\n"


def test_a_map_makes_nothing_without_one_of_the_elements_it_needs(maps: Any) -> None:
    patient = maps(PID, CONTACT, MESSAGE).first("PID|||1||^^^^^^L~Doe^^^^^^L")
    assert patient["contact"] == [{"name": {"family": "Doe"}, "gender": "male"}]


def test_an_element_that_is_not_there_is_a_problem() -> None:
    text = CONTACT.replace("telecom", "telcom")
    library, _ = read_library({"p.yaml": PID, "c.yaml": text, "m.yaml": MESSAGE})
    assert [(one.code, one.place.file) for one in check_library(library)] == [("T531", "c.yaml")]
