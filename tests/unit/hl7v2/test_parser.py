"""The parser: well-formed messages without a word, every tolerance with a diagnostic."""

import pytest

from engine.hl7v2 import parser
from engine.hl7v2.parser import parse

MSH = "MSH|^~\\&|LAB|N|EHR|S|20240102||ADT^A01^ADT_A01|1|P|2.5.1"
PID = "PID|1||77^^^H^MR||Doe^Jane"
GOOD = f"{MSH}\rEVN|A01|2024\r{PID}\rPV1|1|I\r"


def parsed(text, **options):
    return parse(text.encode() if isinstance(text, str) else text, **options)


def codes_of(found):
    return [problem.code for problem in found.diagnostics]


def names_of(found):
    return [segment.name for segment in found.message.segments]


def test_a_well_formed_message_parses_without_a_diagnostic():
    found = parsed(GOOD)
    assert found.diagnostics == ()
    message = found.message
    assert names_of(found) == ["MSH", "EVN", "PID", "PV1"]
    assert message.text == GOOD
    assert message.structure == "ADT_A01"  # MSH-9.3
    assert message.version == "2.5.1"  # MSH-12
    assert message.message_type == "ADT^A01"
    assert message.codec == "utf-8"
    assert message.raw == GOOD.encode()


def test_segments_know_where_they_begin():
    message = parsed(GOOD).message
    for segment in message.segments:
        assert message.text.startswith(segment.text + "\r", segment.start)
    assert [segment.index for segment in message.segments] == [0, 1, 2, 3]


def test_fields_are_numbered_as_in_the_standard():
    message = parsed(GOOD).message
    msh = message.header_segment
    assert msh.field(1) == "|"  # MSH-1
    assert msh.field(2) == "^~\\&"  # MSH-2
    assert msh.field(9) == "ADT^A01^ADT_A01"  # MSH-9
    pid = message.segment_list("PID")[0]
    assert pid.fields[0] == "PID"
    assert pid.field(5) == "Doe^Jane"  # PID-5
    assert pid.field(99) == ""


def test_field_starts_point_into_the_text():
    message = parsed(GOOD).message
    for segment in message.segments:
        for number in range(len(segment.fields)):
            start = segment.field_start(number)
            assert message.text.startswith(segment.field(number), start)


def test_an_absent_segment_is_an_empty_list():
    assert parsed(GOOD).message.segment_list("OBX") == []


def test_values_do_not_show_in_a_representation():
    message = parsed(GOOD).message
    assert "Doe" not in repr(message) + repr(message.segments)


@pytest.mark.parametrize(("end", "said"), [("\n", "LF"), ("\r\n", "CRLF")])
def test_other_line_ends_are_accepted_and_reported(end, said):
    found = parsed(GOOD.replace("\r", end))
    assert found.message.text == GOOD
    (problem,) = found.diagnostics
    assert problem.code == "H208"
    assert problem.message.startswith(said + " ")


def test_strict_line_ends_refuse_a_line_feed():
    found = parsed(GOOD.replace("\r", "\r\n"), line_ends="strict")
    assert found.message is None
    assert codes_of(found) == ["H209"]


def test_a_missing_last_cr_is_noted():
    found = parsed(GOOD.rstrip("\r"))
    assert found.message.text == GOOD
    assert codes_of(found) == ["H214"]


def test_frame_bytes_are_removed():
    found = parsed("\x0b" + GOOD + "\x1c\r")
    assert found.message.text == GOOD
    assert codes_of(found) == ["H207", "H207"]


def test_a_byte_order_mark_is_removed():
    found = parsed(b"\xef\xbb\xbf" + GOOD.encode())
    assert found.message.text == GOOD
    assert codes_of(found) == ["H235"]


def test_text_before_msh_is_passed_over_and_counted():
    found = parsed("received:\r" + GOOD)
    assert found.message.text == GOOD
    assert codes_of(found) == ["H206"]
    assert "10 bytes" in found.diagnostics[0].message


def test_a_wrapped_line_is_joined_to_its_segment():
    found = parsed(f"{MSH}\rNTE|1||first line\rand | second\r{PID}\r")
    assert names_of(found) == ["MSH", "NTE", "PID"]
    assert found.message.segments[1].field(3) == "first line\nand "  # NTE-3
    assert found.message.segments[1].field(4) == " second"
    assert codes_of(found) == ["H210"]
    assert found.diagnostics[0].place.line == 3


def test_a_capital_word_alone_on_a_line_is_no_segment():
    found = parsed(f"{MSH}\rNTE|1||text\rEND\rPV1\r")
    assert names_of(found) == ["MSH", "NTE", "PV1"]
    assert found.message.segments[1].field(3) == "text\nEND"  # NTE-3


def test_odd_segment_names_are_mended():
    found = parsed(f"{MSH}\r pid|1||7\rzpi|x\r")
    assert names_of(found) == ["MSH", "PID", "ZPI"]
    assert found.message.segments[1].text == "PID|1||7"
    assert codes_of(found) == ["H211", "H211"]


def test_blank_lines_are_noted():
    found = parsed(f"{MSH}\r\r{PID}\r  \r")
    assert names_of(found) == ["MSH", "PID"]
    assert codes_of(found) == ["H215", "H215"]


def test_several_messages_in_one_are_refused():
    found = parsed(GOOD + GOOD)
    assert found.message is None
    assert codes_of(found) == ["H203"]


def test_a_batch_envelope_is_refused():
    found = parsed(f"{GOOD}BTS|1\r")
    assert found.message is None
    assert codes_of(found) == ["H204"]


@pytest.mark.parametrize("raw", [b"", b"\r\r", b"hello", b"PID|1||2\r", b"\x00\x01\x02"])
def test_bytes_without_msh_are_refused(raw):
    found = parse(raw)
    assert found.message is None
    assert codes_of(found)[0] in {"H201", "H202"}


def test_undecodable_bytes_are_refused_unless_repaired():
    raw = GOOD.encode() + b"NTE|1||M\xfcller\r"
    assert parse(raw).message is None
    repaired = parse(raw, repair_cp1252=True)
    assert repaired.message.segments[-1].field(3) == "Müller"  # NTE-3
    assert codes_of(repaired) == ["H232"]


def test_the_channel_decides_the_character_set_of_the_delimiters_too():
    raw = "MSH|^~¥&|A|B|C|D|2024||ADT^A01|1|P|2.5\rNTE|1||a¥T¥b\r".encode("cp1252")
    assert parse(raw, charset="cp1252").message.delimiters.escape == "¥"


@pytest.mark.parametrize(
    ("type_field", "version", "structure"),
    [
        ("ADT^A04", "2.3", "ADT_A01"),
        ("ADT^A08^ADT_A01", "2.5", "ADT_A01"),
        ("ADT^A28", "2.5", "ADT_A05"),
        ("ADT^A31", "2.3", "ADT_A01"),
        ("ADT^A40", "2.3.1", "ADT_A39"),
        ("ORU^R01", "2.2", "ORU_R01"),
        ("ORM^O01", "2.8", "ORM_O01"),
        ("SIU^S14", "2.4", "SIU_S12"),
        ("MDM^T08", "2.6", "MDM_T02"),
        ("VXU^V04^VXU_V04", "2.5.1", "VXU_V04"),
        ("ACK", "2.3", "ACK"),
        ("ACK^A01", "2.5", "ACK"),
        ("ADT_A05", "2.5", "ADT_A05"),
        ("ADT^A04^ADT_A04", "2.5", "ADT_A01"),
    ],
)
def test_the_structure_comes_from_msh_9_or_the_event_table(type_field, version, structure):
    found = parsed(f"MSH|^~\\&|A|B|C|D|2024||{type_field}|1|P|{version}\r")
    assert found.message.structure == structure


def test_an_unknown_type_has_no_structure():
    found = parsed("MSH|^~\\&|A|B|C|D|2024||FOO^B99|1|P|2.5\r")
    assert found.message.structure == ""
    assert codes_of(found) == ["H227"]


def test_no_message_type_is_an_error():
    found = parsed("MSH|^~\\&|A|B|C|D|2024|||1|P|2.5\r")
    assert codes_of(found) == ["H226"]


@pytest.mark.parametrize(
    ("written", "taken", "code"),
    [
        ("", "2.5.1", "H224"),
        ("2.9", "2.8.2", "H225"),
        ("2.3.z", "2.3", "H225"),
        ("x", "2.5.1", "H225"),
    ],
)
def test_a_missing_or_unknown_version_is_assumed_and_reported(written, taken, code):
    found = parsed(f"MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|{written}\r")
    assert found.message.version == taken  # MSH-12
    assert codes_of(found) == [code]


def test_control_characters_are_reported_and_kept():
    found = parsed(f"{MSH}\rNTE|1||a\x02b\r")
    assert found.message.segments[1].field(3) == "a\x02b"  # NTE-3
    assert codes_of(found) == ["H212"]


def test_tabs_and_hard_spaces_are_text():
    assert parsed(f"{MSH}\rNTE|1||a\tb\u00a0c\r").diagnostics == ()


def test_a_lone_escape_character_is_reported():
    found = parsed(f"{MSH}\rNTE|1||\\\\server\\share\r")
    assert codes_of(found) == ["H213"]
    assert found.diagnostics[0].place.path == "NTE"


def test_repeated_diagnostics_are_bounded():
    found = parsed(MSH + "\r" + "NTE|1||x\r\r" * 500)
    assert codes_of(found).count("H215") == 20


def test_too_many_bytes_segments_or_fields_are_refused(monkeypatch):
    monkeypatch.setattr(parser, "SEGMENTS_MAX", 3)
    found = parsed(GOOD)
    assert found.message is None
    assert codes_of(found) == ["H205"]
    monkeypatch.setattr(parser, "LINES_MAX", 2)
    assert codes_of(parsed(GOOD)) == ["H205"]
    monkeypatch.setattr(parser, "MESSAGE_BYTES_MAX", 10)
    assert codes_of(parsed(GOOD)) == ["H205"]
    monkeypatch.undo()
    wide = parsed(MSH + "\rPID" + "|" * 3000 + "\r")
    assert codes_of(wide) == ["H205"]
    assert wide.message is None


def test_a_character_set_that_hides_msh_is_reported():
    raw = b"\x0b" + GOOD.encode()
    raw += b"Z" * (len(raw) % 2)
    found = parse(raw, charset="UTF-16")
    assert found.message is None
    assert codes_of(found)[-1] == "H201"


def test_strict_line_ends_keep_a_line_feed_within_a_segment():
    found = parsed(f"{MSH}\rNTE|1||one\ntwo\r", line_ends="strict")
    assert found.message.segments[1].field(3) == "one\ntwo"  # NTE-3
    assert found.diagnostics == ()


def test_frame_ends_within_the_text_are_control_characters():
    found = parsed(f"{MSH}\rNTE|1||a\x1cb\r")
    assert found.message is not None
    assert codes_of(found) == ["H212"]


def test_several_messages_with_wrapped_lines_are_refused_too():
    assert codes_of(parsed(f"{GOOD}\r{GOOD}")) == ["H215", "H203"]


def test_delimiters_stay_when_the_channels_character_set_garbles_msh_2():
    raw = "MSH|^~\\&|Ä|B|C|D|2024||ADT^A01|1|P|2.5\r".encode("latin-1")
    assert parse(raw, charset="8859/1").message.delimiters.field == "|"
