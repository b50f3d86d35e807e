"""Snapshots: what is taken is what is read, or nothing."""

import pytest

from engine.codevalues.snapshot import CodeValue, read_snapshot, write_snapshot
from engine.codevalues.targets import Target, TargetKind

FILE = "codevalues/snapshots/test.csv"
VALUES = [
    CodeValue(code_set=72, value="10", display='Text, with "quotes"', cki="CKI.EC!1"),
    CodeValue(code_set=72, value="9", display="Nine", active=False),
    CodeValue(code_set=4, value="2", display="CMRN", cdf_meaning="CMRN", concept_cki="X!1"),
]


def text(values: list[CodeValue] = VALUES) -> str:
    return write_snapshot(
        values, tenant="t", taken_at="2026-01-05T14:30:00Z", source="ehr-api", code_sets=[72, 4]
    )


def test_what_is_written_is_read_and_the_same_values_give_the_same_text() -> None:
    found, problems = read_snapshot(text(), FILE)
    assert problems == []
    assert found is not None
    assert set(found.values) == set(VALUES)
    assert (found.name, found.tenant, found.code_sets) == ("test", "t", (4, 72))
    assert text(VALUES[::-1]) == text()


def test_line_ends_of_another_system_do_not_matter() -> None:
    found, problems = read_snapshot("\ufeff" + text().replace("\n", "\r\n"), FILE)
    assert (found is not None, problems) == (True, [])


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("72,9,Nine", "72,8,Nine", "V808"),
        ("72,9,Nine,,,,,no\n", "", "V808"),
        ("# sha256: ", "# sha1: ", "V807"),
        ("# tenant: t\n", "", "V807"),
        ("# taken_at: 2026-01-05T14:30:00Z", "# taken_at: yesterday", "V807"),
        ("# code_sets: 4 72", "# code_sets: all", "V807"),
    ],
)
def test_a_snapshot_that_was_touched_is_not_used(old: str, new: str, code: str) -> None:
    assert old in text()
    found, problems = read_snapshot(text().replace(old, new), FILE)
    assert found is None
    assert [one.code for one in problems] == [code]


def test_the_portable_name_of_a_value_is_the_most_durable_that_means_it_alone() -> None:
    values = [
        CodeValue(code_set=72, value="1", display="A", cki="C!1"),
        CodeValue(code_set=72, value="2", display="B", cki="C!1"),
        CodeValue(code_set=72, value="3", display="B", active=False),
        CodeValue(code_set=72, value="4", display="D", cdf_meaning="M"),
        CodeValue(code_set=72, value="5", display=" d ", cdf_meaning="m"),
    ]
    found, _ = read_snapshot(text(values), FILE)
    assert found is not None
    names = {one.value: found.portable(one) for one in found.values}
    assert names["1"] == Target(TargetKind.DISPLAY, "A")
    assert names["2"] == Target(TargetKind.DISPLAY, "B")
    assert names["3"] is None
    assert names["4"] is None
