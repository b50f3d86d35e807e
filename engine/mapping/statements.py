"""Pure. Whole lines of a map: `expression when condition`, target keys, steps of message maps.

The YAML around them is read by `mapping.reader`; here each scalar is taken apart.
"""

import re
from dataclasses import dataclass

from engine.diagnostics import Place
from engine.mapping.expression import (
    read_condition,
    read_expression,
    read_operand,
)
from engine.mapping.paths import read_path, read_target
from engine.mapping.scanner import Cursor, SyntaxFault
from engine.mapping.syntax import (
    UPDATES,
    Assign,
    Condition,
    Emit,
    Expression,
    Loop,
    Path,
    Target,
    Use,
)

_MAP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\[[^\]\[]+\]")
_ASSIGN = re.compile(r"\s*[a-z_][A-Za-z0-9_]*\.[^=\s>]+\s*=(?!=)")
_USE = re.compile(r"\s*use\s+[a-z]")
_NAME_EQUALS = re.compile(r"([a-z_][A-Za-z0-9_]*)\s*=(?!=)")
_BARE_NAME = re.compile(r"[a-z_][A-Za-z0-9_]*")
_TYPE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The left of a colon: a target or a choice's type, with its loop and condition."""

    target: Target | None
    type_name: str | None
    loop: Loop | None
    when: Condition | None
    place: Place


def read_guarded(cursor: Cursor) -> tuple[Expression, Condition | None]:
    """`expression [when condition]`."""
    return read_expression(cursor), _read_when(cursor)


def _read_when(cursor: Cursor) -> Condition | None:
    return read_condition(cursor) if cursor.word("when", "if") else None


def read_target_key(cursor: Cursor) -> Key:
    """`TARGET [each SOURCE as NAME] [when CONDITION]`."""
    cursor.skip()
    start = cursor.at
    target = read_target(cursor)
    loop = _read_loop(cursor)
    return Key(
        target=target,
        type_name=None,
        loop=loop,
        when=_read_when(cursor),
        place=cursor.place(start),
    )


def read_choice_key(cursor: Cursor) -> Key:
    """`dateTime [each SOURCE as NAME] [when CONDITION]`."""
    cursor.skip()
    start = cursor.at
    name = cursor.take(_TYPE_NAME)
    if name is None:
        raise cursor.fault("an R4 type is missing, such as dateTime")
    loop = _read_loop(cursor)
    return Key(
        target=None,
        type_name=name.group(),
        loop=loop,
        when=_read_when(cursor),
        place=cursor.place(start),
    )


def read_body_key(cursor: Cursor) -> Key:
    """`each SOURCE as NAME [when CONDITION]` or `when CONDITION`, before a body."""
    cursor.skip()
    start = cursor.at
    loop = _read_loop(cursor)
    return Key(
        target=None,
        type_name=None,
        loop=loop,
        when=_read_when(cursor),
        place=cursor.place(start),
    )


def _read_loop(cursor: Cursor) -> Loop | None:
    cursor.skip()
    start = cursor.at
    if not cursor.word("each"):
        return None
    source = read_path(cursor)
    if not cursor.word("as"):
        raise cursor.fault('expected "as NAME" after the source of "each"')
    name = cursor.take(_BARE_NAME)
    if name is None:
        raise cursor.fault("a name in small letters follows 'as'")
    return Loop(source=source, variable=name.group(), place=cursor.place(start))


def read_step_line(cursor: Cursor) -> Emit | Assign | Use:
    """One scalar step of a message map."""
    if _USE.match(cursor.text):
        return _read_use(cursor)
    if _ASSIGN.match(cursor.text):
        return _read_assign(cursor)
    return _read_emit(cursor)


def _read_use(cursor: Cursor) -> Use:
    cursor.skip()
    start = cursor.at
    cursor.word("use")
    part = cursor.name("the name of a part")
    prefix = read_path(cursor) if cursor.word("in") else None
    return Use(part=part, prefix=prefix, place=cursor.place(start))


def _read_assign(cursor: Cursor) -> Assign:
    cursor.skip()
    start = cursor.at
    variable = cursor.name("a name")
    cursor.expect(".", "the name")
    target = read_target(cursor)
    cursor.expect("=", "the target")
    expression, when = read_guarded(cursor)
    return Assign(
        variable=variable,
        target=target,
        expression=expression,
        when=when,
        place=cursor.place(start),
    )


def _read_emit(cursor: Cursor) -> Emit:
    cursor.skip()
    start = cursor.at
    source = read_path(cursor)
    cursor.expect("->", "the source")
    map_name = cursor.take(_MAP_NAME)
    if map_name is None:
        raise cursor.fault("expected a map such as PID[Patient]")
    variable: str | None = None
    into: str | None = None
    key: tuple[Expression, ...] | None = None
    update: str | None = None
    arguments: list[tuple[str, Expression]] = []
    while True:
        match = cursor.take(_NAME_EQUALS)
        if match is not None and match.group(1) == "key":
            key = read_key(cursor)
        elif match is not None and match.group(1) == "update":
            update = _read_update(cursor)
        elif match is not None:
            arguments.append((match.group(1), read_operand(cursor)))
        elif cursor.word("as"):
            variable = cursor.name("a name after 'as'")
        elif cursor.word("into"):
            into = cursor.name("a name after 'into'")
        else:
            break
    if variable is not None and into is not None:
        raise cursor.fault("'as' makes a name, 'into' uses one: write one of them")
    return Emit(
        source=source,
        map_name=map_name.group(),
        variable=variable,
        key=key,
        arguments=tuple(arguments),
        when=_read_when(cursor),
        place=cursor.place(start),
        into=into,
        update=update,
    )


def _read_update(cursor: Cursor) -> str:
    for word in UPDATES:
        if cursor.word(word):
            return word
    raise cursor.fault(f"'update=' is followed by {' or '.join(UPDATES)}")


def read_key(cursor: Cursor) -> tuple[Expression, ...]:
    """`identifier`, one operand, or several expressions in parentheses."""
    if not cursor.symbol("("):
        return (read_operand(cursor),)
    found = [read_expression(cursor)]
    while cursor.symbol(","):
        found.append(read_expression(cursor))
    cursor.expect(")", "the key")
    return tuple(found)


def read_key_item(cursor: Cursor) -> tuple[Expression, ...]:
    """One item of the `key:` of a map: an expression, or several in parentheses."""
    start = cursor.at
    try:
        found = read_key(cursor)
        if cursor.ended():
            return found
    except SyntaxFault:
        pass
    cursor.at = start
    return (read_expression(cursor),)


def is_identifier_key(key: tuple[Expression, ...]) -> bool:
    """True for `key=identifier`: the id derives from the resource's own identifier."""
    return len(key) == 1 and isinstance(key[0], Path) and key[0].text == "identifier"
