"""The second factor, and who took a resource's place."""

import pytest

from engine.millennium.identity.verifying import Match, MatchPolicy, compare, plain_name, successor

SAID = {"birthDate": "1987-04-12", "family": "O'KAFOR-BJ\u00d8RN", "gender": "female"}


def patient(birth="1987-04-12", family="Okafor Bj\u00f8rn", gender="female"):
    found = {"resourceType": "Patient", "name": [{"family": "Formerly"}, {"family": family}]}
    return found | ({"birthDate": birth} if birth else {}) | ({"gender": gender} if gender else {})


@pytest.mark.parametrize(
    ("there", "standard", "strict"),
    [
        (patient(), Match.SAME, Match.SAME),
        (patient(birth="1987"), Match.SAME, Match.SAME),
        (patient(family="Smith"), Match.SAME, Match.OTHER),
        (patient(gender="male"), Match.SAME, Match.OTHER),
        (patient(gender="unknown"), Match.SAME, Match.SAME),
        (patient(birth="1987-04-13"), Match.OTHER, Match.OTHER),
        (patient(family="Smith", gender="male"), Match.OTHER, Match.OTHER),
        (patient(birth=""), Match.SAME, Match.SAME),
        (patient(birth="", gender=""), Match.UNSURE, Match.UNSURE),
        (patient(birth="", gender="male"), Match.OTHER, Match.OTHER),
        ({"resourceType": "Patient"}, Match.UNSURE, Match.UNSURE),
        ({"resourceType": "Patient", "birthDate": "1987-04-12"}, Match.UNSURE, Match.UNSURE),
    ],
)
def test_a_patient_is_the_one_meant_when_enough_agrees(there, standard, strict):
    assert compare(SAID, there, MatchPolicy.STANDARD) is standard
    assert compare(SAID, there, MatchPolicy.STRICT) is strict
    assert compare(SAID, there, MatchPolicy.IDENTIFIER) is Match.SAME


def test_a_message_that_says_nothing_to_compare_leaves_it_open():
    assert compare({}, patient(), MatchPolicy.STANDARD) is Match.UNSURE
    assert compare({}, patient(), MatchPolicy.IDENTIFIER) is Match.SAME


def test_a_visit_is_its_patients_or_that_of_one_merged_into_it():
    visit = {"resourceType": "Encounter", "subject": {"reference": "Patient/12"}}
    assert compare({"subject": ("12", "7")}, visit, MatchPolicy.STANDARD) is Match.SAME
    assert compare({"subject": ("7",)}, visit, MatchPolicy.IDENTIFIER) is Match.OTHER
    assert compare({"subject": ("7",)}, {"resourceType": "Encounter"}, MatchPolicy.STANDARD) is (
        Match.UNSURE
    )
    assert compare({}, visit, MatchPolicy.STANDARD) is Match.SAME


def test_names_are_compared_by_their_letters():
    assert plain_name("O'Brien  M\u00fcller-L\u00fcdenscheidt") == plain_name(
        "OBRIEN MU\u0308LLER LU\u0308DENSCHEIDT"
    )


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (
            {
                "resourceType": "Patient",
                "link": [
                    {"type": "seealso", "other": {"reference": "Patient/3"}},
                    {
                        "type": "replaced-by",
                        "other": {"reference": "https://fhir.example/r4/t/Patient/12"},
                    },
                ],
            },
            "12",
        ),
        (
            {
                "resourceType": "Encounter",
                "status": "unknown",
                "partOf": {"reference": "Encounter/9"},
            },
            "9",
        ),
        (
            {
                "resourceType": "Encounter",
                "status": "finished",
                "partOf": {"reference": "Encounter/9"},
            },
            "",
        ),
        ({"resourceType": "Patient", "active": False}, ""),
        ({"resourceType": "Practitioner"}, ""),
    ],
)
def test_what_was_combined_names_its_successor(resource, expected):
    assert successor(resource) == expected
