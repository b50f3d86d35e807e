"""MLLP frames: what completes, what is a fault, and what is kept of it."""

import pytest

from engine import mllp
from engine.mllp import Frame, FrameDecoder, FrameFault, encode_frame


def decoder(**options):
    return FrameDecoder(frame_bytes_max=options.pop("frame_bytes_max", 1000), **options)


def outline(found):
    """Payloads, and codes of faults."""
    return [each.payload if isinstance(each, Frame) else each.code for each in found]


def test_a_frame_is_vt_payload_fs_cr():
    assert encode_frame(b"MSH") == b"\x0bMSH\x1c\r"


def test_frames_are_given_in_order():
    found = decoder().feed(encode_frame(b"one") + encode_frame(b"two"))
    assert found == [Frame(b"one"), Frame(b"two")]


def test_a_frame_may_come_byte_by_byte():
    receiving = decoder()
    found = []
    for byte in encode_frame(b"one\r"):
        found += receiving.feed(bytes([byte]))
    assert found == [Frame(b"one\r")]
    assert not receiving.incomplete


def test_incomplete_is_true_from_the_first_byte_to_the_last():
    receiving = decoder()
    assert not receiving.incomplete
    seen = []
    for part in (b"\x0b", b"x", b"\x1c"):
        receiving.feed(part)
        seen.append(receiving.incomplete)
    assert seen == [True, True, True]
    receiving.feed(b"\r")
    assert not receiving.incomplete


def test_line_ends_between_frames_are_no_fault():
    found = decoder().feed(b"\r\n" + encode_frame(b"one") + b"\r\n\n" + encode_frame(b"two"))
    assert outline(found) == [b"one", b"two"]


def test_bytes_outside_a_frame_are_fatal():
    receiving = decoder()
    (fault,) = receiving.feed(b"GET / HTTP/1.1\r\n" + encode_frame(b"one"))
    assert (fault.code, fault.fatal) == ("M101", True)
    assert fault.data.startswith(b"GET /")
    assert receiving.feed(encode_frame(b"two")) == []
    assert receiving.close() == []


def test_bytes_outside_a_frame_are_recorded_and_passed_over_where_allowed():
    receiving = decoder(junk_between_frames=True)
    found = receiving.feed(b"jun") + receiving.feed(b"k" + encode_frame(b"one") + b"more")
    assert outline(found) == ["M101", b"one"]
    assert (found[0].data, found[0].fatal) == (b"junk", False)
    assert outline(receiving.close()) == ["M101"]


def test_a_frame_above_the_limit_is_fatal_and_its_beginning_is_kept():
    receiving = decoder(frame_bytes_max=10)
    (fault,) = receiving.feed(b"\x0b" + b"x" * 11)
    assert (fault.code, fault.fatal) == ("M102", True)
    assert fault.data == b"x" * 11
    assert not receiving.incomplete


def test_a_frame_of_just_the_limit_is_accepted_however_it_is_cut():
    for cut in range(13):
        raw = encode_frame(b"x" * 10)
        receiving = decoder(frame_bytes_max=10)
        assert receiving.feed(raw[:cut]) + receiving.feed(raw[cut:]) == [Frame(b"x" * 10)]


def test_a_frame_above_the_limit_is_fatal_though_another_starts_after_it_in_the_same_bytes():
    receiving = decoder(frame_bytes_max=5)
    assert outline(receiving.feed(b"\x0b" + b"x" * 6 + b"\x0bnext")) == ["M102"]


def test_memory_is_bounded_before_the_end_is_seen():
    receiving = decoder(frame_bytes_max=100)
    receiving.feed(b"\x0b")
    found = []
    for _ in range(1000):
        found += receiving.feed(b"y" * 50)
    assert outline(found) == ["M102"]


def test_the_bytes_of_a_fault_are_bounded(monkeypatch):
    monkeypatch.setattr(mllp, "FAULT_BYTES_MAX", 4)
    (fault,) = decoder().feed(b"a long story")
    assert fault.data == b"a lo"
    assert "12 bytes" in fault.diagnostic.message


def test_fs_without_cr_is_fatal_where_cr_is_required():
    (fault,) = decoder().feed(b"\x0bone\x1c\x0btwo\x1c\r")
    assert (fault.code, fault.fatal, fault.data) == ("M103", True, b"one")


def test_fs_alone_ends_a_frame_at_once_where_cr_is_not_required():
    receiving = decoder(final_cr_required=False)
    assert receiving.feed(b"\x0bone\x1c") == [Frame(b"one")]
    assert outline(receiving.feed(b"\r\x0btwo\x1c\r\x0bthree\x1c")) == [b"two", b"three"]


def test_a_frame_that_starts_inside_another_gives_up_the_first():
    found = decoder().feed(b"\x0bhalf\x0bwhole\x1c\r")
    assert outline(found) == ["M104", b"whole"]
    assert (found[0].data, found[0].fatal) == (b"half", False)


@pytest.mark.parametrize("sent", [b"\x0b", b"\x0bhalf", b"\x0bhalf\x1c"])
def test_half_a_frame_at_the_end_of_the_connection_is_a_fault(sent):
    receiving = decoder()
    receiving.feed(sent)
    (fault,) = receiving.close()
    assert isinstance(fault, FrameFault)
    assert (fault.code, fault.fatal) == ("M105", True)
    assert fault.data == sent.strip(b"\x0b\x1c")
    assert receiving.close() == []


def test_closing_between_frames_is_no_fault():
    receiving = decoder()
    receiving.feed(encode_frame(b"one"))
    assert receiving.close() == []


def test_a_flood_of_small_faults_ends_the_connection():
    receiving = decoder(junk_between_frames=True)
    found = receiving.feed(encode_frame(b"") * 100)
    assert len(found) == mllp.FAULTS_IN_A_ROW_MAX + 1
    assert [each.fatal for each in found] == [False] * mllp.FAULTS_IN_A_ROW_MAX + [True]
    assert not receiving.incomplete
    assert outline(decoder().feed((b"\x0bx" * 10 + encode_frame(b"y")) * 5)).count(b"y") == 5


def test_an_empty_frame_is_a_fault_and_the_connection_goes_on():
    found = decoder().feed(encode_frame(b"") + encode_frame(b"one"))
    assert outline(found) == ["M106", b"one"]
    assert not found[0].fatal
