"""The header peek: everything intake needs from bytes alone, whatever the bytes are."""

import pytest

from engine.hl7v2.header import peek, peek_fields

MSH = (
    b"MSH|^~\\&|LAB^1.2^ISO|NORTH|EHR|SOUTH|20240102030405||ADT^A01^ADT_A01|ID7|P|2.5.1|12||AL|NE"
    b"||UNICODE UTF-8"
)


def test_every_part_of_msh_is_named():
    found = peek(MSH + b"\rPID|1\r")
    assert found.readable
    assert found.sending_application == "LAB"  # MSH-3.1
    assert found.sending_facility == "NORTH"  # MSH-4
    assert found.receiving_application == "EHR"  # MSH-5
    assert found.receiving_facility == "SOUTH"  # MSH-6
    assert found.timestamp == "20240102030405"  # MSH-7
    assert (found.message_code, found.trigger_event) == ("ADT", "A01")  # MSH-9
    assert found.structure == "ADT_A01"  # MSH-9.3
    assert found.message_type == "ADT^A01"
    assert found.control_id == "ID7"  # MSH-10
    assert found.control_id_bytes == b"ID7"
    assert found.processing_id == "P"  # MSH-11
    assert found.version == "2.5.1"  # MSH-12
    assert found.sequence_number == "12"  # MSH-13
    assert (found.accept_type, found.application_type) == ("AL", "NE")  # MSH-15, MSH-16
    assert (found.charset, found.codec) == ("UNICODE UTF-8", "utf-8")  # MSH-18
    assert found.field_separator == b"|"  # MSH-1
    assert found.encoding_characters == b"^~\\&"  # MSH-2
    assert found.diagnostics == ()


def test_absent_parts_are_empty():
    found = peek(b"MSH|^~\\&|A\r")
    assert found.control_id == ""
    assert found.message_type == ""
    assert found.accept_type == ""
    assert [problem.code for problem in found.diagnostics] == ["H228", "H226"]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b""])
def test_msh_ends_at_any_line_end(end):
    assert peek(MSH + end + b"PID|1" * bool(end)).codec == "utf-8"
    assert peek(MSH + end).charset == "UNICODE UTF-8"  # MSH-18


@pytest.mark.parametrize("before", [b"\x0b", b"\xef\xbb\xbf", b"\r\n", b"junk\r", b"FHS|^~\\&\r"])
def test_msh_is_found_behind_what_stands_before_it(before):
    found = peek(before + MSH + b"\r")
    assert found.control_id == "ID7"
    assert found.start == len(before)


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"MSH", b"hello", b"\x00" * 99, b"PID|1\rMS"])
def test_what_has_no_msh_is_not_readable(raw):
    found = peek(raw)
    assert not found.readable
    assert found.diagnostics
    assert found.control_id == "" and found.field(1) == ""


def test_odd_delimiters_are_read_from_msh():
    found = peek(b"MSH#!*?$#A!x#B###2024##ADT!A04#9#P#2.5\r")
    assert found.message_type == "ADT^A04"
    assert found.sending_application == "A"
    assert found.field_separator == b"#"


def test_control_id_bytes_are_exact_in_any_character_set():
    latin = "MSH|^~\\&|A|B|C|D|2024||ADT^A01|Né1|P|2.5||||||8859/1\r".encode("latin-1")
    found = peek(latin)
    assert found.control_id == "Né1"
    assert found.control_id_bytes == "Né1".encode("latin-1")
    undeclared = b"MSH|^~\\&|A|B|C|D|2024||ADT^A01|N\xe9\xff|P|2.5\r"
    assert peek(undeclared).control_id_bytes == b"N\xe9\xff"


def test_a_yen_sign_may_be_the_escape_character():
    found = peek("MSH|^~¥&|A|B|C|D|2024||ADT^A08|1|P|2.5||||||~ISO IR87\r".encode())
    assert found.delimiters.escape == "¥"
    assert found.charsets == "~ISO IR87"


def test_jis_in_msh_is_decoded_before_it_is_split():
    text = "MSH|^~\\&|検査|B|C|D|2024||ADT^A08|N1|P|2.5||||||~ISO IR87\r"
    raw = text.encode("iso2022_jp")
    assert raw.count(b"|") > text.count("|") or b"^" in raw
    found = peek(raw)
    assert found.sending_application == "検査"  # MSH-3
    assert found.control_id_bytes == b"N1"


def test_a_message_in_utf_16_can_be_answered():
    assert peek(MSH.decode().encode("utf-16")).control_id == "ID7"


def test_a_wide_set_that_the_bytes_disprove_is_not_used_for_the_answer():
    assert peek(MSH.replace(b"UTF-8", b"UTF-16") + b"\r").codec == "utf-8"


def test_an_endless_msh_is_cut():
    found = peek(b"MSH|^~\\&|" + b"A" * 1_000_000)
    assert len(found.sending_application) < 20_000


def test_fields_of_other_segments_are_read_without_parsing():
    raw = MSH + b"\rPID|1||77^^^H^MR~78||Doe\rPV1|1|I\rPID|2||99\r"
    wanted = (("PID", 3), ("PV1", 19), ("MRG", 1))
    assert peek_fields(raw, wanted) == ("77^^^H^MR~78", "", "")


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_fields_are_read_whatever_ends_the_segments(end):
    raw = end.join([MSH, b"PID|1||77", b"MRG|88", b""])
    assert peek_fields(raw, (("PID", 3), ("MRG", 1))) == ("77", "88")


def test_only_the_first_repetition_counts():
    assert peek(MSH.replace(b"LAB^1.2^ISO", b"ONE^x~TWO") + b"\r").sending_application == "ONE"


def test_a_line_feed_ends_msh_though_a_cr_follows_later():
    assert peek(MSH + b"\nNTE|1||a\rb\n").charset == "UNICODE UTF-8"


@pytest.mark.parametrize("text", ["hello", "MSH", "\r\n"])
def test_utf_16_without_msh_is_not_readable(text):
    assert not peek(text.encode("utf-16")).readable


def test_an_escape_instead_of_a_separator_is_not_readable():
    assert not peek(b"MSH\x1b$B\x1b(B").readable
