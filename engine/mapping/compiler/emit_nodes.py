"""Pure. Code that reads paths in documents, and that hands elements on by template.

Plain steps down become walks over the children of a name, which take half the time of `find`;
whatever has conditions or other axes is an XPath, compiled once when the program is made.
"""

import contextlib
from collections.abc import Callable

from lxml import etree

from engine.cda.document import NAMESPACES
from engine.mapping.compiler.emit_code import Base, Body, BoundKind, Form, Sink, Value, Want
from engine.mapping.documents.dispatch import candidates
from engine.mapping.documents.node_paths import xpath_of
from engine.mapping.documents.run import choices_of
from engine.mapping.syntax import MapFile, NodeStep, Path

_ITSELF = (NodeStep(name="."),)

NodeSink = Callable[[str], None]
"""Takes the variable that holds an element."""


def is_node_path(body: Body, path: Path) -> bool:
    """True for a path in a document, and for a name that stands for an element."""
    if path.nodes or path.from_root:
        return True
    bound = body.names.get(path.variable) if path.variable is not None else None
    return bound is not None and bound.kind is BoundKind.NODE


def read_node_path(body: Body, path: Path, want: Want, sink: Sink, *, many: bool) -> None:
    """Write code that reads `path` and runs `sink` when it is populated, for each with `many`."""
    steps = path.nodes
    attribute = ""
    if steps and steps[-1].axis == "attribute":
        attribute, steps = _qualified(steps[-1].name), steps[:-1]

    def found(name: str) -> None:
        if attribute:
            _as_attribute(body, name, attribute, sink)
        else:
            _as_wanted(body, name, want, sink)

    each_node(body, path, steps, found, many=many)


def each_node(
    body: Body, path: Path, steps: tuple[NodeStep, ...], sink: NodeSink, *, many: bool
) -> None:
    """Write code that finds the elements of a path: the first one, or all with `many`."""
    origin = _origin(body, path)
    if path.from_root and _is_of_root(path):
        steps = steps[1:]
    if not steps or steps == _ITSELF:
        sink(origin)
        return
    tags = _plain_tags(steps, many=many)
    if tags is not None:
        _walk(body, origin, tags, sink, many=many)
        return
    name = body.fresh("x")
    compiled = body.builder.refer_once("xpath", xpath_of(steps), _compile)
    if many:
        with body.code.block(f"for {name} in {compiled}({origin}):"):
            sink(name)
        return
    body.line(f"{name} = {compiled}({origin})")
    with body.code.block(f"if {name}:"):
        body.line(f"{name} = {name}[0]")
        sink(name)


def _walk(body: Body, origin: str, tags: list[str], sink: NodeSink, *, many: bool) -> None:
    """Write code that goes down by these tags: to the first element, or to all with `many`."""
    loops: list[str] = []
    for tag in tags:
        name = body.fresh("x")
        loops.append(f"for {name} in {origin}.iterchildren({tag!r})")
        origin = name
    if many:
        with contextlib.ExitStack() as blocks:
            for loop in loops:
                blocks.enter_context(body.code.block(f"{loop}:"))
            sink(origin)
        return
    found = loops[0].partition(" in ")[2] if len(loops) == 1 else f"({origin} {' '.join(loops)})"
    body.line(f"{origin} = next({found}, None)")
    with body.code.block(f"if {origin} is not None:"):
        sink(origin)


def _compile(text: str) -> etree.XPath:
    return etree.XPath(text, namespaces=NAMESPACES, smart_strings=False)


def _origin(body: Body, path: Path) -> str:
    if path.from_root:
        return "run.document.root" if _is_of_root(path) or not path.nodes else "run.document.top"
    bound = body.names.get(path.variable) if path.variable is not None else None
    return bound.name if bound is not None else "node"


def _is_of_root(path: Path) -> bool:
    """True for `/ClinicalDocument/...`."""
    first = path.nodes[0] if path.nodes else NodeStep(name="")
    return first == NodeStep(name="ClinicalDocument")


def _plain_tags(steps: tuple[NodeStep, ...], *, many: bool) -> list[str] | None:
    """The tags of steps that only go down; None when they say more."""
    found: list[str] = []
    for number, step in enumerate(steps, 1):
        # the first of the last ones is the first of all
        is_first = step.conditions == ("1",) and number == len(steps) and not many
        if (
            step.axis != "child"
            or step.name in ("*", ".", "..")
            or (step.conditions and not is_first)
        ):
            return None
        found.append(_qualified(step.name if ":" in step.name else f"v3:{step.name}"))
    return found


def _qualified(name: str) -> str:
    """`{urn:hl7-org:sdtc}raceCode` of `sdtc:raceCode`; a name without a prefix stays."""
    prefix, mark, local = name.rpartition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if mark else name


def _as_attribute(body: Body, node: str, attribute: str, sink: Sink) -> None:
    text = body.fresh("t")
    base = Base(node=node, attribute=attribute)
    with body.code.block(
        f"if ({text} := {node}.get({attribute!r})) and ({text} := {text}.strip()):"
    ):
        _trace(body, base)
        sink(Value(text=text, form=Form.TEXT, base=base))


def _as_wanted(body: Body, node: str, want: Want, sink: Sink) -> None:
    base = Base(node=node)
    if want is Want.RAW:
        if body.traced and not body.silent:
            body.line(f"run.trace.took({base.origin()})")
        sink(Value(text=node, form=Form.NODE, base=base))
        return
    if want is Want.VALUED:
        if body.traced:
            body.line(f"run.trace.saw({base.origin()}, whole=True)")
        with body.code.block(f"if is_valued({node}):"):
            sink(Value(text=node, form=Form.NODE, base=base))
        return
    text = body.fresh("t")
    read, form = (
        ("node_code", Form.COMPOSITE) if want is Want.COMPOSITE else ("node_text", Form.TEXT)
    )
    with body.code.block(f"if {text} := {read}({node}):"):
        _trace(body, base)
        sink(Value(text=text, form=form, base=base))


def _trace(body: Body, base: Base) -> None:
    if body.traced and not body.silent:
        how = "saw" if body.quiet else "read"
        body.line(f"run.trace.{how}({base.origin()}, whole=True)")


def emit_template(
    body: Body, value: Value, call: Callable[[MapFile, Sink], None], sink: Sink
) -> None:
    """Write code that hands an element to the map for its template, among those under this one.

    `call` writes the call of one map, with the sink of what it makes.
    """
    maps = candidates(body.builder.library, body.map_file.name)
    names = tuple(one.name for one in maps)
    choices = body.builder.refer_once("choices", names, lambda _: choices_of(maps))
    chosen = body.fresh("c")
    body.line(f"{chosen} = run.document.choose(run, {value.text}, {choices})")
    word = "if"
    for number, one in enumerate(maps):
        with body.code.block(f"{word} {chosen} == {number}:"):
            call(one, sink)
        word = "elif"
