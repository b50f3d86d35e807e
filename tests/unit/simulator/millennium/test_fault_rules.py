"""Rules strike as they say, and the same way each time."""

import pytest

from engine.simulator.millennium.fault_rules import FaultRule, Faults, Kind, parse_rule


def struck(
    faults: Faults, count: int, method: str = "POST", path: str = "/r4/a/Patient"
) -> list[int]:
    return [n for n in range(1, count + 1) if faults.strike(method, path, b"body")]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (FaultRule(fault=Kind.DROP), [1, 2, 3, 4, 5, 6]),
        (FaultRule(fault=Kind.DROP, every=2), [2, 4, 6]),
        (FaultRule(fault=Kind.DROP, every=2, times=1), [2]),
        (FaultRule(fault=Kind.DROP, after=3), [4, 5, 6]),
        (FaultRule(fault=Kind.DROP, after=2, every=2), [4, 6]),
        (FaultRule(fault=Kind.DROP, share=0.0), []),
        (FaultRule(fault=Kind.DROP, method="get"), []),
        (FaultRule(fault=Kind.DROP, path="*/Encounter"), []),
        (FaultRule(fault=Kind.DROP, path="*/Patient", containing="body"), [1, 2, 3, 4, 5, 6]),
        (FaultRule(fault=Kind.DROP, containing="other"), []),
    ],
)
def test_a_rule_strikes_what_it_names(rule: FaultRule, expected: list[int]) -> None:
    faults = Faults()
    faults.set([rule])
    assert struck(faults, 6) == expected
    assert faults.struck == len(expected)


def test_a_share_is_about_that_share_and_the_same_for_the_same_seed() -> None:
    faults = Faults()
    found = []
    for seed in (7, 7, 8):
        faults.set([FaultRule(fault=Kind.DROP, share=0.2, seed=seed)])
        found.append(struck(faults, 1000))
    assert found[0] == found[1] != found[2]
    assert 150 < len(found[0]) < 250


def test_only_requests_that_fit_are_drawn_for() -> None:
    faults = Faults()
    faults.set([FaultRule(fault=Kind.DROP, share=0.5, seed=1, method="POST")])
    alone = struck(faults, 50)
    faults.set([FaultRule(fault=Kind.DROP, share=0.5, seed=1, method="POST")])
    mixed = []
    for number in range(1, 51):
        faults.strike("GET", "/r4/a/Patient", b"")
        mixed += [number] * bool(faults.strike("POST", "/r4/a/Patient", b""))
    assert mixed == alone


def test_a_rule_of_a_command_line_is_the_rule_of_a_file() -> None:
    found = parse_rule("503,share=0.2,seed=7,method=POST,path=*/Patient,after_commit=true")
    assert found == FaultRule(
        fault=Kind.STATUS, status=503, share=0.2, seed=7, method="POST", path="*/Patient",
        after_commit=True,
    )  # fmt: skip
    assert parse_rule("drop-after-commit").fault is Kind.DROP_AFTER_COMMIT


@pytest.mark.parametrize(
    "text", ["", "nonsense", "200", "503,share", "503,share=2", "503,often=3", "drop,every=0"]
)
def test_a_rule_that_makes_no_sense_says_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_rule(text)


def test_there_are_not_endlessly_many_rules() -> None:
    with pytest.raises(ValueError, match="at most 100"):
        Faults().set([FaultRule(fault=Kind.DROP)] * 101)
