"""HL7 paths in channel files: known to the dictionary, and readable where they are used."""

import pytest

from engine.channel.paths import check_lane_path, check_route, check_search_path, known_codes
from engine.diagnostics import Place
from engine.pipeline.lane_keys import plan_lanes
from engine.pipeline.search_keys import channel_readers
from engine.yamltext import Scalar


def scalar(text: str) -> Scalar:
    return Scalar(text, Place(file="a.yaml", line=1, column=1, width=len(text)))


SOUND_LANES = ["PID-3", "PID-3[type=MR].1", "PID-3[2].1", "PV1-19.1", "MSH-4.1", "ZPI-3"]


@pytest.mark.parametrize("text", SOUND_LANES)
def test_a_path_lint_accepts_for_a_lane_is_one_the_lanes_can_read(text: str):
    assert check_lane_path(scalar(text)) == []
    plan_lanes((text,))


@pytest.mark.parametrize("text", ["PID-3", "PID-3[*].1", "OBX-3.1", "PID-18[type=AN].1"])
def test_a_path_lint_accepts_for_a_search_key_is_one_the_search_can_read(text: str):
    assert check_search_path(scalar(text)) == []
    assert len(channel_readers((("kind", text),))) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("PID-3[*].1", "C440"),
        ("PID", "C440"),
        ("PID-99", "T521"),
        ("PDI-3", "T520"),
        ("PID-3[", "T504"),
        ("patient", "T526"),
        ("CX.1", "T526"),
    ],
)
def test_paths_that_name_no_single_field_are_refused_for_lanes(text: str, code: str):
    assert [found.code for found in check_lane_path(scalar(text))] == [code]


@pytest.mark.parametrize(
    ("text", "code"), [("ORDER_OBSERVATION.OBX-5", "C440"), ("OBX", "C440"), ("OBX-99", "T521")]
)
def test_paths_that_would_read_nothing_are_refused_for_search_keys(text: str, code: str):
    assert [found.code for found in check_search_path(scalar(text))] == [code]


@pytest.mark.parametrize(
    ("path", "values", "codes"),
    [
        ("MSH-9.1", ["ADT", "ZZZ"], []),
        ("MSH-9.2", ["A01"], []),
        ("MSH-9.3", ["ADT_A01"], []),
        ("MSH-4", ["anything"], []),
        ("MSH-9.1", ["ADTT"], ["C443"]),
        ("MSH-9.1", ["CDA"], []),
        ("MSH-9.2", ["34133-9"], []),
        ("MSH-9", ["ADT^A01"], ["C443"]),
        ("MSH-9.2", ["A01", "A1"], ["C443"]),
        ("PID-3", ["x"], ["C442"]),
        ("MSH", ["x"], ["C440"]),
        ("MSH-9[1].1", ["ADT"], ["C440"]),
        ("MSH-4.1.1", ["NORTH"], ["C440"]),
        ("MSH-99", ["x"], ["T521"]),
        ("MSH-9.", ["x"], ["T504"]),
    ],
)
def test_a_route_names_msh_fields_and_values_hl7_knows(
    path: str, values: list[str], codes: list[str]
):
    found = check_route(scalar(path), tuple(scalar(value) for value in values))
    assert [problem.code for problem in found] == codes


def test_known_codes_are_those_of_every_version():
    assert {"ADT", "ORU"} <= known_codes("0076")
    assert known_codes("no such table") == frozenset()
