"""Pure. Code for the steps of a message map: resources made, named, filled and assigned to.

A step that fails costs its own resource, not the message.
"""

from collections.abc import Callable

from engine.mapping.compiler.emit_code import (
    Arguments,
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
from engine.mapping.compiler.emit_groups import each_occurrence, read_segment
from engine.mapping.compiler.emit_maps import map_key
from engine.mapping.compiler.emit_paths import (
    each_repetition,
    read_raw,
)
from engine.mapping.compiler.emit_values import (
    convert_text,
    emit,
    key_parts,
    map_arguments,
)
from engine.mapping.kept_text import KEPT_TYPES
from engine.mapping.memory import SHARED_TYPES
from engine.mapping.nulls import deletions
from engine.mapping.overlays import step_name
from engine.mapping.sources import paths_of
from engine.mapping.statements import is_identifier_key
from engine.mapping.syntax import Assign, Condition, Each, Emit, MessageStep, When
from engine.mapping.target_types import TargetType, element_type, json_names, root_type
from engine.mapping.text_kinds import path_types


def emit_steps(body: Body, steps: tuple[MessageStep, ...]) -> None:
    """Write code for steps in order; names they bind are empty until then."""
    for name in bound_names(steps):
        if name not in body.names:
            variable = f"v_{name}"
            body.names[name] = Bound(kind=BoundKind.MADE, name=variable)
            body.line(f"{variable} = None")
    for step in steps:
        if isinstance(step, Emit):
            _emit_emit(body, step)
        elif isinstance(step, Assign):
            _emit_assign(body, step)
        elif isinstance(step, When):
            with body.code.block(f"if {condition_text(body, step.condition)}:"):
                emit_steps(body, step.body)
        elif isinstance(step, Each):
            _emit_each(body, step)


def bound_names(steps: tuple[MessageStep, ...]) -> list[str]:
    """The names that steps bind where they stand: those in a `when` too, those in an `each` not."""
    found: dict[str, None] = {}
    for step in steps:
        if isinstance(step, Emit) and (step.variable or step.into):
            found[step.variable or step.into or ""] = None
        elif isinstance(step, When):
            found.update(dict.fromkeys(bound_names(step.body)))
    return list(found)


def _rule(body: Body, step: MessageStep, sources: tuple[str, ...]) -> None:
    body.rule = body.builder.rule(body.map_file.name, step_name(step), step.place, sources)
    if body.traced:
        body.line(f"run.trace.begin({body.rule})")


def _emit_each(body: Body, step: Each) -> None:
    outer = dict(body.names)

    def inside() -> None:
        if step.when is None:
            emit_steps(body, step.body)
            return
        with body.code.block(f"if {condition_text(body, step.when)}:"):
            emit_steps(body, step.body)

    if step.loop.source.field is not None:
        types = path_types(body, step.loop.source)

        def bind_repetition(name: str, level: int, base: Base) -> None:
            held = body.fresh("w")
            body.line(f"{held} = {name}")
            body.names[step.loop.variable] = Bound(
                kind=BoundKind.RAW,
                name=held,
                base=base,
                level=level,
                types=types,
            )
            inside()

        each_repetition(body, step.loop.source, bind_repetition)
    else:

        def bind(name: str, kind: BoundKind) -> None:
            body.names[step.loop.variable] = Bound(
                kind=kind, name=name, segment_name=step.loop.source.segment or ""
            )
            inside()

        each_occurrence(body, step.loop.source, bind)
    body.names = outer


def _emit_emit(body: Body, step: Emit) -> None:
    """`SOURCE -> MAP as name key=... argument=... when ...`."""
    _rule(body, step, (step.source.text,))
    with body.code.block("try:"):
        _guarded(body, step.when, lambda: _emit_source(body, step))
    with body.code.block("except Exception as problem:"):
        body.line(f"run.failed({body.rule}, problem)")
    if body.traced:
        body.line(f"run.trace.end({body.rule})")


def _guarded(body: Body, when: Condition | None, inside: Callable[[], None]) -> None:
    if when is None:
        inside()
        return
    with body.code.block(f"if {condition_text(body, when)}:"):
        inside()
    if body.traced:
        with body.code.block("else:"):
            body.line(f"run.trace.refused({body.rule})")


def _emit_source(body: Body, step: Emit) -> None:
    source = step.source
    bound = body.names.get(source.variable) if source.variable is not None else None
    if bound is not None and bound.kind is BoundKind.SEGMENT and source.field is None:
        with body.code.block(f"if {bound.name} is not None:"):
            _emit_made(body, step, bound.name, 0, "")
    elif source.field is None and source.segment is not None:
        read_segment(body, source, lambda name: _emit_made(body, step, name, 0, ""))
    else:
        read_raw(
            body,
            source,
            lambda name, level, base: _emit_made(
                body,
                step,
                name,
                level,
                f", {base.origin()}" if body.traced else "",
                base.segment,
                f"{base.field}, {base.repetition}",
            ),
        )


def _emit_made(
    body: Body,
    step: Emit,
    source: str,
    level: int,
    origin: str,
    segment: str = "",
    place: str = "",
) -> None:
    """Call the map on the source and put what it makes in the bundle."""
    called = body.builder.library.maps[step.map_name]
    function = body.builder.function(step.map_name, level)
    arguments = map_arguments(body, step.arguments)
    resource = body.fresh("m")
    body.line(f"{resource} = {function}({source}, run{origin}{arguments})")
    if segment:
        body.line(f"if faults: run.settle({body.rule}, {segment}, {place})")
    kind = root_type(called.to_name)
    with body.code.block(f"if {resource} is not None:"):
        if body.traced:
            body.line("run.trace.yielded()")
        if step.into is not None:
            _emit_into(body, step, resource, source, level, arguments, origin, kind)
            return
        made = _made(body, step, resource, source, level, arguments, origin, kind)
        if level == 0:
            _emit_nulls(body, step, made, source)
        if step.variable is not None:
            body.line(f"v_{step.variable} = {made}")
            _retype(body, step.variable, kind)


def _retype(body: Body, name: str, kind: TargetType) -> None:
    body.names[name] = Bound(kind=BoundKind.MADE, name=f"v_{name}", resource_type=kind.name)


def _made(
    body: Body,
    step: Emit,
    resource: str,
    source: str,
    level: int,
    arguments: Arguments,
    origin: str,
    kind: TargetType,
) -> str:
    if step.key is None:
        key = map_key(body, step.map_name, level, source, resource, arguments, origin)
    elif is_identifier_key(step.key):
        key = f"identifier_key({resource}, run.preferred)"
    else:
        body.silent, before = True, body.silent
        key = key_parts(body, step.key)
        body.silent = before
    made = body.fresh("m")
    add = "add_merging" if _merges(body, step, kind) else "add"
    body.line(f'{made} = run.{add}({resource}, "{kind.name}", {key})')
    return made


def _merges(body: Body, step: Emit, kind: TargetType) -> bool:
    word = step.update or dict(body.map_file.updates).get(kind.name)
    return word == "merge" if word else kind.name in SHARED_TYPES


def _emit_nulls(body: Body, step: Emit, made: str, segment: str) -> None:
    """Write code for what explicit nulls of the segment delete of the resource."""
    tables = body.builder.deletions
    table = tables.get(step.map_name)
    if table is None:
        table = tables[step.map_name] = deletions(body.builder.library.maps[step.map_name])
    if table:
        name = body.builder.refer("deletions", table)
        body.line(f"if nulls: delete_nulls(run, {made}, {name}, {segment}, BLANK)")


def _emit_into(
    body: Body,
    step: Emit,
    resource: str,
    source: str,
    level: int,
    arguments: Arguments,
    origin: str,
    kind: TargetType,
) -> None:
    """Fill the resource of that name, or make it when there is none."""
    name = f"v_{step.into}"
    with body.code.block(f"if {name} is not None:"):
        body.line(f"run.fill({name}, {resource})")
    with body.code.block("else:"):
        made = _made(body, step, resource, source, level, arguments, origin, kind)
        body.line(f"{name} = {made}")
    if level == 0:
        _emit_nulls(body, step, name, source)
    if step.into is not None:
        _retype(body, step.into, kind)


def _emit_assign(body: Body, step: Assign) -> None:
    """`name.target = expression`."""
    bound = body.names.get(step.variable)
    if bound is None or bound.kind is not BoundKind.MADE:
        return
    _rule(body, step, tuple(path.text for path in paths_of(step.expression)))
    kind = root_type(bound.resource_type)
    names = json_names(kind, step.target.parts)
    for part in step.target.parts:
        kind = element_type(kind, part.name)
    append = step.target.parts[-1].append

    def put(value: Value) -> None:
        text = value.text
        if kind.name == "Reference" and value.form in (Form.MADE, Form.SCALAR):
            text = f"reference_of({text})"
        body.line(f"run.put({bound.name}, {names!r}, {text}, append={append})")

    def write() -> None:
        keeps = kind.name in KEPT_TYPES and not append
        kept = body.fresh("o") if keeps else ""
        if keeps:
            body.line(f"{kept} = {{}}")
        keeper = Keeper(name=kept, live="", element=names[-1], key=names[-1])
        with body.keeping(keeper if keeps else None):
            emit(
                body,
                step.expression,
                Want.LEAF,
                kind,
                lambda value: convert_text(body, value, kind, put),
                many=append,
            )
        if keeper.used:
            beside = (*names[:-1], f"_{names[-1]}")
            held = f'{kept}["{beside[-1]}"]'
            with body.code.block(f"if {kept}:"):
                body.line(f"run.put({bound.name}, {beside!r}, {held}, append=False)")

    with body.code.block("try:"), body.code.block(f"if {bound.name} is not None:"):
        _guarded(body, step.when, write)
    with body.code.block("except Exception as problem:"):
        body.line(f"run.failed({body.rule}, problem)")
    if body.traced:
        body.line(f"run.trace.end({body.rule})")
