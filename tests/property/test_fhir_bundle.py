"""Bundles of any entries: every reference leads somewhere, nothing is lost, nothing is changed."""

import copy
import json
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from engine.fhir.bundle import Entry, check_references, encode_bundle
from engine.fhir.identity import resource_id

Json = dict[str, Any]

TYPES = ("Patient", "Basic", "Encounter")
CAPABILITIES = (
    "transaction",
    "batch",
    "update-create",
    "conditional-update",
    "conditional-create",
    "conditional-reference",
)


def name_of(number: int) -> tuple[str, str]:
    resource_type = TYPES[number % len(TYPES)]
    return resource_type, resource_id("urn:oid:2.999", resource_type, [str(number)])


@st.composite
def entry_lists(draw: st.DrawFn) -> list[Entry]:
    """Up to six entries that refer to each other, now and then to one that is not there."""
    numbers = draw(st.lists(st.integers(0, 5), min_size=1, max_size=6))
    made = []
    for number in numbers:
        resource_type, identity = name_of(number)
        targets = draw(st.lists(st.integers(0, 6), max_size=3))
        resource: Json = {"resourceType": resource_type, "language": draw(st.text(max_size=5))}
        resource["extension"] = [
            {"url": "u", "valueReference": {"reference": "/".join(name_of(target))}}
            for target in targets
        ]
        value = draw(st.text(max_size=4))
        identifier = draw(st.sampled_from([None, ("urn:oid:2.999.1", value)]))
        made.append(Entry(resource=resource, resource_id=identity, identifier=identifier))
    return made


def allowed(chosen: dict[str, Any]) -> dict[str, Any]:
    """With what `engine check` demands (C431): to update by our own id a server creates by it."""
    if chosen["identity"] == "update":
        return chosen | {"capabilities": chosen["capabilities"] | {"update-create"}}
    return chosen


options = st.fixed_dictionaries(
    {
        "interaction": st.sampled_from(["transaction", "batch", "single"]),
        "identity": st.sampled_from(["update", "conditional", "create"]),
        "capabilities": st.frozensets(st.sampled_from(CAPABILITIES)),
    }
).map(allowed)


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["reference"]] if "reference" in value else []
    return own + [found for item in value.values() for found in references(item)]


@given(entries=entry_lists(), chosen=options)
def test_the_same_entries_make_the_same_bytes_and_stay_as_they_are(
    entries: list[Entry], chosen: Any
) -> None:
    before = copy.deepcopy(entries)
    first = encode_bundle(entries, **chosen)
    assert encode_bundle(entries, **chosen) == first
    assert entries == before


@given(entries=entry_lists(), chosen=options)
def test_every_reference_of_a_transaction_is_a_full_url_or_reported(
    entries: list[Entry], chosen: Any
) -> None:
    encoded = encode_bundle(entries, **chosen)
    bundle = json.loads(encoded.body)
    if bundle["type"] != "transaction":
        return
    full_urls = {entry["fullUrl"] for entry in bundle["entry"]}
    left = [found for found in references(bundle) if found not in full_urls]
    dangling = [found for found in encoded.diagnostics if found.code == "F630"]
    assert bool(left) == bool(dangling)
    assert dangling == list(check_references(entries))


@given(entries=entry_lists(), chosen=options)
def test_outside_a_transaction_no_reference_needs_the_bundle(
    entries: list[Entry], chosen: Any
) -> None:
    encoded = encode_bundle(entries, **chosen)
    bundle = json.loads(encoded.body)
    if bundle["type"] == "transaction":
        return
    assert not [found for found in references(bundle) if found.startswith("urn:")]
    if any(found.code in ("F630", "F637") for found in encoded.diagnostics):
        return
    written = {entry["request"]["url"].partition("?")[0] for entry in bundle["entry"]}
    for found in references(bundle):
        # A search finds what was written by the same search, or created with the identifier.
        assert found.partition("?")[0] in written


@given(entries=entry_lists(), chosen=options)
def test_no_resource_is_lost_and_none_is_written_twice(entries: list[Entry], chosen: Any) -> None:
    bundle = json.loads(encode_bundle(entries, **chosen).body)
    given_ids = {entry.resource_id for entry in entries}
    written = [str(UUID(entry["fullUrl"].removeprefix("urn:uuid:"))) for entry in bundle["entry"]]
    assert len(written) == len(set(written))
    assert set(written) <= given_ids
    if chosen["identity"] == "update":
        assert set(written) == given_ids
    searches = [
        entry["request"]["url"] for entry in bundle["entry"] if entry["request"]["method"] == "PUT"
    ]
    assert len(searches) == len(set(searches))
