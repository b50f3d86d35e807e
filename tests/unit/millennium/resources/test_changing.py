"""Changing what the server has: patches and replacements, by example and by property."""

from copy import deepcopy
from typing import Any

from composed import shipped_calls
from hypothesis import given
from hypothesis import strategies as st

from engine.millennium.resources.comparing import says
from engine.millennium.resources.patching import patch_of
from engine.millennium.resources.replacing import replacement_of

Json = dict[str, Any]

PATIENT = shipped_calls().rules["Patient"]
ENCOUNTER = shipped_calls().rules["Encounter"]
OBSERVATION = shipped_calls().rules["Observation"]
SERVER: Json = {
    "resourceType": "Patient",
    "id": "12742399",
    "identifier": [
        {"id": "CI-1", "system": "urn:oid:1.2", "value": "4711", "type": {"text": "MRN"}},
    ],
    "name": [
        {"id": "CI-N", "use": "official", "family": "Okafor", "given": ["Adaeze", "N"]},
    ],
    "telecom": [{"id": "CI-PH", "system": "phone", "use": "home", "value": "555-0100"}],
    "address": [{"id": "CI-A", "use": "home", "line": ["1 Old Road"], "city": "Northvale"}],
    "gender": "female",
    "maritalStatus": {
        "coding": [
            {"system": "https://fhir.cerner.com/t/codeSet/38", "code": "309318"},
            {"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"},
        ],
        "text": "Married",
    },
}


def applied(resource: Json, operations: list[Json]) -> Json:
    """RFC 6902, with `test`, as far as patches here go."""
    found = deepcopy(resource)
    for one in operations:
        *steps, last = one["path"].strip("/").split("/")
        holder: Any = found
        for step in steps:
            if isinstance(holder, list):
                holder = holder[int(step)]
            else:
                holder = holder.setdefault(step, [] if last == "-" else {})
        key: Any = int(last) if isinstance(holder, list) and last != "-" else last
        if one["op"] == "test":
            assert holder[key] == one["value"]
        elif one["op"] == "remove":
            del holder[key]
        elif last == "-":
            holder.append(one["value"])
        else:
            holder[key] = one["value"]
    return found


def test_a_new_number_is_put_where_the_old_one_stands_after_its_id_was_tested():
    wanted = {
        "resourceType": "Patient",
        "telecom": [{"system": "phone", "use": "home", "value": "555-0199"}],
    }
    assert patch_of(SERVER, wanted, PATIENT).operations == [
        {"op": "test", "path": "/telecom/0/id", "value": "CI-PH"},
        {"op": "replace", "path": "/telecom/0/value", "value": "555-0199"},
    ]


def test_what_the_server_says_in_its_own_words_needs_no_patch():
    wanted = {
        "resourceType": "Patient",
        "identifier": [
            {"assigner": {"reference": "Organization/1"}},
            {"system": "urn:oid:1.2", "value": "4711", "type": {"coding": [{"code": "MR"}]}},
        ],
        "maritalStatus": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}
            ]
        },
        "gender": "female",
    }
    made = patch_of(SERVER, wanted, PATIENT)
    assert (made.operations, made.refused) == ([], [])


def test_identifiers_that_differ_in_leading_zeros_alone_are_one():
    wanted = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:oid:1.2", "value": "004711", "type": {"text": "MR"}}],
    }
    assert patch_of(SERVER, wanted, PATIENT).operations[0]["op"] == "add"
    same = patch_of(SERVER, wanted, PATIENT, normalise=lambda _system, value: value.lstrip("0"))
    assert [one["op"] for one in same.operations] == ["test", "replace"] or not same.operations


def test_what_no_pair_can_say_is_refused_by_name():
    made = patch_of(SERVER, {"resourceType": "Patient", "active": False}, PATIENT)
    assert made.operations == []
    assert [one.path for one in made.refused] == ["Patient.active"]


def test_a_visit_is_ended_and_its_status_refused():
    server = {
        "resourceType": "Encounter",
        "id": "97",
        "status": "in-progress",
        "period": {"start": "2026-01-05T08:00:00Z"},
        "serviceProvider": {"reference": "Organization/9"},
    }
    wanted = {
        "resourceType": "Encounter",
        "status": "finished",
        "period": {"start": "2026-01-05T08:00:00Z", "end": "2026-01-07T10:00:00Z"},
        "serviceProvider": {"reference": "Organization/1"},
    }
    made = patch_of(server, wanted, ENCOUNTER)
    end = {"op": "replace", "path": "/period/end", "value": "2026-01-07T10:00:00Z"}
    assert made.operations == [end]
    assert [one.path for one in made.refused] == ["Encounter.status"]


def test_deleted_elements_are_removed_from_behind_and_those_the_message_tells_stay():
    server = {
        **SERVER,
        "telecom": [
            {"id": "A", "system": "phone", "use": "home", "value": "1"},
            {"id": "B", "system": "phone", "use": "work", "value": "2"},
            {"id": "C", "system": "email", "use": "home", "value": "3"},
        ],
    }
    wanted = {
        "resourceType": "Patient",
        "telecom": [{"system": "phone", "use": "work", "value": "2"}],
    }
    made = patch_of(server, wanted, PATIENT, deletes=["telecom"])
    removed = [one["path"] for one in made.operations if one["op"] == "remove"]
    assert removed == ["/telecom/2", "/telecom/0"]
    assert applied(server, made.operations)["telecom"] == [server["telecom"][1]]


def test_an_extension_without_an_id_is_replaced_with_its_list_and_the_others_stay():
    race = {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"}
    sex = {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"}
    server = {**SERVER, "extension": [{**race, "valueString": "a"}, {**sex, "valueCode": "F"}]}
    wanted = {"resourceType": "Patient", "extension": [{**sex, "valueCode": "UNK"}]}
    made = patch_of(server, wanted, PATIENT)
    assert [one["path"] for one in made.operations] == ["/extension"]
    assert applied(server, made.operations)["extension"] == [
        {**race, "valueString": "a"},
        {**sex, "valueCode": "UNK"},
    ]


words = st.sampled_from(["Okafor", "Adaeze", "Lind", "N", "555-0100", "555-0199", "1 Old Road"])
uses = st.sampled_from(["home", "work", "temp"])
telecoms = st.builds(
    lambda use, system, value: {"use": use, "system": system, "value": value},
    uses,
    st.sampled_from(["phone", "email"]),
    words,
)
addresses = st.builds(
    lambda use, line, city: {"use": use, "line": [line], "city": city}, uses, words, words
)
identifiers = st.builds(
    lambda system, value: {"system": system, "value": value, "type": {"text": "MR"}},
    st.sampled_from(["urn:oid:1.2", "urn:oid:1.3"]),
    words,
)


def unique(items: Any, key: Any) -> Any:
    return st.lists(items, max_size=4, unique_by=key)


wanted_patients = st.fixed_dictionaries(
    {"resourceType": st.just("Patient")},
    optional={
        "identifier": unique(identifiers, lambda one: (one["system"], one["value"])),
        "telecom": unique(telecoms, lambda one: (one["system"], one["use"])),
        "address": unique(addresses, lambda one: one["use"]),
        "name": st.builds(
            lambda family, given: [{"use": "official", "family": family, "given": given}],
            words,
            st.lists(words, min_size=1, max_size=2),
        ),
        "gender": st.sampled_from(["female", "male", "other"]),
        "birthDate": st.just("1987-04-12"),
    },
)


def with_ids(patient: Json) -> Json:
    """A server's copy: an id for each element of a list."""
    found = deepcopy(patient)
    for key, items in found.items():
        for index, item in enumerate(items if isinstance(items, list) else ()):
            item["id"] = f"CI-{key}-{index}"
    return found


@given(wanted_patients.map(with_ids), wanted_patients)
def test_a_patch_makes_the_server_say_what_is_wanted_and_loses_nothing(
    present: Json, wanted: Json
) -> None:
    made = patch_of(present, wanted, PATIENT)
    after = applied(present, made.operations)
    refused = {one.path.split(".")[1] for one in made.refused}
    for key, value in wanted.items():
        if key in refused:
            continue
        if isinstance(value, list):
            assert all(any(says(one, item) for one in after.get(key, [])) for item in value)
        else:
            assert says(after.get(key), value)
    for key, value in present.items():
        if isinstance(value, list):
            kept = [one.get("id") for one in after[key]]
            assert [one["id"] for one in value] == kept[: len(value)]
        elif key not in wanted:
            assert after[key] == value
    assert patch_of(with_ids(after), wanted, PATIENT).operations == []


@given(wanted_patients.map(with_ids), wanted_patients)
def test_a_patch_uses_documented_pairs_alone_and_tests_each_element_first(
    present: Json, wanted: Json
) -> None:
    pairs = {(pair.operation, pair.path): pair for pair in PATIENT.patch}
    tested: set[str] = set()
    for one in patch_of(present, wanted, PATIENT).operations:
        steps = one["path"].strip("/").split("/")
        if one["op"] == "test":
            tested.add("/".join(steps[:2]))
            continue
        general = "/".join("{index}" if step.isdigit() else step for step in steps)
        pair = pairs.get((one["op"], one["path"])) or pairs[(one["op"], f"/{general}")]
        assert not pair.tested or "/".join(steps[:2]) in tested


# -- PUT --

GLUCOSE: Json = {
    "resourceType": "Observation",
    "id": "L-1",
    "meta": {"versionId": "3", "lastUpdated": "2026-01-05T08:00:00Z"},
    "identifier": [{"system": "https://fhir.cerner.com/ceuuid", "value": "CE1-1"}],
    "status": "final",
    "category": [{"coding": [{"system": "c", "code": "laboratory"}]}],
    "code": {"coding": [{"system": "s", "code": "1"}], "text": "Glucose"},
    "subject": {"reference": "Patient/1"},
    "valueQuantity": {"value": 98, "unit": "mg/dL"},
    "note": [{"text": "fasting"}],
}


def test_a_result_that_comes_again_with_another_value_is_amended_and_keeps_what_the_server_had():
    wanted = {
        "resourceType": "Observation",
        "status": "final",
        "valueString": "high",
        "note": [{"text": "repeated"}],
    }
    made = replacement_of(GLUCOSE, wanted, OBSERVATION)
    assert made.changed
    assert made.resource["status"] == "amended"
    assert "valueQuantity" not in made.resource
    assert made.resource["note"] == [{"text": "fasting"}, {"text": "repeated"}]
    assert made.resource["identifier"] == GLUCOSE["identifier"]
    assert "meta" not in made.resource


def test_the_same_result_again_changes_nothing_even_after_its_amendment():
    server = {**GLUCOSE, "status": "corrected"}
    made = replacement_of(server, {**GLUCOSE, "status": "final"}, OBSERVATION)
    assert not made.changed
    assert made.resource["status"] == "corrected"


def test_what_an_update_cannot_change_is_kept_and_said():
    wanted = {
        "resourceType": "Observation",
        "subject": {"reference": "Patient/2"},
        "valueQuantity": {"value": 99, "unit": "mg/dL"},
    }
    made = replacement_of(GLUCOSE, wanted, OBSERVATION)
    assert made.resource["subject"] == {"reference": "Patient/1"}
    assert made.resource["valueQuantity"]["value"] == 99
    assert [one.path for one in made.refused] == ["Observation.subject"]


json_values = st.recursive(
    st.one_of(words, st.booleans(), st.integers(0, 9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
resources = st.dictionaries(
    st.sampled_from(["note", "issued", "method", "extension", "subject", "code", "bodySite"]),
    json_values,
).map(lambda found: {"resourceType": "Observation", **found})


@given(resources, resources)
def test_a_replacement_never_lacks_an_element_of_the_server(present: Json, wanted: Json) -> None:
    before = deepcopy(present)
    made = replacement_of(present, wanted, OBSERVATION)
    assert present == before
    assert set(present) <= set(made.resource)
    for key, value in present.items():
        if key not in wanted or key in OBSERVATION.immutable:
            assert made.resource[key] == value
    if not made.changed:
        assert made.resource == present
