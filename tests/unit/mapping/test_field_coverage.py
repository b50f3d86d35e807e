import pytest

from engine.mapping.accounts import LeafAccount
from engine.mapping.field_coverage import OTHER, FieldCoverage


def leaf(path: str, state: str = "mapped", reason: str = "") -> LeafAccount:
    return LeafAccount(path=path, state=state, reason=reason)


@pytest.fixture
def found() -> FieldCoverage:
    coverage = FieldCoverage()
    coverage.add(
        "ADT^A01",
        [
            leaf("PID[1]-3[1].1"),
            leaf("PID[1]-3[2].1", "ignored", "an older number"),
            leaf("PID[1]-19", "null", "explicit null"),
            leaf("PV1[1]-10[1].2", "unmapped"),
        ],
    )
    coverage.add("ORU^R01", [leaf("PID[1]-3[1].1", "unwritten"), leaf("OBX[2]-5[1].1")])
    return coverage


def test_leaves_are_counted_by_type_segment_and_field(found: FieldCoverage) -> None:
    rows = {(row.message_type, row.segment, row.field): row for row in found.fields()}
    numbers = rows["ADT^A01", "PID", 3]
    assert (numbers.counts["mapped"], numbers.counts["ignored"]) == (1, 1)
    assert numbers.reason == "an older number"
    segments = [row for row in found.segments() if row.message_type == "ADT^A01"]
    assert [(row.segment, row.leaves) for row in segments] == [("PID", 3), ("PV1", 1)]
    assert [(row.message_type, row.leaves) for row in found.types()] == [
        ("ADT^A01", 4),
        ("ORU^R01", 2),
    ]


def test_nulls_are_neither_kept_nor_lost(found: FieldCoverage) -> None:
    total = found.total()
    assert total.leaves == 6
    assert total.lost == 2
    assert total.share == pytest.approx(3 / 5)


def test_the_worst_fields_are_those_that_lose_most_over_all_types(found: FieldCoverage) -> None:
    found.add("ADT^A08", [leaf("PID[1]-3[1].1", "unmapped")])
    assert [(row.segment, row.field, row.lost) for row in found.worst(2)] == [
        ("PID", 3, 2),
        ("PV1", 10, 1),
    ]
    assert len(found.worst(1)) == 1


def test_counts_of_several_processes_are_merged(found: FieldCoverage) -> None:
    both = FieldCoverage()
    both.merge(found)
    both.merge(found)
    assert both.messages == {"ADT^A01": 2, "ORU^R01": 2}
    assert both.total().leaves == 12


def test_names_that_are_not_hl7s_are_counted_together() -> None:
    coverage = FieldCoverage()
    for text in ("Fairbrother^Elspeth", "", "ADT^A01^ADT_A01^x"):
        coverage.add(text, [leaf("what is this")])
    assert coverage.messages == {OTHER: 3}
    assert [(row.segment, row.field) for row in coverage.fields()] == [(OTHER, 0)]


def test_nothing_at_all_is_complete() -> None:
    assert FieldCoverage().total().share == 1.0
