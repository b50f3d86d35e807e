"""Pure. The steps of a part, fitted to the structure and place they are used in.

Paths get the prefix of the use. A path to what the structure has in no version, and a name that
nothing binds where the part is used, are left out of the expressions they stand in; a step whose
source or condition they are is left out whole. `None` stands for what is left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from engine.diagnostics import Diagnostic, Place
from engine.hl7v2.definitions import GroupDefinition
from engine.mapping import codes
from engine.mapping.source_types import is_local, structures
from engine.mapping.statements import is_identifier_key
from engine.mapping.syntax import (
    Assign,
    Both,
    Call,
    Comparison,
    Condition,
    Emit,
    Expression,
    FirstOf,
    Loop,
    MapFile,
    Not,
    Path,
    Pipe,
    Step,
    Valued,
)

Groups = tuple[GroupDefinition, ...]
"""A group, or a whole message, in each version that has it; empty: what is below is not known."""
Names = dict[str, Groups]
"""What is bound where a step stands; the groups of a name bound by `each GROUP as`."""
Arguments = tuple[tuple[str, Expression], ...]


@dataclass(slots=True)
class Unbound:
    """Names that parts read, by place: whether any use of the part binds them."""

    found: dict[Place, tuple[str, bool]] = field(default_factory=dict)

    def note(self, name: str, place: Place, *, bound: bool) -> None:
        """A name was read in one use of a part."""
        before = self.found.get(place, (name, False))[1]
        self.found[place] = (name, before or bound)

    def problems(self) -> list[Diagnostic]:
        """Names that no use of their part binds: most likely misspelt."""
        return [
            codes.UNKNOWN_NAME(place, name=name)
            for place, (name, bound) in self.found.items()
            if not bound
        ]


def grammars(map_file: MapFile) -> Groups:
    """The grammars of the messages that a message map may be given."""
    return structures(map_file.from_name, map_file.events, map_file.also)


def groups_below(groups: Groups, path: Path) -> Groups:
    """The groups that the steps of a path lead to; none when there are no such groups."""
    for name, _ in path.steps:
        groups = tuple(
            child
            for group in groups
            for child in group.children
            if child.name == name and isinstance(child, GroupDefinition)
        )
    return groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """One use of a part: the structure, the prefix and the names read."""

    structure: Groups
    prefix: Path | None
    unbound: Unbound

    def emit(self, step: Emit, names: Names) -> Emit | None:
        """`SOURCE -> MAP as name`, or None."""
        source, key, when = self.path(step.source, names), step.key, step.when
        if key is not None and not is_identifier_key(key):
            fitted = [self.expression(one, names) for one in key]
            key = tuple(one for one in fitted if one is not None)
        if when is not None:
            when = self.condition(when, names)
        if source is None or (step.when is not None and when is None):
            return None
        arguments = self.arguments(step.arguments, names)
        return replace(step, source=source, key=key, when=when, arguments=arguments)

    def assign(self, step: Assign, names: Names) -> Assign | None:
        """`name.target = expression`, or None."""
        expression, when = self.expression(step.expression, names), step.when
        if when is not None:
            when = self.condition(when, names)
        bound = self.bound(step.variable, step.place, names)
        if not bound or expression is None or (step.when is not None and when is None):
            return None
        return replace(step, expression=expression, when=when)

    def loop(self, loop: Loop, names: Names) -> Loop | None:
        """`each SOURCE as name`, or None."""
        source = self.path(loop.source, names)
        return None if source is None else replace(loop, source=source)

    def bound(self, name: str, place: Place, names: Names) -> bool:
        """Whether a name is bound where the part is used; it is noted."""
        self.unbound.note(name, place, bound=name in names)
        return name in names

    def path(self, path: Path, names: Names) -> Path | None:
        """The path below the prefix, or None when the structure has no such thing."""
        if path.datatype is not None:
            return path
        if path.variable is not None:
            if not self.bound(path.variable, path.place, names):
                return None
            known = names[path.variable]
            return path if _has(known, path) else None
        if path.segment == "MSH" and not path.steps:
            return path
        placed = self.placed(path)
        known = self.structure if placed.variable is None else names.get(placed.variable, ())
        return placed if _has(known, placed) else None

    def placed(self, path: Path) -> Path:
        """The path with the prefix of the use before it."""
        if self.prefix is None:
            return path
        return replace(
            path,
            text=f"{self.prefix.text}.{path.text}",
            variable=self.prefix.variable,
            steps=(*self.prefix.steps, *path.steps),
        )

    def expression(self, one: Expression, names: Names) -> Expression | None:
        """The expression without what is not there."""
        if isinstance(one, Path):
            return self.path(one, names)
        if isinstance(one, Pipe):
            source = self.expression(one.source, names)
            steps = tuple(self.step(step, names) for step in one.steps)
            return None if source is None else replace(one, source=source, steps=steps)
        if isinstance(one, FirstOf):
            options = _present(self.expression(option, names) for option in one.options)
            return _joined(one, options)
        if isinstance(one, Call):
            values = [self.expression(value, names) for value in one.arguments]
            named = self.arguments(one.named, names)
            present = _present(values)
            return (
                None if len(present) < len(values) else replace(one, arguments=present, named=named)
            )
        return one

    def step(self, step: Step, names: Names) -> Step:
        """A step of a pipe."""
        return replace(step, arguments=self.arguments(step.arguments, names))

    def arguments(self, arguments: Arguments, names: Names) -> Arguments:
        """The arguments without those that are not there."""
        found = ((name, self.argument(value, names)) for name, value in arguments)
        return tuple((name, value) for name, value in found if value is not None)

    def argument(self, one: Expression, names: Names) -> Expression | None:
        """A bare word that names nothing is text and stays."""
        if isinstance(one, Path) and one.text == one.variable and one.variable not in names:
            return one
        return self.expression(one, names)

    def condition(self, one: Condition, names: Names) -> Condition | None:
        """The condition; None when it is about what is not there."""
        if isinstance(one, Valued):
            subject = self.expression(one.subject, names)
            return None if subject is None else replace(one, subject=subject)
        if isinstance(one, Comparison):
            subject = self.expression(one.subject, names)
            operands = _present(self.argument(each, names) for each in one.operands)
            if subject is None or len(operands) < len(one.operands):
                return None
            return replace(one, subject=subject, operands=operands)
        if isinstance(one, Not):
            inner = self.condition(one.condition, names)
            return None if inner is None else replace(one, condition=inner)
        found = [self.condition(each, names) for each in one.conditions]
        present = tuple(each for each in found if each is not None)
        if isinstance(one, Both) and len(present) < len(found):
            return None
        if len(present) < 2:
            return present[0] if present else None
        return replace(one, conditions=present)


def _present(found: Iterable[Expression | None]) -> tuple[Expression, ...]:
    return tuple(one for one in found if one is not None)


def _joined(one: FirstOf, options: tuple[Expression, ...]) -> Expression | None:
    if len(options) < 2:
        return options[0] if options else None
    return replace(one, options=options)


def _has(groups: Groups, path: Path) -> bool:
    """Whether any version has the groups and the segment of a path; so when nothing is known."""
    if not groups:
        return True
    groups = groups_below(groups, path)
    if path.segment is None or not groups:
        return bool(groups)
    if path.segment == "MSH" or is_local(path.segment):
        return True
    return any(child.name == path.segment for group in groups for child in group.children)
