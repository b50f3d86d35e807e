"""Conditions of a channel read a document's header by the fields of MSH and PID."""

from engine.cda.header import DocumentHeader, read_header
from engine.channel.documents import FIELDS
from engine.channel.filter import compile_filter
from engine.hl7v2.parser import parse
from engine.pipeline.document_message import as_message
from engine.runtime.intake.document_header import as_header

RAW = b"""\
<ClinicalDocument xmlns="urn:hl7-org:v3">
<templateId root="1.2.22" extension="2015-08-01"/><templateId root="1.2.1"/>
<id root="1.1" extension="D|2"/><code code="34133-9"/>
<effectiveTime value="20240131101500-0600"/><versionNumber value="2"/>
<recordTarget><patientRole><id root="1.3" extension="N100"/><id root="1.4"/><patient>
<name><given>Elspeth</given><given>Jane</given><family>Fairbrother &amp; Sons</family></name>
<name>Elsie</name><administrativeGenderCode code="F"/><birthTime value="19580617"/>
</patient></patientRole></recordTarget>
<custodian><assignedCustodian><representedCustodianOrganization><id root="1.5" extension="H1"/>
</representedCustodianOrganization></assignedCustodian></custodian>
<component/></ClinicalDocument>"""
MESSAGE = as_message(read_header(RAW), RAW)


def holds(condition: str) -> bool:
    compiled = compile_filter(condition)
    assert compiled.problems == ()
    return compiled(MESSAGE)


def test_header_is_read_by_the_fields_where_messages_say_the_same() -> None:
    for condition in (
        'MSH-4.1 = "1.5" and MSH-4.2 = "H1"',  # custodian
        'MSH-7 >= "20240101" and MSH-12 = "2"',  # effectiveTime, versionNumber
        'MSH-9.1 = "CDA" and MSH-9.2 = "34133-9"',  # code
        'MSH-10 = "1.1^D|2"',  # id
        'MSH-21.3 = "1.2.22" and MSH-21.1 = "2015-08-01"',  # templateId
        'PID-3.1 = "N100" and PID-3.1 = "1.4" and PID-3.4.2 = "1.3"',  # patientRole/id
        'PID-5.1 = "Fairbrother & Sons" and PID-5.2 = "Elspeth" and PID-5.3 = "Jane"',
        'PID-5.1 = "Elsie" and PID-7 = "19580617" and PID-8 = "F"',
    ):
        assert holds(condition), condition


def test_what_no_document_has_reads_as_nothing() -> None:
    assert holds("PV1 not valued and MSH-3 not valued and PID-18 not valued")


def test_fields_filled_are_those_that_the_check_of_channels_knows() -> None:
    filled = {
        segment.name: {number for number, text in enumerate(segment.fields) if number > 2 and text}
        for segment in MESSAGE.segments
    }
    assert filled == FIELDS


def test_message_written_out_is_read_the_same() -> None:
    again = parse(MESSAGE.text.encode()).message
    assert again is not None
    assert [one.text for one in again.segments] == [one.text for one in MESSAGE.segments]


def test_message_agrees_with_the_header_that_intake_keeps() -> None:
    kept = as_header(read_header(RAW), RAW)
    header = MESSAGE.header_segment
    assert [header.field(number) for number in (4, 7, 9, 12)] == [
        kept.field(number) for number in (4, 7, 9, 12)
    ]


def test_header_that_cannot_be_read_gives_empty_fields() -> None:
    found = as_message(DocumentHeader(), b"<a/>")
    assert [one.name for one in found.segments] == ["MSH"]
    assert found.header_segment.field(9) == "CDA"
