"""Which outputs would put older data over newer."""

from dataclasses import dataclass
from typing import Any

import orjson

from engine.pipeline.result import FHIR_JSON, HL7_V2
from engine.pipeline.staleness import Overwrite, overwrites


@dataclass
class Sent:
    message_id: int
    message_type: str
    content_type: str
    body: bytes


def bundle(*entries: tuple[str, str, dict[str, Any]]) -> bytes:
    found = [
        {"resource": resource, "request": {"method": method, "url": url}}
        for method, url, resource in entries
    ]
    return orjson.dumps({"resourceType": "Bundle", "entry": found})


def fhir(message_id: int, *entries: tuple[str, str, dict[str, Any]]) -> Sent:
    return Sent(message_id, "ADT^A08", FHIR_JSON, bundle(*entries))


OLD = ("PUT", "Patient/1", {"birthDate": "1970-01-01"})
NEW = ("PUT", "Patient/1", {"birthDate": "1970-01-02"})


def test_a_resource_that_was_updated_to_something_else_since_would_be_overwritten() -> None:
    later = [fhir(8, ("PUT", "Encounter/1", {"status": "finished"})), fhir(7, NEW)]
    found = overwrites(FHIR_JSON, bundle(OLD), "ADT^A01", later)
    assert found == Overwrite(message_id=7, what=("Patient/1",))


def test_the_same_content_again_overwrites_nothing_whatever_its_meta() -> None:
    same = ("PUT", "Patient/1", {**OLD[2], "meta": {"source": "#2"}})
    assert overwrites(FHIR_JSON, bundle(OLD), "ADT^A01", [fhir(7, same)]) is None


def test_what_is_created_only_where_there_is_none_overwrites_nothing() -> None:
    created = ("POST", "Patient", OLD[2])
    assert overwrites(FHIR_JSON, bundle(created), "ADT^A01", [fhir(7, NEW)]) is None


def test_a_merged_part_counts_as_an_update() -> None:
    marked = f"{FHIR_JSON}; merge=[[0,1]]"
    found = overwrites(marked, bundle(OLD), "ADT^A01", [fhir(7, NEW)])
    assert found is not None


def test_of_hl7_messages_any_later_one_of_the_type_counts() -> None:
    later = [Sent(9, "ORU^R01", HL7_V2, b"MSH"), Sent(8, "ADT^A03", HL7_V2, b"MSH")]
    found = overwrites(HL7_V2, b"MSH", "ADT^A01", later)
    assert found == Overwrite(message_id=8, what=("ADT",))
    assert overwrites(HL7_V2, b"MSH", "SIU^S12", later) is None


def test_bodies_that_cannot_be_read_overwrite_nothing() -> None:
    assert overwrites(FHIR_JSON, b"{", "ADT^A01", [fhir(7, NEW)]) is None
    broken = Sent(7, "ADT^A08", FHIR_JSON, b"[]")
    assert overwrites(FHIR_JSON, bundle(OLD), "ADT^A01", [broken]) is None
