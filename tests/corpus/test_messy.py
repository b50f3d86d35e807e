"""The hand-made messy messages: each parses as its MANIFEST asks, and says what was odd."""

from pathlib import Path

import pytest

from engine.hl7v2.batch import split
from engine.hl7v2.groups import Group, group
from engine.hl7v2.parser import parse
from engine.hl7v2.path import find, leaves, parse_path
from engine.hl7v2.timestamps import Precision, parse_timestamp

MESSY = Path(__file__).parents[2].parent / "shared" / "corpora" / "v2" / "messy"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not MESSY.is_dir(), reason="the shared corpora are not here"),
]


def read(number):
    (found,) = MESSY.glob(f"{number}_*.hl7")
    return found.read_bytes()


def parsed(number):
    return parse(read(number))


def texts(number, path_text):
    path, problem = parse_path(path_text)
    assert problem is None
    return [leaf.text for leaf in find(parsed(number).message, path)]


def codes_of(found):
    return [problem.code for problem in found.diagnostics]


def shape(found):
    inner = [shape(child) if isinstance(child, Group) else child.name for child in found.children]
    return f"{found.name}({' '.join(inner)})"


QUIET = ["08", "14", "15", "17", "20", "21", "23", "26", "27", "29", "30", "31", "33", "35", "37",
         "38", "41", "42", "43", "44", "51", "52", "53", "55", "56"]  # fmt: skip


@pytest.mark.parametrize("number", QUIET)
def test_what_only_maps_care_about_parses_without_a_word(number):
    found = parsed(number)
    assert found.message is not None
    assert found.diagnostics == ()


def test_02_crlf_ends_segments():
    found = parsed("02")
    assert [segment.name for segment in found.message.segments] == ["MSH", "PID", "OBR", "OBX"]
    assert codes_of(found) == ["H208"]


def test_04_a_wrapped_line_is_joined():
    assert codes_of(parsed("04")) == ["H210"]
    (text,) = texts("04", "OBX-5")
    assert text == "First part of a wrapped\ntext that the sender broke over lines"
    assert texts("04", "OBX-11") == ["F"]


def test_05_frame_bytes_are_stripped():
    found = parsed("05")
    assert found.message.text.startswith("MSH") and found.message.text.endswith("\r")
    assert not set("\x0b\x1c") & set(found.message.text)
    assert set(codes_of(found)) == {"H207"}


def test_08_latin_1_is_decoded_by_msh_18():
    found = parsed("08").message
    assert found.codec == "iso8859_1"
    assert texts("08", "PID-5.1") == ["Søndergård"]


def test_12_a_yen_sign_is_the_escape_character():
    found = parsed("12")
    assert found.message.delimiters.escape == "¥"  # MSH-2
    assert codes_of(found) == ["H233"]
    assert texts("12", "PID-5[1].2") == ["太郎"]


def test_14_other_separators_are_read_from_msh():
    assert texts("14", "PID-5") == ["Doe", "Jane", "Q"]
    assert texts("14", "PID-3.4.2") == ["1.2.3.4"]


def test_15_a_truncation_character_is_accepted():
    assert parsed("15").message.delimiters.truncation == "#"


def test_17_the_structure_comes_from_the_event_table():
    assert parsed("17").message.structure == "ADT_A01"  # ADT^A04 of 2.3
    assert group(parsed("17").message).diagnostics == ()


def test_19_a_missing_version_is_assumed_with_a_warning():
    found = parsed("19")
    assert found.message.version == "2.5.1"
    assert codes_of(found) == ["H224"]


def test_20_the_explicit_null_is_marked():
    message = parsed("20").message
    nulls = [leaf.path for leaf in leaves(message) if leaf.null]
    assert nulls == ["PID[1]-12[1].1.1", "PID[1]-14[1].1.1", "PV1[1]-3[1].1.1"]
    assert not any('""' in leaf.text for leaf in leaves(message))


def test_21_quotes_inside_a_text_are_text():
    assert any('""' in text for text in texts("21", "OBX-5"))


def test_23_hexadecimal_escapes():
    (text,) = texts("23", "OBX-5")
    for meant in ("\r", "\r\n", "à", "é"):
        assert meant in text
    assert "\\X" not in text


def test_24_lone_backslashes_are_kept_and_reported():
    assert codes_of(parsed("24")) == ["H213"]
    assert any("\\" in text for text in texts("24", "OBX-5"))


def test_29_every_repetition_is_there():
    path, _ = parse_path("OBX-5")
    repetitions = {leaf.repetition for leaf in find(parsed("29").message, path)}
    assert len(repetitions) > 1


def test_30_an_observation_after_a_specimen_is_grouped_with_it():
    assert shape(group(parsed("30").message).root) == (
        "ORU_R01(MSH PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR SPECIMEN(SPM OBX))))"
    )


def test_31_each_observation_is_under_its_own_order():
    result = group(parsed("31").message).root.groups("PATIENT_RESULT")[0]
    orders = result.groups("ORDER_OBSERVATION")
    assert [shape(order) for order in orders] == ["ORDER_OBSERVATION(ORC OBR OBSERVATION(OBX))"] * 2


def test_33_z_segments_are_kept_and_listed():
    found = group(parsed("33").message)
    assert "ZPI" in shape(found.root) and "ZBE" in shape(found.root)
    assert codes_of(found).count("H240") == 2


def test_35_a_result_without_patient_has_no_patient_group():
    result = group(parsed("35").message).root.groups("PATIENT_RESULT")[0]
    assert result.groups("PATIENT") == []
    assert len(result.groups("ORDER_OBSERVATION")) == 1


def test_37_bad_dates_are_not_dates():
    (birth,) = texts("37", "PID-7")
    assert parse_timestamp(birth) is None


def test_38_precision_and_offsets_are_kept():
    stamps = [
        parse_timestamp(text)
        for path in ("PID-7", "PV1-44", "PV1-45", "OBR-7")
        for text in texts("38", path)
    ]
    assert [(stamp.precision, stamp.offset_minutes, stamp.fraction) for stamp in stamps] == [
        (Precision.MONTH, None, ""),
        (Precision.MINUTE, None, ""),
        (Precision.FRACTION, -300, "1234"),
        (Precision.SECOND, 0, ""),
    ]


def test_43_duplicate_segments_are_kept_and_reported():
    found = group(parsed("43").message)
    assert "PATIENT(PID PID VISIT(PV1 PV1))" in shape(found.root)
    assert codes_of(found)[:2] == ["H244", "H244"]


def test_44_merges_stay_in_pairs():
    assert shape(group(parsed("44").message).root) == (
        "ADT_A39(MSH EVN PATIENT(PID MRG) PATIENT(PID MRG))"
    )


def test_46_a_batch_is_two_messages_and_its_counts_are_right():
    found = split(read("46"))
    assert len(found.messages) == 2
    assert found.diagnostics == ()
    assert all(parse(raw).message for raw in found.messages)


def test_48_a_wrong_count_and_a_broken_message_are_reported():
    found = split(read("48"))
    assert len(found.messages) == 3
    assert codes_of(found) == ["H260"]
    errors = [
        [problem.code for problem in parse(raw).diagnostics if problem.severity.value == "error"]
        for raw in found.messages
    ]
    assert errors == [[], ["H226"], []]


def test_49_concatenated_messages_are_split():
    found = split(read("49"))
    assert len(found.messages) == 2
    assert codes_of(found) == ["H262"]


def test_51_a_huge_field_parses():
    (data,) = [text for text in texts("51", "OBX-5") if len(text) > 1000]
    assert len(data) > 200_000


def test_52_line_break_escapes_in_base64_become_line_breaks():
    data = max(texts("52", "OBX-5"), key=len)
    assert "\n" in data and "\\" not in data


def test_56_an_acknowledgment_groups_msa_and_err():
    assert shape(group(parsed("56").message).root) == "ACK(MSH MSA ERR)"
