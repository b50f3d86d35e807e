"""Columns and back."""

import pytest

from engine.store.encoding import (
    bucket_of,
    buckets_of,
    codes_of,
    decode_diagnostics,
    decode_lanes,
    decode_list,
    encode_lanes,
    encode_list,
    storable,
)
from engine.store.interface import LANE_BUCKETS


@pytest.mark.parametrize("lanes", [(), ("A",), ("A", "B"), ('quote"', "tab\t"), ("[1]",), ("ü",)])
def test_lane_keys_come_back(lanes):
    assert decode_lanes(encode_lanes(lanes)) == lanes


def test_an_empty_list_is_null():
    assert encode_list(()) is None
    assert decode_list(None) == []


def test_lists_and_diagnostics_come_back():
    found = ({"code": "T512", "severity": "error", "message": "x", "path": "PID-7"},)
    assert decode_diagnostics(encode_list(found)) == found
    assert decode_list(encode_list([("mrn", "1")])) == [["mrn", "1"]]


def test_a_bucket_depends_on_channel_and_lane_only():
    assert bucket_of("adt", "P1") == bucket_of("adt", "P1")
    found = {bucket_of("adt", f"P{number}") for number in range(2000)}
    assert found == set(range(LANE_BUCKETS))
    assert any(bucket_of("adt", f"P{n}") != bucket_of("lab", f"P{n}") for n in range(10))


def test_a_bucket_of_text_that_cannot_be_encoded_is_still_a_bucket():
    assert 0 <= bucket_of("adt", "\udc80") < LANE_BUCKETS


def test_a_message_without_lane_is_spread_by_its_id():
    assert buckets_of("adt", (), LANE_BUCKETS + 3) == (3, None)


def test_a_message_of_several_lanes_names_the_other_buckets_once():
    lanes = ("A", "B", "C", "B")
    first, others = buckets_of("adt", lanes, 1)
    assert first == bucket_of("adt", "A")
    assert set(decode_list(others)) == {bucket_of("adt", n) for n in "BC"} - {first}
    assert buckets_of("adt", ("A", "A"), 1) == (first, None)


def test_codes_are_distinct_and_only_those_given():
    assert codes_of([{"code": "A"}, {"code": "A"}, {"message": "x"}, {"code": "B"}]) == {"A", "B"}


def test_storable_text_is_encodable_and_has_no_nul():
    assert storable("plain ü") == "plain ü"
    found = storable("a\0\udc80b")
    found.encode()
    assert "\0" not in found
    assert found[0] == "a" and found[-1] == "b"
