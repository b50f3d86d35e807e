"""Pure. Code for the rules of one object: lines that fill a dict in order.

Rules that share the start of their target (`period.start`, `period.end`) fill one object. An object
is written when something in it came from the source, or when it holds literals and parameters
alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.mapping.checker.target_tree import (
    Slot,
    Tree,
    has_constant,
    is_literal,
    literal_object,
    literal_of,
    plant,
    tree_is_constant,
)
from engine.mapping.compiler.emit_code import (
    Base,
    Body,
    Bound,
    BoundKind,
    Form,
    Keeper,
    Value,
    Want,
)
from engine.mapping.compiler.emit_conditions import condition_text
from engine.mapping.compiler.emit_faults import begin_later, drop_kept
from engine.mapping.compiler.emit_nodes import each_node, is_node_path
from engine.mapping.compiler.emit_paths import each_repetition
from engine.mapping.compiler.emit_values import convert_text, emit
from engine.mapping.kept_text import KEPT_TYPES
from engine.mapping.sources import is_constant, sources_of
from engine.mapping.syntax import Loop, Rule
from engine.mapping.target_types import (
    TargetType,
    choice_key,
    root_type,
)
from engine.mapping.text_kinds import path_types

RuleSink = Callable[[Value, str | None], None]
"""Takes a value and, for a choice, its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where values are written: the dict's variable, and the bool that says it is alive."""

    name: str
    live: str = ""
    """Empty: every value carries the object, so its being filled says enough."""


def emit_object(body: Body, tree: Tree, resource_type: str = "") -> tuple[str, str, bool]:
    """Write code that fills a new dict; of a resource it begins with its type.

    Returns:
        The dict's variable, the expression that tells whether to write it, and whether all of it is
        constant.
    """
    name = body.fresh("o")
    whole = literal_object(tree) if not (body.traced or resource_type) else None
    if whole is not None:
        body.line(f"{name} = {whole}")
        return name, name, True
    seed = f'"resourceType": "{resource_type}"' if resource_type else ""
    body.line(f"{name} = {{{seed}}}")
    given = body.given()
    constant = tree_is_constant(tree, given)
    mixed = not constant and any(has_constant(slot, given) for slot in tree.slots.values())
    live = body.fresh("l") if mixed else ""
    if live:
        body.line(f"{live} = False")
    fill(body, tree, Scope(name=name, live=live))
    filled = f"len({name}) > 1" if resource_type else name
    return name, live or filled, constant


def emit_from_one(body: Body, tree: Tree, sink: Callable[[Value], None]) -> bool:
    """Write code for an object of literals round one source: made only when that is populated.

    Extensions and systems with their value look so, and most of them are empty.

    Returns:
        False when the object is of another shape, or traced: nothing was written.
    """
    if body.traced:
        return False
    given = body.given()
    sources = [slot for slot in tree.slots.values() if not is_literal(slot)]
    if len(sources) != 1 or len(tree.slots) == 1:
        return False
    source = sources[0]
    if len(source.rules) != 1 or source.inner or source.items or source.choice:
        return False
    rule = source.rules[0]
    if source.name == "$this" or rule.loop is not None or is_constant(rule, given):
        return False
    if source.kind.name in KEPT_TYPES and source.kind.name != "code":
        return False  # a text may have to be kept in the object

    def make(value: Value, _chosen: str | None) -> None:
        if value.constant:
            return
        entries = [
            f'"{slot.name}": {value.text if slot is source else literal_of(slot)}'
            for slot in tree.slots.values()
        ]
        name = body.fresh("o")
        body.line(f"{name} = {{{', '.join(entries)}}}")
        with body.keeping(outer):
            sink(Value(text=name, form=Form.OBJECT, base=value.base))

    outer = body.keeper
    with body.keeping(None):
        emit_rule(body, rule, source.kind, make, "")
    return True


def fill(body: Body, tree: Tree, scope: Scope) -> None:
    """Write the slots of a tree into a dict."""
    for slot in tree.slots.values():
        if slot.name == "$this":
            for rule in slot.rules:
                _fill_this(body, rule, slot, scope)
            continue
        for rule in slot.rules:
            _fill_plain(body, rule, slot, scope)
        if slot.inner is not None:
            _fill_inner(body, slot.inner, slot, scope)
        if slot.items:
            _fill_list(body, slot, scope)


def _write(body: Body, scope: Scope, key: str, value: Value) -> None:
    if key.startswith("_") and (scope.name, key[1:]) in body.kept:
        joined = f'beside_text(run, {scope.name}["{key}"], {value.text})'
        body.line(f'if "{key}" in {scope.name}: {value.text} = {joined}')
    body.line(f'{scope.name}["{key}"] = {value.text}')
    if body.traced:
        body.line(f'run.trace.wrote({scope.name}, "{key}")')
    if scope.live and not value.constant:
        body.line(f"{scope.live} = True")


def _fill_plain(body: Body, rule: Rule, slot: Slot, scope: Scope) -> None:
    def sink(value: Value, chosen: str | None) -> None:
        key = slot.name if chosen is None else choice_key(slot.name, chosen)
        _write(body, scope, key, value)

    with body.keeping(Keeper(name=scope.name, live=scope.live, element=slot.name)):
        emit_rule(body, rule, slot.kind, sink, slot.name if slot.choice else "")


def _fill_this(body: Body, rule: Rule, slot: Slot, scope: Scope) -> None:
    """`$this`: the value's entries become the object's."""

    def sink(value: Value, _chosen: str | None) -> None:
        _join(body, scope.name, value.text)
        if body.traced:
            body.line(f"run.trace.yielded({value.text})")
        if scope.live and not value.constant:
            body.line(f"{scope.live} = True")

    emit_rule(body, rule, slot.kind, sink, "")


def _join(body: Body, name: str, more: str) -> None:
    """Write code that puts the entries of `more` before those of the dict `name`."""
    whole = body.fresh("z")
    body.line(f"{whole} = {{**({more}), **{name}}}")
    if body.traced:
        body.line(f"run.trace.merged({name}, {more}, {whole})")
    body.line(f"{name} = {whole}")


def _fill_inner(body: Body, tree: Tree, slot: Slot, scope: Scope) -> None:
    if not slot.rules and emit_from_one(
        body, tree, lambda value: _write(body, scope, slot.name, value)
    ):
        return
    name, test, constant = emit_object(body, tree)
    with body.code.block(f"if {test}:"):
        if slot.rules:
            _join(body, name, f'{scope.name}.get("{slot.name}", {{}})')
        _write(body, scope, slot.name, Value(text=name, form=Form.OBJECT, constant=constant))


def _fill_list(body: Body, slot: Slot, scope: Scope) -> None:
    items = body.fresh("x")
    body.line(f"{items} = []")
    live = body.fresh("l") if scope.live else ""
    if live:
        body.line(f"{live} = False")

    def append(value: Value, _chosen: str | None = None) -> None:
        body.line(f"{items}.append({value.text})")
        if body.traced:
            body.line(f"run.trace.wrote({items}, len({items}) - 1)")
        if live and not value.constant:
            body.line(f"{live} = True")

    for item in slot.items:
        if isinstance(item, Rule):
            emit_rule(body, item, slot.kind, append, "", many=True)
            continue
        if emit_from_one(body, item[1], append):
            continue
        name, test, constant = emit_object(body, item[1])
        with body.code.block(f"if {test}:"):
            append(Value(text=name, form=Form.OBJECT, constant=constant))
    with body.code.block(f"if {items}:"):
        body.line(f'{scope.name}["{slot.name}"] = {items}')
        if live:
            body.line(f"if {live}: {scope.live} = True")


def emit_rule(
    body: Body,
    rule: Rule,
    kind: TargetType,
    sink: RuleSink,
    choice: str,
    *,
    many: bool = False,
) -> None:
    """Write code for a rule; the sink gets each value and, for a choice, its type.

    Args:
        body: where to write.
        rule: what to write code for.
        kind: type of the target.
        sink: run for the value, or for every value with `many`.
        choice: name of the choice (`value`), or an empty text.
        many: the target takes all values.
    """
    outer = body.rule
    body.rule = body.builder.rule(
        body.map_file.name, rule.target.text, rule.place, sources_of(rule)
    )
    traced = body.traced and rule.alternatives is None
    if traced:
        body.line(f"run.trace.begin({body.rule})")
    names = dict(body.names)
    if rule.loop is not None:
        _emit_loop(
            body, rule.loop, lambda: _emit_guarded(body, rule, kind, sink, choice, many=many)
        )
    else:
        _emit_guarded(body, rule, kind, sink, choice, many=many)
    body.names = names
    if traced:
        body.line(f"run.trace.end({body.rule})")
    body.rule = outer


def emit_value(body: Body) -> None:
    """Write the body of a map to a primitive or Reference: the first alternative that yields."""
    kind = root_type(body.map_file.to_name)
    result, done = body.fresh("y"), body.fresh("d")
    body.line(f"{result} = None")
    body.line(f"{done} = False")

    def sink(value: Value, _chosen: str | None) -> None:
        body.line(f"{result} = {value.text}")
        body.line(f"{done} = True")
        if body.traced:
            body.line(f"run.trace.yielded({value.text})")

    for rule in body.map_file.value:
        with body.code.block(f"if not {done}:"):
            emit_rule(body, rule, kind, sink, "")
    body.line(f"return {result}")


def emit_all(body: Body) -> None:
    """Write the body of a map with `all:`: the list of everything its rules yield."""
    kind = root_type(body.map_file.to_name)
    items = body.fresh("x")
    body.line(f"{items} = []")

    def sink(value: Value, _chosen: str | None) -> None:
        body.line(f"{items}.append({value.text})")
        if body.traced:
            body.line(f"run.trace.yielded({value.text})")

    for rule in body.map_file.all_values:
        emit_rule(body, rule, kind, sink, "", many=True)
    body.line(f"return {items}")


def _emit_loop(body: Body, loop: Loop, inside: Callable[[], None]) -> None:
    if is_node_path(body, loop.source):

        def bind_node(name: str) -> None:
            body.names[loop.variable] = Bound(kind=BoundKind.NODE, name=name)
            inside()

        each_node(body, loop.source, loop.source.nodes, bind_node, many=True)
        return
    types = path_types(body, loop.source)

    def bind(name: str, level: int, base: Base) -> None:
        held = body.fresh("w")
        body.line(f"{held} = {name}")
        body.names[loop.variable] = Bound(
            kind=BoundKind.RAW, name=held, base=base, level=level, types=types
        )
        inside()

    each_repetition(body, loop.source, bind)


def _emit_guarded(
    body: Body,
    rule: Rule,
    kind: TargetType,
    sink: RuleSink,
    choice: str,
    *,
    many: bool,
) -> None:
    if rule.when is None:
        _emit_content(body, rule, kind, sink, choice, many=many)
        return
    test = condition_text(body, rule.when)
    with body.code.block(f"if {test}:"):
        _emit_content(body, rule, kind, sink, choice, many=many)
    if body.traced:
        with body.code.block("else:"):
            body.line(f"run.trace.refused({body.rule})")


def _emit_content(
    body: Body,
    rule: Rule,
    kind: TargetType,
    sink: RuleSink,
    choice: str,
    *,
    many: bool,
) -> None:
    if rule.alternatives is not None:
        _emit_alternatives(body, rule, kind, sink, choice, many=many)
        return
    if rule.choice_type is not None:
        kind = TargetType(names=(rule.choice_type,))
    chosen = rule.choice_type
    if rule.block is not None:
        tree = plant(kind, rule.block)
        alone = rule.when is None  # with a condition it is written for that, populated or not
        if alone and emit_from_one(body, tree, lambda value: sink(value, chosen)):
            return
        with body.keeping(None):
            name, test, constant = emit_object(body, tree)
        if rule.when is not None:
            test = name  # its own condition is what it is written for
        with body.code.block(f"if {test}:"):
            constant = constant and rule.when is None
            sink(Value(text=name, form=Form.OBJECT, constant=constant), chosen)
        return
    if rule.expression is None:
        return

    def finish(value: Value) -> None:
        fitted = _fit_reference(value, kind)
        convert_text(body, fitted, kind, lambda found: sink(found, chosen))

    with body.keeping(_keeper_of(body.keeper, kind, chosen)):
        emit(body, rule.expression, Want.LEAF, kind, finish, many=many)


def _keeper_of(keeper: Keeper | None, kind: TargetType, chosen: str | None) -> Keeper | None:
    """The keeper for a value of that type: without a key where no text can be kept beside it."""
    if keeper is None:
        return None
    if kind.name not in KEPT_TYPES:
        return replace(keeper, key="")
    key = keeper.element if chosen is None else choice_key(keeper.element, chosen)
    live = keeper.live if kind.name != "code" else ""  # an unknown code carries no object alone
    return replace(keeper, key=key, live=live)


def _fit_reference(value: Value, kind: TargetType) -> Value:
    """A resource, or a parameter that may hold one, written where a Reference belongs."""
    if kind.name != "Reference" or value.form is Form.OBJECT:
        return value
    text = f"{value.text} if type({value.text}) is dict else reference_of({value.text})"
    return Value(text=text, form=Form.OBJECT, constant=value.constant)


def _emit_alternatives(
    body: Body,
    rule: Rule,
    kind: TargetType,
    sink: RuleSink,
    choice: str,
    *,
    many: bool,
) -> None:
    if many:
        for one in rule.alternatives or ():
            emit_rule(body, one, kind, sink, choice, many=True)
        return
    done = body.fresh("d")
    body.line(f"{done} = False")

    def took(value: Value, chosen: str | None) -> None:
        if chosen is not None or not value.constant:
            drop_kept(body)
        sink(value, chosen)
        body.line(f"{done} = True")

    for index, one in enumerate(rule.alternatives or ()):
        if index == 0:
            emit_rule(body, one, kind, took, choice)
            continue
        with body.code.block(f"if not {done}:"):
            begin_later(body)
            emit_rule(body, one, kind, took, choice)
