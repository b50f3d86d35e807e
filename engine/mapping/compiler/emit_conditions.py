"""Pure. Code for conditions: lines that read what is compared, then one Python expression.

What a condition reads may be empty or wrong without that being a problem, so problems are dropped
here. An empty value compares as an empty text: `=` and `in` do not hold, `!=` and `not in` do.
"""

import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from engine.mapping.compiler.emit_code import Body, BoundKind, Form, Value, Want
from engine.mapping.compiler.emit_groups import enter_groups, read_segment
from engine.mapping.compiler.emit_paths import header_component, simple_text
from engine.mapping.compiler.emit_short import leaf_text, short_valued
from engine.mapping.compiler.emit_values import emit
from engine.mapping.syntax import (
    Both,
    Comparison,
    Condition,
    Either,
    Expression,
    FirstOf,
    Literal,
    Path,
    Valued,
)
from engine.mapping.target_types import UNKNOWN
from engine.mapping.text_kinds import TextKind, text_kind


def condition_text(body: Body, one: Condition) -> str:
    """Write what the condition needs; the expression that tells whether it holds."""
    before, body.quiet = body.quiet, True
    try:
        return _text(body, one)
    finally:
        body.quiet = before


def _text(body: Body, one: Condition) -> str:
    if isinstance(one, Valued):
        held = _valued(body, one.subject)
        return f"not {held}" if one.negated else held
    if isinstance(one, Comparison):
        return _comparison(body, one)
    if isinstance(one, Both):
        return _joined(body, [partial(_text, body, each) for each in one.conditions], "and")
    if isinstance(one, Either):
        return _joined(body, [partial(_text, body, each) for each in one.conditions], "or")
    return f"not {_text(body, one.condition)}"


def _joined(body: Body, writers: list[Callable[[], str]], word: str) -> str:
    """Conditions joined by a word; what a later one reads is not read when an earlier decides.

    A trace records every read, so there all are read.
    """
    texts = [writers[0]()]
    code = body.code
    for write in writers[1:]:
        if body.traced:
            texts.append(write())
            continue
        held, start = body.fresh("b"), len(code.lines)
        body.line(f"{held} = {_joint(texts, word)}")
        code.line(f"if {held}:" if word == "and" else f"if not {held}:")
        code.depth += 1
        text = write()
        code.depth -= 1
        if len(code.lines) == start + 2:  # it reads nothing that is not at hand
            del code.lines[start:]
            texts.append(text)
        else:
            code.line(f"    {held} = {text}")
            texts = [held]
    return _joint(texts, word)


def _joint(texts: list[str], word: str) -> str:
    return texts[0] if len(texts) == 1 else "(" + f" {word} ".join(texts) + ")"


def _valued(body: Body, subject: Expression) -> str:
    """An expression that is true when the subject is populated."""
    if isinstance(subject, FirstOf):
        return _joined(body, [partial(_valued, body, option) for option in subject.options], "or")
    simple = simple_text(body, subject) if isinstance(subject, Path) else None
    if simple is not None:
        return f"({simple[0]} and {simple[0]}.strip(BLANK))"
    if isinstance(subject, Path) and (short := short_valued(body, subject)) is not None:
        return short
    name = body.fresh("b")
    body.line(f"{name} = False")
    if isinstance(subject, Path) and _is_structure(body, subject):
        _structure_valued(body, subject, name)
        return name
    want = Want.VALUED if isinstance(subject, Path) else Want.LEAF
    if isinstance(subject, Path) and subject.variable in body.names:
        want = Want.LEAF if body.names[subject.variable].kind is BoundKind.MADE else want
    emit(body, subject, want, UNKNOWN, lambda _value: body.line(f"{name} = True"))
    return name


def _is_structure(body: Body, path: Path) -> bool:
    """True for a path to a segment or a group."""
    if path.field is not None or path.datatype is not None:
        return False
    bound = body.names.get(path.variable) if path.variable is not None else None
    if bound is not None and not path.steps and path.segment is None:
        return bound.kind in (BoundKind.GROUP, BoundKind.SEGMENT)
    return bool(path.steps) or path.segment is not None


def _structure_valued(body: Body, path: Path, name: str) -> None:
    bound = body.names.get(path.variable) if path.variable is not None else None
    if bound is not None and not path.steps and path.segment is None:
        body.line(f"{name} = {bound.name} is not None")
    elif path.segment is not None:
        read_segment(body, path, lambda _found: body.line(f"{name} = True"))
    else:
        with ExitStack() as stack:
            if enter_groups(body, path, path.steps, stack) is not None:
                body.line(f"{name} = True")


def _comparison(body: Body, one: Comparison) -> str:
    subject = _operand(body, one.subject)
    operator = one.operator
    if operator in ("matches", "not matches"):
        pattern = one.operands[0]
        source = str(pattern.value) if isinstance(pattern, Literal) else ""
        compiled = body.builder.refer("pattern", re.compile(source))
        held = f"({compiled}.search({subject}) is not None)"
        return f"not {held}" if operator == "not matches" else held
    operands = [_operand(body, each) for each in one.operands]
    if operator == "=":
        if isinstance(one.operands[0], Literal) and one.operands[0].value != "":
            return f"({subject} == {operands[0]})"
        return f'({subject} == {operands[0]} != "")'
    if operator == "!=":
        return f"({subject} != {operands[0]})"
    if operator in ("in", "not in"):
        listed = f"({', '.join(operands)},)"
        plain = all(isinstance(each, Literal) and literal_text(each) for each in one.operands)
        populated = "" if plain else f'{subject} != "" and '
        held = f"({populated}{subject} in {listed})"
        return f"not {held}" if operator == "not in" else held
    return f'compared({subject}, "{operator}", {operands[0]})'


def _operand(body: Body, one: Expression) -> str:
    """A variable or literal with the text of an operand; an empty text when it is empty."""
    if isinstance(one, Literal):
        return repr(literal_text(one))
    simple = simple_text(body, one) if isinstance(one, Path) else None
    if simple is not None and isinstance(one, Path):
        kind = text_kind(body, one)
        if kind is not TextKind.BY_OBX_2:
            level = simple[1] if kind is TextKind.DIVIDED else 3
            return body.first_use(f"{simple[0]} and leaf{level}({simple[0]})")
    part = header_component(body, one) if isinstance(one, Path) else None
    if part is not None:
        return body.first_use(part)
    name = body.fresh("c")
    text = leaf_text(body, one) if isinstance(one, Path) else None
    if text is not None:
        body.line(f"{name} = {text}")
        return name
    body.line(f'{name} = ""')

    def keep(value: Value) -> None:
        text = value.text
        if value.form is Form.MADE:
            text = f"{text}.resource_id"
        elif value.form is not Form.TEXT:
            text = f"as_text({text})"
        body.line(f"{name} = {text}")

    emit(body, one, Want.LEAF, UNKNOWN, keep)
    return name


def literal_text(one: Literal) -> str:
    """A literal as it compares: `true` and `false` in small letters, numbers as written."""
    if isinstance(one.value, bool):
        return "true" if one.value else "false"
    return str(one.value)
