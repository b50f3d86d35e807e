"""The simulated Millennium through its port: rows 17 to 41 of the reference report (section 7),
what each write demands and what it leaves behind.
"""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from simulated import (
    LOINC,
    MRN_SYSTEM,
    Caller,
    code,
    encounter,
    observation,
    patient,
    standard,
)

from engine.simulator.millennium.options import (
    Errors,
    MissingIfMatch,
    SimulatorOptions,
    UnsupportedFields,
)
from engine.simulator.millennium.seed import CANARY, LOCATION, ORGANIZATION, PRACTITIONER

SUBJECT = {"reference": f"Patient/{CANARY}"}
VITAL = {
    "category": [standard("http://terminology.hl7.org/CodeSystem/observation-category",
                          "vital-signs")],
    "code": standard(LOINC, "8331-1", "Temperature"),
}  # fmt: skip
ACTIVE = standard("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")
SNOMED = "http://snomed.info/sct"


@pytest_asyncio.fixture
async def caller() -> AsyncIterator[Caller]:
    async with Caller() as found:
        yield found


def without(resource: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != name}


async def refused(caller: Caller, resource: dict[str, Any]) -> tuple[str, str]:
    reply = await caller.call("POST", resource["resourceType"], resource)
    assert reply.status == 422, reply.content
    issue: tuple[str, str] = reply.issue
    return issue


# -- Patient, Encounter --


async def test_row_17_a_create_answers_without_a_body(caller: Caller) -> None:
    reply = await caller.created(patient())
    assert (reply.content, reply.headers["content-length"]) == (b"", "0")
    assert (reply.headers["content-type"], reply.etag) == ("text/html", 'W/"0"')
    assert reply.headers["location"] == f"{caller.root}/Patient/{reply.identity}"
    assert {"last-modified", "x-request-id", "opc-request-id"} <= set(reply.headers)
    read = (await caller.call("GET", f"Patient/{reply.identity}")).json
    assert read["meta"]["versionId"] == "0"
    assert [one["use"] for one in read["identifier"]] == ["usual"]
    assert all(read[name][0]["id"].startswith("CI-") for name in ("identifier", "name", "telecom"))


@pytest.mark.parametrize(
    "change",
    [
        {"identifier": patient()["identifier"][1:]},
        {"identifier": [{**patient()["identifier"][0], "value": "1"}]},
        {"identifier": [patient()["identifier"][0], {"system": MRN_SYSTEM, "value": "1"}]},
        {"name": [{"use": "usual", "family": "Okafor", "given": ["Adaeze"]}]},
        {"name": [{"use": "official", "family": "Okafor"}]},
        {"name": [{"use": "official", "family": "O", "given": ["A", "B", "C"]}]},
        {"name": [{"use": "official", "family": "O" * 101, "given": ["A"]}]},
        {"active": False},
        {"telecom": [{"system": "phone", "value": "1"}]},
        {"address": [{"use": "home", "text": "1 Mill Lane"}]},
        {"generalPractitioner": [{"reference": "Organization/1"}]},
    ],
)
async def test_row_18_a_registration_that_is_not_complete_is_refused(
    caller: Caller, change: dict[str, Any]
) -> None:
    assert (await refused(caller, patient(**change)))[0] in ("business-rule", "required")
    assert await keys(caller, "Patient") == {f"Patient {MRN_SYSTEM}|900001"}


async def keys(caller: Caller, kind: str) -> set[str]:
    return set(await caller.admin("GET", f"keys?type={kind}"))


async def test_row_18_rules_are_broken_with_400_where_that_was_observed() -> None:
    async with Caller(SimulatorOptions(errors=Errors.OBSERVED)) as caller:
        reply = await caller.call("POST", "Patient", patient(active=False))
        assert (reply.status, reply.issue) == (400, ("invalid", "Invalid request"))
        unmapped = observation(CANARY, code=standard(LOINC, "8310-5"))
        reply = await caller.call("POST", "Observation", unmapped)
        assert (reply.status, reply.issue) == (422, ("invalid", "Unprocessable entity"))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"resourceType": "Person"}'])
async def test_a_body_that_is_no_resource_is_an_invalid_request(
    caller: Caller, body: bytes
) -> None:
    reply = await caller.call("POST", "Patient", body)
    assert (reply.status, reply.issue) == (400, ("invalid", "Invalid request"))


@pytest.mark.parametrize(
    "change", [{"gender": 7}, {"birthDate": "12.4.1987"}, {"name": {"use": "official"}}]
)
async def test_a_field_of_the_wrong_form_is_an_invalid_request(
    caller: Caller, change: dict[str, Any]
) -> None:
    assert (await caller.call("POST", "Patient", patient(**change))).status == 400


async def test_rows_19_and_21_a_patch_names_the_version_it_changes(caller: Caller) -> None:
    made = await caller.created(patient())
    path = f"Patient/{made.identity}"
    phone = (await caller.call("GET", path)).json["telecom"][0]["id"]
    patch = [
        {"op": "test", "path": "/telecom/0/id", "value": phone},
        {"op": "replace", "path": "/telecom/0/value", "value": "555-0199"},
        {"op": "add", "path": "/telecom/-", "value": {"system": "email", "use": "home",
                                                      "value": "a@example.org"}},
    ]  # fmt: skip
    done = await caller.call("PATCH", path, patch, If_Match=made.etag)
    assert (done.status, done.content) == (200, b"")
    assert done.etag != made.etag
    stale = await caller.call("PATCH", path, patch, If_Match=made.etag)
    assert (stale.status, stale.content) == (409, b"")
    telecom = (await caller.call("GET", path)).json["telecom"]
    assert [one["value"] for one in telecom] == ["555-0199", "a@example.org"]
    assert len({one["id"] for one in telecom}) == 2


@pytest.mark.parametrize(
    "patch",
    [
        [{"op": "replace", "path": "/telecom/0/value", "value": "1"}],
        [{"op": "remove", "path": "/address/0"}],
        [{"op": "test", "path": "/telecom/0/id", "value": "wrong"},
         {"op": "replace", "path": "/telecom/0/value", "value": "1"}],
        [{"op": "replace", "path": "/active", "value": False}],
        [{"op": "replace", "path": "/deceasedBoolean", "value": True}],
        [{"op": "add", "path": "/contact/-", "value": {}}],
        [{"op": "test", "path": "/telecom/7/id", "value": "x"}],
        [{"op": "add", "path": "/telecom/-", "value": {"system": "phone"}}],
        [{"op": "replace", "path": "/maritalStatus", "value": {"coding": [
            {"system": "https://fhir.cerner.com/sandbox/codeSet/38", "code": "1"}]}}],
    ],
)  # fmt: skip
async def test_row_20_a_patch_that_is_not_listed_or_not_tested_changes_nothing(
    caller: Caller, patch: list[dict[str, Any]]
) -> None:
    made = await caller.created(patient())
    path = f"Patient/{made.identity}"
    before = (await caller.call("GET", path)).json
    assert (await caller.call("PATCH", path, patch, If_Match=made.etag)).status == 422
    assert (await caller.call("GET", path)).json == before


@pytest.mark.parametrize("patch", [{}, [], [{"op": "move", "path": "/gender"}], [{"op": "add"}]])
async def test_row_20_what_is_no_patch_is_an_invalid_request(caller: Caller, patch: Any) -> None:
    path = f"Patient/{CANARY}"
    assert (await caller.call("PATCH", path, patch, If_Match='W/"0"')).status == 400


async def test_an_update_without_if_match_is_refused_when_asked_for(caller: Caller) -> None:
    change = [{"op": "replace", "path": "/gender", "value": "other"}]
    assert (await caller.call("PATCH", f"Patient/{CANARY}", change)).status == 200
    strict = SimulatorOptions(missing_if_match=MissingIfMatch.REFUSE)
    async with Caller(strict) as other:
        assert (await other.call("PATCH", f"Patient/{CANARY}", change)).status == 412


@pytest.mark.parametrize(
    "change",
    [
        {"location": [{"location": {"reference": f"Location/{LOCATION}"}}]},
        {"serviceProvider": None},
        {"status": "cancelled"},
        {"subject": {"reference": "Patient/999"}},
        {"type": [code(71, 1)]},
        {"participant": [{"individual": {"reference": f"Practitioner/{PRACTITIONER}"}}]},
        {"identifier": [{"system": "urn:oid:9", "value": "1"}]},
        {"period": {"start": "2026-01-05"}},
    ],
)
async def test_row_22_an_encounter_has_one_place_and_known_codes(
    caller: Caller, change: dict[str, Any]
) -> None:
    given = {**encounter(CANARY), **change}
    await refused(caller, {name: one for name, one in given.items() if one is not None})


async def test_row_23_an_encounter_is_found_by_its_fin(caller: Caller) -> None:
    made = await caller.created(encounter(CANARY, "V77"))
    assert made.etag == 'W/"0"'
    found = await caller.call(
        "GET", "Encounter?identifier=urn:oid:2.16.840.1.113883.3.9999.1.5%7CV77"
    )
    (entry,) = found.json["entry"]
    coding = entry["resource"]["identifier"][0]["type"]["coding"]
    assert [(one["system"].rpartition("/")[2], one["code"]) for one in coding] == [
        ("319", "1077"), ("v2-0203", "AN"),
    ]  # fmt: skip
    assert entry["resource"]["class"]["code"] == "IMP"


async def test_row_24_a_patch_of_an_encounter_reaches_period_and_type_alone(caller: Caller) -> None:
    made = await caller.created(encounter(CANARY))
    path = f"Encounter/{made.identity}"
    status = [{"op": "replace", "path": "/status", "value": "finished"}]
    assert (await caller.call("PATCH", path, status, If_Match=made.etag)).status == 422
    end = [{"op": "replace", "path": "/period/end", "value": "2026-01-06T10:00:00Z"}]
    done = await caller.call("PATCH", path, end, If_Match=made.etag)
    assert done.status == 200
    unset = [{"op": "replace", "path": "/period/end"}]
    assert (await caller.call("PATCH", path, unset, If_Match=done.etag)).status == 200
    assert "end" not in (await caller.call("GET", path)).json["period"]


async def test_row_25_a_combined_encounter_names_the_one_it_is_part_of(caller: Caller) -> None:
    first, second = [(await caller.created(encounter(CANARY, n))).identity for n in "12"]
    order = {"type": "Encounter", "retired": first, "survivor": second}
    await caller.admin("POST", "merge", order)
    read = (await caller.call("GET", f"Encounter/{first}")).json
    assert (read["status"], read["partOf"]) == (
        "unknown", {"reference": f"Encounter/{second}"},
    )  # fmt: skip


# -- Observation --


async def test_row_26_a_result_is_filed_under_an_event_code(caller: Caller) -> None:
    made = await caller.created(observation(CANARY))
    assert made.identity.startswith("L-")
    assert made.etag == 'W/"1"'
    coding = (await caller.call("GET", f"Observation/{made.identity}")).json["code"]["coding"]
    assert [one["code"] for one in coding] == ["21704910", "2823-3"]
    query = f"Observation?patient={CANARY}&code=http://loinc.org%7C2823-3&date=2026-01-05"
    assert (await caller.call("GET", query)).json["total"] == 1


async def test_row_27_proprietary_and_standard_codes_are_not_mixed(caller: Caller) -> None:
    both = {"coding": code(72, 21704910)["coding"] + standard(LOINC, "2823-3")["coding"]}
    issue = await refused(caller, observation(CANARY, code=both))
    assert issue == ("invalid", "cannot contain proprietary and standard codes")


@pytest.mark.parametrize(
    "concept",
    [
        standard(LOINC, "8310-5"),
        code(72, 21705101),
        code(72, 10),
        code(72, 21704910, tenant="other"),
        {"text": "Potassium"},
    ],
)
async def test_row_28_a_code_the_tenant_cannot_file_is_refused(
    caller: Caller, concept: dict[str, Any]
) -> None:
    assert (await refused(caller, observation(CANARY, code=concept)))[0] == "invalid"


@pytest.mark.parametrize(
    "change",
    [
        {"status": "preliminary"},
        {"category": observation(CANARY)["category"] * 2},
        {"category": [standard("urn:x", "procedure")]},
        {"effectiveDateTime": None},
        {"valueQuantity": None},
        {"valueQuantity": {"value": 1, "unit": "mmol/L"}},
        {"referenceRange": [{"text": "normal", "low": {"value": 1}}]},
        {"performer": [{"reference": f"Organization/{ORGANIZATION}"}]},
        {**VITAL, "valueQuantity": None, "valueString": "high"},
    ],
)
async def test_a_result_that_is_not_complete_is_refused(
    caller: Caller, change: dict[str, Any]
) -> None:
    given = {**observation(CANARY), **change}
    await refused(caller, {name: one for name, one in given.items() if one is not None})


async def test_a_number_of_the_filler_is_not_kept_or_refused(caller: Caller) -> None:
    given = observation(CANARY, identifier=[{"system": "urn:lab", "value": "F1"}])
    made = await caller.created(given)
    read = (await caller.call("GET", f"Observation/{made.identity}")).json
    assert [one["system"] for one in read["identifier"]] == ["https://fhir.cerner.com/ceuuid"]
    strict = SimulatorOptions(unsupported_fields=UnsupportedFields.REFUSE)
    async with Caller(strict) as other:
        assert (await refused(other, given))[0] == "business-rule"


async def test_row_29_a_vital_sign_is_amended_in_place(caller: Caller) -> None:
    made = await caller.created(observation(CANARY, **VITAL))
    assert made.identity.startswith("VS-")
    path = f"Observation/{made.identity}"
    read = (await caller.call("GET", path)).json
    amended = {
        **observation(CANARY, **VITAL), "id": made.identity, "status": "amended",
        "identifier": read["identifier"],
    }  # fmt: skip
    wrong: list[dict[str, Any]] = [
        {"status": "final"},
        {"category": observation(CANARY)["category"]},
        {"subject": {"reference": f"Patient/{(await caller.created(patient())).identity}"}},
        {"identifier": [{"value": "1"}]},
        {"code": standard(LOINC, "3141-9")},
    ]
    for change in wrong:
        reply = await caller.call("PUT", path, {**amended, **change}, If_Match=made.etag)
        assert reply.status == 422, change
    done = await caller.call("PUT", path, amended, If_Match=made.etag)
    assert (done.status, done.content, done.etag) == (200, b"", 'W/"3"')
    other = await caller.call("PUT", path, {**amended, "id": "L-1"}, If_Match=done.etag)
    assert other.status == 400


# -- what is known of a patient --


def condition(**more: Any) -> dict[str, Any]:
    category = standard("http://terminology.hl7.org/CodeSystem/condition-category",
                        "problem-list-item")  # fmt: skip
    return {
        "resourceType": "Condition", "clinicalStatus": ACTIVE, "category": [category],
        "code": standard(SNOMED, "38341003", "Hypertension"), "subject": SUBJECT, **more,
    }  # fmt: skip


DIAGNOSIS = [standard("http://terminology.hl7.org/CodeSystem/condition-category",
                      "encounter-diagnosis")]  # fmt: skip


async def test_row_30_an_encounter_diagnosis_needs_its_encounter(caller: Caller) -> None:
    await refused(caller, condition(category=DIAGNOSIS))
    visit = {"reference": f"Encounter/{(await caller.created(encounter(CANARY))).identity}"}
    given = condition(category=DIAGNOSIS, encounter=visit)
    assert (await caller.created(given)).identity.startswith("p")
    await refused(caller, {**given, "abatementDateTime": "2026-01-05"})


async def test_row_31_what_an_update_leaves_out_is_removed(caller: Caller) -> None:
    made = await caller.created(condition(onsetDateTime="2020-03-01", note=[{"text": "old"}]))
    path = f"Condition/{made.identity}"
    shorter = condition(id=made.identity, note=[{"text": "old"}])
    assert (await caller.call("PUT", path, shorter, If_Match=made.etag)).status == 200
    read = await caller.call("GET", path)
    assert "onsetDateTime" not in read.json
    changed = {**shorter, "note": [{"text": "new"}]}
    reply = await caller.call("PUT", path, changed, If_Match=read.etag)
    assert reply.status == 422


def allergy(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": standard(
            "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active"
        ),
        "category": ["food", "medication"],
        "code": standard("http://www.nlm.nih.gov/research/umls/rxnorm", "7980", "Penicillin G"),
        "patient": SUBJECT,
        "reaction": [{"manifestation": [standard(SNOMED, "126485001", "Hives")]}],
        **more,
    }


async def test_row_32_the_allergen_cannot_be_changed(caller: Caller) -> None:
    made = await caller.created(allergy())
    path = f"AllergyIntolerance/{made.identity}"
    assert (await caller.call("GET", path)).json["category"] == ["medication"]
    for change in (
        {"code": standard("http://www.nlm.nih.gov/research/umls/rxnorm", "1191")},
        {"reaction": [{"manifestation": [standard(SNOMED, "1")]}]},
    ):
        body = allergy(id=made.identity, **change)
        assert (await caller.call("PUT", path, body, If_Match=made.etag)).status == 422
    same = allergy(id=made.identity, criticality="high")
    assert (await caller.call("PUT", path, same, If_Match=made.etag)).status == 200
    await refused(caller, allergy(category=["biologic"]))
    await refused(caller, allergy(reaction=[{"manifestation": [{"text": "A"}, {"text": "B"}]}]))


async def test_row_33_an_immunization_is_charted_or_staged(caller: Caller) -> None:
    visit = {"reference": f"Encounter/{(await caller.created(encounter(CANARY))).identity}"}
    shot = {
        "resourceType": "Immunization", "status": "completed", "patient": SUBJECT,
        "vaccineCode": standard("http://hl7.org/fhir/sid/cvx", "208"),
        "occurrenceDateTime": "2026-01-05T10:00:00Z",
    }  # fmt: skip
    charted = await caller.created({**shot, "encounter": visit})
    staged = await caller.created(shot)
    assert charted.identity.startswith("M")
    read = (await caller.call("GET", f"Immunization/{staged.identity}")).json
    assert [one["code"] for one in read["vaccineCode"]["coding"]] == ["21705200", "208"]
    assert (read["primarySource"], "encounter" in read) == (True, False)
    both = {**shot, "primarySource": True, "reportOrigin": {"text": "parent"}}
    await refused(caller, both)
    primary = {**shot, "id": staged.identity, "primarySource": True}
    path = f"Immunization/{staged.identity}"
    assert (await caller.call("PUT", path, primary, If_Match=staged.etag)).status == 422


# -- documents --

CCDA = b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>'


def document(**more: Any) -> dict[str, Any]:
    attachment = {
        "contentType": "application/xml;charset=utf-8", "data": base64.b64encode(CCDA).decode(),
        "title": "Summary", "creation": "2026-01-05T10:00:00Z",
    }  # fmt: skip
    return {
        "resourceType": "DocumentReference", "status": "current", "docStatus": "final",
        "type": standard(LOINC, "34133-9"), "subject": SUBJECT,
        "content": [{"attachment": attachment}],
        "context": {"period": {"end": "2026-01-05T10:00:00Z"}}, **more,
    }  # fmt: skip


def attached(**change: Any) -> list[dict[str, Any]]:
    return [{"attachment": {**document()["content"][0]["attachment"], **change}}]


@pytest.mark.parametrize(
    "change",
    [
        {"context": {"period": {"start": "2026-01-05T10:00:00Z"}}},
        {"context": {"period": {"end": "2026-01-05"}}},
        {"type": {"coding": code(72, 21705026)["coding"] + standard(LOINC, "34133-9")["coding"]}},
        {"type": standard(LOINC, "99999-9")},
        {"type": standard(SNOMED, "1")},
        {"docStatus": "preliminary"},
        {"content": attached(contentType="application/xml")},
        {"content": attached(contentType="image/png")},
        {"content": attached() * 2},
    ],
)
async def test_row_34_a_document_that_is_not_complete_is_refused(
    caller: Caller, change: dict[str, Any]
) -> None:
    await refused(caller, document(**change))
    assert "Binary" not in (await caller.admin("GET", "counts"))["resources"]["sandbox"]


async def test_row_35_a_document_is_read_as_what_it_was(caller: Caller) -> None:
    made = await caller.created(document())
    read = (await caller.call("GET", f"DocumentReference/{made.identity}")).json
    attachment = read["content"][0]["attachment"]
    assert "data" not in attachment
    native = await caller.call("GET", attachment["url"], Accept="application/xml")
    assert (native.content, native.headers["content-type"]) == (
        CCDA, "application/xml;charset=utf-8",
    )  # fmt: skip
    assert (await caller.call("GET", attachment["url"])).json["resourceType"] == "Binary"
    assert (await caller.call("GET", attachment["url"], Accept="image/png")).status == 406


async def test_a_document_is_replaced_and_voided(caller: Caller) -> None:
    made = await caller.created(document())
    path = f"DocumentReference/{made.identity}"
    body = document(id=made.identity, docStatus="amended")
    plain = {**body, "content": attached(contentType="text/plain;charset=utf-8")}
    assert (await caller.call("PUT", path, plain, If_Match=made.etag)).status == 422
    done = await caller.call("PUT", path, body, If_Match=made.etag)
    assert done.status == 200
    void = {**body, "status": "entered-in-error"}
    assert (await caller.call("PUT", path, void, If_Match=done.etag)).status == 200
    read = (await caller.call("GET", path)).json
    assert (read["status"], read["docStatus"]) == ("entered-in-error", "entered-in-error")


async def test_row_41_modifiers_are_refused_with_their_own_codes(caller: Caller) -> None:
    modifier = [{"url": "urn:x", "valueBoolean": True}]
    assert (await refused(caller, observation(CANARY, modifierExtension=modifier)))[0] == (
        "extension"
    )
    issue = await refused(caller, observation(CANARY, implicitRules="urn:x"))
    assert issue[0] == "not-supported"
