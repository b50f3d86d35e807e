"""Faults that senders really make in the XML of a document, and what is said of them."""

from engine.cda.reader import parse_document

ROOT = b'<ClinicalDocument xmlns="urn:hl7-org:v3" %s><id root="2.16.840.1.113883.19.5"/>%s'


def test_a_schema_location_declared_as_a_namespace_is_left_out_and_told() -> None:
    raw = ROOT % (b'xmlns:schemaLocation="urn:hl7-org:v3 CDA.xsd"', b"</ClinicalDocument>")
    parsed = parse_document(raw)
    assert parsed.document is not None
    assert [one.code for one in parsed.diagnostics] == ["D313"]
    assert parsed.document.raw == raw


def test_prefixes_that_are_used_and_not_declared_are_declared_and_told() -> None:
    body = b'<value xsi:type="ST"/><sdtc:statusCode code="active"/></ClinicalDocument>'
    parsed = parse_document(ROOT % (b"", body))
    assert parsed.document is not None
    assert [one.code for one in parsed.diagnostics] == ["D309", "D309"]
