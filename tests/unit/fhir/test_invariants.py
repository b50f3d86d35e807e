"""R4's rules between elements."""

from typing import Any

import pytest

from engine.fhir import definitions
from engine.fhir.checker import check
from engine.fhir.compiled import is_valid
from engine.fhir.invariants import NAME_RULES, VALUE_RULES

Json = dict[str, Any]

ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"
CONDITION = "http://terminology.hl7.org/CodeSystem/condition-"


def concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def patient(**elements: Any) -> Json:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> Json:
    code = {"text": "x"}
    return {"resourceType": "Observation", "status": "final", "code": code, **elements}


def condition(**elements: Any) -> Json:
    return {"resourceType": "Condition", "subject": {"display": "x"}, **elements}


def allergy(**elements: Any) -> Json:
    return {"resourceType": "AllergyIntolerance", "patient": {"display": "x"}, **elements}


def period(start: str, end: str) -> Json:
    return patient(identifier=[{"value": "x", "period": {"start": start, "end": end}}])


PERIOD_END = "Patient.identifier[0].period.end"


def care_team(member: str) -> Json:
    participant = {"member": {"reference": member}, "onBehalfOf": {"reference": "Organization/1"}}
    return {"resourceType": "CareTeam", "participant": [participant]}


def eligibility(**item: Any) -> Json:
    return {
        "resourceType": "CoverageEligibilityResponse",
        "status": "active",
        "purpose": ["benefits"],
        "patient": {"display": "x"},
        "created": "2026-01-01",
        "request": {"display": "x"},
        "outcome": "complete",
        "insurer": {"display": "x"},
        "insurance": [{"coverage": {"display": "x"}, "item": [item]}],
    }


ITEM = "CoverageEligibilityResponse.insurance[0].item[0]"

BROKEN: list[tuple[str, Json, str]] = [
    ("ctm-1", care_team("PractitionerRole/1"), "CareTeam.participant[0].onBehalfOf"),
    ("ces-1", eligibility(excluded=True), ITEM),
    (
        "ces-1",
        eligibility(category={"text": "x"}, productOrService={"text": "x"}),
        f"{ITEM}.category",
    ),
    ("pat-1", patient(contact=[{"gender": "male"}]), "Patient.contact[0]"),
    ("cpt-2", patient(telecom=[{"value": "1"}]), "Patient.telecom[0].system"),
    ("org-1", {"resourceType": "Organization", "active": True}, "Organization"),
    (
        "org-2",
        {"resourceType": "Organization", "name": "x", "address": [{"city": "x"}, {"use": "home"}]},
        "Organization.address[1].use",
    ),
    (
        "org-3",
        {"resourceType": "Organization", "name": "x", "telecom": [{"use": "home"}]},
        "Organization.telecom[0].use",
    ),
    (
        "obs-6",
        observation(valueString="x", dataAbsentReason={"text": "x"}),
        "Observation.dataAbsentReason",
    ),
    (
        "obs-3",
        observation(referenceRange=[{"type": {"text": "x"}}]),
        "Observation.referenceRange[0]",
    ),
    (
        "qty-3",
        observation(valueQuantity={"value": 1, "code": "g"}),
        "Observation.valueQuantity.code",
    ),
    ("rat-1", observation(valueRatio={"numerator": {"value": 1}}), "Observation.valueRatio"),
    ("att-1", patient(photo=[{"data": "YQ=="}]), "Patient.photo[0].contentType"),
    ("per-1", period("2024-02-01", "2024-01-31"), PERIOD_END),
    ("per-1", period("2024", "2023"), PERIOD_END),
    ("per-1", period("2024-01-01T10:00:00+02:00", "2024-01-01T09:30:00+02:00"), PERIOD_END),
    ("per-1", period("2024-01-01T10:00:00+01:00", "2024-01-01T09:30:00+02:00"), PERIOD_END),
    (
        "ait-2",
        allergy(
            verificationStatus=concept(f"{ALLERGY}verification", "entered-in-error"),
            clinicalStatus=concept(f"{ALLERGY}clinical", "active"),
        ),
        "AllergyIntolerance.clinicalStatus",
    ),
    (
        "con-5",
        condition(
            verificationStatus=concept(f"{CONDITION}ver-status", "entered-in-error"),
            clinicalStatus=concept(f"{CONDITION}clinical", "active"),
        ),
        "Condition.clinicalStatus",
    ),
    (
        "con-4",
        condition(
            clinicalStatus=concept(f"{CONDITION}clinical", "active"), abatementDateTime="2024"
        ),
        "Condition.abatementDateTime",
    ),
    (
        "app-2",
        {
            "resourceType": "Appointment",
            "status": "booked",
            "participant": [{"status": "accepted", "actor": {"display": "x"}}],
            "start": "2024-01-01T00:00:00Z",
        },
        "Appointment",
    ),
]

KEPT: list[Json] = [
    patient(contact=[{"organization": {"display": "x"}}]),
    patient(telecom=[{"_value": {"id": "a"}, "system": "phone"}]),
    patient(telecom=[{"use": "home"}]),
    observation(dataAbsentReason={"text": "x"}),
    observation(valueQuantity={"value": 1, "unit": "g"}),
    observation(valueRatio={"numerator": {"value": 1}, "denominator": {"value": 2}}),
    period("2024-01-01", "2024-01-01"),
    period("2024-01-02", "2024-01-01T10:00:00Z"),  # R4 does not decide
    period("2024-01-01T10:00:00+02:00", "2024-01-01T09:30:00+01:00"),
    period("2024-01-01T10:00:60Z", "2024-01-01T09:30:00Z"),  # a leap second
    condition(clinicalStatus=concept(f"{CONDITION}clinical", "resolved"), abatementDateTime="2024"),
    allergy(verificationStatus=concept(f"{ALLERGY}verification", "entered-in-error")),
    allergy(),  # ait-1 is not checked
]


@pytest.mark.parametrize(("key", "resource", "path"), BROKEN)
def test_a_broken_rule_is_named_with_its_path(key: str, resource: Json, path: str) -> None:
    found = check(resource)
    assert [problem.code for problem in found] == ["F619"]
    assert f"R4 {key} " in found[0].message
    assert found[0].place.path == path
    assert not is_valid(resource)


@pytest.mark.parametrize("resource", KEPT)
def test_a_kept_rule_says_nothing(resource: Json) -> None:
    assert check(resource) == ()
    assert is_valid(resource)


def test_rules_name_types_and_elements_of_r4() -> None:
    for name in NAME_RULES.keys() | VALUE_RULES.keys():
        assert definitions.type_definition(name) is not None, name
    for name, rules in NAME_RULES.items():
        for rule in rules:
            assert not rule.at or definitions.element(name, rule.at) is not None, (name, rule.key)
