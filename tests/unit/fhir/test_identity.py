"""Ids from business keys."""

from uuid import NAMESPACE_URL, UUID, uuid5

from engine.fhir.identity import resource_id

SOURCE = "urn:oid:2.999.1"


def test_an_id_is_a_version_5_uuid_of_source_type_and_key() -> None:
    made = resource_id(SOURCE, "Patient", ["urn:oid:2.999.2", "7"])
    namespace = uuid5(uuid5(NAMESPACE_URL, SOURCE), "Patient")
    assert made == str(uuid5(namespace, "15:urn:oid:2.999.21:7"))
    assert UUID(made).version == 5
    assert made == str(UUID(made))


def test_the_same_key_always_makes_the_same_id() -> None:
    assert resource_id(SOURCE, "Patient", ("a", "b")) == resource_id(SOURCE, "Patient", ["a", "b"])
    assert resource_id(SOURCE, "Patient", ["a"]) == "a6eb8fa8-b701-55aa-8ee6-be2e2d4679ca"


def test_keys_that_would_read_alike_when_joined_make_different_ids() -> None:
    keys = [("a", "b|c"), ("a|b", "c"), ("a|b|c",), ("a", "b", "c"), ("", "a|b|c"), ("1:a",)]
    assert len({resource_id(SOURCE, "Patient", key) for key in keys}) == len(keys)


def test_types_and_systems_never_share_an_id() -> None:
    made = {
        resource_id(SOURCE, "Patient", ["1"]),
        resource_id(SOURCE, "Person", ["1"]),
        resource_id("urn:oid:2.999.2", "Patient", ["1"]),
    }
    assert len(made) == 3


def test_text_that_is_not_unicode_makes_an_id_too() -> None:
    assert UUID(resource_id(SOURCE, "Patient", ["\ud800"]))
