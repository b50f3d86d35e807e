"""Pure. Code for the maps of documents: an element's object, and what its map owes it.

`negation`, `required` and `null` are written after the rules: a negated statement has its elements
overwritten, an element that nothing filled gets what the map says, and a null flavour is told.
"""

from engine.fhir import definitions
from engine.fhir.definitions import resource_types
from engine.mapping.checker.scope import OWN
from engine.mapping.checker.target_tree import plant
from engine.mapping.compiler.emit_code import NODE_LEVEL, Body, Bound, BoundKind, Code, Value, Want
from engine.mapping.compiler.emit_rules import Scope, emit_all, emit_object, emit_value, fill
from engine.mapping.compiler.emit_values import emit
from engine.mapping.documents.matching import NEGATION_WORDS
from engine.mapping.sources import paths_of
from engine.mapping.syntax import Path, Rule, Treatment
from engine.mapping.target_types import UNKNOWN, element_type, is_primitive, root_type

_REFUSED = NEGATION_WORDS[0]
_IS_NEGATED = 'node.get("negationInd") in ("true", "1")'


def emit_node_body(body: Body) -> None:
    """Write the body of a map of a document."""
    map_file = body.map_file
    if map_file.to_name in resource_types() and map_file.key is not None:
        body.names[OWN] = Bound(kind=BoundKind.VALUE, name="own")
    if map_file.all_values:
        emit_all(body)
        return
    if map_file.value:
        emit_value(body)
        return
    kind = root_type(map_file.to_name)
    resource_type = kind.name if kind.name in resource_types() else ""
    tree = plant(kind, map_file.rules)
    name, test, _ = emit_object(body, tree, resource_type)
    if map_file.needs:
        needs = " or ".join(f'"{one}" in {name}' for one in map_file.needs)
        test = f"{test} and ({needs})"
    match = map_file.match
    if match is None:
        body.line(f"return {name} if {test} else None")
        return
    body.line(f"if not ({test}): return None")
    if match.negation:
        with body.code.block(f"if {_IS_NEGATED}:"):
            for one in match.negation:
                _write(body, one, name)
    for one in (*match.null, *match.required):
        _when_absent(body, one, name, is_required=one in match.required)
    body.line(f"return {name}")


def node_head(body: Body, code: Code) -> None:
    """Write what comes first in the function of a map of a document."""
    if body.silent:  # the function of its key
        return
    map_file = body.map_file
    match = map_file.match
    code.line(f"run.document.take({map_file.name!r}, node)")
    if body.traced:
        code.line(f"run.trace.applied({map_file.name!r}, (node,))")
    if match is not None and match.negation_word == _REFUSED:
        code.line(f"if {_IS_NEGATED}:")
        code.line("    run.document.refuse(run, node)")
        code.line("    return None")
    if "own" in body.uses:
        key = body.builder.function(f"{map_file.name}#key", NODE_LEVEL)
        arguments = "".join(f", p_{name}=p_{name}" for name, _ in map_file.parameters)
        code.line(f"own = run.document.own(run, {map_file.to_name!r}, {key}(node, run{arguments}))")


def _write(body: Body, one: Treatment, name: str) -> None:
    """Write code that fills an element, whatever is there."""
    if one.rule is None:
        _write_absent(body, one, name, must="True")
        return
    tree = plant(root_type(body.map_file.to_name), (one.rule,))
    fill(body, tree, Scope(name=name))


def _when_absent(body: Body, one: Treatment, name: str, *, is_required: bool) -> None:
    keys = _keys(body, one)
    test = " and ".join(f'"{key}" not in {name}' for key in keys)
    with body.code.block(f"if {test}:"):
        if one.rule is None:
            _write_absent(body, one, name, must=str(is_required))
        else:
            _write(body, one, name)


def _keys(body: Body, one: Treatment) -> list[str]:
    """The JSON keys that say an element is there: of a choice those of all its types."""
    name = one.target.parts[0].name
    kind = definitions.type_definition(root_type(body.map_file.to_name).name)
    elements = kind.elements.values() if kind is not None else ()
    found = next((each for each in elements if name == each.name or name in each.json_keys()), None)
    names = [*found.json_keys()] if found is not None else [name]
    return [*names, *(f"_{one}" for one in names if not one.startswith("_"))]


def _write_absent(body: Body, one: Treatment, name: str, *, must: str) -> None:
    """Write data-absent-reason, by the null flavour of what the element's own rule reads."""
    element = one.target.parts[0].name
    kind = element_type(root_type(body.map_file.to_name), element)
    source = body.fresh("x")
    body.line(f"{source} = None")
    path = _source_of(body, element)
    if path is not None:

        def keep(value: Value) -> None:
            body.line(f"{source} = {value.text}")

        emit(body, path, Want.RAW, UNKNOWN, keep)
    how = "primitive" if is_primitive(kind) else "object"
    many = one.target.parts[0].append
    call = f"write_absent({name}, {element!r}, {source}, {how!r}, many={many}, must={must})"
    body.line(call)


def _source_of(body: Body, element: str) -> Path | None:
    """The first path that the element's own rule reads."""
    waiting: list[Rule] = [
        rule for rule in body.map_file.rules if rule.target.parts[0].name == element
    ]
    while waiting:
        rule = waiting.pop(0)
        if rule.expression is not None:
            for path in paths_of(rule.expression):
                if path.nodes and path.nodes[-1].axis != "attribute":
                    return path
        waiting[:0] = [*(rule.alternatives or ()), *(rule.block or ())]
    return None
