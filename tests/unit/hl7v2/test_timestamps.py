"""Timestamps: precision and offset as written, and nothing that is not in the calendar."""

import pytest

from engine.hl7v2.timestamps import Precision, parse_timestamp


@pytest.mark.parametrize(
    ("text", "precision", "parts"),
    [
        ("1985", Precision.YEAR, (1985, 1, 1, 0, 0, 0, "", None)),
        ("198502", Precision.MONTH, (1985, 2, 1, 0, 0, 0, "", None)),
        ("20240229", Precision.DAY, (2024, 2, 29, 0, 0, 0, "", None)),
        ("2024010203", Precision.HOUR, (2024, 1, 2, 3, 0, 0, "", None)),
        ("202401020304", Precision.MINUTE, (2024, 1, 2, 3, 4, 0, "", None)),
        ("20240102030405", Precision.SECOND, (2024, 1, 2, 3, 4, 5, "", None)),
        ("20240102030405.1234", Precision.FRACTION, (2024, 1, 2, 3, 4, 5, "1234", None)),
        ("20240102030405+0100", Precision.SECOND, (2024, 1, 2, 3, 4, 5, "", 60)),
        ("20240102030405-0530", Precision.SECOND, (2024, 1, 2, 3, 4, 5, "", -330)),
        ("20240102030405+00", Precision.SECOND, (2024, 1, 2, 3, 4, 5, "", 0)),
        ("202401020304-0000", Precision.MINUTE, (2024, 1, 2, 3, 4, 0, "", 0)),
        (" 20240102 ", Precision.DAY, (2024, 1, 2, 0, 0, 0, "", None)),
    ],
)
def test_a_timestamp_keeps_its_precision_and_offset(text, precision, parts):
    found = parse_timestamp(text)
    assert found.precision is precision
    assert (
        found.year,
        found.month,
        found.day,
        found.hour,
        found.minute,
        found.second,
        found.fraction,
        found.offset_minutes,
    ) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "00000000",
        "19820229",
        "19820230",
        "20241301",
        "20240100",
        "2024010224",
        "202401020360",
        "20240102030460",
        "2024-01-02",
        "2024-01-02T03:04:05Z",
        "20240102030405+1500",
        "20240102030405+0160",
        "202401020304.5",
        "198",
        "1985020",
        "２０２４",
        "unknown",
        '""',
    ],
)
def test_what_is_not_in_the_calendar_is_no_timestamp(text):
    assert parse_timestamp(text) is None
