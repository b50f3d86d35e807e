"""Pure. One variant of the program of a library: its maps as Python, each made when first needed.

A library has hundreds of maps and a feed uses a dozen, so the functions of a message map, with all
they call, are generated and compiled when the first message asks for it. Rules keep their numbers:
the list of places only grows.
"""

from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from engine.diagnostics import Place
from engine.fhir import definitions
from engine.hl7v2.delimiters import Delimiters
from engine.mapping.checker.target_tree import plant
from engine.mapping.compiler.emit_code import (
    NODE_LEVEL,
    Body,
    Bound,
    BoundKind,
    Builder,
    Code,
    RuleInfo,
)
from engine.mapping.compiler.emit_documents import emit_node_body, node_head
from engine.mapping.compiler.emit_messages import emit_steps
from engine.mapping.compiler.emit_rules import emit_object, emit_value
from engine.mapping.compiler.emit_values import key_parts
from engine.mapping.library import Library
from engine.mapping.source_types import segment_exists
from engine.mapping.support import SUPPORT, bound_names
from engine.mapping.target_types import root_type

_DELIMITER_SETS_MAX = 32
"""Modules kept for different delimiters and character sets; a feed uses one or two."""
MESSAGE = -1
"""Level of a message map."""


@dataclass(slots=True)
class _Module:
    """The globals of the program for some delimiters, and how many chunks were run in them."""

    names: dict[str, Any]
    chunks: int = 0


@dataclass(slots=True)
class Variant:
    """The generated code of a library, plain or traced, as far as it was needed."""

    builder: Builder
    places: list[Place] = field(default_factory=list)
    """Of each rule, by number."""
    _sources: list[str] = field(default_factory=list)
    _chunks: list[CodeType] = field(default_factory=list)
    _made: dict[tuple[str, int], str] = field(default_factory=dict)
    """Functions whose code is there, by map and level."""
    _modules: dict[tuple[Delimiters, str], _Module] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The Python source made so far."""
        return "\n".join(self._sources)

    @property
    def rules(self) -> list[RuleInfo]:
        """The rules met so far, by number."""
        return self.builder.rules

    def function(self, map_name: str, level: int) -> str:
        """The name of a map's function; it is compiled, with all it calls, when it is new."""
        name = self._made.get((map_name, level))
        if name is None:
            name = self.builder.function(map_name, level)
            self._compile()
            self._made[map_name, level] = name
        return name

    def has(self, map_name: str, level: int) -> bool:
        """True when a map that is compiled calls this one for values of that level."""
        return (map_name, level) in self.builder.functions

    def whole(self) -> "Variant":
        """The same with every map compiled: for coverage, and for those who want to see it."""
        for map_file in self.builder.library.message_maps():
            self.builder.function(map_file.name, MESSAGE)
        for map_file in self.builder.library.maps.values():
            if map_file.of_document:
                self.builder.function(map_file.name, NODE_LEVEL)
            elif not map_file.steps:
                self.builder.function(map_file.name, level_of(map_file.from_name))
        self._compile()
        return self

    def _compile(self) -> None:
        """Generate and compile every function that is asked for and not there."""
        lines: list[str] = []
        while self.builder.wanted:
            map_name, level = self.builder.wanted.pop()
            lines.extend(_function_lines(self.builder, map_name, level))
        if not lines:
            return
        source = "\n".join(lines) + "\n"
        self._chunks.append(compile(source, "<maps>", "exec", dont_inherit=True, optimize=1))
        self._sources.append(source)
        self.places.extend(rule.place for rule in self.builder.rules[len(self.places) :])

    def module(self, delimiters: Delimiters, codec: str) -> dict[str, Any]:
        """The globals of the program for these delimiters, with all that is compiled."""
        found = self._modules.get((delimiters, codec))
        if found is None:
            if len(self._modules) >= _DELIMITER_SETS_MAX:
                self._modules.clear()
            found = _Module(names={**SUPPORT, **bound_names(delimiters, codec)})
            self._modules[delimiters, codec] = found
        if found.chunks < len(self._chunks):
            found.names.update(self.builder.objects)
            for chunk in self._chunks[found.chunks :]:
                exec(chunk, found.names)  # noqa: S102  generated from the syntax tree, never from data
            found.chunks = len(self._chunks)
        return found.names


def make_variant(library: Library, *, traced: bool) -> Variant:
    """A variant of which nothing is compiled yet."""
    return Variant(builder=Builder(library=library, traced=traced))


def level_of(source: str) -> int:
    """The level of a map from a segment or a datatype when it is called from nowhere."""
    return 0 if segment_exists(source) else 1


def _function_lines(builder: Builder, map_name: str, level: int) -> list[str]:
    """The source of one function."""
    plain_name, hash_mark, _ = map_name.partition("#")
    map_file = builder.library.maps[plain_name]
    body = Body(builder=builder, map_file=map_file, level=level)
    for name, kind in map_file.parameters:
        is_segment = segment_exists(kind) and not map_file.of_document
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
    elif map_file.of_document:
        emit_node_body(body)
    elif map_file.value:
        emit_value(body)
    else:
        _object_body(body)
    return [*_head_lines(body, builder.functions[map_name, level]), *body.code.lines, ""]


def _key_body(body: Body) -> None:
    body.silent = True
    result = key_parts(body, body.map_file.key or ())
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
    source = {-1: "root", 0: "segment", NODE_LEVEL: "node"}.get(body.level, "raw")
    origin = ", origin=()" if body.traced and body.is_datatype else ""
    code.line("faults = run.faults")
    if body.level == -1:
        code.line("nulls = run.has_nulls")
        for given, _ in body.map_file.parameters:
            code.line(f"p_{given} = run.parameters.get({given!r})")
    if "named" in body.uses:
        code.line("named = root.segments_by_name")
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
    if body.level == NODE_LEVEL:
        node_head(body, code)
    elif body.traced and body.level > 0:
        code.line(f"run.trace.applied({body.map_file.name!r}, origin)")
    elif body.traced and body.level == 0:
        code.line(f"run.trace.applied({body.map_file.name!r}, (segment.index,))")
    elif body.traced:
        code.line(f"run.trace.applied({body.map_file.name!r}, ())")
    title = f"# {body.map_file.file!r}"
    return [title, f"def {name}({source}, run{origin}{parameters}):", *code.lines]
