"""Pure. What a rule reads: its source paths, and whether it reads anything at all."""

from collections.abc import Iterator

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
    Rule,
    Valued,
)


def paths_of(one: Expression) -> Iterator[Path]:
    """Every path of an expression, arguments included."""
    if isinstance(one, Path):
        yield one
    elif isinstance(one, Call):
        for argument in (*one.arguments, *(value for _, value in one.named)):
            yield from paths_of(argument)
    elif isinstance(one, Pipe):
        yield from paths_of(one.source)
        for step in one.steps:
            for _, argument in step.arguments:
                yield from paths_of(argument)
    elif isinstance(one, FirstOf):
        for option in one.options:
            yield from paths_of(option)


def condition_paths(one: Condition) -> Iterator[Path]:
    """Every path of a condition."""
    if isinstance(one, Valued):
        yield from paths_of(one.subject)
    elif isinstance(one, Comparison):
        for operand in (one.subject, *one.operands):
            yield from paths_of(operand)
    elif isinstance(one, Both | Either):
        for each in one.conditions:
            yield from condition_paths(each)
    elif isinstance(one, Not):
        yield from condition_paths(one.condition)


def gathers(path: Path) -> bool:
    """`OBSERVATION[*].OBX-5`: the path means every occurrence of a group or segment."""
    selectors = (path.segment_selector, *(selector for _, selector in path.steps))
    return any(selector is not None and selector.every for selector in selectors)


def sources_of(rule: Rule) -> tuple[str, ...]:
    """The texts of the paths of a rule's own expression, in order and once each."""
    found: dict[str, None] = {}
    if rule.loop is not None:
        found[rule.loop.source.text] = None
    if rule.expression is not None:
        found.update(dict.fromkeys(path.text for path in paths_of(rule.expression)))
    return tuple(found)


def is_constant(rule: Rule, given: frozenset[str]) -> bool:
    """True when a rule's value can only be literals and parameters; `given` are the parameters.

    A block with a condition is meant to be written when that holds, so it is not constant.
    """
    if rule.loop is not None or (rule.block is not None and rule.when is not None):
        return False
    if rule.expression is not None:
        return expression_is_constant(rule.expression, given)
    inner = rule.block if rule.block is not None else rule.alternatives
    return all(is_constant(one, given) for one in inner or ())


def expression_is_constant(one: Expression, given: frozenset[str]) -> bool:
    """True when an expression reads nothing of the message."""
    return all(path.text == path.variable and path.text in given for path in paths_of(one))


def may_be_constant(rule: Rule, given: frozenset[str]) -> bool:
    """True when a rule may yield literals and parameters alone, depending on the message."""
    if rule.expression is not None:
        return _may_be_constant(rule.expression, given)
    if rule.alternatives is not None:
        return any(may_be_constant(one, given) for one in rule.alternatives)
    return is_constant(rule, given)


def _may_be_constant(one: Expression, given: frozenset[str]) -> bool:
    if isinstance(one, FirstOf):
        return any(_may_be_constant(option, given) for option in one.options)
    if isinstance(one, Pipe):
        return _may_be_constant(one.source, given) or any(
            step.name in ("default", "coalesce") for step in one.steps
        )
    if isinstance(one, Call) and one.name in ("default", "coalesce"):
        return True
    return isinstance(one, Literal) or expression_is_constant(one, given)
