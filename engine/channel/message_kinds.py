"""Pure. Whether a route or a condition may let a type of message pass, without a message.

Only what is known is decided: MSH-9.1 and MSH-9.2. A condition that reads anything else may hold or
not. The answer is then neither, and who asks must take both for possible.
"""

import re
from collections.abc import Iterable

from engine.channel.model import RouteConfig
from engine.channel.paths import first_component
from engine.diagnostics import Place
from engine.mapping.expression import parse_condition
from engine.mapping.syntax import (
    Both,
    Comparison,
    Condition,
    Either,
    Expression,
    Literal,
    Not,
    Path,
    Valued,
)
from engine.yamltext import Scalar

Kind = tuple[str, str]
"""(MSH-9.1, MSH-9.2), such as (ADT, A02)."""
_NEGATED = {"!=": "=", "not in": "in", "not matches": "matches"}


def route_holds(route: RouteConfig, kind: Kind) -> bool | None:
    """Whether a message of this kind takes the route; None: it depends on other fields."""
    return _all(
        None if (known := _known(first_component(path), kind)) is None else known in values
        for path, values in route.fields
    )


def condition_holds(text: str | None, kind: Kind) -> bool | None:
    """Whether a condition holds for messages of this kind; None: for some of them perhaps."""
    if not text:
        return True
    parsed, _ = parse_condition(text, Scalar(text, Place()))
    return None if parsed is None else _holds(parsed, kind)


def _holds(condition: Condition, kind: Kind) -> bool | None:
    if isinstance(condition, Both):
        return _all(_holds(one, kind) for one in condition.conditions)
    if isinstance(condition, Either):
        found = _all(_negated(_holds(one, kind)) for one in condition.conditions)
        return _negated(found)
    if isinstance(condition, Not):
        return _negated(_holds(condition.condition, kind))
    if isinstance(condition, Valued):
        value = _value(condition.subject, kind)
        return None if value is None else bool(value) is not condition.negated
    return _compare(condition, kind)


def _compare(condition: Comparison, kind: Kind) -> bool | None:
    value = _value(condition.subject, kind)
    literals = [one.value for one in condition.operands if isinstance(one, Literal)]
    if value is None or len(literals) < len(condition.operands):
        return None
    word = _NEGATED.get(condition.operator, condition.operator)
    texts = [str(one) for one in literals]
    if word == "matches":
        found = re.search(texts[0], value) is not None
    elif word in ("=", "in"):
        found = value in texts
    else:
        return None
    return found if word == condition.operator else not found


def _value(expression: Expression, kind: Kind) -> str | None:
    if not isinstance(expression, Path):
        return None
    return _known(expression.text, kind)


def _known(path: str, kind: Kind) -> str | None:
    return {"MSH-9.1": kind[0], "MSH-9.2": kind[1]}.get(path)


def _negated(found: bool | None) -> bool | None:
    return None if found is None else not found


def _all(found: Iterable[bool | None]) -> bool | None:
    """True when all are, False when one is not, else None."""
    listed = list(found)
    if False in listed:
        return False
    return None if None in listed else True
