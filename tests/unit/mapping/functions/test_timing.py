"""Repeat patterns (table 0335), lengths of time, and texts kept for later."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.functions.keeping import another, keep, kept
from engine.mapping.functions.lengths import UNITS, after, duration, minutes, read_length
from engine.mapping.functions.timing import DAYS, read_pattern, week_days


def facts() -> Any:
    faults: list[str] = []
    return SimpleNamespace(
        time_zone=None,
        header_offset_minutes=None,
        values={},
        faults=faults,
        fault=lambda code, **values: faults.append(code(**values).code),
        fault_once=lambda code, about: faults.append(code().code),
    )


@pytest.mark.parametrize(
    ("code", "frequency", "period", "unit"),
    [
        ("Q6H", 1, 6, "h"),
        ("q6h", 1, 6, "h"),
        ("QH", 1, 1, "h"),
        ("Q15M", 1, 15, "min"),
        ("Q2W", 1, 2, "wk"),
        ("Q1L", 1, 1, "mo"),
        ("BID", 2, 1, "d"),
        ("6ID", 6, 1, "d"),
        ("QSHIFT", 3, 1, "d"),
        ("PRNQ4H", 1, 4, "h"),
        ("Q4H PRN", 1, 4, "h"),
    ],
)
def test_tq1_3_1_is_read_as_frequency_and_period(
    code: str, frequency: int, period: int, unit: str
) -> None:
    found = read_pattern(code)
    assert found is not None
    assert (found.frequency, found.period, found.unit) == (frequency, period, unit)


@pytest.mark.parametrize(
    "code", ["", "PRN", "C", "U 0 8 * * *", "Q6", "0ID", "Q0H", "QX", "ICM", "Q9J"]
)
def test_tq1_3_1_that_says_no_frequency_gives_none(code: str) -> None:
    assert read_pattern(code) is None


@given(st.text(max_size=20))
def test_any_text_of_tq1_3_1_is_read_without_an_error(code: str) -> None:
    found = read_pattern(code)
    assert found is None or found.period != 0


@given(st.integers(1, 7), st.integers(1, 7))
def test_days_of_rpt_3_to_rpt_4_begin_and_end_where_they_say(first: int, last: int) -> None:
    found = week_days(facts(), str(first), str(last))
    assert found[0] == DAYS[first - 1]
    assert found[-1] == DAYS[last - 1]
    assert len(set(found)) == len(found)


@given(st.dates(date(1950, 1, 1), date(2100, 1, 1)), st.integers(1, 400))
def test_so_many_days_from_a_day_of_tq1_7_have_that_many_days(start: date, days: int) -> None:
    end = after(facts(), start.strftime("%Y%m%d"), [str(days), "d"], None)
    assert end == (start + timedelta(days=days - 1)).isoformat()


@given(st.dates(date(1950, 1, 1), date(2100, 1, 1)), st.integers(1, 400))
def test_the_start_counted_back_from_tq1_8_gives_the_end_again(end: date, days: int) -> None:
    length = [str(days), "d"]
    start = after(facts(), end.strftime("%Y%m%d"), length, back=True)
    assert start is not None
    assert after(facts(), start.replace("-", ""), length, None) == end.isoformat()


def test_months_of_tq1_6_end_on_the_last_day_there_is() -> None:
    stamp = "202401311200+0000"
    assert after(facts(), stamp, ["1", "mo"], None) == "2024-02-29T12:00:00+00:00"


def test_a_length_past_the_last_year_is_reported_and_not_raised() -> None:
    report = facts()
    assert after(report, "99991231", ["9999", "a"], None) is None
    assert report.faults == ["T561"]


@pytest.mark.parametrize("text", ["INDEF", "X3", "", "10", "D1.5.2", "ten days"])
def test_tq_3_that_is_no_length_gives_no_duration(text: str) -> None:
    assert duration([text]) is None


@given(st.lists(st.text(max_size=8), max_size=3))
def test_any_length_is_read_without_an_error(parts: list[str]) -> None:
    found = read_length(parts)
    assert found is None or found[1] in UNITS.values()
    assert minutes(parts, None) is None or found is not None


def test_texts_of_obx_are_kept_apart_by_resource_and_sub_id() -> None:
    memory = facts()
    first = SimpleNamespace(reference={"reference": "Immunization/1"})
    second = SimpleNamespace(reference={"reference": "Immunization/2"})
    keep(memory, first, "MMR", "leaflet", "2")
    keep(memory, first, "MMR", "leaflet", "2")
    keep(memory, first, "Varicella", "leaflet", "3")
    assert kept(memory, first, "leaflet", "2") == "MMR"
    assert kept(memory, first, "leaflet", "3") == "Varicella"
    assert kept(memory, second, "leaflet", "2") is None


def test_only_a_second_medicine_under_one_orc_2_is_told_apart() -> None:
    memory = facts()
    codes = [another(memory, code, "prescription", "PO-1") for code in ("8640", "8640", "161")]
    assert codes == [None, None, "161"]
    assert another(memory, "161", "prescription", "PO-2") is None
