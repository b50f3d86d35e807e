"""Batches: every message is found, counts are compared, nothing is lost in silence."""

import pytest

from engine.hl7v2 import batch
from engine.hl7v2.batch import split

ONE = b"MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5\rPID|1||7\r"
TWO = b"MSH|^~\\&|A|B|C|D|2024||ADT^A01|2|P|2.5\rPID|1||8\r"


def codes_of(found):
    return [problem.code for problem in found.diagnostics]


def test_one_message_is_one_message():
    found = split(ONE)
    assert found.messages == (ONE,)
    assert found.envelope == ()
    assert found.diagnostics == ()


def test_a_batch_is_split_and_its_counts_checked():
    found = split(b"FHS|^~\\&|x\rBHS|^~\\&|y\r" + ONE + TWO + b"BTS|2\rFTS|1\r")
    assert found.messages == (ONE, TWO)
    assert found.envelope == (b"FHS|^~\\&|x", b"BHS|^~\\&|y", b"BTS|2", b"FTS|1")
    assert found.diagnostics == ()


def test_several_batches_of_a_file_are_counted_apart():
    raw = b"FHS|^~\\&\r" + (b"BHS|^~\\&\r" + ONE + b"BTS|1\r") * 2 + b"FTS|2\r"
    assert len(split(raw).messages) == 2
    assert split(raw).diagnostics == ()


def test_wrong_counts_are_reported():
    found = split(b"FHS|^~\\&\rBHS|^~\\&\r" + ONE + b"BTS|5\rFTS|3\r")
    assert codes_of(found) == ["H260", "H260"]
    assert [problem.place.path for problem in found.diagnostics] == ["BTS-1", "FTS-1"]


def test_a_count_that_is_no_number_is_reported_and_an_absent_one_is_not():
    assert codes_of(split(b"BHS|^~\\&\r" + ONE + b"BTS|many\r")) == ["H260"]
    assert codes_of(split(b"BHS|^~\\&\r" + ONE + b"BTS\r")) == []


def test_an_envelope_that_is_not_closed_is_reported():
    found = split(b"FHS|^~\\&\rBHS|^~\\&\r" + ONE + b"BHS|^~\\&\r" + TWO)
    assert found.messages == (ONE, TWO)
    assert codes_of(found) == ["H261", "H261", "H261"]


def test_messages_that_simply_follow_each_other_are_split():
    found = split(ONE + b"\r\r" + TWO + b"\r\r")
    assert found.messages == (ONE, TWO)
    assert codes_of(found) == ["H262"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_line_ends_stay_as_they_are(end):
    one, two = ONE.replace(b"\r", end), TWO.replace(b"\r", end)
    assert split(one + end + two).messages == (one, two)


def test_frames_in_a_file_are_taken_off():
    found = split(b"\x0b" + ONE + b"\x1c\r\x0b" + TWO + b"\x1c\r")
    assert found.messages == (ONE, TWO)


def test_a_byte_order_mark_is_given_to_every_message():
    found = split(b"\xef\xbb\xbf" + ONE + TWO)
    assert found.messages == (b"\xef\xbb\xbf" + ONE, b"\xef\xbb\xbf" + TWO)


def test_lines_outside_messages_are_reported():
    found = split(b"hello\rBHS|^~\\&\rPID|lost\r\r" + ONE + b"BTS|1\rthe end\r")
    assert found.messages == (ONE,)
    assert codes_of(found) == ["H263", "H263", "H263"]
    assert [problem.place.line for problem in found.diagnostics] == [1, 3, 8]


def test_garbage_gives_no_message_and_says_why():
    assert codes_of(split(b"")) == ["H202"]
    assert codes_of(split(b"hello")) == ["H201"]


def test_a_word_that_begins_like_a_segment_begins_no_message():
    raw = ONE + b"NTE|1||first\rMSHA and more\r"
    assert len(split(raw).messages) == 1


def test_too_many_messages_are_refused(monkeypatch):
    monkeypatch.setattr(batch, "MESSAGES_MAX", 1)
    assert codes_of(split(ONE + TWO)) == ["H264"]


def test_stray_lines_are_reported_up_to_a_bound():
    found = split(b"BHS|^~\\&\r" + b"lost\r" * 100 + ONE)
    assert codes_of(found).count("H263") == 20
