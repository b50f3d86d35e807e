"""Filters: conditions over whole messages, compiled, explained."""

import pytest

from engine.channel.filter import CompiledFilter, compile_filter
from engine.diagnostics import Severity, has_errors
from engine.hl7v2.message import Message
from engine.hl7v2.parser import parse

SEGMENTS = (
    "MSH|^~\\&|REG|NORTH|||20260105||ADT^A01^ADT_A01|1|P|2.5.1",
    'PID|1||A1^^^NORTH^MR~B2^^^SSA^SS||Okafor^Ada\\T\\eze^""||19870412|F',
    "PV1|1|I|3W^12^1|E",
    "OBX|1|NM|2345-7^Glucose^LN||98|mg/dL",
    "OBX|2|NM|2160-0^Creatinine^LN||1.1|mg/dL",
)


def message() -> Message:
    parsed = parse("".join(f"{segment}\r" for segment in SEGMENTS).encode())
    assert parsed.message is not None
    return parsed.message


def compiled(text: str) -> CompiledFilter:
    found = compile_filter(text)
    assert not has_errors(found.problems), found.problems
    return found


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("PID-3 valued", True),
        ("PID-4 valued", False),
        ("PID-4 not valued", True),
        ("PV1 valued", True),
        ("PV2 valued", False),
        ("PID-5.3 valued", False),
        ('PV1-2 = "I"', True),
        ('PV1-2 != "I"', False),
        ('PV1-2 in ("I", "E")', True),
        ('PV1-2 not in ("I", "E")', False),
        ('PID-3[type=SS].1 = "B2"', True),
        ('PID-3[5=MR].1 = "B2"', False),
        ('PID-3[2].1 = "B2"', True),
        ('PID-3[3].1 = "B2"', False),
        ('PID-3.1 = "B2"', True),
        ('OBX-3.1 = "2160-0"', True),
        ('OBX-3.1 != "2160-0"', False),
        ('OBX[1]-3.1 = "2160-0"', False),
        ("OBX[2]-5 < 2", True),
        ("OBX-5 > 98", False),
        ("OBX-5 >= 98.0", True),
        ('PID-7 > "19800101"', True),
        ('PID-5.2 = "Ada&eze"', True),
        ('PID-5.1 matches "^Ok"', True),
        ('PID-5.1 not matches "^Ok"', False),
        ('(PID-4.1 | PID-3.1) = "A1"', True),
        ('PV1-2 = "O" or PV1-4 = "E" and PID-8 = "F"', True),
        ('not (PV1-2 = "I")', False),
        ('MSH-9.2 = "A01"', True),
    ],
)
def test_conditions_read_every_value_a_path_names(text: str, passes: bool):
    assert compiled(text)(message()) is passes


def test_an_explicit_null_reads_as_nothing():
    assert compiled("PID-5.3 not valued")(message())


def test_why_names_the_tests_that_decided_and_no_value_of_the_message():
    condition = compiled('PV1-2 = "O" and PID-3 valued and PID-8 in ("M", "U")')
    assert condition.why(message()) == 'false: PV1-2 = "O", PID-8 in ("M", "U")'
    assert compiled('PV1-2 = "I" or PID-4 valued').why(message()) == 'true: PV1-2 = "I"'
    assert compiled("not (PID-3 valued)").why(message()) == "false: not (PID-3 valued)"


def test_the_refusal_of_a_message_is_information_for_the_log():
    refusal = compiled('PV1-2 = "O"').refusal(message())
    assert (refusal.code, refusal.severity) == ("C448", Severity.INFO)
    assert refusal.message.endswith(': PV1-2 = "O"')


def test_the_parts_of_an_explanation_follow_the_condition():
    part = compiled("PID-3 valued or PID-4 valued").explain(message())
    assert [(inner.text, inner.holds) for inner in part.parts] == [
        ("PID-3 valued", True),
        ("PID-4 valued", False),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("PID-3 valid", "T504"),
        ("PDI-3 valued", "T520"),
        ("PID-99 valued", "T521"),
        ("PID-7.9 valued", "T522"),
        ("PID-3[typ=MR] valued", "T523"),
        ("patient valued", "T526"),
        ("ORDER_OBSERVATION.OBX-5 valued", "C444"),
        ('(PID-7 -> date) = "1987-04-12"', "C444"),
    ],
)
def test_a_filter_that_cannot_work_is_refused_with_its_place(text: str, code: str):
    found = compile_filter(text)
    assert [problem.code for problem in found.problems] == [code]
    assert found(message()) is False


def test_a_filter_works_with_the_delimiters_of_the_message():
    raw = b"MSH$%~\\*$REG$NORTH$$$20260105$$ADT%A01$1$P$2.5.1\rPID$1$$A1%%%NORTH%MR\r"
    parsed = parse(raw)
    assert parsed.message is not None
    assert compiled('PID-3[type=MR].1 = "A1"')(parsed.message)
