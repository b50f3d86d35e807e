"""What paths read, over all versions of the dictionary."""

import pytest

from engine.mapping import source_types


@pytest.mark.parametrize(
    ("segment", "number", "newest"),
    [
        ("PID", 3, "CX"),
        ("PID", 7, "DTM"),
        ("PID", 8, "CWE"),
        ("PID", 2, "CX"),  # withdrawn in 2.7
        ("OBX", 5, "varies"),
    ],
)
def test_a_field_has_the_datatypes_of_all_versions_newest_first(
    segment: str, number: int, newest: str
):
    assert source_types.field_types(segment, number)[0] == newest


def test_a_field_no_version_has_has_no_datatype():
    assert source_types.field_types("PID", 99) == ()
    assert source_types.field_definition("PID", 99) is None
    assert source_types.last_field("PID") == 40


def test_components_are_found_in_any_version_of_a_datatype():
    assert source_types.component_types(("CX",), 4)[0] == "HD"
    assert source_types.component_types(("CX",), 99) == ()
    assert source_types.component_types(("ST",), 1) == ("ST",)
    assert source_types.component_types(("ST",), 2) == ()
    assert source_types.component_types(("varies",), 9) == ("varies",)
    assert source_types.last_component(("CX",)) == 12


def test_component_names_are_those_of_selectors():
    assert source_types.component_number("PID", 3, "type") == 5
    assert source_types.component_number("PID", 3, "5") == 5
    assert source_types.component_number("PID", 3, "typ") is None


@pytest.mark.parametrize(
    ("wanted", "given", "fits"),
    [
        ("CX", ("CX",), True),
        ("CWE", ("CE",), True),
        ("CWE", ("IS",), True),
        ("DTM", ("TS",), True),
        ("XPN", ("PN",), True),
        ("CX", ("ST",), True),
        ("CX", ("varies",), True),
        ("HD", ("IS",), True),
        ("XPN", ("CX",), False),
        ("CX", ("DTM",), False),
        ("DTM", ("ST",), False),
        ("CWE", ("TS",), False),
    ],
)
def test_datatypes_serve_one_another_as_versions_demand(
    wanted: str, given: tuple[str, ...], fits: bool
):
    assert source_types.serves(wanted, given) is fits


def test_a_sites_own_segments_are_known_to_exist():
    assert source_types.segment_exists("ZPI")
    assert source_types.segment_exists("PID")
    assert not source_types.segment_exists("PDI")
    assert "PID" in source_types.segment_names()
