"""Messages about the same patient get the same lane, however the patient is written."""

import pytest

from engine.hl7v2.header import peek
from engine.pipeline.lane_keys import LANES_MAX, lane_keys, plan_lanes

MSH = "MSH|^~\\&|ADT|NORTH|||20260101||ADT^A01|1|P|2.5.1"


def lanes(
    *segments: str, paths: tuple[str, ...] = (), end: str = "\r", msh: str = MSH
) -> tuple[str, ...]:
    raw = (end.join((msh, *segments)) + end).encode("utf-8")
    return lane_keys(raw, peek(raw), plan_lanes(paths))


def test_the_patient_of_pid_3_is_the_lane() -> None:
    assert lanes("EVN|A01", "PID|1||12345^^^HOSP^MR||DOE") == ("patient 12345",)


def test_the_medical_record_number_wins_over_other_identifiers() -> None:
    assert lanes("PID|1||999^^^SSA^SS~77^^^HOSP^PI~12345^^^HOSP^MR") == ("patient 12345",)
    assert lanes("PID|1||999^^^SSA^SS~77^^^HOSP^PI") == ("patient 77",)


def test_without_a_preferred_type_the_first_identifier_counts() -> None:
    assert lanes("PID|1||~^^^X~999~888") == ("patient 999",)


def test_an_explicit_null_is_no_patient() -> None:
    assert lanes('PID|1||""', "PV1|1|I" + "|" * 17 + "V7") == ("visit V7",)


def test_without_a_patient_the_visit_is_the_lane() -> None:
    assert lanes("PV1|1|I" + "|" * 17 + "V7^^^HOSP") == ("visit V7",)


def test_without_patient_and_visit_there_is_no_lane() -> None:
    assert lanes("MFI|M01") == ()


def test_a_merge_stands_in_the_lanes_of_both_patients() -> None:
    assert lanes("PID|1||1^^^H^MR", "MRG|2^^^H^MR") == ("patient 1", "patient 2")


def test_every_identifier_that_is_merged_away_is_a_lane() -> None:
    merged = lanes("PID|1||1^^^H^MR", "MRG|2^^^H^MR~3^^^H^MR")
    assert merged == ("patient 1", "patient 2", "patient 3")


def test_a_link_of_two_patients_stands_in_both_lanes() -> None:
    assert lanes("PID|1||1^^^H^MR", "PID|2||2^^^H^MR") == ("patient 1", "patient 2")


def test_the_number_of_lanes_is_bounded() -> None:
    many = [f"PID|1||{number}" for number in range(100)]
    assert len(lanes(*many)) == LANES_MAX


def test_segments_may_end_with_line_feeds() -> None:
    assert lanes("PID|1||12345", end="\n") == ("patient 12345",)
    assert lanes("PID|1||12345", end="\r\n") == ("patient 12345",)


def test_the_message_s_own_delimiters_are_used() -> None:
    msh = "MSH#@*\\&#ADT#NORTH###20260101##ADT@A01#1#P#2.5.1"
    assert lanes("PID#1##5@@@S@SS*6@@@H@MR", msh=msh) == ("patient 6",)


def test_text_that_looks_like_a_segment_is_not_one() -> None:
    assert lanes("NTE|1||seen PID|1||999", "PID|1||5") == ("patient 5",)


def test_a_channel_may_name_its_own_lane() -> None:
    order = "ORC|NW|ORD-1^APP"
    assert lanes("PID|1||5", order, paths=("ORC-2",)) == ("key ORD-1",)
    assert lanes("PID|1||5", order, paths=("ORC-3", "ORC-2.2")) == ("key APP",)
    assert lanes("PID|1||5", order, paths=("MSH-4",)) == ("key NORTH",)
    assert lanes("PID|1||5", paths=("ORC-2",)) == ()


def test_a_lane_path_may_choose_a_repetition() -> None:
    key = lanes("PID|1||9^^^S^SS~5^^^H^MR", paths=("PID-3[type=SS].1",))
    assert key == ("key 9",)


def test_a_bad_path_is_refused() -> None:
    with pytest.raises(ValueError, match="no path"):
        plan_lanes(("PID-",))
