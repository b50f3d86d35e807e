"""Pure. The `rules:` and `value:` of segment and datatype maps: YAML nodes to `Rule` values.

A rule is written in four shapes: an expression, a list of alternatives, a choice (`value[x]`), a
block. The node's kind and the target say which it is.
"""

from dataclasses import replace

from engine.diagnostics import Diagnostic, Place
from engine.mapping.codes import DUPLICATE_TARGET, LIMIT, WRONG_SHAPE
from engine.mapping.expression import attempt
from engine.mapping.statements import (
    Key,
    read_body_key,
    read_choice_key,
    read_guarded,
    read_target_key,
)
from engine.mapping.syntax import Both, Condition, Rule, Target, TargetPart
from engine.yamltext import Mapping, Node, Scalar, Sequence

RULES_MAX = 2_000
DEPTH_MAX = 8
"""Blocks inside one another; an R4 element is seldom five levels deep."""

_ALTERNATIVE_KEYS = ("when ", "each ", "if ")


def read_rules(node: Node, problems: list[Diagnostic], depth: int = 1) -> tuple[Rule, ...]:
    """Read a mapping of targets; two rules for one target are a problem.

    `depth` counts the blocks and lists it stands in.
    """
    if depth > DEPTH_MAX:
        problems.append(LIMIT(node.place, limit=DEPTH_MAX, what="levels of rules"))
        return ()
    if not isinstance(node, Mapping):
        problems.append(WRONG_SHAPE(node.place, what="rules", shape="`target: source` lines"))
        return ()
    if len(node.entries) > RULES_MAX:
        problems.append(LIMIT(node.place, limit=RULES_MAX, what="rules"))
    found: list[Rule] = []
    seen: set[str] = set()
    for key_node, value in node.entries[:RULES_MAX]:
        key, faults = attempt(key_node.text, key_node, read_target_key)
        problems.extend(faults)
        if key is None or key.target is None:
            continue
        if key.target.text in seen:
            problems.append(DUPLICATE_TARGET(key_node.place, target=key.target.text))
            continue
        seen.add(key.target.text)
        rule = _read_rule(key.target, key, value, problems, depth)
        if rule is not None:
            found.append(rule)
    return tuple(found)


def read_value(node: Node, problems: list[Diagnostic]) -> tuple[Rule, ...]:
    """Read `value:` of a map to a primitive: an expression or a list of alternatives."""
    target = this_target(node.place)
    items = node.items if isinstance(node, Sequence) else (node,)
    found = (_read_alternative(target, item, problems, 1) for item in items)
    return tuple(rule for rule in found if rule is not None)


def this_target(place: Place) -> Target:
    """The target of a value that is the whole result."""
    return Target(text="$this", parts=(TargetPart(name="$this"),), place=place)


def _read_rule(
    target: Target, key: Key, value: Node, problems: list[Diagnostic], depth: int
) -> Rule | None:
    """The rule of one key; `key` gives its loop, condition and place."""
    if depth > DEPTH_MAX:
        problems.append(LIMIT(value.place, limit=DEPTH_MAX, what="levels of rules"))
        return None
    if isinstance(value, Scalar):
        guarded, faults = attempt(value.text, value, read_guarded)
        problems.extend(faults)
        if guarded is None:
            return None
        expression, when = guarded
        return Rule(
            target=target,
            place=key.place,
            expression=expression,
            when=_joined(key.when, when),
            loop=key.loop,
            choice_type=key.type_name,
        )
    base = Rule(
        target=target, place=key.place, when=key.when, loop=key.loop, choice_type=key.type_name
    )
    if isinstance(value, Mapping):
        return replace(base, block=read_rules(value, problems, depth + 1))
    choice = target.parts[-1].choice and key.type_name is None
    read = _read_choice if choice else _read_alternative
    found = [rule for item in value if (rule := read(target, item, problems, depth)) is not None]
    return replace(base, alternatives=tuple(found))


def _joined(first: Condition | None, second: Condition | None) -> Condition | None:
    if first is None or second is None:
        return first or second
    return Both(conditions=(first, second), place=first.place)


def _read_alternative(
    target: Target, node: Node, problems: list[Diagnostic], depth: int
) -> Rule | None:
    """One item of a list: an expression, a block, or `when CONDITION:` with either below it."""
    bare = Key(target=target, type_name=None, loop=None, when=None, place=node.place)
    if isinstance(node, Mapping) and len(node.entries) == 1:
        head, body = node.entries[0]
        if head.text.lower().startswith(_ALTERNATIVE_KEYS):
            key, faults = attempt(head.text, head, read_body_key)
            problems.extend(faults)
            return _read_rule(target, key, body, problems, depth + 1) if key is not None else None
    if isinstance(node, Sequence):
        problems.append(
            WRONG_SHAPE(
                node.place,
                what="an alternative",
                shape="an expression or a block",
                hint="inside [ ] of YAML, brackets of a map's name break; write a list with dashes",
            )
        )
        return None
    return _read_rule(target, bare, node, problems, depth)


def _read_choice(target: Target, node: Node, problems: list[Diagnostic], depth: int) -> Rule | None:
    """One item of a choice: `dateTime: PID-29 -> dateTime`."""
    if not isinstance(node, Mapping) or len(node.entries) != 1:
        shape = "`type: expression`, such as `dateTime: PID-29 -> dateTime`"
        problems.append(WRONG_SHAPE(node.place, what="an item of a choice", shape=shape))
        return None
    head, body = node.entries[0]
    key, faults = attempt(head.text, head, read_choice_key)
    problems.extend(faults)
    return _read_rule(target, key, body, problems, depth + 1) if key is not None else None
