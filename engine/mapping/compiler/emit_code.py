"""Pure. Lines of generated Python, and what is known while one function is generated.

Maps become plain Python source, compiled once at load: interpreting rules was measured seven times
slower. The functions of `emit_paths`, `emit_values`, `emit_conditions`, `emit_rules` and
`emit_messages` write code into a `Body`. Values are handed on through sinks: a reader opens an `if`
that holds when the value is populated, calls the sink to write what uses it, and closes the `if`;
so an empty field costs one test.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from engine.diagnostics import Place
from engine.mapping.library import Library
from engine.mapping.nulls import Deletion
from engine.mapping.syntax import MapFile


class Code:
    """Lines with indentation, and fresh names."""

    def __init__(self, depth: int = 1) -> None:
        self.lines: list[str] = []
        self.depth = depth
        self.count = 0

    def line(self, text: str) -> None:
        """Add a line at the current depth."""
        self.lines.append("    " * self.depth + text)

    def fresh(self, prefix: str) -> str:
        """A name not used before in this function."""
        self.count += 1
        return f"{prefix}{self.count}"

    def block(self, head: str) -> "_Block":
        """Lines below `head`, which ends in a colon; an empty body becomes `pass`."""
        self.line(head)
        return _Block(self)


class _Block:
    """What stands below a head; a program has fifty thousand of them."""

    __slots__ = ("_before", "_code")

    def __init__(self, code: Code) -> None:
        self._code = code
        self._before = 0

    def __enter__(self) -> None:
        self._code.depth += 1
        self._before = len(self._code.lines)

    def __exit__(self, *_: object) -> None:
        if len(self._code.lines) == self._before:
            self._code.line("pass")
        self._code.depth -= 1


class Form(Enum):
    """What a generated variable holds."""

    TEXT = "text"
    """A str; empty or None is nothing."""
    SCALAR = "scalar"
    """int, float, bool, Decimal or str; None is nothing."""
    OBJECT = "object"
    """A dict; None is nothing."""
    LIST = "list"
    """A list of values; None or empty is nothing."""
    MADE = "made"
    """A resource with its id; None is nothing."""
    RAW = "raw"
    """Text of the message, not decoded."""
    SEGMENT = "segment"
    COMPOSITE = "composite"
    """A list of decoded components."""
    NODE = "node"
    """An element of a document."""


class Want(Enum):
    """What a path is to be read as."""

    LEAF = "leaf"
    RAW = "raw"
    COMPOSITE = "composite"
    MADE = "made"
    VALUED = "valued"
    """Only whether there is anything besides separators."""
    LINE = "line"
    """The decoded text as it stands, blanks kept; an empty one too."""
    KEY = "key"
    """The whole text without separators at its end, for business keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A populated value: a Python expression and what it is."""

    text: str
    form: Form
    constant: bool = False
    """A literal or parameter: it does not carry an object alone."""
    level: int = 0
    """RAW: 1 a repetition, 2 a component, 3 a subcomponent."""
    base: "Base | None" = None


Sink = Callable[[Value], None]


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a map is given besides its source: name and expression."""

    named: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """As code after the other arguments of a call."""
        return "".join(f", p_{name}={text}" for name, text in self.named)

    def known_to(self, map_file: MapFile) -> "Arguments":
        """Those that a map has parameters for."""
        names = {name for name, _ in map_file.parameters}
        return Arguments(tuple(one for one in self.named if one[0] in names))

    def texts(self) -> str:
        """The expressions alone, as code after the other items of a tuple."""
        return "".join(f", {text}" for _, text in self.named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where a text of the message comes from, as code."""

    segment: str = ""
    """Name of the variable that holds the segment; empty: the value given to a datatype map."""
    field: int = 0
    repetition: str = "1"
    components: tuple[int, ...] = ()
    node: str = ""
    """Of a document: the variable that holds the element; then all else is not set."""
    attribute: str = ""

    def below(self, components: tuple[int, ...]) -> "Base":
        """A part of it."""
        return replace(self, components=(*self.components, *components))

    def origin(self) -> str:
        """A tuple of segment index, field, repetition, components, as code."""
        if self.node:
            return f"({self.node}, {self.attribute!r})" if self.attribute else f"({self.node},)"
        rest = "".join(f"{number}, " for number in self.components)
        if self.segment:
            return f"({self.segment}.index, {self.field}, {self.repetition}, {rest})"
        return f"(*origin, {rest})" if rest else "origin"


class BoundKind(Enum):
    """What a name of a map stands for."""

    VALUE = "value"
    SEGMENT = "segment"
    GROUP = "group"
    RAW = "raw"
    MADE = "made"
    NODE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A name in scope."""

    kind: BoundKind
    name: str
    """The Python variable."""
    base: Base | None = None
    """RAW: where it comes from."""
    level: int = 1
    resource_type: str = ""
    segment_name: str = ""
    """SEGMENT: which one, when it is known."""
    types: tuple[str, ...] = ()
    """RAW: the datatypes it may have, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInfo:
    """One rule of the program, for places, coverage and explanations."""

    number: int
    map_name: str
    target: str
    place: Place
    sources: tuple[str, ...] = ()


@dataclass(slots=True)
class Builder:
    """A program being built: functions asked for, objects the code refers to, rules."""

    library: Library
    traced: bool
    rules: list[RuleInfo] = field(default_factory=list)
    objects: dict[str, Any] = field(default_factory=dict)
    """Global name in the generated code to object."""
    names: dict[int, str] = field(default_factory=dict)
    """The same by identity; `objects` keeps them alive."""
    wanted: list[tuple[str, int]] = field(default_factory=list)
    """(map name, level) still to be generated."""
    functions: dict[tuple[str, int], str] = field(default_factory=dict)
    numbers: dict[tuple[str, Place, str], int] = field(default_factory=dict)
    deletions: dict[str, tuple[Deletion, ...]] = field(default_factory=dict)
    """Map to `nulls.deletions`."""
    once: dict[tuple[str, Any], str] = field(default_factory=dict)
    """What `refer_once` made: (prefix, what it was made of) to its name."""
    pure: dict[str, bool] = field(default_factory=dict)
    """Map to `purity.is_pure`."""

    def function(self, map_name: str, level: int) -> str:
        """The Python name of a map for values of that level; generated later when new."""
        key = (map_name, level)
        name = self.functions.get(key)
        if name is None:
            stem = "".join(c if c.isalnum() else "_" for c in map_name).strip("_")
            part = {-1: "message", 0: "segment", NODE_LEVEL: "node"}.get(level, str(level))
            name = f"map_{stem}_{part}_{len(self.functions)}"
            self.functions[key] = name
            self.wanted.append(key)
        return name

    def refer(self, prefix: str, thing: Any) -> str:
        """A global name for an object."""
        name = self.names.get(id(thing))
        if name is None:
            name = self.names[id(thing)] = f"{prefix}_{len(self.objects)}"
            self.objects[name] = thing
        return name

    def refer_once(self, prefix: str, source: Any, make: Callable[[Any], Any]) -> str:
        """A global name for what `make` makes of a source, made once."""
        name = self.once.get((prefix, source))
        if name is None:
            name = self.once[prefix, source] = f"{prefix}_{len(self.objects)}"
            self.objects[name] = make(source)
        return name

    def rule(self, map_name: str, target: str, place: Place, sources: tuple[str, ...]) -> int:
        """The number of a rule; the same rule keeps its number at every level."""
        key = (map_name, place, target)
        number = self.numbers.get(key)
        if number is None:
            number = len(self.rules)
            self.numbers[key] = number
            self.rules.append(
                RuleInfo(
                    number=number, map_name=map_name, target=target, place=place, sources=sources
                )
            )
        return number


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Where the text of a value that does not convert is kept: beside the element."""

    name: str
    """The dict's variable."""
    live: str
    """The bool that says the dict is alive, or an empty text."""
    element: str
    key: str = ""
    """JSON key of the element, of a choice with the type; empty: nothing can be kept."""
    used: list[str] = field(default_factory=list)
    """Keys for which code was written that keeps a text."""
    cut: str = ""
    """In a later alternative: the bool that says it has kept a text of its own."""


NODE_LEVEL = 9
"""`Body.level` of a function for an element of a document."""


@dataclass(slots=True)
class Body:
    """One function being generated."""

    builder: Builder
    map_file: MapFile
    level: int
    """0: a segment; 1 to 3: a repetition, component, subcomponent; -1: a message; 9: an element."""
    code: Code = field(default_factory=Code)
    names: dict[str, Bound] = field(default_factory=dict)
    rule: int = 0
    """Number of the rule being generated."""
    field_max: int = 0
    component_max: int = 0
    uses: set[str] = field(default_factory=set)
    """Prologue lines needed: fields, parts, header."""
    hoisted: dict[str, str] = field(default_factory=dict)
    """Expression to the variable that holds it from the start of the function."""
    silent: bool = False
    """Reads are not traced and problems are dropped: in keys."""
    quiet: bool = False
    """Problems are dropped: in conditions."""
    keeper: Keeper | None = None
    """Of the rule being generated, where its element can keep a text."""
    kept: set[tuple[str, str]] = field(default_factory=set)
    """Dict and key of all elements that may have kept a text."""

    @contextmanager
    def keeping(self, keeper: Keeper | None) -> Iterator[None]:
        """Generate with this keeper, or with none."""
        before, self.keeper = self.keeper, keeper
        yield
        self.keeper = before

    @property
    def traced(self) -> bool:
        """True when the code records reads and writes."""
        return self.builder.traced

    @property
    def is_datatype(self) -> bool:
        """True in a function for a part of a field."""
        return 0 < self.level < NODE_LEVEL

    def given(self) -> frozenset[str]:
        """Names that stand for what the caller gave, not for a part of the source."""
        return frozenset(
            name for name, bound in self.names.items() if bound.kind is not BoundKind.RAW
        )

    def first_use(self, expression: str) -> str:
        """A variable for what several conditions compare, such as OBX-2: read once at the start."""
        found = self.hoisted.get(expression)
        if found is None:
            found = self.hoisted[expression] = self.fresh("h")
        return found

    def line(self, text: str) -> None:
        """Add a line."""
        self.code.line(text)

    def fresh(self, prefix: str) -> str:
        """A new variable name."""
        return self.code.fresh(prefix)
