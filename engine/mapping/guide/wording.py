"""Pure. Expressions and conditions as text again, in the words of the mapping language."""

from engine.mapping.syntax import (
    Both,
    Call,
    Comparison,
    Condition,
    Either,
    Expression,
    FirstOf,
    Literal,
    Not,
    Path,
    Step,
    Valued,
)


def expression_text(expression: Expression) -> str:
    """`PID-5 -> XPN[HumanName] use=official` and the like."""
    if isinstance(expression, Path):
        return expression.text
    if isinstance(expression, Literal):
        return _literal_text(expression)
    if isinstance(expression, Call):
        values = [expression_text(one) for one in expression.arguments]
        values += [f"{name}={_operand_text(value)}" for name, value in expression.named]
        return f"{expression.name}({', '.join(values)})"
    if isinstance(expression, FirstOf):
        return " | ".join(expression_text(one) for one in expression.options)
    return " -> ".join((_operand_text(expression.source), *map(step_text, expression.steps)))


def step_text(step: Step) -> str:
    """`table AdministrativeSex unmapped=text`, `XPN[HumanName]`, `date`, `reference`."""
    head = f"table {step.name}" if step.kind == "table" else step.name or step.kind
    return " ".join((head, *(f"{name}={_operand_text(value)}" for name, value in step.arguments)))


def _literal_text(literal: Literal) -> str:
    if isinstance(literal.value, bool):
        return str(literal.value).lower()
    if literal.word or not isinstance(literal.value, str):
        return str(literal.value)
    escaped = literal.value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.replace("\n", "\\n").replace("\t", "\\t")


def _operand_text(expression: Expression) -> str:
    """An expression where an operand stands: pipes and alternatives in brackets."""
    text = expression_text(expression)
    return text if isinstance(expression, Path | Literal | Call) else f"({text})"


def condition_text(condition: Condition | None) -> str:
    """`PID-29 not valued and PV1-2 = "P"`; empty without a condition."""
    if condition is None:
        return ""
    if isinstance(condition, Both):
        return " and ".join(_guarded(one) for one in condition.conditions)
    if isinstance(condition, Either):
        return " or ".join(_guarded(one) for one in condition.conditions)
    if isinstance(condition, Not):
        return f"not ({condition_text(condition.condition)})"
    subject = _operand_text(condition.subject)
    if isinstance(condition, Valued):
        return f"{subject} not valued" if condition.negated else f"{subject} valued"
    return _comparison_text(condition, subject)


def _guarded(condition: Condition) -> str:
    text = condition_text(condition)
    return f"({text})" if isinstance(condition, Both | Either) else text


def _comparison_text(comparison: Comparison, subject: str) -> str:
    operands = [_operand_text(one) for one in comparison.operands]
    if comparison.operator.endswith("in"):
        return f"{subject} {comparison.operator} ({', '.join(operands)})"
    return f"{subject} {comparison.operator} {operands[0]}"
