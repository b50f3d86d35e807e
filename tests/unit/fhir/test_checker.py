"""The full check: one fault, one code, one exact path."""

from typing import Any

import pytest

from engine.diagnostics import Code, Severity
from engine.fhir import checker, codes
from engine.fhir.compiled import is_valid

Json = dict[str, Any]

OBSERVATION: Json = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
UUID = "0f6d1f8e-5b7a-5c3e-9d42-7d1a0c5b9e11"


def patient(**elements: Any) -> Json:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> Json:
    return {**OBSERVATION, **elements}


def allergy(**elements: Any) -> Json:
    return {
        "resourceType": "AllergyIntolerance",
        "patient": {"reference": f"Patient/{UUID}"},
        **elements,
    }


EXTENSION: Json = {"url": "urn:oid:2.999.1", "valueString": "x"}

VALID: dict[str, Json] = {
    "a plain resource": patient(active=True, birthDate="1970-01-31"),
    "an extension in place of a value": patient(_birthDate={"extension": [EXTENSION]}),
    "an extension beside a value": patient(birthDate="1970", _birthDate={"id": "a"}),
    "a list with gaps": patient(
        name=[{"given": ["A", None], "_given": [None, {"extension": [EXTENSION]}]}]
    ),
    "a required element that only has an extension": {
        "resourceType": "Observation",
        "_status": {"extension": [EXTENSION]},
        "code": {"text": "x"},
    },
    "a required choice": {
        "resourceType": "MessageHeader",
        "eventUri": "urn:oid:2.999.1",
        "source": {"endpoint": "urn:oid:2.999.1"},
    },
    "a required binding of a CodeableConcept": allergy(
        clinicalStatus={"coding": [{"code": "x"}, {"system": ALLERGY, "code": "active"}]}
    ),
    "a contained resource": patient(
        contained=[{"resourceType": "Organization", "id": "o", "name": "x"}],
        managingOrganization={"reference": "#o"},
    ),
    "a reference to the container": patient(
        contained=[
            {"resourceType": "Provenance", "id": "p"}
            | {
                "target": [{"reference": "#"}],
                "recorded": "2024-01-01T00:00:00Z",
                "agent": [{"who": {"display": "x"}}],
            }
        ]
    ),
    "a content reference": observation(
        component=[{"code": {"text": "c"}, "referenceRange": [{"text": "x"}]}]
    ),
    "an absolute reference": observation(subject={"reference": "https://example.org/Patient/1"}),
    "an absolute reference to something else": observation(
        subject={"reference": "https://example.org/what"}
    ),
    "a versioned reference": observation(subject={"reference": "Patient/1/_history/2"}),
    "a conditional reference": observation(subject={"reference": "Patient?identifier=a%7Cb"}),
    "a reference without a literal": observation(subject={"identifier": {"value": "x"}}),
    "a Bundle": {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": patient(active=True)}],
    },
    "nested extensions": patient(extension=[{"url": "a", "extension": [EXTENSION]}]),
}

FAULTY: list[tuple[Json, str, str]] = [
    ({}, "F601", "resourceType"),
    ({"resourceType": "Pateint"}, "F601", "resourceType"),
    ({"resourceType": "HumanName"}, "F601", "resourceType"),
    ({"resourceType": ["Patient"]}, "F601", "resourceType"),
    (patient(gendre="male"), "F602", "Patient.gendre"),
    (patient(deceased=True), "F602", "Patient.deceased"),
    (patient(deceasedString="x"), "F602", "Patient.deceasedString"),
    (patient(_name=[{"id": "a"}]), "F602", "Patient._name"),
    (patient(_id={"id": "a"}), "F602", "Patient._id"),
    (patient(name=[{"resourceType": "HumanName"}]), "F602", "Patient.name[0].resourceType"),
    (patient(**{"John Doe": 1}), "F602", "Patient.?"),
    ({"resourceType": "Observation", "status": "final"}, "F603", "Observation.code"),
    (
        {"resourceType": "MessageHeader", "source": {"endpoint": "urn:x"}},
        "F603",
        "MessageHeader.event[x]",
    ),
    (patient(communication=[{"preferred": True}]), "F603", "Patient.communication[0].language"),
    (patient(name={"family": "x"}), "F604", "Patient.name"),
    (patient(_name=1), "F602", "Patient._name"),
    (patient(name=[{"_given": {"id": "a"}}]), "F604", "Patient.name[0]._given"),
    (patient(birthDate=["1970"]), "F605", "Patient.birthDate"),
    (patient(active="true"), "F606", "Patient.active"),
    (patient(name=["x"]), "F606", "Patient.name[0]"),
    (patient(maritalStatus="M"), "F606", "Patient.maritalStatus"),
    (patient(multipleBirthInteger=1.0), "F606", "Patient.multipleBirthInteger"),
    (patient(_birthDate="x"), "F606", "Patient._birthDate"),
    (patient(contained=["x"]), "F606", "Patient.contained[0]"),
    (patient(birthDate=""), "F607", "Patient.birthDate"),
    (patient(name=[]), "F607", "Patient.name"),
    (patient(name=[{}]), "F607", "Patient.name[0]"),
    (patient(maritalStatus={}), "F607", "Patient.maritalStatus"),
    (patient(active=None), "F607", "Patient.active"),
    (patient(name=[None]), "F607", "Patient.name[0]"),
    (patient(name=[{"given": ["x", ""]}]), "F607", "Patient.name[0].given[1]"),
    (patient(name=[{"given": ["x", None]}]), "F607", "Patient.name[0].given[1]"),
    (patient(_birthDate={}), "F607", "Patient._birthDate"),
    (patient(_birthDate=None), "F607", "Patient._birthDate"),
    (
        patient(deceasedBoolean=False, deceasedDateTime="2024"),
        "F608",
        "Patient.deceasedDateTime",
    ),
    (
        patient(deceasedBoolean=False, _deceasedDateTime={"id": "a"}),
        "F608",
        "Patient.deceasedDateTime",
    ),
    (patient(birthDate="2023-02-29"), "F609", "Patient.birthDate"),
    (patient(id="a_b"), "F609", "Patient.id"),
    (patient(gender="M"), "F610", "Patient.gender"),
    (patient(contact=[{"gender": "M"}]), "F610", "Patient.contact[0].gender"),
    (
        allergy(clinicalStatus={"coding": [{"code": "active"}]}),
        "F610",
        "AllergyIntolerance.clinicalStatus",
    ),
    (allergy(clinicalStatus={"text": "active"}), "F610", "AllergyIntolerance.clinicalStatus"),
    (observation(subject={"reference": "x"}), "F611", "Observation.subject.reference"),
    (observation(subject={"reference": "Nothing/1"}), "F611", "Observation.subject.reference"),
    (observation(subject={"reference": "urn:uuid:1"}), "F611", "Observation.subject.reference"),
    (observation(subject={"reference": "Slot/1"}), "F612", "Observation.subject"),
    (observation(subject={"reference": "Slot?identifier=x"}), "F612", "Observation.subject"),
    (observation(subject={"reference": "https://x.org/Slot/1"}), "F612", "Observation.subject"),
    (observation(subject={"type": "Slot", "display": "x"}), "F612", "Observation.subject"),
    (patient(extension=[{"url": "a"}]), "F613", "Patient.extension[0]"),
    (
        patient(extension=[{"url": "a", "valueString": "x", "extension": [EXTENSION]}]),
        "F613",
        "Patient.extension[0]",
    ),
    (patient(name=[{"given": ["x"], "_given": []}]), "F607", "Patient.name[0]._given"),
    (
        patient(name=[{"given": ["x"], "_given": [None, {"id": "a"}]}]),
        "F614",
        "Patient.name[0]._given",
    ),
    (
        patient(name=[{"given": ["x", None], "_given": [{"id": "a"}, None]}]),
        "F614",
        "Patient.name[0]._given",
    ),
    (patient(contained=[{"resourceType": "Basic"}]), "F603", "Patient.contained[0].code"),
    (patient(contained=[patient(active=True)]), "F617", "Patient.contained[0]"),
    (
        patient(contained=[patient(id="a", contained=[patient(id="b", active=True)])]),
        "F617",
        "Patient.contained[0]",
    ),
    (
        patient(managingOrganization={"reference": "#o"}),
        "F618",
        "Patient.managingOrganization.reference",
    ),
    (
        {
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [{"resource": patient(gender="M")}],
        },
        "F610",
        "Bundle.entry[0].resource.gender",
    ),
]


@pytest.mark.parametrize("name", VALID)
def test_nothing_is_said_of_a_valid_resource(name: str) -> None:
    assert checker.check(VALID[name]) == ()
    assert is_valid(VALID[name])


@pytest.mark.parametrize(("resource", "code", "path"), FAULTY)
def test_a_fault_has_its_code_and_path(resource: Json, code: str, path: str) -> None:
    found = [(problem.code, problem.place.path) for problem in checker.check(resource)]
    assert (code, path) in found
    assert not is_valid(resource)


def test_all_problems_are_found_at_once() -> None:
    found = checker.check(patient(gender="M", birthDate="x", name=[{}, {"famly": "x"}]))
    assert [problem.code for problem in found] == ["F610", "F609", "F607", "F602"]
    assert all(problem.severity is Severity.ERROR for problem in found)


def test_no_value_of_the_resource_is_in_a_diagnostic() -> None:
    secret = "Zyxwv"
    resource = patient(
        gender=secret,
        birthDate=secret,
        managingOrganization={"reference": secret},
        name=[{"family": f"\x00{secret}", f"{secret} x": 1}],
        link=[{"type": secret, "other": {"reference": f"{secret}/1"}}],
    )
    found = checker.check(resource)
    assert len(found) == 7
    assert secret not in repr(found)


@pytest.mark.parametrize(
    ("resource", "hint"),
    [
        (patient(brithDate="1970"), 'did you mean "birthDate"?'),
        (patient(deceased=True), "add the type to the name, such as deceasedBoolean"),
        ({"resourceType": "Pateint"}, 'did you mean "Patient"?'),
        (
            observation(subject={"reference": "Slot/1"}),
            "the element may point to: Patient, Group, Device, Location",
        ),
    ],
)
def test_hints_say_what_was_meant(resource: Json, hint: str) -> None:
    assert checker.check(resource)[0].hint == hint


def test_problems_are_counted_up_to_a_limit() -> None:
    found = checker.check(patient(name=[{"use": "x"}] * 500))
    assert len(found) == checker.PROBLEMS_MAX + 1
    assert found[-1].code == codes.MORE_PROBLEMS.code


def test_depth_is_bounded() -> None:
    nested: Json = dict(EXTENSION)
    for _ in range(checker.DEPTH_MAX + 5):
        nested = {"url": "a", "extension": [nested]}
    found = checker.check(patient(extension=[nested]))
    assert [problem.code for problem in found] == ["F615"]
    assert not is_valid(patient(extension=[nested]))


def test_bundles_within_bundles_are_bounded_too() -> None:
    nested: Json = patient(active=True)
    for _ in range(5000):
        nested = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": nested}]}
    assert [problem.code for problem in checker.check(nested)] == ["F615"]
    assert not is_valid(nested)


def test_every_code_has_a_number_of_its_own() -> None:
    declared = [value for value in vars(codes).values() if isinstance(value, Code)]
    numbers = [code.code for code in declared]
    assert len(set(numbers)) == len(numbers)
    assert all(number.startswith("F6") for number in numbers)
