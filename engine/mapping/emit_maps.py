"""Pure. Code that calls one map from another, and puts what it makes in the bundle."""

from engine.mapping.emit_code import Body, Form, Sink, Value
from engine.mapping.emit_faults import place_map_faults
from engine.mapping.purity import is_pure
from engine.mapping.statements import is_identifier_key
from engine.mapping.syntax import Literal, Step
from engine.mapping.target_types import (
    NUMBER_FUNCTIONS,
    TargetType,
    is_primitive,
    root_type,
)


def emit_map(
    body: Body, value: Value, step: Step, arguments: str, sink: Sink, *, refer: bool
) -> None:
    """Call the function of another map; with `refer` the value is a Reference to what it makes.

    `arguments` is their code, made by `emit_values.map_arguments`.
    """
    called = body.builder.library.maps[step.name]
    level = {Form.RAW: value.level, Form.SEGMENT: 0}.get(value.form, 3)
    function = body.builder.function(step.name, level)
    origin = _origin_argument(body, value)
    result = body.fresh("m")
    kind = root_type(called.to_name)
    if _can_remember(body, value, step, kind, refer=refer):
        keep = result
        if refer:
            key = map_key(body, step.name, level, value.text, result, arguments, origin)
            keep = f'run.refer({result}, "{kind.name}", {key}).reference'
        call = f"{function}({value.text}, run{arguments})"
        memory = "run.remembered" if refer or not _is_pure(body, step.name) else "run.memory"
        _emit_remembered(body, value, call, (memory, function + arguments), keep, result, sink)
        return
    kept = body.fresh("n") if body.silent or body.quiet else ""
    if kept:
        body.line(f"{kept} = len(faults)")
    body.line(f"{result} = {function}({value.text}, run{origin}{arguments})")
    if kept:
        body.line(f"if faults: run.forget({kept})")
    else:
        place_map_faults(body, value.base)
    scalar = is_primitive(kind) and kind.name in NUMBER_FUNCTIONS
    with body.code.block(f"if {result} is not None:"):
        if refer:
            made = body.fresh("m")
            key = map_key(body, step.name, level, value.text, f"{result}", arguments, origin)
            body.line(f'{made} = run.refer({result}, "{kind.name}", {key})')
            sink(Value(text=f"{made}.reference", form=Form.OBJECT, base=value.base))
            return
        form = Form.SCALAR if scalar else Form.TEXT if is_primitive(kind) else Form.OBJECT
        sink(Value(text=result, form=form, base=value.base))


def _can_remember(body: Body, value: Value, step: Step, kind: TargetType, *, refer: bool) -> bool:
    """True for a Reference or coding made of a text alone, outside traces, conditions and keys."""
    return (
        (refer or kind.name == "Reference" or _is_coding(body, step.name, kind))
        and value.form is Form.RAW
        and not (body.traced or body.silent or body.quiet)
        and all(isinstance(argument, Literal) for _, argument in step.arguments)
    )


def _is_coding(body: Body, map_name: str, kind: TargetType) -> bool:
    return kind.name in ("CodeableConcept", "Coding") and _is_pure(body, map_name)


def _is_pure(body: Body, map_name: str) -> bool:
    builder = body.builder
    found = builder.pure.get(map_name)
    if found is None:
        found = builder.pure[map_name] = is_pure(builder.library, map_name)
    return found


def _emit_remembered(
    body: Body,
    value: Value,
    call: str,
    where: tuple[str, str],
    keep: str,
    made: str,
    sink: Sink,
) -> None:
    """What a text makes, once: a Reference in the message, a coding in the feed.

    `where` is the memory and what stands before the text in its key. What was made with a problem
    is made again, so that each place is reported.
    """
    memory, fixed = where
    result = body.fresh("m")
    known = f"({fixed!r}, {value.text})"
    body.line(f"{result} = {memory}.get({known})")
    with body.code.block(f"if {result} is None:"):
        body.line(f"{made} = {call}")
        with body.code.block(f"if {made} is not None:"):
            body.line(f"{result} = {keep}")
            body.line(f"if not faults and len({value.text}) < 500: {memory}[{known}] = {result}")
        place_map_faults(body, value.base)
    with body.code.block(f"if {result} is not None:"):
        sink(Value(text=result, form=Form.OBJECT, base=value.base))


def _origin_argument(body: Body, value: Value) -> str:
    if not body.traced or value.form is Form.SEGMENT:
        return ""
    return f", {value.base.origin()}" if value.base is not None else ", ()"


def map_key(
    body: Body,
    map_name: str,
    level: int,
    source: str,
    resource: str,
    arguments: str,
    origin: str,
) -> str:
    """The expression of a resource's key by its own map: None when the map has none."""
    called = body.builder.library.maps[map_name]
    if called.key is None:
        return "None"
    if is_identifier_key(called.key):
        return f"identifier_key({resource})"
    return f"{body.builder.function(map_name + '#key', level)}({source}, run{origin}{arguments})"
