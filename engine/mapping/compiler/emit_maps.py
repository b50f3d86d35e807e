"""Pure. Code that calls one map from another, and puts what it makes in the bundle."""

from engine.mapping.compiler.emit_code import NODE_LEVEL, Arguments, Body, Form, Sink, Value
from engine.mapping.compiler.emit_faults import place_map_faults
from engine.mapping.memory import SHARED_TYPES, TEXT_MAX
from engine.mapping.purity import fields_read, is_pure
from engine.mapping.sources import paths_of
from engine.mapping.statements import is_identifier_key
from engine.mapping.syntax import Expression, Literal, Path, Step
from engine.mapping.target_types import (
    NUMBER_FUNCTIONS,
    TargetType,
    is_primitive,
    root_type,
)

_RECURRING = frozenset({"CNN", "DLD", "HD", "NDL", "PL", "XCN", "XON"})
"""Datatypes of staff, organisations and places, which come again in most messages of a feed."""


def emit_map(
    body: Body, value: Value, step: Step, arguments: Arguments, sink: Sink, *, refer: bool
) -> None:
    """Call the function of another map; with `refer` the value is a Reference to what it makes.

    `arguments` is their code, made by `emit_values.map_arguments`.
    """
    called = body.builder.library.maps[step.name]
    if value.form is Form.NODE:
        _emit_node_map(body, value, step, arguments, sink, refer=refer)
        return
    level = {Form.RAW: value.level, Form.SEGMENT: 0}.get(value.form, 3)
    function = body.builder.function(step.name, level)
    origin = _origin_argument(body, value)
    result = body.fresh("m")
    kind = root_type(called.to_name)
    call = f"{function}({value.text}, run{origin}{arguments})"
    if not refer and _is_lasting_coding(body, value, step, kind):
        _emit_kept(body, value, call, ("memory", f"{function}{arguments}"), sink)
        return
    if _can_remember(body, value, step, kind, refer=refer):
        keep = result
        if refer:
            key = map_key(body, step.name, level, value.text, result, arguments, origin)
            keep = f'run.refer({result}, "{kind.name}", {key})'
        text = _text_read(body, value, step.name)
        _emit_remembered(body, value, text, (function, arguments), keep, result, sink)
        return
    if refer and _is_of_segment(body, value, step, kind):
        key = map_key(body, step.name, level, value.text, result, arguments, origin)
        keep = f'run.refer({result}, "{kind.name}", {key})'
        text = _text_read(body, value, step.name)
        _emit_remembered(body, value, text, (function, arguments), keep, result, sink)
        return
    if body.level == 0 and not refer and _is_from_text(body, value, step, kind):
        _emit_kept(body, value, call, ("values", f"{function}{arguments}"), sink)
        return
    kept = body.fresh("n") if body.silent or body.quiet else ""
    if kept:
        body.line(f"{kept} = len(faults)")
    body.line(f"{result} = {call}")
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
            sink(Value(text=made, form=Form.OBJECT, base=value.base))
            return
        form = Form.SCALAR if scalar else Form.TEXT if is_primitive(kind) else Form.OBJECT
        sink(Value(text=result, form=form, base=value.base))


def _emit_node_map(
    body: Body, value: Value, step: Step, arguments: Arguments, sink: Sink, *, refer: bool
) -> None:
    """Call a map for an element; as a Reference it is made once for each element and map."""
    called = body.builder.library.maps[step.name]
    function = body.builder.function(step.name, NODE_LEVEL)
    kind = root_type(called.to_name)
    result, node = body.fresh("m"), value.text
    call = f"{function}({node}, run{arguments})"
    form = Form.TEXT if is_primitive(kind) else Form.OBJECT
    if refer or kind.name == "Reference":
        known = body.fresh("k")
        body.line(f"{known} = ({f'{function}{arguments}'!r}, {node})")
        body.line(f"{result} = run.document.references.get({known})")
        with body.code.block(f"if {result} is None:"):
            body.line(f"{result} = {call}")
            if refer:
                key = map_key(body, step.name, NODE_LEVEL, node, result, arguments, "")
                with body.code.block(f"if {result} is not None:"):
                    given = f"run, {result}, {kind.name!r}, {key}, {known}"
                    body.line(f"{result} = run.document.refer({given})")
            else:
                body.line(f"if {result} is not None: run.document.references[{known}] = {result}")
    else:
        body.line(f"{result} = {call}")
    if called.all_values:
        item = body.fresh("i")
        with body.code.block(f"for {item} in {result} or ():"):
            sink(Value(text=item, form=form, base=value.base))
        return
    with body.code.block(f"if {result} is not None:"):
        sink(Value(text=result, form=form, base=value.base))


def _can_remember(body: Body, value: Value, step: Step, kind: TargetType, *, refer: bool) -> bool:
    """True for what a text alone makes of staff, organisations and places.

    Not in traces, conditions and keys. What else a map reads is seen while it runs.
    """
    called = body.builder.library.maps[step.name]
    return (
        (refer or kind.name == "Reference" or called.from_name in _RECURRING)
        and value.form is Form.RAW
        and not is_primitive(kind)
        and not (body.traced or body.silent or body.quiet)
        and all(_is_text(body, argument) for _, argument in step.arguments)
    )


def _is_text(body: Body, argument: Expression) -> bool:
    """True for a literal, and for a path to a text of the message."""
    if isinstance(argument, Path):
        return argument.variable not in body.names
    return isinstance(argument, Literal)


def _is_lasting_coding(body: Body, value: Value, step: Step, kind: TargetType) -> bool:
    """True for a coding made of a text by a map that reads nothing else."""
    return (
        kind.name in ("CodeableConcept", "Coding")
        and _is_from_text(body, value, step, kind)
        and _is_pure(body, step.name)
    )


def _is_from_text(body: Body, value: Value, step: Step, kind: TargetType) -> bool:
    """True for an object made of a text and literals, outside traces, conditions and keys."""
    return (
        value.form is Form.RAW
        and not is_primitive(kind)
        and not (body.traced or body.silent or body.quiet)
        and all(isinstance(argument, Literal) for _, argument in step.arguments)
    )


def _is_of_segment(body: Body, value: Value, step: Step, kind: TargetType) -> bool:
    """True for what some fields of the own segment alone make, such as the payer of an IN1."""
    return (
        value.form is Form.SEGMENT
        and value.text == "segment"
        and kind.name in SHARED_TYPES
        and not (body.traced or body.silent or body.quiet)
        and all(isinstance(argument, Literal) for _, argument in step.arguments)
        and fields_read(body.builder.library, step.name) is not None
    )


def _text_read(body: Body, value: Value, map_name: str) -> str:
    """The expression of the text a map reads: of a segment the fields it reads."""
    if value.form is not Form.SEGMENT:
        return value.text
    numbers = fields_read(body.builder.library, map_name) or ()
    body.uses.add("fields")
    body.field_max = max(body.field_max, *numbers, 0)
    return f'"\\r".join(({"".join(f"fields[{number}], " for number in numbers)}))'


def _is_pure(body: Body, map_name: str) -> bool:
    builder = body.builder
    found = builder.pure.get(map_name)
    if found is None:
        found = builder.pure[map_name] = is_pure(builder.library, map_name)
    return found


def _emit_kept(body: Body, value: Value, call: str, where: tuple[str, str], sink: Sink) -> None:
    """What a text makes, once: a coding in the feed, a name or address in the message.

    `where` is the memory and what stands before the text in its key. What met a problem is made
    again: each is reported.
    """
    memory, fixed = where
    result = body.fresh("m")
    known = f"({fixed!r}, {value.text})"
    body.line(f"{result} = run.{memory}.get({known})")
    with body.code.block(f"if {result} is None:"):
        body.line(f"{result} = {call}")
        short = f"len({value.text}) <= {TEXT_MAX}"
        body.line(
            f"if {result} is not None and not faults and {short}: run.{memory}[{known}] = {result}"
        )
        place_map_faults(body, value.base)
    with body.code.block(f"if {result} is not None:"):
        sink(Value(text=result, form=Form.OBJECT, base=value.base))


def _emit_remembered(
    body: Body,
    value: Value,
    text: str,
    call: tuple[str, Arguments],
    keep: str,
    made: str,
    sink: Sink,
) -> None:
    """What a text makes, once in the message, and once in the feed when it is the same there.

    `call` is the function and its further arguments; `keep` is the code of what is kept.
    """
    function, arguments = call
    result, key, begun = body.fresh("m"), body.fresh("k"), body.fresh("n")
    body.line(f"{key} = ({function!r}, {text}{arguments.texts()})")
    body.line(f"{result} = run.recall({key})")
    with body.code.block(f"if {result} is None:"):
        body.line(f"{begun} = run.begin()")
        body.line(f"{made} = {function}({value.text}, run{arguments})")
        with body.code.block(f"if {made} is not None:"):
            body.line(f"{result} = {keep}")
            settled = value.form is Form.SEGMENT  # its problems are reported already
            test = f"if run.varied == {begun}[1]: " if settled else ""
            body.line(f"{test}run.learn({key}, {result}, {begun})")
    place_map_faults(body, value.base)  # what a text is known for is reported in each message
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
    arguments: Arguments,
    origin: str,
) -> str:
    """The expression of a resource's key by its own map: None when the map has none."""
    called = body.builder.library.maps[map_name]
    if called.key is None:
        return "None"
    if is_identifier_key(called.key):
        return f"identifier_key({resource}, run.preferred)"
    read = {path.variable for one in called.key for path in paths_of(one)}
    given = Arguments(tuple(one for one in arguments.named if one[0] in read))
    return f"{body.builder.function(map_name + '#key', level)}({source}, run{origin}{given})"
