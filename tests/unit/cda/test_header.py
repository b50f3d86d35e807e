"""The facts of a document's header, read without the body."""

import pytest

from engine.cda.header import HEADER_BYTES_MAX, Related, read_header

HEADER = """\
<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc">
  <id root="2.16.840.1.113883.19.5.1" extension="D2"/>
  <code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/>
  <effectiveTime value="20240131101500-0600"/>
  <setId root="2.16.840.1.113883.19.5.2" extension="S1"/>
  <versionNumber value="2"/>
  <recordTarget><patientRole>
    <id root="2.16.840.1.113883.19.5.3" extension="N100"/>
    <id nullFlavor="UNK"/>
    <id root="2.16.840.1.113883.19.5.4" extension="77"/>
  </patientRole></recordTarget>
  <author><assignedAuthor><id root="1.2"/><representedOrganization>
    <id root="2.16.840.1.113883.19.5.6"/></representedOrganization></assignedAuthor></author>
  <custodian><assignedCustodian><representedCustodianOrganization>
    <id root="2.16.840.1.113883.19.5.5" extension="NORTHVALE"/>
  </representedCustodianOrganization></assignedCustodian></custodian>
  <relatedDocument typeCode="RPLC"><parentDocument>
    <id root="2.16.840.1.113883.19.5.1" extension="D1"/></parentDocument></relatedDocument>
"""
BODY = "<component><structuredBody><component><section/></component></structuredBody></component>"
WHOLE = f"{HEADER}{BODY}</ClinicalDocument>"


def test_the_facts_of_the_header_are_read() -> None:
    facts = read_header(WHOLE.encode())
    assert facts.problems == ()
    assert facts.identifier == ("2.16.840.1.113883.19.5.1", "D2")
    assert facts.set_id == ("2.16.840.1.113883.19.5.2", "S1")
    assert (facts.version_number, facts.code) == ("2", "34133-9")
    assert facts.effective_time == "20240131101500-0600"
    assert [extension for _, extension in facts.patients] == ["N100", "77"]
    assert facts.sender == "2.16.840.1.113883.19.5.5^NORTHVALE"
    parent = ("2.16.840.1.113883.19.5.1", "D1")
    assert facts.related == (Related(kind="RPLC", identifier=parent),)


def test_without_a_custodian_the_author_s_organisation_is_the_sender() -> None:
    text = WHOLE.replace("custodian>", "informant>")
    assert read_header(text.encode()).sender == "2.16.840.1.113883.19.5.6"


def test_the_body_is_not_looked_at() -> None:
    broken = f"{HEADER}<component><structuredBody><section <<< ".encode()
    assert read_header(broken).identifier[1] == "D2"
    assert read_header(broken).problems == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_and_wrong_labels_do_not_hide_the_facts(encoding: str) -> None:
    text = WHOLE.replace('encoding="UTF-8"', "").replace("<setId", "<title>Zürich</title><setId")
    facts = read_header(text.encode(encoding))
    assert (facts.identifier[1], facts.set_id[1]) == ("D2", "S1")


def test_documents_in_no_namespace_and_with_undeclared_prefixes_are_read() -> None:
    text = WHOLE.replace(' xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc"', "")
    text = text.replace("<setId", '<sdtc:statusCode code="x"/><setId')
    assert read_header(text.encode()).set_id[1] == "S1"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "D301"),
        (b" \r\n ", "D301"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><ClinicalDocument/>', "D303"),
        (b"<ClinicalDocument", "D304"),
        (b"<ClinicalDocument><id root='1'></title></ClinicalDocument>", "D304"),
        (b"<a>" * 100_000, "D304"),
        (b"<Patient/>", "D308"),
    ],
)
def test_what_is_no_document_is_said_with_a_code(raw: bytes, code: str) -> None:
    assert [problem.code for problem in read_header(raw).problems] == [code]


def test_a_header_without_end_is_read_up_to_its_limit() -> None:
    raw = HEADER.encode() + b"<informant/>" * (HEADER_BYTES_MAX // 6)
    assert read_header(raw).identifier[1] == "D2"


def test_no_value_of_the_document_is_in_a_problem() -> None:
    raw = HEADER.replace("<setId", "<title>Secretname</wrong><setId").encode()
    assert "Secretname" not in str(read_header(raw).problems)
