"""Pure. Maps to a program: Python source, compiled once, and the conversion of a message by it.

The source is kept (`Program.source`) for those who want to see what a map does. A second, traced
variant of the same source is made when somebody first asks why; the ordinary one knows nothing of
tracing.
"""

from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.fhir import definitions
from engine.hl7v2.delimiters import Delimiters
from engine.hl7v2.groups import Grouped
from engine.hl7v2.message import Message
from engine.hl7v2.path import leaves
from engine.mapping.checker.target_tree import plant
from engine.mapping.codes import MAP_FAILED, NO_MAP
from engine.mapping.compiler.emit_code import Body, Bound, BoundKind, Builder, Code, RuleInfo, Value
from engine.mapping.compiler.emit_messages import emit_steps
from engine.mapping.compiler.emit_paths import HEADER_WIDTH
from engine.mapping.compiler.emit_rules import emit_object, emit_rule
from engine.mapping.compiler.emit_values import key_parts
from engine.mapping.functions.dates import header_offset
from engine.mapping.library import Library
from engine.mapping.memory import Memories
from engine.mapping.run import Made, MapContext, MapResult, Run
from engine.mapping.source_types import segment_exists
from engine.mapping.support import PADDING, SUPPORT, bound_names
from engine.mapping.syntax import MapFile
from engine.mapping.target_types import root_type

_DELIMITER_SETS_MAX = 32
"""Modules kept for different delimiters and character sets; a feed uses one or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """One variant of the program."""

    source: str
    code: CodeType
    objects: dict[str, Any]
    entry_points: dict[str, str]
    """Message map to its function's name."""
    functions: dict[tuple[str, int], str]
    rules: tuple[RuleInfo, ...]
    places: tuple[Place, ...]
    modules: dict[tuple[Delimiters, str], dict[str, Any]] = field(default_factory=dict)

    def module(self, delimiters: Delimiters, codec: str) -> dict[str, Any]:
        """The globals of the program for these delimiters, made when first asked for."""
        found = self.modules.get((delimiters, codec))
        if found is None:
            found = {**SUPPORT, **self.objects, **bound_names(delimiters, codec)}
            exec(self.code, found)  # noqa: S102  generated from the syntax tree, never from data
            if len(self.modules) >= _DELIMITER_SETS_MAX:
                self.modules.clear()
            self.modules[delimiters, codec] = found
        return found


def compile_variant(library: Library, *, traced: bool) -> Compiled:
    """Generate and compile the source of all maps."""
    builder = Builder(library=library, traced=traced)
    lines: list[str] = []
    entry_points: dict[str, str] = {}
    for map_file in library.message_maps():
        name = builder.function(map_file.name, -1)
        entry_points[map_file.name] = name
    for map_file in library.maps.values():
        if not map_file.steps:
            builder.function(map_file.name, 0 if segment_exists(map_file.from_name) else 1)
    while builder.wanted:
        map_name, level = builder.wanted.pop()
        lines.extend(_function_lines(builder, map_name, level))
    source = "\n".join(lines) + "\n"
    code = compile(source, "<maps>", "exec", dont_inherit=True, optimize=1)
    return Compiled(
        source=source,
        code=code,
        objects=builder.objects,
        entry_points=entry_points,
        functions=builder.functions,
        rules=tuple(builder.rules),
        places=tuple(rule.place for rule in builder.rules),
    )


def _function_lines(builder: Builder, map_name: str, level: int) -> list[str]:
    """The source of one function."""
    plain_name, hash_mark, _ = map_name.partition("#")
    map_file = builder.library.maps[plain_name]
    body = Body(builder=builder, map_file=map_file, level=level)
    for name, kind in map_file.parameters:
        is_segment = segment_exists(kind)
        body.names[name] = Bound(
            kind=BoundKind.SEGMENT if is_segment else BoundKind.VALUE,
            name=f"p_{name}",
            segment_name=kind if is_segment else "",
        )
    body.rule = builder.rule(map_file.name, "", map_file.place, ())
    if hash_mark:
        _key_body(body)
    elif level == -1:
        emit_steps(body, map_file.steps)
    elif map_file.value:
        _value_body(body)
    else:
        _object_body(body)
    return [*_head_lines(body, builder.functions[map_name, level]), *body.code.lines, ""]


def _key_body(body: Body) -> None:
    body.silent = True
    result = key_parts(body, body.map_file.key or ())
    body.line(f"return {result}")


def _value_body(body: Body) -> None:
    """A map to a primitive: the first alternative that yields."""
    kind = root_type(body.map_file.to_name)
    result, done = body.fresh("y"), body.fresh("d")
    body.line(f"{result} = None")
    body.line(f"{done} = False")

    def sink(value: Value, _chosen: str | None) -> None:
        body.line(f"{result} = {value.text}")
        body.line(f"{done} = True")
        if body.traced:
            body.line("run.trace.yielded()")

    for rule in body.map_file.value:
        with body.code.block(f"if not {done}:"):
            emit_rule(body, rule, kind, sink, "")
    body.line(f"return {result}")


def _object_body(body: Body) -> None:
    """A map to a resource or datatype."""
    kind = root_type(body.map_file.to_name)
    resource_type = kind.name if kind.name in definitions.resource_types() else ""
    tree = plant(kind, body.map_file.rules)
    name, test, _ = emit_object(body, tree, resource_type)
    needs = " or ".join(f'"{one}" in {name}' for one in body.map_file.needs)
    body.line(f"return {name} if {f'{test} and ({needs})' if needs else test} else None")


def _head_lines(body: Body, name: str) -> list[str]:
    """`def` and the lists the body reads from."""
    code = Code()
    parameters = "".join(f", p_{name}=None" for name, _ in body.map_file.parameters)
    source = {-1: "root", 0: "segment"}.get(body.level, "raw")
    origin = ", origin=()" if body.traced and body.level > 0 else ""
    code.line("faults = run.faults")
    if body.level == -1:
        code.line("nulls = run.has_nulls")
        for given, _ in body.map_file.parameters:
            code.line(f"p_{given} = run.parameters.get({given!r})")
    if "divided" in body.uses:
        code.line("divided = run.subcomponents")
    if "escaped" in body.uses:
        code.line("escaped = run.escaped")
    if "header" in body.uses:
        code.line("header = run.header")
    if "fields" in body.uses:
        width = body.field_max + 1
        code.line("fields = run.cleaned(segment) if run.has_nulls else segment.fields")
        code.line(f"if len(fields) < {width}: fields = fields + PADDING[{width} - len(fields)]")
    if "parts" in body.uses:
        width = body.component_max
        if body.level >= 3:
            code.line("parts = [raw]")
        else:
            code.line(f"parts = raw.split({'C' if body.level == 1 else 'S'})")
        code.line(f"if len(parts) < {width}: parts += PADDING[{width} - len(parts)]")
    for expression, variable in body.hoisted.items():
        code.line(f"{variable} = {expression}")
    if body.traced and body.level > 0:
        code.line(f"run.trace.applied({body.map_file.name!r}, origin)")
    elif body.traced and body.level == 0:
        code.line(f"run.trace.applied({body.map_file.name!r}, (segment.index,))")
    elif body.traced:
        code.line(f"run.trace.applied({body.map_file.name!r}, ())")
    title = f"# {body.map_file.file!r}"
    return [title, f"def {name}({source}, run{origin}{parameters}):", *code.lines]


class Program:
    """All maps of a channel, ready to convert messages. Made by `compile_library`."""

    __slots__ = ("_by_event", "_by_structure", "_memories", "_plain", "_traced", "library")

    def __init__(self, library: Library, *, remembers: bool = True) -> None:
        self.library = library
        self._plain = compile_variant(library, traced=False)
        self._traced: Compiled | None = None
        self._memories = Memories() if remembers else None
        self._by_event: dict[str, str] = {}
        self._by_structure: dict[str, str] = {}
        for map_file in library.message_maps():
            self._by_structure.setdefault(map_file.from_name, map_file.name)
            for event in map_file.events:
                self._by_event.setdefault(event, map_file.name)

    @property
    def source(self) -> str:
        """The generated Python source."""
        return self._plain.source

    @property
    def rules(self) -> tuple[RuleInfo, ...]:
        """Every rule of the program by number."""
        return self._plain.rules

    def traced(self) -> Compiled:
        """The variant that records what it does, made when first asked for."""
        if self._traced is None:
            self._traced = compile_variant(self.library, traced=True)
        return self._traced

    def find_map(self, message: Message) -> MapFile | None:
        """The message map by event, else by structure."""
        name = self._by_event.get(message.message_type) or self._by_structure.get(message.structure)
        return self.library.maps.get(name) if name else None

    def convert(
        self,
        grouped: Grouped,
        context: MapContext,
        map_name: str = "auto",
        trace: Any = None,
    ) -> MapResult:
        """Convert one message.

        Args:
            grouped: the message with its groups.
            context: what the channel says.
            map_name: a message map, or `auto`: by event, else by structure.
            trace: a `trace.Trace` that is filled with what was done; None: nothing is recorded.

        Returns:
            The resources and everything to be said; never raises for any message.
        """
        message = grouped.message
        found = self.find_map(message) if map_name == "auto" else self.library.maps.get(map_name)
        if found is None or not found.steps:
            shown = message.message_type if map_name == "auto" else map_name
            problem = NO_MAP(Place(path="MSH-9"), message_type=shown)
            return MapResult(entries=[], diagnostics=[problem], held=False)
        compiled = self._plain if trace is None else self.traced()
        run = start(message, context, compiled.places)
        if trace is not None:
            trace.start(message, compiled.rules)
            run.trace = trace
        elif self._memories is not None:
            memory = self._memories.of(context, message.delimiters, message.codec)
            run.memory = memory.codings
            if run.header:
                run.recent = memory.recent(run.header, run.header_offset_minutes)
        module = compiled.module(message.delimiters, message.codec)
        try:
            module[compiled.entry_points[found.name]](grouped.root, run)
        except Exception as problem:  # noqa: BLE001  a fault of ours costs one message, not the engine
            run.diagnostics.append(
                MAP_FAILED(Place(file=found.file), problem=type(problem).__name__)
            )
        if trace is not None:
            trace.finish(run.made)
        return finish(run, found.name)

    def convert_segment(
        self, map_name: str, message: Message, context: MapContext, trace: Any = None
    ) -> tuple[Any, list[Diagnostic]]:
        """Convert the first segment that a segment map is for, for tests beside the map.

        Returns:
            What the map made (None for nothing, or when the segment is absent), and the problems.
        """
        compiled, name = self._function(map_name, 0, traced=trace is not None)
        segments = message.segment_list(self.library.maps[map_name].from_name)
        if not segments:
            return None, []
        return self._alone(compiled, name, segments[0], message, context, trace)

    def convert_value(
        self, map_name: str, text: str, context: MapContext, trace: Any = None
    ) -> tuple[Any, list[Diagnostic]]:
        """Convert one value by a datatype map, for tests beside the map.

        Args:
            map_name: a map from a datatype.
            text: a repetition with standard delimiters; a component when it holds `&` but no `^`.
            context: what the channel says.
            trace: as in `convert`.

        Returns:
            What the map made (None for nothing), and the problems.
        """
        level = 2 if "&" in text and "^" not in text else 1
        compiled, name = self._function(map_name, level, traced=trace is not None)
        message = Message(
            text="MSH|^~\\&|\r",
            segments=[],
            delimiters=Delimiters(),
            codec="utf-8",
            raw=b"",
            structure="",
            version="2.5.1",
        )
        return self._alone(compiled, name, text, message, context, trace)

    def _alone(
        self,
        compiled: Compiled,
        name: str,
        source: Any,
        message: Message,
        context: MapContext,
        trace: Any,
    ) -> tuple[Any, list[Diagnostic]]:
        """Run one function of the program on its own."""
        run = start(message, context, compiled.places)
        if isinstance(source, str):
            run.escaped, run.subcomponents = "\\" in source, "&" in source
        if trace is not None:
            trace.start(message, compiled.rules)
            run.trace = trace
        made = compiled.module(message.delimiters, message.codec)[name](source, run)
        if run.faults:
            run.settle_loose(0)
        if trace is not None and isinstance(made, dict):
            whole = Made(made, self.library.maps[map_of(compiled, name)].to_name, "")
            trace.finish([*run.made, whole])
        return made, run.diagnostics

    def _function(self, map_name: str, level: int, *, traced: bool) -> tuple[Compiled, str]:
        compiled = self.traced() if traced else self._plain
        name = compiled.functions.get((map_name, level)) or compiled.functions[map_name, 1]
        return compiled, name


def map_of(compiled: Compiled, function: str) -> str:
    """The map a function was generated from."""
    return next(name for (name, _), known in compiled.functions.items() if known == function)


def start(message: Message, context: MapContext, places: tuple[Place, ...]) -> Run:
    """A run for one message."""
    run = Run(context, places)
    text, delimiters = message.text, message.delimiters
    run.segments = message.segments
    run.escaped = text.find(delimiters.escape, 9) >= 0
    run.subcomponents = text.find(delimiters.subcomponent, 9) >= 0
    if '""' in text:
        run.has_nulls = True
        run.nulls = null_paths(message)
    if message.segments:
        header = message.segments[0]
        fields = run.cleaned(header) if run.has_nulls else header.fields
        if len(fields) < HEADER_WIDTH:
            fields = fields + PADDING[HEADER_WIDTH - len(fields)]
        run.header = fields
        if fields[7]:
            run.header_offset_minutes = header_offset(fields[7].partition(delimiters.component)[0])
    return run


def null_paths(message: Message) -> list[str]:
    """The paths of all explicit nulls, such as `PID[1]-19` or `PID[1]-3[2].4`."""
    return [leaf.path for leaf in leaves(message) if leaf.null]


def finish(run: Run, map_name: str) -> MapResult:
    """The result of a run."""
    if run.faults:
        run.settle_loose(0)
    return MapResult(
        entries=run.entries(),
        diagnostics=run.diagnostics,
        held=run.held,
        nulls=tuple(run.nulls),
        map_name=map_name,
    )


def compile_library(library: Library, *, remembers: bool = True) -> Program:
    """Compile a library that `checker.check_library` has found nothing wrong with.

    Args:
        library: the maps.
        remembers: keep what texts became for later messages (`mapping.memory`); the output is the
            same without.
    """
    return Program(library, remembers=remembers)
