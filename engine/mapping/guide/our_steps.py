"""Pure. The steps of our message maps as rows: which segment, at which place, goes through which
map.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.diagnostics import Place
from engine.mapping.guide.elements import Names
from engine.mapping.guide.our_rows import NOTHING, OurRow, Source, read_expression
from engine.mapping.library import Library
from engine.mapping.source_types import segment_exists
from engine.mapping.syntax import (
    Assign,
    Call,
    Each,
    Emit,
    Expression,
    FirstOf,
    MapFile,
    MessageStep,
    Path,
    Pipe,
    When,
)

Groups = tuple[str, ...]
"""Groups from the message down, and the segment: `("PATIENT_RESULT", "PATIENT", "PID")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OurStep:
    """A segment that a message map gives to a map."""

    path: Groups
    map_name: str
    place: Place


@dataclass(slots=True)
class StepBook:
    """What all message maps do, gathered once."""

    library: Library
    steps: dict[str, list[OurStep]] = field(default_factory=dict)
    """By message map."""
    read: dict[str, set[str]] = field(default_factory=dict)
    """By message map: the segments whose fields it writes into resources itself."""
    assigned: dict[str, list[OurRow]] = field(default_factory=dict)
    """By map: rows that message maps add to the resources it makes."""
    given: dict[tuple[str, str], set[Source]] = field(default_factory=dict)
    """By map and parameter: the sources message maps give."""


def gather_steps(library: Library) -> StepBook:
    """Walk every message map of a library."""
    book = StepBook(library=library)
    for map_file in library.message_maps():
        walk = _Walk(book=book, map_file=map_file, found=book.steps.setdefault(map_file.name, []))
        walk.steps(map_file.steps, {})
    return book


@dataclass(slots=True)
class _Walk:
    """One message map; `made` is the map that made what a name stands for."""

    book: StepBook
    map_file: MapFile
    found: list[OurStep]
    made: dict[str, set[str]] = field(default_factory=dict)

    def steps(self, steps: tuple[MessageStep, ...], bound: Mapping[str, Groups]) -> None:
        for step in steps:
            if isinstance(step, Each):
                place = self.groups(step.loop.source, bound)
                self.steps(step.body, {**bound, step.loop.variable: place})
            elif isinstance(step, When):
                self.steps(step.body, bound)
            elif isinstance(step, Emit):
                self.emit(step, bound)
            elif isinstance(step, Assign):
                self.assign(step, bound)

    def groups(self, path: Path, bound: Mapping[str, Groups]) -> Groups:
        """From the message down to the group or segment a path names."""
        start = bound.get(path.variable, ()) if path.variable is not None else ()
        below = tuple(name for name, _ in path.steps)
        return (*start, *below, *((path.segment,) if path.segment is not None else ()))

    def sources(self, expression: Expression, bound: Mapping[str, Groups]) -> frozenset[Source]:
        """Segment and field that an expression reads; a name bound by `each` is its segment."""
        environment = {name: frozenset({(groups[-1],)}) for name, groups in bound.items() if groups}
        return read_expression(expression, environment).sources

    def emit(self, step: Emit, bound: Mapping[str, Groups]) -> None:
        self.step(self.groups(step.source, bound), step.map_name, step.place)
        for name in {step.variable, step.into} - {None}:
            self.made.setdefault(str(name), set()).add(step.map_name)
        called = self.book.library.maps.get(step.map_name)
        parameters = dict(called.parameters) if called is not None else {}
        for name, value in step.arguments:
            if isinstance(value, Path) and segment_exists(parameters.get(name, "-")):
                self.step(self.groups(value, bound), step.map_name, step.place)
            else:
                sources = self.sources(value, bound)
                self.book.given.setdefault((step.map_name, name), set()).update(sources)

    def step(self, path: Groups, map_name: str, place: Place) -> None:
        self.found.append(OurStep(path=path, map_name=map_name, place=place))

    def assign(self, step: Assign, bound: Mapping[str, Groups]) -> None:
        sources = self.sources(step.expression, bound)
        names: Names = tuple(part.name for part in step.target.parts)
        owners = {str(source[0]) for source in sources}
        self.book.read.setdefault(self.map_file.name, set()).update(owners)
        for map_name in self.made.get(step.variable, ()):
            row = OurRow(
                sources=sources or NOTHING,
                element=names,
                literal=None,
                whole=bool(list(_maps_in(step.expression))),
                place=step.place,
            )
            self.book.assigned.setdefault(map_name, []).append(row)
        for path, map_name in _maps_in(step.expression):
            self.step(self.groups(path, bound), map_name, step.place)


def _maps_in(expression: Expression) -> Iterator[tuple[Path, str]]:
    """Each segment or value that an expression gives to a map."""
    if isinstance(expression, Pipe):
        yield from _maps_in(expression.source)
        if isinstance(expression.source, Path):
            for step in expression.steps:
                if step.kind == "map":
                    yield expression.source, step.name
    elif isinstance(expression, FirstOf):
        for option in expression.options:
            yield from _maps_in(option)
    elif isinstance(expression, Call):
        for value in expression.arguments:
            yield from _maps_in(value)
