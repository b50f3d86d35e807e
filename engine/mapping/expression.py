"""Pure. The right-hand side of a rule: expressions and conditions from text.

A recursive descent over the grammar of docs/mapping-language.md. The words of HL7's v2-to-FHIR
guide (`IF PID-24 EQUALS "Y" AND PID-25 VALUED`) are read as well, so its conditions can be pasted.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from engine.diagnostics import Diagnostic
from engine.mapping.paths import read_path, read_target, starts_path
from engine.mapping.scanner import DEPTH_MAX, TEXT_MAX, Cursor, SyntaxFault
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
    Pipe,
    Step,
    Target,
    Valued,
)
from engine.yamltext import Scalar

_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?![\w])")
_CALL = re.compile(r"([a-z_][A-Za-z0-9_]*)\(")
_MAP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\[[^\]\[]+\]")
_TABLE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_ARGUMENT = re.compile(r"([a-z_][A-Za-z0-9_]*)\s*=(?![=])")
_HYPHENATED = re.compile(r"[a-z][A-Za-z0-9]*(?:-[a-z][A-Za-z0-9]*)+(?![\w.-])")
_CODE = re.compile(r"[A-Za-z0-9_.-]+")
_COMPARE = re.compile(r"<=|>=|!=|<>|=|<|>")

_WORD_OPERATORS = {"equals": "=", "equal": "=", "is": "="}
_RESERVED = frozenset({"when", "and", "or", "not", "in", "valued", "matches", "as", "each", "into"})

Read = TypeVar("Read")


def parse_expression(
    text: str, place_of: Scalar, offset: int = 0
) -> tuple[Expression | None, list[Diagnostic]]:
    """Read `text`, which stands at `offset` in the scalar `place_of`."""
    return attempt(text, place_of, read_expression, offset)


def parse_condition(
    text: str, place_of: Scalar, offset: int = 0
) -> tuple[Condition | None, list[Diagnostic]]:
    """Read a condition; a leading `IF` or `when` is allowed."""
    return attempt(text, place_of, read_condition, offset)


def parse_path(
    text: str, place_of: Scalar, offset: int = 0
) -> tuple[Path | None, list[Diagnostic]]:
    """Read a source path."""
    return attempt(text, place_of, read_path, offset)


def parse_target(
    text: str, place_of: Scalar, offset: int = 0
) -> tuple[Target | None, list[Diagnostic]]:
    """Read a target such as `period.start` or `identifier[]`."""
    return attempt(text, place_of, read_target, offset)


def attempt(
    text: str, place_of: Scalar, read: Callable[[Cursor], Read], offset: int = 0
) -> tuple[Read | None, list[Diagnostic]]:
    """Run a reader over the whole text; what is wrong comes back as a diagnostic."""
    cursor = Cursor(text, place_of, base=offset)
    try:
        if len(text) > TEXT_MAX:
            raise SyntaxFault(0, f"this is longer than {TEXT_MAX} characters")
        found = read(cursor)
        if not cursor.ended():
            raise cursor.left_over()
    except SyntaxFault as fault:
        return None, [cursor.diagnostic(fault)]
    return found, []


def read_expression(cursor: Cursor) -> Expression:
    """`pipe ("|" pipe)*`."""
    cursor.skip()
    start = cursor.at
    options = [_read_pipe(cursor)]
    while cursor.symbol("|"):
        options.append(_read_pipe(cursor))
    if len(options) == 1:
        return options[0]
    return FirstOf(options=tuple(options), place=cursor.place(start))


def _read_pipe(cursor: Cursor) -> Expression:
    cursor.skip()
    start = cursor.at
    source = read_operand(cursor)
    steps: list[Step] = []
    while cursor.symbol("->"):
        steps.append(read_step(cursor))
    if not steps:
        return source
    return Pipe(source=source, steps=tuple(steps), place=cursor.place(start))


def read_operand(cursor: Cursor) -> Expression:
    """A path, literal, call, or an expression in parentheses."""
    cursor.skip()
    start = cursor.at
    if cursor.symbol("("):
        _deeper(cursor)
        found = read_expression(cursor)
        cursor.expect(")", "the expression")
        cursor.depth -= 1
        return found
    literal = _read_literal(cursor, start)
    if literal is not None:
        return literal
    call = cursor.take(_CALL)
    if call is not None:
        return _read_call(cursor, call.group(1), start)
    if cursor.peek_word().lower() in _RESERVED:
        raise cursor.fault(f'a source is missing before "{cursor.peek_word()}"')
    if not starts_path(cursor):
        shown = cursor.text[cursor.at : cursor.at + 1]
        raise cursor.fault(
            f'a source was expected, not "{shown}"' if shown else "a source is missing",
            "write a path, a literal in double quotes, or a function call",
        )
    return read_path(cursor)


def _read_literal(cursor: Cursor, start: int) -> Literal | None:
    text = cursor.take(_TEXT)
    if text is not None:
        value = _ESCAPED.sub(_unescaped, text.group(1))
        return Literal(value=value, place=cursor.place(start))
    number = cursor.take(_NUMBER)
    if number is not None:
        digits = number.group()
        return Literal(
            value=float(digits) if "." in digits else int(digits), place=cursor.place(start)
        )
    word = cursor.peek_word()
    if word in ("true", "false") and cursor.word(word):
        return Literal(value=word == "true", place=cursor.place(start))
    if cursor.text.startswith('"', cursor.at):
        raise cursor.fault("this text has no closing quote")
    return None


def _unescaped(match: "re.Match[str]") -> str:
    """`\\n` and `\\t`; any other character after a backslash is itself."""
    return {"n": "\n", "t": "\t"}.get(match.group(1), match.group(1))


def _read_call(cursor: Cursor, name: str, start: int) -> Call:
    _deeper(cursor)
    arguments: list[Expression] = []
    named: list[tuple[str, Expression]] = []
    while not cursor.symbol(")"):
        if arguments or named:
            cursor.expect(",", "an argument")
        argument = cursor.take(_ARGUMENT)
        if argument is not None:
            named.append((argument.group(1), read_expression(cursor)))
        elif named:
            raise cursor.fault("named arguments come last")
        else:
            arguments.append(read_expression(cursor))
    cursor.depth -= 1
    return Call(
        name=name, arguments=tuple(arguments), named=tuple(named), place=cursor.place(start)
    )


def read_step(cursor: Cursor) -> Step:
    """What follows `->`: a map, `table NAME`, `reference`, or a function, with its arguments."""
    cursor.skip()
    start = cursor.at
    map_name = cursor.take(_MAP_NAME)
    if map_name is not None:
        kind, name = "map", map_name.group()
    elif cursor.peek_word() == "table":
        cursor.word("table")
        table = cursor.take(_TABLE_NAME)
        if table is None:
            raise cursor.fault("a table's name is missing")
        kind, name = "table", table.group()
    else:
        name = cursor.name("a map such as CX[Identifier], a table or a function after ->")
        kind = name if name in ("reference", "template") else "function"
    place = cursor.place(start)
    return Step(kind=kind, name=name, arguments=read_arguments(cursor), place=place)


def read_arguments(cursor: Cursor) -> tuple[tuple[str, Expression], ...]:
    """`(NAME "=" operand)*`."""
    found: list[tuple[str, Expression]] = []
    while (match := cursor.take(_ARGUMENT)) is not None:
        name = match.group(1)
        if name in dict(found):
            raise cursor.fault(f'the argument "{name}" is given twice', start=match.start())
        found.append((name, _read_argument(cursor, name)))
    return tuple(found)


def _read_argument(cursor: Cursor, name: str) -> Expression:
    """An operand, or a code without quotes: `unmapped=not-done`."""
    cursor.skip()
    start = cursor.at
    word = cursor.take(_CODE if name == "unmapped" else _HYPHENATED)
    if word is None:
        return read_operand(cursor)
    return Literal(value=word.group(), place=cursor.place(start), word=True)


def read_condition(cursor: Cursor) -> Condition:
    """`conjunction ("or" conjunction)*`."""
    cursor.word("if", "when")
    return _read_either(cursor)


def _read_either(cursor: Cursor) -> Condition:
    cursor.skip()
    start = cursor.at
    found = [_read_both(cursor)]
    while cursor.word("or"):
        found.append(_read_both(cursor))
    if len(found) == 1:
        return found[0]
    return Either(conditions=tuple(found), place=cursor.place(start))


def _read_both(cursor: Cursor) -> Condition:
    cursor.skip()
    start = cursor.at
    found = [_read_test(cursor)]
    while cursor.word("and"):
        found.append(_read_test(cursor))
    if len(found) == 1:
        return found[0]
    return Both(conditions=tuple(found), place=cursor.place(start))


def _read_test(cursor: Cursor) -> Condition:
    cursor.skip()
    start = cursor.at
    if cursor.word("not"):
        _deeper(cursor)
        found = _read_test(cursor)
        cursor.depth -= 1
        return Not(condition=found, place=cursor.place(start))
    if cursor.text.startswith("(", cursor.at):
        grouped = _read_group(cursor)
        if grouped is not None:
            return grouped
    return _read_comparison(cursor, start)


def _read_group(cursor: Cursor) -> Condition | None:
    """A condition in parentheses; None when the parentheses hold an expression."""
    start = cursor.at
    _deeper(cursor)
    try:
        cursor.symbol("(")
        found = _read_either(cursor)
        cursor.expect(")", "the condition")
    except SyntaxFault:
        if not _is_expression_group(cursor, start):
            raise
        return None
    finally:
        cursor.depth -= 1
    return found


def _is_expression_group(cursor: Cursor, start: int) -> bool:
    """True when `( ... )` at `start` reads as an expression; the cursor is put back there."""
    failed_at = cursor.at
    cursor.at = start
    try:
        read_operand(cursor)
    except SyntaxFault:
        cursor.at = failed_at
        return False
    cursor.at = start
    return True


def _read_comparison(cursor: Cursor, start: int) -> Condition:
    subject = read_expression(cursor)
    if cursor.word("valued"):
        return Valued(subject=subject, negated=False, place=cursor.place(start))
    negated = cursor.word("not")
    if negated and cursor.word("valued"):
        return Valued(subject=subject, negated=True, place=cursor.place(start))
    if cursor.word("in"):
        operands = _read_list(cursor)
        operator = "not in" if negated else "in"
    elif cursor.word("matches"):
        operator = "not matches" if negated else "matches"
        operands = (_read_pattern(cursor),)
    elif negated:
        raise cursor.fault('expected "valued", "in" or "matches" after "not"')
    else:
        operator = _read_operator(cursor)
        operands = (read_operand(cursor),)
    return Comparison(
        subject=subject, operator=operator, operands=operands, place=cursor.place(start)
    )


def _read_operator(cursor: Cursor) -> str:
    match = cursor.take(_COMPARE)
    if match is not None:
        return "!=" if match.group() == "<>" else match.group()
    word = cursor.peek_word().lower()
    if word in _WORD_OPERATORS:
        cursor.name("an operator")
        return "!=" if cursor.word("not") else _WORD_OPERATORS[word]
    raise cursor.fault(
        "a comparison is missing", 'write valued, = "Y", != "Y", in ("A", "B") or matches "..."'
    )


def _read_list(cursor: Cursor) -> tuple[Expression, ...]:
    cursor.expect("(", '"in"')
    found = [read_operand(cursor)]
    while cursor.symbol(","):
        found.append(read_operand(cursor))
    cursor.expect(")", "the list")
    return tuple(found)


def _read_pattern(cursor: Cursor) -> Literal:
    """A regular expression in quotes; backslashes are kept as written."""
    cursor.skip()
    start = cursor.at
    text = cursor.take(_TEXT)
    if text is None:
        raise cursor.fault('a regular expression in double quotes follows "matches"')
    try:
        re.compile(text.group(1))
    except re.error as problem:
        raise cursor.fault(
            f"this is no regular expression: {problem.msg}", start=start
        ) from problem
    return Literal(value=text.group(1), place=cursor.place(start))


def _deeper(cursor: Cursor) -> None:
    cursor.depth += 1
    if cursor.depth > DEPTH_MAX:
        raise cursor.fault("brackets are nested too deeply")
