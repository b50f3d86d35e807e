"""What is sent to a FHIR server."""

import copy
import json
from decimal import Decimal
from typing import Any

import pytest

from engine.fhir import bundle, checker
from engine.fhir.bundle import Entry, build_bundle, check_references, encode_bundle
from engine.fhir.identity import resource_id

Json = dict[str, Any]

ALL = frozenset(
    {"transaction", "batch", "update-create", "conditional-update", "conditional-create"}
)
MRN = ("urn:oid:2.999.1", "700 1")


def identity(name: str) -> str:
    return resource_id("urn:oid:2.999.9", "Any", [name])


PATIENT = identity("patient")
ENCOUNTER = identity("encounter")
OBSERVATION = identity("observation")


def entry(name: str, resource: Json, identifier: tuple[str, str] | None = None) -> Entry:
    return Entry(resource=resource, resource_id=identity(name), identifier=identifier)


def patient(**elements: Any) -> Entry:
    resource = {"resourceType": "Patient", "active": True, **elements}
    return entry("patient", resource, MRN)


def encounter() -> Entry:
    return entry(
        "encounter",
        {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {"code": "IMP"},
            "subject": {"reference": f"Patient/{PATIENT}", "display": "x"},
        },
        ("urn:oid:2.999.2", "V1"),
    )


def observation() -> Entry:
    return entry(
        "observation",
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": f"Patient/{PATIENT}"},
            "encounter": {"reference": f"Encounter/{ENCOUNTER}"},
            "valueQuantity": {"value": Decimal("1.50")},
        },
    )


def message() -> list[Entry]:
    return [observation(), encounter(), patient()]


def build(
    entries: list[Entry], interaction: str, identity: str, capabilities: frozenset[str] = ALL
) -> Json:
    return build_bundle(
        entries, interaction=interaction, identity=identity, capabilities=capabilities
    )


def codes_of(
    entries: list[Entry], interaction: str, identity: str, capabilities: frozenset[str] = ALL
) -> list[str]:
    encoded = encode_bundle(
        entries, interaction=interaction, identity=identity, capabilities=capabilities
    )
    return [found.code for found in encoded.diagnostics]


def requests(bundle: Json) -> list[str]:
    return [" ".join(each["request"].values()) for each in bundle["entry"]]


def test_a_transaction_of_updates() -> None:
    bundle = build(message(), "transaction", "update")
    assert bundle["type"] == "transaction"
    assert requests(bundle) == [
        f"PUT Observation/{OBSERVATION}",
        f"PUT Encounter/{ENCOUNTER}",
        f"PUT Patient/{PATIENT}",
    ]
    first, second, third = bundle["entry"]
    assert first["fullUrl"] == f"urn:uuid:{OBSERVATION}"
    assert first["resource"]["id"] == OBSERVATION
    assert first["resource"]["subject"] == {"reference": f"urn:uuid:{PATIENT}"}
    assert first["resource"]["encounter"] == {"reference": f"urn:uuid:{ENCOUNTER}"}
    assert second["resource"]["subject"]["display"] == "x"
    assert third["resource"] == {"resourceType": "Patient", "id": PATIENT, "active": True}
    assert codes_of(message(), "transaction", "update") == []


def test_a_transaction_of_conditional_updates() -> None:
    bundle = build(message(), "transaction", "conditional")
    assert requests(bundle) == [
        f"PUT Observation/{OBSERVATION}",  # it has no identifier: our id is its key
        "PUT Encounter?identifier=urn%3Aoid%3A2.999.2%7CV1",
        "PUT Patient?identifier=urn%3Aoid%3A2.999.1%7C700%201",
    ]
    assert "id" not in bundle["entry"][2]["resource"]
    assert bundle["entry"][0]["resource"]["subject"] == {"reference": f"urn:uuid:{PATIENT}"}


def test_a_transaction_of_creates() -> None:
    bundle = build(message(), "transaction", "create")
    assert requests(bundle) == [
        "POST Observation",
        "POST Encounter identifier=urn%3Aoid%3A2.999.2%7CV1",
        "POST Patient identifier=urn%3Aoid%3A2.999.1%7C700%201",
    ]
    assert all("id" not in each["resource"] for each in bundle["entry"])


@pytest.mark.parametrize("interaction", ["batch", "single"])
def test_outside_a_transaction_updates_refer_by_id_and_targets_come_first(
    interaction: str,
) -> None:
    bundle = build(message(), interaction, "update")
    assert bundle["type"] == "batch"
    assert requests(bundle) == [
        f"PUT Patient/{PATIENT}",
        f"PUT Encounter/{ENCOUNTER}",
        f"PUT Observation/{OBSERVATION}",
    ]
    assert bundle["entry"][2]["resource"]["subject"] == {"reference": f"Patient/{PATIENT}"}


def test_outside_a_transaction_conditional_references_stand_for_conditional_updates() -> None:
    capabilities = ALL | {"conditional-reference"}
    bundle = build(message(), "single", "conditional", capabilities)
    assert bundle["entry"][1]["resource"]["subject"] == {
        "reference": "Patient?identifier=urn%3Aoid%3A2.999.1%7C700%201",
        "display": "x",
    }
    assert codes_of(message(), "single", "conditional", capabilities) == []


def test_without_conditional_references_the_identifier_stands_alone_and_it_is_said() -> None:
    bundle = build(message(), "batch", "conditional")
    assert bundle["entry"][1]["resource"]["subject"] == {
        "type": "Patient",
        "identifier": {"system": MRN[0], "value": MRN[1]},
        "display": "x",
    }
    assert codes_of(message(), "batch", "conditional") == ["F636"] * 3


def test_a_reference_that_cannot_be_expressed_is_an_error() -> None:
    listed = [entry("patient", patient().resource), observation()]
    assert codes_of(listed, "single", "create") == ["F637", "F630"]
    assert codes_of([entry("patient", patient().resource), encounter()], "single", "create") == [
        "F637"
    ]


def test_a_server_without_transactions_gets_a_batch_and_it_is_said() -> None:
    capabilities = ALL - {"transaction"}
    assert build(message(), "transaction", "update", capabilities)["type"] == "batch"
    assert codes_of(message(), "transaction", "update", capabilities) == ["F631"]


def test_each_fallback_names_the_type_it_is_about() -> None:
    capabilities = ALL - {"conditional-update"}
    encoded = encode_bundle(
        message(), interaction="transaction", identity="conditional", capabilities=capabilities
    )
    places = [(found.code, found.place.path) for found in encoded.diagnostics]
    assert places == [("F632", "Encounter"), ("F632", "Patient")]


def test_entries_of_one_id_are_merged_into_the_first() -> None:
    listed = [patient(gender="female"), encounter(), patient(birthDate="1970", gender="male")]
    bundle = build(listed, "transaction", "update")
    assert len(bundle["entry"]) == 2
    assert bundle["entry"][0]["resource"]["gender"] == "female"
    assert bundle["entry"][0]["resource"]["birthDate"] == "1970"


@pytest.mark.parametrize("interaction", ["transaction", "single"])
def test_entries_that_one_search_would_find_are_one(interaction: str) -> None:
    other = entry("other", {"resourceType": "Patient", "birthDate": "1970"}, MRN)
    report = entry(
        "report",
        {"resourceType": "Basic", "code": {"text": "x"}}
        | {"subject": {"reference": f"Patient/{other.resource_id}"}},
    )
    capabilities = ALL | {"conditional-reference"}
    bundle = build([patient(), other, report], interaction, "conditional", capabilities)
    assert len(bundle["entry"]) == 2
    assert bundle["entry"][0]["resource"]["birthDate"] == "1970"
    reference = bundle["entry"][1]["resource"]["subject"]["reference"]
    expected = {
        "transaction": f"urn:uuid:{PATIENT}",
        "single": "Patient?identifier=urn%3Aoid%3A2.999.1%7C700%201",
    }
    assert reference == expected[interaction]
    # by derived id they stay two
    assert len(build([patient(), other, report], interaction, "update")["entry"]) == 3


def test_the_bytes_depend_on_the_arguments_alone() -> None:
    first = encode_bundle(
        message(),
        interaction="transaction",
        identity="update",
        capabilities=ALL,
        timestamp="2024-02-29T10:00:00Z",
    )
    listed = message()
    before = copy.deepcopy(listed)
    again = encode_bundle(
        listed,
        interaction="transaction",
        identity="update",
        capabilities=frozenset(sorted(ALL, reverse=True)),
        timestamp="2024-02-29T10:00:00Z",
    )
    assert first == again
    assert listed == before
    assert json.loads(first.body)["timestamp"] == "2024-02-29T10:00:00Z"


def test_decimals_keep_their_digits() -> None:
    encoded = encode_bundle(
        message(), interaction="transaction", identity="update", capabilities=ALL
    )
    assert b'"value":1.50}' in encoded.body


def test_what_json_cannot_hold_is_a_bug() -> None:
    with pytest.raises(TypeError):
        build([patient(active={1})], "transaction", "update")


@pytest.mark.parametrize("interaction", ["transaction", "batch", "single"])
@pytest.mark.parametrize("how", ["update", "conditional", "create"])
def test_every_bundle_is_valid(interaction: str, how: str) -> None:
    for capabilities in (ALL, ALL | {"conditional-reference"}, ALL - {"conditional-update"}):
        bundle = build(message(), interaction, how, capabilities)
        assert checker.check(bundle) == ()


def test_no_entries_make_an_empty_bundle() -> None:
    assert build([], "transaction", "update") == {"resourceType": "Bundle", "type": "transaction"}


def test_a_reference_to_nothing_is_an_error_with_its_path() -> None:
    found = check_references([observation(), patient()])
    assert [(each.code, each.place.path) for each in found] == [
        ("F630", "Observation.encounter.reference")
    ]
    assert codes_of([observation(), patient()], "transaction", "update") == ["F630"]
    assert check_references(message()) == ()


@pytest.mark.parametrize(
    "reference",
    [f"urn:uuid:{PATIENT}", "https://example.org/Patient/1", "#p", "Patient?identifier=a"],
)
def test_other_forms_of_reference_are_left_alone(reference: str) -> None:
    listed = [
        entry("basic", {"resourceType": "Basic", "subject": {"reference": reference}}),
    ]
    bundle = build(listed, "transaction", "update")
    assert bundle["entry"][0]["resource"]["subject"]["reference"] == reference
    assert codes_of(listed, "transaction", "update") == []


def test_text_that_looks_like_a_reference_is_not_one() -> None:
    text = f'"reference":"Patient/{PATIENT}"'
    listed = [patient(name=[{"text": text}]), entry("basic", {"resourceType": "Basic"})]
    bundle = build(listed, "transaction", "update")
    assert bundle["entry"][0]["resource"]["name"][0]["text"] == text
    assert codes_of(listed, "transaction", "update") == []


def test_resources_that_refer_to_each_other_keep_their_order() -> None:
    left = entry("left", {"resourceType": "Basic", "subject": {}})
    right = entry("right", {"resourceType": "Basic", "subject": {}})
    left.resource["subject"]["reference"] = f"Basic/{right.resource_id}"
    right.resource["subject"]["reference"] = f"Basic/{left.resource_id}"
    bundle = build([left, right], "batch", "update")
    assert [each["resource"]["id"] for each in bundle["entry"]] == [
        right.resource_id,
        left.resource_id,
    ]


@pytest.mark.parametrize("interaction", ["transaction", "batch"])
def test_large_entries_are_written_as_small_ones(
    interaction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = {"reference": "Patient/nobody"}
    entries = [*message(), entry("note", {"resourceType": "Basic", "subject": nobody})]
    small = encode_bundle(
        entries, interaction=interaction, identity="update", capabilities=ALL, merging=True
    )
    monkeypatch.setattr(bundle, "LARGE_BYTES", 0)
    large = encode_bundle(
        entries, interaction=interaction, identity="update", capabilities=ALL, merging=True
    )
    assert large == small
    assert "F630" in {found.code for found in large.diagnostics}


@pytest.mark.parametrize("data", ["QUJD" * 20, 'odd "text" \\', "é"])
def test_a_large_attachment_is_written_as_a_small_one(
    data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = {"reference": "Patient/nobody"}
    content = [
        {"attachment": {"contentType": "text/xml", "data": data, "title": "a"}},
        {"attachment": {"data": "QUJD"}},
    ]
    resource = {"resourceType": "DocumentReference", "subject": subject, "content": content}
    entries = [*message(), entry("one", resource), entry("two", {"resourceType": "Basic"})]
    small = encode_bundle(
        entries, interaction="transaction", identity="update", capabilities=ALL, merging=True
    )
    monkeypatch.setattr(bundle, "COPIED_CHARACTERS_MAX", 0)
    large = encode_bundle(
        entries, interaction="transaction", identity="update", capabilities=ALL, merging=True
    )
    assert large == small
    assert resource["content"] == content
