"""Pure. Code that reads a source path.

Read style: a segment's `fields` list and a value's `parts` list are filled up once, so an index
never fails; repetitions and components are split only when the separator is there, and escapes are
decoded only when the message has any. `C`, `R`, `S`, `E` are the message's delimiters, global in
the generated module.
"""

from collections.abc import Callable
from contextlib import ExitStack

from engine.mapping.compiler.emit_code import Base, Body, Bound, BoundKind, Form, Sink, Value, Want
from engine.mapping.compiler.emit_groups import each_occurrence, read_segment
from engine.mapping.memory import SENDER_FIELDS
from engine.mapping.source_types import component_number
from engine.mapping.sources import gathers
from engine.mapping.syntax import Path, Selector
from engine.mapping.text_kinds import TextKind, text_kind

RawSink = Callable[[str, int, Base], None]
"""Takes the variable with the undecoded text, its level, and where it comes from."""


def read_path(body: Body, path: Path, want: Want, sink: Sink) -> None:
    """Write code that reads `path` and runs `sink` when it is populated."""
    bound = body.names.get(path.variable) if path.variable is not None else None
    if bound is not None and not path.steps and path.segment is None and path.field is None:
        if bound.kind is BoundKind.MADE:
            with body.code.block(f"if {bound.name} is not None:"):
                sink(Value(text=bound.name, form=Form.MADE))
            return
        if bound.kind is BoundKind.VALUE:
            with body.code.block(f'if {bound.name} is not None and {bound.name} != "":'):
                sink(Value(text=bound.name, form=Form.SCALAR, constant=True))
            return
        if bound.kind is BoundKind.SEGMENT:
            with body.code.block(f"if {bound.name} is not None:"):
                sink(Value(text=bound.name, form=Form.SEGMENT))
            return
    if body.level == 0 and path.text == body.map_file.from_name:
        sink(Value(text="segment", form=Form.SEGMENT))
        return
    if path.field is None and path.segment is not None:
        read_segment(body, path, lambda name: sink(Value(text=name, form=Form.SEGMENT)))
        return
    whole = path.field is not None and not path.components and path.repetition is None
    if want is Want.VALUED and whole:
        _read_valued(body, path, sink)
        return
    text = text_kind(body, path)
    read_raw(
        body, path, lambda name, level, base: as_wanted(body, name, level, base, want, sink, text)
    )


def _read_valued(body: Body, path: Path, sink: Sink) -> None:
    """A field is valued when any repetition has anything besides separators."""

    def test(name: str, segment: str) -> None:
        base = Base(segment=segment, field=path.field or 0)
        if body.traced and not body.silent:
            body.line(f"run.trace.saw({base.origin()}, whole=False)")
        with body.code.block(f"if {name}.strip(BLANK):"):
            sink(Value(text=name, form=Form.TEXT, base=base))

    read_field(body, path, test)


def simple_text(body: Body, path: Path) -> tuple[str, int] | None:
    """The undecoded text of a path as one expression, and its level; None when it takes more.

    For conditions: a part of the value given to a datatype map, or a whole field of the own segment
    or of MSH.
    """
    if body.traced or path.repetition is not None:
        return None
    if path.datatype is not None and len(path.components) == 1:
        number = path.components[0]
        body.uses.add("parts")
        body.component_max = max(body.component_max, number)
        return f"parts[{number - 1}]", min(body.level + 1, 3)
    if path.field is None or path.components or path.variable is not None or path.steps:
        return None
    if body.level == 0 and path.segment == body.map_file.from_name:
        body.uses.add("fields")
        body.field_max = max(body.field_max, path.field)
        return f"fields[{path.field}]", 1
    if path.segment == "MSH" and path.field < HEADER_WIDTH:
        _note_header(body, path.field)
        return f"header[{path.field}]", 1
    return None


def header_component(body: Body, path: Path) -> str | None:
    """The decoded text of a component of MSH, such as the event, as one expression.

    Conditions on MSH-9.2 are many in some maps, so it is read once.
    """
    if body.traced or path.segment != "MSH" or path.variable is not None or path.steps:
        return None
    number = path.field
    if number is None or number >= HEADER_WIDTH or path.repetition is not None:
        return None
    if len(path.components) != 1 or path.components[0] == 1:
        return None
    _note_header(body, number)
    cut = f"component(header[{number}].partition(R)[0], {path.components[0]})"
    return f'leaf2({cut}) if header and header[{number}] else ""'


def as_wanted(
    body: Body,
    name: str,
    level: int,
    base: Base,
    want: Want,
    sink: Sink,
    text: TextKind = TextKind.DIVIDED,
) -> None:
    """Decode the raw text in variable `name` as wanted."""
    if want is Want.RAW:
        _trace_took(body, base)
        sink(Value(text=name, form=Form.RAW, level=level, base=base))
        return
    if want is Want.VALUED:
        if body.traced:
            body.line(f"run.trace.saw({base.origin()}, whole=False)")
        with body.code.block(f"if {name}.strip(BLANK):"):
            sink(Value(text=name, form=Form.TEXT, base=base))
        return
    if want is Want.KEY:
        key = body.fresh("k")
        body.line(f"{key} = key_text(run, {name})")
        with body.code.block(f"if {key}:"):
            sink(Value(text=key, form=Form.TEXT, base=base))
        return
    if want is Want.COMPOSITE:
        parts = body.fresh("c")
        body.line(f"{parts} = composite{min(level, 3)}({name})")
        _trace_read(body, base, whole="True")
        with body.code.block(f"if {parts}:"):
            sink(Value(text=parts, form=Form.COMPOSITE, base=base))
        return
    if text is TextKind.BY_OBX_2:
        body.uses.add("fields")
        body.field_max = max(body.field_max, 2)
        with body.code.block("if fields[2] not in PLAIN_TYPES:"):
            _divide(body, name, level)
    if body.traced and not body.silent and text is not TextKind.DIVIDED:
        body.line(f"whole = C in {name} or S in {name}")
        _trace_read(body, base, whole="whole")
        decode(body, name, 3)
    else:
        decode(body, name, level if text is TextKind.DIVIDED else 3)
        _trace_read(body, base)
    with body.code.block(f"if {name} := {name}.strip():"):
        sink(Value(text=name, form=Form.TEXT, base=base))


def decode(body: Body, name: str, level: int) -> None:
    """Cut the text to its first component and subcomponent, and decode it, in place."""
    _divide(body, name, level)
    body.uses.add("escaped")
    body.line(f"if escaped and E in {name}: {name} = unescape({name})")


def _divide(body: Body, name: str, level: int) -> None:
    """Cut the text to its first part, in place."""
    if level <= 1:
        body.line(f"if C in {name}: {name} = {name}.partition(C)[0]")
    if level <= 2:
        body.uses.add("divided")
        body.line(f"if divided and S in {name}: {name} = {name}.partition(S)[0]")


def _trace_read(body: Body, base: Base, whole: str = "False") -> None:
    """Record the read; `whole` is an expression: everything below the place was read."""
    if body.traced and not body.silent:
        how = "saw" if body.quiet else "read"
        body.line(f"run.trace.{how}({base.origin()}, whole={whole})")


def _trace_took(body: Body, base: Base) -> None:
    """The text is handed to another map, which records what it reads of it."""
    if body.traced and not body.silent:
        body.line(f"run.trace.took({base.origin()})")


def read_raw(body: Body, path: Path, sink: RawSink) -> None:
    """Write code that takes the undecoded text of one repetition or component."""
    if path.datatype is not None:
        _read_own(body, path.components, sink)
        return
    bound = body.names.get(path.variable) if path.variable is not None else None
    if bound is not None and bound.kind is BoundKind.RAW and path.field is None:
        _read_variable(body, bound, path.components, sink)
        return
    if path.field is None:
        return
    read_field(body, path, lambda name, segment: _one_repetition(body, path, name, segment, sink))


def _read_own(body: Body, components: tuple[int, ...], sink: RawSink) -> None:
    """A part of the value given to a datatype map."""
    base = Base(components=components)
    name = body.fresh("t")
    if not components:
        body.line(f"{name} = raw")
        sink(name, body.level, base)
        return
    body.uses.add("parts")
    body.component_max = max(body.component_max, components[0])
    with body.code.block(f"if {name} := parts[{components[0] - 1}]:"):
        _deeper(body, name, body.level + 1, components[1:], base, sink)


def _read_variable(body: Body, bound: Bound, components: tuple[int, ...], sink: RawSink) -> None:
    """A part of a repetition bound by `each ... as name`."""
    base = (bound.base or Base()).below(components)
    name = body.fresh("t")
    body.line(f"{name} = {bound.name}")
    _deeper(body, name, bound.level, components, base, sink)


def _deeper(
    body: Body, name: str, level: int, components: tuple[int, ...], base: Base, sink: RawSink
) -> None:
    """Go from a text of `level` down to a component of it."""
    if not components:
        sink(name, level, base)
        return
    number = components[0]
    if level >= 3:
        if number != 1:
            return
    else:
        mark, cut = ("C", "component") if level == 1 else ("S", "subcomponent")
        if number == 1:
            body.line(f"if {mark} in {name}: {name} = {name}.partition({mark})[0]")
        else:
            reaches = f"{mark} in {name}" if number == 2 else f"{name}.count({mark}) > {number - 2}"
            body.line(f'{name} = {cut}({name}, {number}) if {reaches} else ""')
    with body.code.block(f"if {name}:"):
        _deeper(body, name, level + 1, components[1:], base, sink)


def read_field(body: Body, path: Path, sink: Callable[[str, str], None]) -> None:
    """Write code that takes the whole text of a field.

    The sink gets the variable with the text, and the variable that holds the segment.
    """
    number = path.field or 0
    name = body.fresh("t")
    bound = body.names.get(path.variable) if path.variable is not None else None
    with ExitStack() as stack:
        if bound is not None and bound.kind is BoundKind.SEGMENT:
            stack.enter_context(body.code.block(f"if {bound.name} is not None:"))
            read = f"field_of({bound.name}, {number}, run)"
            segment = bound.name
        elif body.level == 0 and path.segment == body.map_file.from_name and not path.steps:
            body.uses.add("fields")
            body.field_max = max(body.field_max, number)
            read = f"fields[{number}]"
            segment = "segment"
        elif path.segment == "MSH" and not path.steps:
            _note_header(body, number)
            read = f"header[{number}]" if number < HEADER_WIDTH else '""'
            segment = "run.segments[0]"
        elif body.level == -1:
            read_segment(body, path, lambda found: _field_of(body, found, number, name, sink))
            return
        else:
            return
        stack.enter_context(body.code.block(f"if {name} := {read}:"))
        sink(name, segment)


def _field_of(
    body: Body, segment: str, number: int, name: str, sink: Callable[[str, str], None]
) -> None:
    with body.code.block(f"if {name} := field_of({segment}, {number}, run):"):
        sink(name, segment)


def _note_header(body: Body, number: int) -> None:
    """What a map reads of MSH makes its result one of this message, or this sender."""
    body.uses.add("header")
    if body.level >= 0 and not body.traced and number not in SENDER_FIELDS:
        body.line("run.varied += 1")


HEADER_WIDTH = 40
"""Fields of MSH kept at hand; 2.8.2 has 25, and more are never sent."""


def _one_repetition(body: Body, path: Path, name: str, segment: str, sink: RawSink) -> None:
    """From a field's text to the repetition the path names (the first without a selector)."""
    selector = path.repetition
    repetition = "1"
    if selector is None or selector.every or selector.index == 1:
        body.line(f"if R in {name}: {name} = {name}.partition(R)[0]")
    elif selector.index is not None:
        repetition = str(selector.index)
        body.line(f'{name} = repetition({name}, {selector.index}) if R in {name} else ""')
    else:
        repetition = body.fresh("r")
        numbers = _selector_numbers(path, selector)
        body.line(f"{name}, {repetition} = pick({name}, {numbers!r}, {selector.value!r})")
    base = Base(
        segment=segment,
        field=path.field or 0,
        repetition=repetition,
        components=path.components,
    )
    if selector is None and not path.components:
        sink(name, 1, base)
        return
    with body.code.block(f"if {name}:"):
        _deeper(body, name, 1, path.components, base, sink)


def _selector_numbers(path: Path, selector: Selector) -> tuple[int, ...]:
    """Component numbers of `[type=MR]` or `[4.2=X]`."""
    word = selector.component or ""
    pieces = word.split(".")
    if all(piece.isdigit() for piece in pieces):
        return tuple(int(piece) for piece in pieces)
    number = component_number(path.segment or "", path.field or 0, word)
    return (number or 0,)


def each_repetition(body: Body, path: Path, sink: RawSink) -> None:
    """Write a loop over the repetitions of a field; other paths are read once."""
    bound = body.names.get(path.variable) if path.variable is not None else None
    whole = path.field is not None and (path.repetition is None or path.repetition.every)
    if not whole or (bound is not None and bound.kind is BoundKind.RAW):
        read_raw(body, path, sink)
        return

    def loop(name: str, segment: str) -> None:
        each_piece(body, path, name, segment, sink)

    if gathers(path):
        each_field(body, path, loop)
    else:
        read_field(body, path, loop)


def each_piece(body: Body, path: Path, name: str, segment: str, sink: RawSink) -> None:
    """Write a loop over the repetitions in the text of a field."""
    number, item = body.fresh("n"), body.fresh("q")
    pieces = f"({name}.split(R) if R in {name} else ({name},))"
    with body.code.block(f"for {number}, {item} in enumerate({pieces}, 1):"):
        base = Base(
            segment=segment,
            field=path.field or 0,
            repetition=number,
            components=path.components,
        )
        with body.code.block(f"if {item}:"):
            _deeper(body, item, 1, path.components, base, sink)


def each_field(body: Body, path: Path, sink: Callable[[str, str], None]) -> None:
    """Write a loop over every segment that `OBSERVATION[*].OBX-5` names.

    The sink gets the variable with the text of the field, and the one that holds the segment.
    """
    name = body.fresh("t")

    def read(segment: str) -> None:
        _field_of(body, segment, path.field or 0, name, sink)

    each_occurrence(body, path, lambda segment, _kind: read(segment))
