"""Wards, rooms and beds as Locations of the tenant."""

from typing import Any

import pytest
from composed import code_values, composer_of

from engine.codevalues.snapshot import CodeValue
from engine.fhir.entries import Entry
from engine.millennium.calls.body import MessageFacts
from engine.millennium.calls.compose import Composed, compose
from engine.millennium.calls.places import Placed, places_of

KINDS = "http://terminology.hl7.org/CodeSystem/location-physical-type"
WARD = "MED,,,cki:CKI.CODEVALUE!21250403,Medicine,\n"
PASS = {"Encounter.type": "pass"}


def place(name: str, kind: str, within: str = "") -> dict[str, Any]:
    part = {"partOf": {"reference": f"Location/{within}"}} if within else {}
    physical = {"coding": [{"system": KINDS, "code": kind}]}
    return {
        "resourceType": "Location",
        "identifier": [{"value": name}],
        "physicalType": physical,
        **part,
    }


ENTRIES = {
    "bed": place("1", "bd", "room"),
    "room": place("12", "ro", "ward"),
    "ward": place("MED", "wa", "site"),
    "site": place("NORTH", "si"),
    "lost": place("12", "ro", "site"),
}


def location(number: str, display: str, meaning: str, *, active: bool = True) -> CodeValue:
    return CodeValue(
        code_set=220,
        value=number,
        display=display,
        cdf_meaning=meaning,
        cki=f"CKI.CODEVALUE!{number}",
        active=active,
    )


VALUES = (
    location("21250403", "MED", "NURSEUNIT"),
    location("21250500", "MED 12-1", "BED"),
    location("21250600", "SURG", "NURSEUNIT", active=False),
)


def found(aliases: str) -> dict[str, str]:
    composer = composer_of([], values=code_values(*VALUES, aliases={220: aliases}))
    entries = {
        f"Location/{name}": Entry(resource=one, resource_id=name) for name, one in ENTRIES.items()
    }
    places = places_of(entries, composer.codes)
    return {name: one.id for name, one in places.items() if isinstance(one, Placed)}


@pytest.mark.parametrize(
    ("aliases", "ids"),
    [
        (
            WARD,
            {"bed": "21250403", "room": "21250403", "ward": "21250403"},
        ),
        (
            f"{WARD}MED^12^1,,BED,cki:CKI.CODEVALUE!21250500,Bed,\n",
            {"bed": "21250500", "room": "21250403", "ward": "21250403"},
        ),
        ("MED,,AMBULATORY,cki:CKI.CODEVALUE!21250403,Medicine,\n", {}),
        ("MED,,,cki:CKI.CODEVALUE!21250600,Closed ward,\n", {}),
        ("1,,,cki:CKI.CODEVALUE!21250403,Not a bed,\n", {}),
        ("NORTH,,,cki:CKI.CODEVALUE!21250403,The hospital,\n", {"site": "21250403"}),
    ],
)
def test_a_place_has_the_code_of_itself_or_of_the_ward_it_is_in(aliases: str, ids: dict[str, str]):
    assert found(aliases) == {f"Location/{name}": one for name, one in ids.items()}


def test_a_visit_is_created_in_its_ward_and_says_which_row_says_so():
    visit = {
        "resourceType": "Encounter",
        "identifier": [{"system": "urn:oid:1.2.3.5", "value": "V1"}],
        "status": "in-progress",
        "type": [{"coding": [{"system": "http://snomed.info/sct", "code": "183452005"}]}],
        "subject": {"reference": "Patient/p"},
        "location": [{"location": {"reference": "Location/bed"}}],
    }
    person = {"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2", "value": "4711"}]}
    aliases = {220: WARD}
    composer = composer_of(
        ["encounter.register"], policies=PASS, values=code_values(*VALUES, aliases=aliases)
    )
    entries = [Entry(resource=one, resource_id=name) for name, one in ENTRIES.items()]
    made: Composed = compose(
        [
            Entry(resource=person, resource_id="p"),
            Entry(resource=visit, resource_id="e"),
            *entries,
        ],
        composer,
        MessageFacts(),
    )
    (call,) = [one for one in made.calls if one["call"] == "encounter.register"]
    assert call["resource"]["location"] == [{"location": {"reference": "Location/21250403"}}]
    assert "serviceProvider" not in call["resource"]
    (evidence,) = [one["evidence"] for one in call["resolved"] if one["field"] == "Location"]
    assert evidence.startswith("codevalues/aliases/LAB_A/220.csv:2 -> cki:CKI.CODEVALUE!21250403")
