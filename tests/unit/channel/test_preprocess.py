"""Preprocess rules: small edits of a message before it is mapped."""

import pytest

from engine.channel.preprocess import check_rule, compile_rule, preprocess
from engine.diagnostics import Place
from engine.hl7v2.message import Message
from engine.hl7v2.parser import parse
from engine.yamltext import Scalar

HEADER = "MSH|^~\\&|A|NORTHVALE|B|C|20260101||ADT^A01^ADT_A01|1|P|2.5.1"


def message(*segments: str) -> Message:
    found = parse("".join(f"{one}\r" for one in (HEADER, *segments)).encode()).message
    assert found is not None
    return found


def edited(rules: list[str], *segments: str) -> list[str]:
    """The segments below MSH after the rules."""
    compiled = [compile_rule(rule) for rule in rules]
    assert all(rule is not None and not rule.problems for rule in compiled)
    made, _ = preprocess(message(*segments), [rule for rule in compiled if rule is not None])
    return [segment.text for segment in made.segments[1:]]


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ('PID-3[1].4 = "NVMRN" when PID-3[1].4 not valued', "PID|1||7", "PID|1||7^^^NVMRN"),
        ('PID-3[1].4 = "NVMRN" when PID-3[1].4 not valued', "PID|1||7^^^X", "PID|1||7^^^X"),
        ('PID-3[1].4.2 = "1.2.3"', "PID|1||7^^^X", "PID|1||7^^^X&1.2.3"),
        ('PID-3[2].5 = "PI"', "PID|1||7^^^X^MR", "PID|1||7^^^X^MR~^^^^PI"),
        ('PID-3[type=MR].4 = "NVMRN"', "PID|1||7^^^^PI~8^^^^MR", "PID|1||7^^^^PI~8^^^NVMRN^MR"),
        ('PID-3[type=MR].4 = "NVMRN"', "PID|1||7^^^^PI", "PID|1||7^^^^PI"),
        ('PID-8 = "F" when PID-8 = "W"', "PID|1|||||||W", "PID|1|||||||F"),
        ("PID-18 = PID-3[1]", "PID|1||7^^^X", "PID|1||7^^^X" + "|" * 15 + "7^^^X"),
        ("PID-8 = PID-8 -> upper", "PID|1|||||||f", "PID|1|||||||F"),
        ('PID-8 = PID-10[1].1 | "U"', "PID|1", "PID|1|||||||U"),
        ('PID-23 = concat(PID-8, "-", PID-1)', "PID|1|||||||F", "PID|1|||||||F" + "|" * 15 + "F-1"),
        ('PID-23 = "A & B"', "PID|1", "PID|1" + "|" * 22 + "A \\T\\ B"),
        ("move PID-2 to PID-3", "PID|1|8^^^N^MR", "PID|1||8^^^N^MR"),
        ("move PID-2 to PID-3", "PID|1|8^^^N^MR|7", "PID|1||7~8^^^N^MR"),
        ("move PID-2 to PID-3", "PID|1|7|7", "PID|1|7|7"),
        ("move PID-3[2] to PID-18", "PID|1||7~8", "PID|1||7" + "|" * 15 + "8"),
        ("delete PID-19", "PID|1" + "|" * 18 + "123-45-6789", "PID|1" + "|" * 18),
        ("delete PID-3[type=SS]", "PID|1||7^^^^MR~9^^^^SS", "PID|1||7^^^^MR"),
        ("delete PID-5[1].7", "PID|1||||Doe^J^^^^^L", "PID|1||||Doe^J^^^^^"),
    ],
)
def test_rule_does_what_it_says(rule: str, before: str, after: str) -> None:
    assert edited([rule], before) == [after]


def test_a_segment_is_deleted_wherever_it_stands() -> None:
    assert edited(["delete ZXX"], "PID|1", "ZXX|1", "PV1|1", "ZXX|2") == ["PID|1", "PV1|1"]


def test_a_rule_is_tried_on_each_segment_by_its_own_fields() -> None:
    rule = 'OBX-2 = "NM" when OBX-2 not valued and OBX-5 matches "^[0-9.]+$"'
    found = edited([rule], "OBX|1||A||1.5", "OBX|2|ST|B||1.5", "OBX|3||C||high")
    assert found == ["OBX|1|NM|A||1.5", "OBX|2|ST|B||1.5", "OBX|3||C||high"]


def test_other_segments_are_read_in_the_whole_message() -> None:
    rule = 'OBX-14 = OBR-7 when OBX-14 not valued and MSH-4 = "NORTHVALE"'
    found = edited([rule], "OBR|1||||||20260101", "OBX|1|ST|A||x")
    assert found[1] == "OBX|1|ST|A||x" + "|" * 9 + "20260101"


def test_rules_follow_one_another() -> None:
    rules = ["move PID-2 to PID-3", 'PID-3[1].4 = "NVMRN" when PID-3[1].4 not valued']
    assert edited(rules, "PID|1|8") == ["PID|1||8^^^NVMRN"]


def test_the_type_of_the_message_can_be_set_right() -> None:
    rule = compile_rule('MSH-9.3 = "ADT_A39"')
    assert rule is not None
    made, _ = preprocess(message("PID|1"), [rule])
    assert made.structure == "ADT_A39"  # MSH-9.3


def test_a_message_that_no_rule_touches_comes_back_as_it_is() -> None:
    given = message("PID|1||7^^^X")
    rule = compile_rule('PID-3[1].4 = "N" when PID-3[1].4 not valued')
    assert rule is not None
    assert preprocess(given, [rule]) == (given, ())


def test_what_was_done_is_told_by_place_and_rule() -> None:
    rule = compile_rule("move PID-2 to PID-3")
    assert rule is not None
    _, edits = preprocess(message("PID|1|8"), [rule])
    assert [(one.path, one.rule) for one in edits] == [("PID[1]-3", "move PID-2 to PID-3")]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("PID-3", "T504"),
        ("move PID-2", "T504"),
        ('PID-99 = "x"', "T521"),
        ('PID-3.4 = "x"', "T524"),
        ('PID-3[*].4 = "x"', "C457"),
        ('MSH-2 = "x"', "C457"),
        ('PID = "x"', "C457"),
        ("move PID to PV1-1", "C457"),
        ('OBX[2]-5 = "x"', "C457"),
        ("PID-8 = PID-8 -> table AdministrativeSex", "C457"),
        ("PID-8 = PID-7 -> date", "C457"),
        ('PID-8 = "x" when PAD-1 valued', "T520"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_at_its_place(rule: str, code: str) -> None:
    place = Place(file="channels/a.yaml", line=7, column=5)
    problems = check_rule(Scalar(rule, place))
    assert [one.code for one in problems] == [code]
    assert (problems[0].place.file, problems[0].place.line) == ("channels/a.yaml", 7)
