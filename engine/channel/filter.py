"""Pure. A channel's filter: a condition of the mapping language over the whole message.

A path reads everything it names: `OBX-3.1 = "X"` holds when any OBX has it, `!=` and `not in` when
none has. The explicit null `""` reads as nothing. Compiled to closures once; `why` tells which part
decided, in the words of the filter and without values of the message.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.channel import codes
from engine.channel.message_values import Values, value_reader
from engine.diagnostics import Diagnostic, Place
from engine.hl7v2.message import Message
from engine.mapping.checker.checker_source import check_message_path
from engine.mapping.expression import parse_condition
from engine.mapping.syntax import (
    Both,
    Comparison,
    Condition,
    Either,
    Expression,
    FirstOf,
    Literal,
    Not,
    Path,
    Valued,
)
from engine.yamltext import Scalar

Test = Callable[[Message], bool]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One test of a filter, or several joined, and whether it holds for a message."""

    text: str
    holds: bool
    parts: tuple["Part", ...] = ()

    def deciding(self) -> tuple["Part", ...]:
        """The single tests that made the whole what it is."""
        if not self.parts:
            return (self,)
        found = [part for part in self.parts if part.holds == self.holds] or list(self.parts)
        return tuple(leaf for part in found for leaf in part.deciding())


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledFilter:
    """A filter ready to run; calling it says whether a message passes."""

    text: str
    test: Test
    explain: Callable[[Message], Part]
    problems: tuple[Diagnostic, ...] = ()
    """With an error among them the filter must not be used."""

    def __call__(self, message: Message) -> bool:
        """True when the message passes."""
        return self.test(message)

    def why(self, message: Message) -> str:
        """Which tests decided, such as `false: PV1-2 in ("I", "E")`; no values of the message."""
        whole = self.explain(message)
        return f"{'true' if whole.holds else 'false'}: {_deciding_tests(whole)}"

    def refusal(self, message: Message) -> Diagnostic:
        """What the log says of a message that did not pass: the tests that were false."""
        return codes.FILTERED(tests=_deciding_tests(self.explain(message)))


def _deciding_tests(whole: Part) -> str:
    return ", ".join(part.text for part in whole.deciding())


@dataclass(frozen=True, slots=True)
class _Compiled:
    test: Test
    explain: Callable[[Message], Part]


def compile_filter(condition: Scalar | str) -> CompiledFilter:
    """Compile a filter.

    Args:
        condition: the text, as a scalar when its place is known.

    Returns:
        The filter with all its problems: syntax, unknown segments and fields, forms a filter cannot
        use.
    """
    scalar = Scalar(condition, Place()) if isinstance(condition, str) else condition
    parsed, problems = parse_condition(scalar.text, scalar)
    if parsed is None:
        return CompiledFilter(
            text=scalar.text, test=_never, explain=_unexplained, problems=tuple(problems)
        )
    compiled = _compile(parsed, problems)
    return CompiledFilter(
        text=scalar.text,
        test=compiled.test,
        explain=compiled.explain,
        problems=tuple(problems),
    )


def compile_test(condition: Condition, problems: list[Diagnostic]) -> Test:
    """A condition as a test of messages; what it cannot use is added to `problems`."""
    return _compile(condition, problems).test


def _never(_message: Message) -> bool:
    return False


def _unexplained(_message: Message) -> Part:
    return Part(text="the filter does not compile", holds=False)


def _compile(condition: Condition, problems: list[Diagnostic]) -> _Compiled:
    if isinstance(condition, Both):
        return _joined([_compile(part, problems) for part in condition.conditions], "and")
    if isinstance(condition, Either):
        return _joined([_compile(part, problems) for part in condition.conditions], "or")
    if isinstance(condition, Not):
        return _negated(_compile(condition.condition, problems))
    if isinstance(condition, Valued):
        values = _values(condition.subject, problems)
        wanted = not condition.negated
        text = f"{_text(condition.subject)} {'valued' if wanted else 'not valued'}"
        return _leaf(text, lambda message: bool(values(message)) is wanted)
    return _comparison(condition, problems)


def _leaf(text: str, test: Test) -> _Compiled:
    return _Compiled(test, lambda message: Part(text=text, holds=test(message)))


def _joined(compiled: list[_Compiled], word: str) -> _Compiled:
    tests = tuple(one.test for one in compiled)
    every = word == "and"

    def test(message: Message) -> bool:
        for one in tests:
            if one(message) is not every:
                return not every
        return every

    def explain(message: Message) -> Part:
        parts = tuple(one.explain(message) for one in compiled)
        held = [part.holds for part in parts]
        text = f" {word} ".join(part.text for part in parts)
        return Part(text=text, holds=all(held) if every else any(held), parts=parts)

    return _Compiled(test, explain)


def _negated(inner: _Compiled) -> _Compiled:
    def explain(message: Message) -> Part:
        part = inner.explain(message)
        return Part(text=f"not ({part.text})", holds=not part.holds)

    return _Compiled(lambda message: not inner.test(message), explain)


def _comparison(condition: Comparison, problems: list[Diagnostic]) -> _Compiled:
    subject = _values(condition.subject, problems)
    word = condition.operator
    operands = tuple(_values(operand, problems) for operand in condition.operands)
    shown = ", ".join(_text(operand) for operand in condition.operands)
    text = f"{_text(condition.subject)} {word} " + (f"({shown})" if word.endswith("in") else shown)
    if word.endswith("matches"):
        literal = condition.operands[0]
        pattern = re.compile(str(literal.value) if isinstance(literal, Literal) else "")
        found: Test = lambda message: any(  # noqa: E731  one of three forms of the same test
            pattern.search(value) for value in subject(message)
        )
    elif word in _ORDER:
        found = _ordered(subject, operands[0], _ORDER[word])
    else:
        found = _equal(subject, condition.operands, operands)
    if word.startswith(("not", "!")):
        return _leaf(text, lambda message: not found(message))
    return _leaf(text, found)


def _equal(subject: Values, literals: tuple[Expression, ...], operands: tuple[Values, ...]) -> Test:
    """True when any value of the subject equals any operand."""
    if all(isinstance(one, Literal) and isinstance(one.value, str) for one in literals):
        known = frozenset(str(one.value) for one in literals if isinstance(one, Literal))
        return lambda message: any(value in known for value in subject(message))

    def test(message: Message) -> bool:
        wanted = {value for operand in operands for value in operand(message)}
        return any(value in wanted for value in subject(message))

    return test


def _ordered(subject: Values, operand: Values, compare: Callable[[Any, Any], bool]) -> Test:
    """Numbers by size, everything else (dates among it) by text."""

    def test(message: Message) -> bool:
        for other in operand(message):
            limit = _number(other)
            for value in subject(message):
                number = _number(value)
                if number is not None and limit is not None:
                    if compare(number, limit):
                        return True
                elif compare(value, other):
                    return True
        return False

    return test


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _values(expression: Expression, problems: list[Diagnostic]) -> Values:
    """A function from message to the populated texts an expression names."""
    if isinstance(expression, Literal):
        constant = (_literal_text(expression),)
        return lambda _message: constant
    if isinstance(expression, Path):
        found = check_message_path(expression)
        problems.extend(found)
        if not found and expression.steps:
            what = "a group"
            hint = f"name the segment alone: {expression.segment or 'OBX'}"
            problems.append(codes.FILTER_FORM(expression.place, what=what, hint=hint))
        return value_reader(expression)
    if isinstance(expression, FirstOf):
        options = tuple(_values(option, problems) for option in expression.options)

        def first(message: Message) -> tuple[str, ...] | list[str]:
            for option in options:
                values = option(message)
                if values:
                    return values
            return ()

        return first
    what = "functions, maps or tables"
    problems.append(codes.FILTER_FORM(expression.place, what=what))
    return lambda _message: ()


def _literal_text(literal: Literal) -> str:
    if isinstance(literal.value, bool):
        return "true" if literal.value else "false"
    return str(literal.value)


def _text(expression: Expression) -> str:
    """An expression as written, for `why`; only paths and literals of the configuration."""
    if isinstance(expression, Path):
        return expression.text
    if isinstance(expression, Literal):
        quoted = isinstance(expression.value, str)
        return f'"{expression.value}"' if quoted else _literal_text(expression)
    if isinstance(expression, FirstOf):
        return " | ".join(_text(option) for option in expression.options)
    return "..."
