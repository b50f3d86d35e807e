"""What a thin message says is put into what the server has."""

from typing import Any

import pytest

from engine.fhir.updating import says_nothing_new, update

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
WORK = {"system": "phone", "value": "555 2", "use": "work"}
HOME = {"system": "phone", "value": "555 1", "use": "home"}
PRESENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"versionId": "3"},
    "identifier": [{"system": "urn:mrn", "value": "1"}],
    "birthDate": "1958-06-17",
    "telecom": [HOME, WORK],
    "address": [{"city": "Northvale"}],
    "deceasedBoolean": False,
    "extension": [
        {"url": "urn:religion", "valueString": "A"},
        {"url": "urn:birth-place", "valueString": "B"},
    ],
}


def patient(**said: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **said}


def test_what_the_message_does_not_say_stays() -> None:
    merged = update(PRESENT, patient(birthDate="1958-06-18"))
    assert merged == {**PRESENT, "birthDate": "1958-06-18"}


def test_a_list_of_the_message_replaces_the_server_s() -> None:
    assert update(PRESENT, patient(telecom=[HOME]))["telecom"] == [HOME]


def test_identifiers_are_united_by_system_and_value() -> None:
    said = patient(
        identifier=[
            {"system": "urn:visit", "value": "9"},
            {"system": "urn:mrn", "value": "1", "use": "usual"},
        ]
    )
    assert update(PRESENT, said)["identifier"] == [
        {"system": "urn:mrn", "value": "1", "use": "usual"},
        {"system": "urn:visit", "value": "9"},
    ]


def test_extensions_are_replaced_by_url() -> None:
    said = patient(extension=[{"url": "urn:religion", "valueString": "C"}])
    assert update(PRESENT, said)["extension"] == [
        {"url": "urn:religion", "valueString": "C"},
        {"url": "urn:birth-place", "valueString": "B"},
    ]


def test_links_are_united() -> None:
    present = {**PRESENT, "link": [{"other": {"reference": "Patient/a"}, "type": "replaces"}]}
    said = patient(link=[{"other": {"reference": "Patient/b"}, "type": "replaces"}])
    assert len(update(present, said)["link"]) == 2


def test_a_choice_is_there_once() -> None:
    merged = update(PRESENT, patient(deceasedDateTime="2026-01-01"))
    assert merged["deceasedDateTime"] == "2026-01-01"
    assert "deceasedBoolean" not in merged


def test_the_extensions_of_a_primitive_go_with_it() -> None:
    present = {**PRESENT, "_birthDate": {"extension": [{"url": "urn:x", "valueString": "y"}]}}
    assert "_birthDate" not in update(present, patient(birthDate="1959"))


def test_a_period_is_merged_inside() -> None:
    present = {
        "resourceType": "Encounter",
        "period": {"start": "2026-01-01T08:00:00Z", "end": "2026-01-03T08:00:00Z"},
    }
    said = {"resourceType": "Encounter", "period": {"start": "2026-01-01T09:00:00Z"}}
    merged = update(present, said)["period"]
    assert merged == {"start": "2026-01-01T09:00:00Z", "end": "2026-01-03T08:00:00Z"}
    later = {"resourceType": "Encounter", "period": {"start": "2026-02-01T09:00:00Z"}}
    assert update(present, later)["period"] == {"start": "2026-02-01T09:00:00Z"}


def test_a_backbone_element_is_merged_inside() -> None:
    present = {
        "resourceType": "Encounter",
        "hospitalization": {"admitSource": {"text": "door"}, "reAdmission": {"text": "R"}},
    }
    said = {"resourceType": "Encounter", "hospitalization": {"admitSource": {"text": "car"}}}
    assert update(present, said)["hospitalization"] == {
        "admitSource": {"text": "car"},
        "reAdmission": {"text": "R"},
    }


def test_participants_are_united_by_their_part() -> None:
    def participant(code: str, who: str) -> dict[str, Any]:
        return {"type": [{"coding": [{"code": code}]}], "individual": {"reference": who}}

    present = {
        "resourceType": "Encounter",
        "participant": [
            participant("ATND", "Practitioner/a"),
            participant("REF", "Practitioner/b"),
        ],
    }
    said = {"resourceType": "Encounter", "participant": [participant("ATND", "Practitioner/c")]}
    assert update(present, said)["participant"] == [
        participant("ATND", "Practitioner/c"),
        participant("REF", "Practitioner/b"),
    ]


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ("telecom", {"telecom": None}),
        ("telecom[use!=work]", {"telecom": [WORK]}),
        ("telecom[use=home]", {"telecom": [WORK]}),
        ("deceased", {"deceasedBoolean": None}),
        ("extension[url=urn:religion]", {"extension": [PRESENT["extension"][1]]}),
        ("nothing", {}),
        ("address[", {}),
    ],
)
def test_deletes_take_out_what_they_name(path: str, gone: dict[str, Any]) -> None:
    wanted = {**PRESENT, **gone}
    merged = update(PRESENT, patient(), [path])
    assert merged == {key: value for key, value in wanted.items() if value is not None}


def test_a_part_of_an_element_is_deleted_alone() -> None:
    present = {"resourceType": "Encounter", "period": {"start": "2026", "end": "2027"}}
    assert update(present, {"resourceType": "Encounter"}, ["period.end"])["period"] == {
        "start": "2026"
    }


def test_what_is_required_is_not_deleted() -> None:
    present = {"resourceType": "Encounter", "status": "planned"}
    assert update(present, {"resourceType": "Encounter"}, ["status"]) == present


def test_neither_argument_is_changed() -> None:
    before = repr(PRESENT)
    update(PRESENT, patient(telecom=[HOME]), ["address"])
    assert repr(PRESENT) == before


def test_versions_and_narratives_are_not_compared() -> None:
    assert says_nothing_new(PRESENT, {**PRESENT, "meta": {}, "text": {"status": "generated"}})
    assert not says_nothing_new(PRESENT, update(PRESENT, patient(gender="female")))


def test_what_the_message_only_says_to_be_unknown_stays_as_the_server_has_it() -> None:
    absent = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
    present = {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {"contentType": "text/plain", "data": "QQ=="}}],
    }
    said = {
        "resourceType": "DocumentReference",
        "status": "entered-in-error",
        "content": [{"attachment": absent}],
    }
    merged = update(present, said)
    assert merged["status"] == "entered-in-error"
    assert merged["content"] == present["content"]


@pytest.mark.parametrize(
    ("present", "said", "merged"),
    [
        ("finished", "in-progress", "finished"),
        ("cancelled", "planned", "cancelled"),
        ("finished", "cancelled", "cancelled"),
        ("planned", "in-progress", "in-progress"),
    ],
)
def test_a_message_that_says_a_part_of_a_visit_does_not_open_it_again(
    present: str, said: str, merged: str
) -> None:
    server = {"resourceType": "Encounter", "status": present, "class": {"code": "IMP"}}
    message = {"resourceType": "Encounter", "status": said, "class": {"code": "AMB"}}
    written = update(server, message)
    assert (written["status"], written["class"]) == (merged, {"code": "AMB"})


@pytest.mark.parametrize(
    ("present", "said", "merged"),
    [
        ("superseded", "current", "superseded"),
        ("current", "superseded", "superseded"),
        ("superseded", "entered-in-error", "entered-in-error"),
        ("entered-in-error", "current", "current"),
    ],
)
def test_an_older_version_that_comes_late_stays_superseded(
    present: str, said: str, merged: str
) -> None:
    server = {"resourceType": "DocumentReference", "status": present}
    assert update(server, {"resourceType": "DocumentReference", "status": said})["status"] == merged
