"""Differences are counted by path and kind, and each falls under the first decision covering it."""

from benchmarks.agreement.compare import compare
from benchmarks.agreement.elements import read_bundle
from benchmarks.agreement.ledger import Decision, differences, ledger, read_decisions

OURS = [
    {"resourceType": "Patient", "id": "a", "gender": "male", "birthDate": "1980"},
    {"resourceType": "Device", "id": "d", "note": [{"text": "x"}]},
]
THEIRS = [{"resourceType": "Patient", "id": "b", "gender": "female", "active": True}]


def decision(elements: str, kinds: str) -> Decision:
    return Decision(elements=elements, kinds=kinds, verdict="both allowed", why="a test")


def test_differences_have_a_path_and_a_kind() -> None:
    found = differences(compare(read_bundle(OURS), read_bundle(THEIRS)))
    assert found == {
        ("Patient.gender", "differ"): 1,
        ("Patient.birthDate", "ours"): 1,
        ("Patient.active", "theirs"): 1,
        ("Device.note.text", "ours-alone"): 1,
    }


def test_first_decision_counts_and_the_rest_is_undecided() -> None:
    found = compare(read_bundle(OURS), read_bundle(THEIRS))
    decisions = [decision("Patient.gender", "*"), decision("Patient.*", "ours*")]
    rows, undecided = ledger([("microsoft", [found])], decisions)
    assert [(row.decision.elements, row.counts["microsoft"]) for row in rows] == [
        ("Patient.gender", 1),
        ("Patient.*", 1),
    ]
    assert set(undecided) == {("Patient.active", "theirs"), ("Device.note.text", "ours-alone")}


def test_brackets_in_a_pattern_mean_themselves() -> None:
    assert decision("Patient.x[0]*", "*").covers(("Patient.x[0].y", "ours"))


def test_every_decision_has_a_verdict_and_a_reason() -> None:
    verdicts = {"ours wrong", "ours mended", "theirs wrong", "both allowed", "guide silent"}
    for one in read_decisions():
        assert one.verdict in verdicts, one.elements
        assert one.why, one.elements
