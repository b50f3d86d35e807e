"""May this be what was sent? And: nothing a service answers makes identity fall over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.millennium.identity.explaining import explain
from engine.millennium.identity.matching import instant, may_be
from engine.millennium.identity.steps import Reason
from engine.millennium.identity.verifying import Match, MatchPolicy, compare, successor

SENT = {
    "resourceType": "Observation",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "Potassium"},
    "effectiveDateTime": "2026-01-05T14:30:00Z",
    "valueQuantity": {"value": 4.1, "unit": "mmol/L"},
}
OWN = {"system": "https://fhir.cerner.com/t/codeSet/72", "code": "21704910"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, True),
        ({"code": {"coding": [OWN, SENT["code"]["coding"][0]], "text": "K"}}, True),
        ({"code": {"coding": [OWN]}}, False),
        ({"effectiveDateTime": "2026-01-05T15:30:00+01:00"}, True),
        ({"effectiveDateTime": "2026-01-05T14:31:00Z"}, False),
        ({"effectiveDateTime": "2026-01-05"}, True),
        ({"valueQuantity": {"value": 4.10, "unit": "mEq/L"}}, True),
        ({"valueQuantity": {"value": 4.2, "unit": "mmol/L"}}, False),
        ({"valueString": "4.1"}, True),
        ({"note": [{"text": "other"}]}, True),
    ],
)
def test_what_differs_in_value_or_time_is_not_it(found, expected):
    assert may_be(SENT, {"resourceType": "Observation", **found}) is expected


def test_a_date_is_no_instant():
    assert instant("2026-01-05") is None
    assert instant("soon") is None
    assert instant(None) is None
    assert instant("2026-01-05T15:30:00+01:00") == instant("2026-01-05T14:30:00Z")


def test_every_reason_is_explained_with_what_it_is_about():
    for reason in Reason:
        assert explain(reason, "Patient", ("1", "2")).endswith("(Patient/1, Patient/2)")


ODD = [
    *(None, True, 7, "", "x", [], {}, [None], [7], [[]], ["x"], [{}]),
    {"reference": 7},
    {"reference": "Patient/1"},
    {"coding": "x", "value": []},
    {"coding": [None, {"code": 7}]},
    [{"type": "replaced-by"}, {"type": "replaced-by", "other": "x"}],
    [{"family": 7}, {"family": "Okafor", "given": None}],
]
ELEMENTS = [*SENT, "name", "link", "birthDate", "gender", "subject", "status", "partOf", "meta"]


@given(
    st.sampled_from(["Patient", "Encounter", "Observation"]),
    st.dictionaries(st.sampled_from(ELEMENTS), st.sampled_from(ODD), max_size=5),
)
def test_nothing_a_service_answers_makes_it_fall_over(kind, elements):
    found = {**elements, "resourceType": kind}
    said = {"birthDate": "1987-04-12", "family": "OKAFOR", "gender": "female", "subject": ("1",)}
    for policy in MatchPolicy:
        assert compare(said, found, policy) in Match
    assert isinstance(successor(found), str)
    assert may_be(SENT, found) in (True, False)
