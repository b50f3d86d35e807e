"""Pure. Code for expressions: literals, pipes, alternatives, calls, maps and references.

Every writer takes a sink and runs it where the value is populated. A problem that a function notes
is given its rule and place right after the call.
"""

from dataclasses import replace

from engine.fhir.definitions import resource_types
from engine.mapping.checker.scope import OWN
from engine.mapping.compiler.emit_code import (
    NODE_LEVEL,
    Arguments,
    Base,
    Body,
    BoundKind,
    Form,
    Sink,
    Value,
    Want,
)
from engine.mapping.compiler.emit_faults import begin_later, drop_kept, place_faults
from engine.mapping.compiler.emit_gathers import each_line
from engine.mapping.compiler.emit_maps import emit_map
from engine.mapping.compiler.emit_nodes import emit_template, is_node_path, read_node_path
from engine.mapping.compiler.emit_paths import as_wanted, each_repetition, read_path
from engine.mapping.compiler.emit_short import fields_given, short_argument
from engine.mapping.compiler.emit_tables import emit_table
from engine.mapping.functions.record import FunctionRecord, Kind, Parameter
from engine.mapping.functions.registry import FUNCTIONS
from engine.mapping.memory import TEXT_MAX
from engine.mapping.sources import gathers, paths_of
from engine.mapping.syntax import Call, Expression, FirstOf, Literal, MapFile, Path, Pipe, Step
from engine.mapping.target_types import (
    NUMBER_FUNCTIONS,
    UNKNOWN,
    TargetType,
)
from engine.mapping.text_kinds import text_kind

_WANTS = {
    Kind.TEXT: Want.LEAF,
    Kind.LINE: Want.LINE,
    Kind.VALUE: Want.LEAF,
    Kind.COMPOSITE: Want.COMPOSITE,
    Kind.RESOURCE: Want.MADE,
    Kind.NODE: Want.RAW,
}


def emit(
    body: Body,
    one: Expression,
    want: Want,
    target: TargetType,
    sink: Sink,
    *,
    many: bool = False,
) -> None:
    """Write code for an expression; `many`: the sink is run for every repetition."""
    if isinstance(one, Literal):
        if one.value != "":
            form = Form.TEXT if isinstance(one.value, str) else Form.SCALAR
            sink(Value(text=repr(one.value), form=form, constant=True))
    elif isinstance(one, Path):
        _emit_path(body, one, want, sink, many=many)
    elif isinstance(one, Call):
        _emit_call(body, one, target, sink, many=many)
    elif isinstance(one, FirstOf):
        _emit_first(body, one, want, target, sink, many=many)
    else:
        _emit_pipe(body, one, target, sink, many=many)


def _emit_path(body: Body, path: Path, want: Want, sink: Sink, *, many: bool) -> None:
    if path.variable == OWN and body.level == NODE_LEVEL:
        body.uses.add("own")
    if is_node_path(body, path):
        read_node_path(body, path, want, sink, many=many)
        return
    own_segment = body.level == 0 and path.text == body.map_file.from_name
    if not many or want is Want.MADE or own_segment:
        read_path(body, path, want, sink)
        return
    bound = body.names.get(path.variable) if path.variable is not None else None
    if (
        path.field is None
        and path.datatype is None
        and (bound is None or bound.kind is not BoundKind.RAW)
    ):
        read_path(body, path, want, sink)
        return
    if want is Want.LINE:
        each_line(body, path, sink)
        return
    text = text_kind(body, path)
    each_repetition(
        body, path, lambda name, level, base: as_wanted(body, name, level, base, want, sink, text)
    )


def _emit_first(
    body: Body, one: FirstOf, want: Want, target: TargetType, sink: Sink, *, many: bool
) -> None:
    """The first option that is populated.

    What follows is written once for every option, so that each keeps its own place and form.
    """
    done = body.fresh("d")
    body.line(f"{done} = False")

    def took(value: Value) -> None:
        body.line(f"{done} = True")
        sink(value)

    def took_later(value: Value) -> None:
        if not value.constant:
            drop_kept(body)
        took(value)

    for index, option in enumerate(one.options):
        if index == 0:
            emit(body, option, want, target, took, many=many)
            continue
        with body.code.block(f"if not {done}:"):
            begin_later(body)
            emit(body, option, want, target, took_later, many=many)


def _emit_pipe(body: Body, pipe: Pipe, target: TargetType, sink: Sink, *, many: bool) -> None:
    steps = pipe.steps
    for index, step in enumerate(steps):
        if step.kind == "function" and step.name in ("default", "coalesce"):
            _emit_default(body, pipe, index, target, sink, many=many)
            return
    want = _step_want(body, steps[0], target if len(steps) == 1 else UNKNOWN)
    emit(
        body,
        pipe.source,
        want,
        UNKNOWN,
        lambda value: _emit_step(body, value, steps, target, sink),
        many=many,
    )


def _emit_default(
    body: Body, pipe: Pipe, index: int, target: TargetType, sink: Sink, *, many: bool
) -> None:
    """`a -> default otherwise="b" -> f` as `(a | "b") -> f`."""
    before, after = pipe.steps[:index], pipe.steps[index + 1 :]
    first: Expression = replace(pipe, steps=before) if before else pipe.source
    others = tuple(argument for _, argument in pipe.steps[index].arguments)
    whole: Expression = FirstOf(options=(first, *others), place=pipe.place)
    if after:
        whole = Pipe(source=whole, steps=after, place=pipe.place)
    emit(body, whole, Want.LEAF, target, sink, many=many)


def _step_want(body: Body, step: Step, target: TargetType) -> Want:
    """What the first step wants of the source."""
    if step.kind in ("map", "template"):
        return Want.RAW
    if step.kind == "table":
        if target.name not in ("CodeableConcept", "Coding"):
            return Want.LEAF
        if body.level == NODE_LEVEL:
            return Want.COMPOSITE
        return Want.COMPOSITE if body.traced or body.silent or body.quiet else Want.RAW
    if step.kind == "reference":
        return Want.MADE
    record = FUNCTIONS[step.name]
    return _WANTS[_piped_parameter(record).kind] if record.parameters else Want.LEAF


def _piped_parameter(record: FunctionRecord) -> Parameter:
    return record.parameters[0]


def _emit_step(
    body: Body, value: Value, steps: tuple[Step, ...], target: TargetType, sink: Sink
) -> None:
    """One step of a pipe, then the rest."""
    step, rest = steps[0], steps[1:]
    if not rest:
        follow = sink
    elif step.kind == "map" and rest[0].kind == "reference":
        arguments = map_arguments(body, step.arguments)
        emit_map(body, value, step, arguments, _then(body, rest[1:], target, sink), refer=True)
        return
    else:
        follow = _then(body, rest, target, sink)
    if step.kind == "template":
        arguments = map_arguments(body, step.arguments)

        def call(found: MapFile, then: Sink) -> None:
            named = replace(step, kind="map", name=found.name)
            refer = found.to_name in resource_types()
            emit_map(body, value, named, arguments.known_to(found), then, refer=refer)

        emit_template(body, value, call, follow)
    elif step.kind == "map":
        emit_map(body, value, step, map_arguments(body, step.arguments), follow, refer=False)
    elif step.kind == "table":
        emit_table(body, value, step, target if not rest else UNKNOWN, follow)
    elif step.kind == "reference":
        follow(replace(value, text=f"{value.text}.reference", form=Form.OBJECT, constant=True))
    else:
        record = FUNCTIONS[step.name]
        given = {_piped_parameter(record).name: value}
        _emit_function(body, record, given, (), step.arguments, follow)


def _then(body: Body, rest: tuple[Step, ...], target: TargetType, sink: Sink) -> Sink:
    return (lambda value: _emit_step(body, value, rest, target, sink)) if rest else sink


# -- functions --


def _emit_call(body: Body, call: Call, target: TargetType, sink: Sink, *, many: bool) -> None:
    if call.name in ("default", "coalesce"):
        options = (*call.arguments, *(argument for _, argument in call.named))
        first = FirstOf(options=options, place=call.place)
        emit(body, first, Want.LEAF, target, sink, many=many)
        return
    record = FUNCTIONS[call.name]
    if call.name == "reference" and len(call.arguments) == 1:
        emit(
            body,
            call.arguments[0],
            Want.MADE,
            target,
            lambda value: sink(_as_reference(value)),
        )
        return
    if many and len(call.arguments) == 1 and not call.named:
        want = _WANTS[record.parameters[0].kind]
        emit(
            body,
            call.arguments[0],
            want,
            UNKNOWN,
            lambda value: _emit_function(
                body, record, {record.parameters[0].name: value}, (), (), sink
            ),
            many=True,
        )
        return
    if record.remembered and (fields := fields_given(body, call)):
        _emit_remembered(body, record, call, fields, sink)
        return
    _emit_function(body, record, {}, call.arguments, call.named, sink)


def _emit_remembered(
    body: Body, record: FunctionRecord, call: Call, fields: list[str], sink: Sink
) -> None:
    """A call whose result is kept for the feed by the texts of the fields it is given."""
    result, key = body.fresh("v"), f"({record.name!r}, {', '.join(fields)})"
    body.line(f"{result} = run.memory.get({key}) if {fields[0]} else {{}}")
    with body.code.block(f"if {result} is None:"):
        body.line(f"{result} = {{}}")

        def hold(value: Value) -> None:
            body.line(f"{result} = {value.text}")

        _emit_function(body, record, {}, call.arguments, (), hold)
        short = " and ".join(f"len({text}) <= {TEXT_MAX}" for text in fields)
        body.line(f"if {short}: run.memory[{key}] = {result}")
    with body.code.block(f"if {result}:"):
        sink(Value(text=result, form=_result_form(record)))


def _as_reference(value: Value) -> Value:
    """A resource by name gives its Reference; a parameter that holds one is passed on."""
    if value.form is Form.MADE:
        return replace(value, text=f"{value.text}.reference", form=Form.OBJECT, constant=True)
    return replace(value, text=f"reference_of({value.text})", form=Form.OBJECT, constant=True)


def _emit_function(
    body: Body,
    record: FunctionRecord,
    given: dict[str, Value],
    positional: tuple[Expression, ...],
    named: tuple[tuple[str, Expression], ...],
    sink: Sink,
) -> None:
    """A call: arguments into variables, the call, its problems placed, the result tested."""
    values, expressions = _arrange(record, given, positional, dict(named))
    texts: list[str] = []
    live: list[str] = []
    needed: list[str] = []
    constants: list[bool] = []
    base: Base | None = next((value.base for value in given.values() if value.base), None)
    for parameter, argument in expressions:
        name = parameter.name
        if name in values and argument is None:
            value = values[name]
            texts.append(_fit(value, parameter))
            constants.append(value.constant)
            continue
        if argument is None:
            texts.append("None")
            continue
        text, constant, found = _argument(body, parameter, argument)
        texts.append(text)
        constants.append(constant)
        base = base or found
        if not constant:
            live.append(text)
        if parameter.required and not parameter.many and not isinstance(argument, Literal):
            needed.append(text)
    constant = all(constants) if constants else True
    function = body.builder.refer("f", record.body)
    call = f"{function}({', '.join(['run', *texts] if record.uses_facts else texts)})"
    result = body.fresh("v")
    if not record.takes_absent and (needed or (live and not given)):
        test = " and ".join(f"{text} is not None" for text in needed) or " or ".join(
            text[1:] if text.startswith("*") else f"{text} is not None" for text in live
        )
        body.line(f"{result} = {call} if {test} else None")
    else:
        body.line(f"{result} = {call}")
    if record.uses_facts:
        place_faults(body, base, _text_given(record, texts, constants), result)
    if record.yields_list:
        _each_item(body, result, sink)
        return
    scalar = record.is_scalar
    form = Form.SCALAR if scalar else _result_form(record)
    with body.code.block(f"if {result} is not None:" if scalar else f"if {result}:"):
        sink(Value(text=result, form=form, constant=constant, base=base))


def _text_given(record: FunctionRecord, texts: list[str], constants: list[bool]) -> str:
    """The variable with the text a function was given, or an empty text."""
    if not texts or constants[0] or record.parameters[0].kind is not Kind.TEXT:
        return ""
    return "" if texts[0].startswith("*") else texts[0]


def _each_item(body: Body, result: str, sink: Sink) -> None:
    item = body.fresh("i")
    with body.code.block(f"if {result}:"), body.code.block(f"for {item} in {result}:"):
        sink(Value(text=item, form=Form.TEXT))


def _result_form(record: FunctionRecord) -> Form:
    first = record.returns[0]
    return Form.TEXT if first[:1].islower() else Form.OBJECT


def _arrange(
    record: FunctionRecord,
    given: dict[str, Value],
    positional: tuple[Expression, ...],
    named: dict[str, Expression],
) -> tuple[dict[str, Value], list[tuple[Parameter, Expression | None]]]:
    """Parameters in order, each with its expression (None: given as a value, or absent)."""
    found: list[tuple[Parameter, Expression | None]] = []
    rest = list(positional)
    for parameter in record.parameters:
        if parameter.name in given:
            found.append((parameter, None))
        elif parameter.many:
            found.extend((parameter, one) for one in rest)
            rest = []
        elif rest and parameter.name not in named:
            found.append((parameter, rest.pop(0)))
        else:
            found.append((parameter, named.get(parameter.name)))
    return given, found


def _fit(value: Value, parameter: Parameter) -> str:
    """A piped value as the parameter wants it."""
    if parameter.kind is Kind.COMPOSITE and value.form is not Form.COMPOSITE:
        return f"[{value.text}]"
    if parameter.kind is Kind.TEXT and value.form is Form.SCALAR:
        return f"as_text({value.text})"
    return value.text


def _argument(
    body: Body, parameter: Parameter, argument: Expression
) -> tuple[str, bool, Base | None]:
    """Write code that puts an argument into a variable (None when empty)."""
    if isinstance(argument, Literal):
        if parameter.kind is Kind.COMPOSITE:
            return (f"[{str(argument.value)!r}]" if argument.value != "" else "None"), True, None
        if parameter.kind is Kind.TEXT:
            return repr(str(argument.value)), True, None
        return repr(argument.value), True, None
    name = body.fresh("a")
    every = parameter.many and any(_reads_all(path) for path in paths_of(argument))
    body.line(f"{name} = []" if every else f"{name} = None")
    seen: list[Value] = []

    def keep(value: Value) -> None:
        seen.append(value)
        text = _fit(value, parameter)
        body.line(f"{name}.append({text})" if every else f"{name} = {text}")

    with body.keeping(None):
        emit(body, argument, _WANTS[parameter.kind], UNKNOWN, keep, many=every)
    base = next((value.base for value in seen if value.base), None)
    if every:
        return f"*{name}", False, base
    return name, bool(seen) and all(value.constant for value in seen), base


def _reads_all(path: Path) -> bool:
    """`NTE-3[*]`: every repetition is an argument of its own."""
    return gathers(path) or (path.repetition is not None and path.repetition.every)


def convert_text(body: Body, value: Value, target: TargetType, sink: Sink) -> None:
    """Plain text into a number or boolean target goes through the function for it."""
    function = NUMBER_FUNCTIONS.get(target.name)
    if function is None or value.form is not Form.TEXT or value.constant:
        sink(value)
        return
    record = FUNCTIONS[function]
    _emit_function(body, record, {record.parameters[0].name: value}, (), (), sink)


def map_arguments(body: Body, arguments: tuple[tuple[str, Expression], ...]) -> Arguments:
    """Write code for the arguments of a map."""
    found: list[tuple[str, str]] = []
    for name, argument in arguments:
        if isinstance(argument, Literal):
            found.append((name, repr(argument.value)))
            continue
        short = short_argument(body, argument)
        if short is not None:
            found.append((name, short))
            continue
        variable = body.fresh("a")
        body.line(f"{variable} = None")
        with body.keeping(None):
            emit(
                body,
                argument,
                Want.LEAF,
                UNKNOWN,
                lambda value, variable=variable: body.line(f"{variable} = {value.text}"),  # type: ignore[misc]
            )
        found.append((name, variable))
    return Arguments(tuple(found))


def key_parts(body: Body, key: tuple[Expression, ...]) -> str:
    """Write code that puts a business key into a variable: a tuple, or None when all is empty."""
    names: list[str] = []
    lively: list[str] = []
    for one in key:
        name = body.fresh("k")
        body.line(f'{name} = ""')
        constants: list[bool] = []

        def keep(value: Value, name: str = name, constants: list[bool] = constants) -> None:
            constants.append(value.constant)
            text = value.text
            if value.form is Form.MADE:
                text = f"{text}.resource_id"
            elif value.form is not Form.TEXT:
                text = f"as_text({text})"
            body.line(f"{name} = {text}")

        emit(body, one, Want.KEY, UNKNOWN, keep)
        names.append(name)
        if constants and not all(constants):
            lively.append(name)
    result = body.fresh("k")
    whole = f"({', '.join(names)},)"
    test = " or ".join(lively)
    body.line(f"{result} = {whole} if {test} else None" if test else f"{result} = {whole}")
    return result
