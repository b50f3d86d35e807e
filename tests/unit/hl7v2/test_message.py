"""Segments and messages as values: lazily split, addressed as in the standard."""

from engine.hl7v2.delimiters import STANDARD
from engine.hl7v2.message import Message, Segment


def segment(text, index=0, start=0):
    return Segment(text[:3], text, index, start, "|")


def test_fields_are_split_once():
    found = segment("PID|1||7")
    assert found.fields is found.fields
    assert found.fields == ["PID", "1", "", "7"]


def test_a_header_segment_counts_its_separator_as_field_one():
    for name in ("MSH", "BHS", "FHS"):
        found = segment(f"{name}|^~\\&|LAB")
        assert found.fields == [name, "|", "^~\\&", "LAB"]
        assert [found.field_start(number) for number in range(4)] == [0, 3, 4, 9]


def test_a_segment_without_fields_has_its_name():
    assert segment("PV1").fields == ["PV1"]
    assert segment("PV1").field(1) == ""


def test_field_starts_count_from_the_message():
    assert segment("PID|1||7", index=2, start=100).field_start(3) == 107


def test_a_message_lists_segments_by_name_in_order():
    parts = [segment("MSH|^~\\&"), segment("OBX|1"), segment("NTE|1"), segment("OBX|2")]
    message = Message(
        text="",
        segments=parts,
        delimiters=STANDARD,
        codec="utf-8",
        raw=b"",
        structure="",
        version="",
    )
    assert message.segment_list("OBX") == [parts[1], parts[3]]
    assert message.header_segment is parts[0]
    assert message.segment_list("ZZZ") == []
