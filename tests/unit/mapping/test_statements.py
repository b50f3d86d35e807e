from typing import Any

import pytest

from engine.diagnostics import Place
from engine.mapping.expression import attempt
from engine.mapping.statements import (
    is_identifier_key,
    read_choice_key,
    read_key_item,
    read_step_line,
    read_target_key,
)
from engine.mapping.syntax import Assign, Emit, FirstOf
from engine.yamltext import Scalar


def read(text: str, reader: Any) -> Any:
    found, problems = attempt(text, Scalar(text, Place(file="m.yaml", line=1, column=1)), reader)
    assert found is not None, problems
    return found


def test_a_target_key_may_carry_a_loop_and_a_condition() -> None:
    key = read('identifier[] each PID-3 as id when id.5 = "MR"', read_target_key)
    assert key.target.text == "identifier[]"
    assert (key.loop.source.text, key.loop.variable) == ("PID-3", "id")
    assert key.when is not None


def test_a_choice_key_may_carry_a_condition() -> None:
    key = read('Quantity when OBX-2 = "NM"', read_choice_key)
    assert (key.type_name, key.when is not None) == ("Quantity", True)


def test_the_parts_of_a_step_stand_in_any_order() -> None:
    one = read(
        "PV1 -> PV1[Encounter] as visit key=(PV1-19.1, PV1-44) a=b when PV1-2 valued",
        read_step_line,
    )
    two = read(
        "PV1 -> PV1[Encounter] a=b key=(PV1-19.1, PV1-44) as visit when PV1-2 valued",
        read_step_line,
    )
    for step in (one, two):
        assert isinstance(step, Emit)
        assert (step.variable, len(step.key or ()), step.arguments[0][0]) == ("visit", 2, "a")
        assert step.when is not None


def test_an_equals_sign_after_a_target_is_an_assignment() -> None:
    step = read("report.result[] = reference(one) when one valued", read_step_line)
    assert isinstance(step, Assign)
    assert (step.variable, step.target.text) == ("report", "result[]")


def test_keys() -> None:
    assert is_identifier_key(read("identifier", read_key_item))
    assert not is_identifier_key(read("(PID-3, PID-4)", read_key_item))
    (both,) = read("PID-3[1] | PID-2", read_key_item)
    assert isinstance(both, FirstOf)


@pytest.mark.parametrize(
    "text",
    [
        "PV1",
        "PV1 ->",
        "PV1 -> PV1",
        "PV1 -> PV1[Encounter] as a into b",
        "a.b =",
        "PV1 -> M[X] key=()",
    ],
)
def test_wrong_steps_are_one_located_problem(text: str) -> None:
    found, problems = attempt(
        text, Scalar(text, Place(file="m.yaml", line=1, column=1)), read_step_line
    )
    assert found is None
    assert [one.code for one in problems] == ["T504"]
