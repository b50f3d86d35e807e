import pytest

from engine.diagnostics import Place
from engine.mapping.expression import (
    parse_condition,
    parse_expression,
    parse_path,
    parse_target,
)
from engine.mapping.syntax import (
    Both,
    Call,
    Comparison,
    Either,
    FirstOf,
    Literal,
    Not,
    Path,
    Pipe,
    Selector,
    Valued,
)
from engine.yamltext import Scalar


def scalar(text: str) -> Scalar:
    return Scalar(text, Place(file="m.yaml", line=3, column=5))


def path(text: str) -> Path:
    found, problems = parse_path(text, scalar(text))
    assert found is not None, problems
    return found


def test_field_component_and_subcomponent_of_a_segment() -> None:
    found = path("PID-5.1.2")
    assert (found.segment, found.field, found.components) == ("PID", 5, (1, 2))


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("PID-3[2]", Selector(index=2)),
        ("PID-3[*]", Selector(every=True)),
        ("PID-3[type=MR]", Selector(component="type", value="MR")),
        ('PID-3[5="M R"].1', Selector(component="5", value="M R")),
        ("PID-3[4.2=1.2.3]", Selector(component="4.2", value="1.2.3")),
    ],
)
def test_repetition_is_chosen_by_number_or_component(text: str, selector: Selector) -> None:
    assert path(text).repetition == selector


def test_variable_groups_and_segment() -> None:
    found = path("order.SPECIMEN[2].OBX-5.1")
    assert found.variable == "order"
    assert found.steps == (("SPECIMEN", Selector(index=2)),)
    assert (found.segment, found.field, found.components) == ("OBX", 5, (1,))


def test_occurrence_of_a_segment() -> None:
    found = path("OBX[2]-5")
    assert (found.segment, found.segment_selector) == ("OBX", Selector(index=2))


def test_datatype_variable_and_parameter() -> None:
    assert path("CX.4.2").datatype == "CX"
    assert path("CX.4.2").components == (4, 2)
    assert (path("name.2").variable, path("name.2").components) == ("name", (2,))
    assert (path("obx-5").variable, path("obx-5").field) == ("obx", 5)
    assert path("use").variable == "use"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("PID-0", 5),
        ("PID-5.0", 5),
        ("PID-5.1.2.3", 5),
        ("PID-3[", 10),
        ("PID-3[0]", 10),
        ("GROUP_ONE-3", 5),
        ("name[1].2", 12),
        ("", 5),
    ],
)
def test_wrong_paths_are_located(text: str, column: int) -> None:
    found, problems = parse_path(text, scalar(text))
    assert found is None
    assert [(one.code, one.place.line, one.place.column) for one in problems] == [
        ("T504", 3, column)
    ]


def expression(text: str) -> object:
    found, problems = parse_expression(text, scalar(text))
    assert found is not None, problems
    return found


def test_pipe_of_map_with_arguments_and_reference() -> None:
    found = expression("PV1-7 -> XCN[Practitioner] use=work kind=not-known -> reference")
    assert isinstance(found, Pipe)
    assert [(step.kind, step.name) for step in found.steps] == [
        ("map", "XCN[Practitioner]"),
        ("reference", "reference"),
    ]
    (use, kind) = found.steps[0].arguments
    assert isinstance(use[1], Path)
    assert isinstance(kind[1], Literal)
    assert kind[1].value == "not-known"


@pytest.mark.parametrize("code", ["text", "not-done", "AMB", "a.1"])
def test_unmapped_takes_any_code_without_quotes(code: str) -> None:
    found = expression(f"PID-8 -> table AdministrativeSex unmapped={code}")
    assert isinstance(found, Pipe)
    argument = found.steps[0].arguments[0][1]
    assert isinstance(argument, Literal)
    assert (argument.value, argument.word) == (code, True)


def test_alternatives_calls_and_literals() -> None:
    found = expression('PID-1 | concat(PID-2, " ", 3, true, x=1.5) | (PID-4 | "\\"q\\"")')
    assert isinstance(found, FirstOf)
    call = found.options[1]
    assert isinstance(call, Call)
    assert [type(one) for one in call.arguments] == [Path, Literal, Literal, Literal]
    assert call.named[0][0] == "x"
    inner = found.options[2]
    assert isinstance(inner, FirstOf)
    assert isinstance(inner.options[1], Literal)
    assert inner.options[1].value == '"q"'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "->",
        "PID-3 ->",
        "PID-3 | ",
        'concat("a',
        "concat(PID-1",
        "f(x=1, PID-2)",
        "PID-3 extra",
        "PID-8 -> table",
        "when PID-1 valued",
        "PID-1 -> date x=1 x=2",
        "(" * 200,
    ],
)
def test_wrong_expressions_are_one_located_problem(text: str) -> None:
    found, problems = parse_expression(text, scalar(text))
    assert found is None
    assert [one.code for one in problems] == ["T504"]
    assert problems[0].place.line == 3


def condition(text: str) -> object:
    found, problems = parse_condition(text, scalar(text))
    assert found is not None, problems
    return found


def test_words_of_the_guide_are_read() -> None:
    found = condition('IF PID-24 EQUALS "Y" AND PID-25 NOT VALUED OR OBX-2 IN ("NM", "SN")')
    assert isinstance(found, Either)
    both = found.conditions[0]
    assert isinstance(both, Both)
    assert isinstance(both.conditions[1], Valued)
    assert both.conditions[1].negated
    assert isinstance(found.conditions[1], Comparison)
    assert found.conditions[1].operator == "in"


def test_parentheses_hold_conditions_or_expressions() -> None:
    assert isinstance(condition("not (PID-1 valued or PID-2 valued)"), Not)
    found = condition('(PID-1 | PID-2) -> upper = "A"')
    assert isinstance(found, Comparison)
    assert isinstance(found.subject, Pipe)
    assert isinstance(condition("((PID-1 valued) and (PID-2) valued)"), Both)


@pytest.mark.parametrize("operator", ["=", "!=", "<", "<=", ">", ">="])
def test_comparisons(operator: str) -> None:
    found = condition(f"OBX-5 {operator} 7")
    assert isinstance(found, Comparison)
    assert found.operator == operator


@pytest.mark.parametrize(
    "text", ["PID-1", "PID-1 =", "PID-1 not", "PID-1 in ()", 'PID-1 matches "["', "(PID-1 = )"]
)
def test_wrong_conditions_are_one_located_problem(text: str) -> None:
    found, problems = parse_condition(text, scalar(text))
    assert found is None
    assert [one.code for one in problems] == ["T504"]


def test_targets() -> None:
    found, _ = parse_target("coding[local].code", scalar("coding[local].code"))
    assert found is not None
    assert [(part.name, part.label) for part in found.parts] == [
        ("coding", "local"),
        ("code", None),
    ]
    found, _ = parse_target("period.items[]", scalar(""))
    assert found is not None
    assert found.parts[-1].append
    found, _ = parse_target("value[x]", scalar(""))
    assert found is not None
    assert found.parts[-1].choice


@pytest.mark.parametrize("text", ["", "name[].family", "a.", "value[x].b", "a[0]", "$this.x"])
def test_wrong_targets_are_one_located_problem(text: str) -> None:
    found, problems = parse_target(text, scalar(text))
    assert found is None
    assert [one.code for one in problems] == ["T504"]
