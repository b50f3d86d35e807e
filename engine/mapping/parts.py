"""Pure. Parts: steps that many message maps share, written into each map where it says `use`.

Checker, compiler and trace see ordinary steps with the places of the part's own file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from engine.diagnostics import Diagnostic, did_you_mean
from engine.mapping import codes
from engine.mapping.fitting import Fitting, Groups, Names, Unbound, grammars, groups_below
from engine.mapping.syntax import (
    Assign,
    Each,
    Emit,
    Ignore,
    MapFile,
    MessageStep,
    PartFile,
    Path,
    Use,
    When,
)

DEPTH_MAX = 4
"""Parts inside one another."""
STEPS_DEPTH_MAX = 12
"""`each` and `when` inside one another, parts written out; Python allows 20 loops."""

Steps = tuple[MessageStep, ...]


def expand(
    map_file: MapFile, parts: Mapping[str, PartFile], unbound: Unbound
) -> tuple[MapFile, list[Diagnostic]]:
    """The map with the steps of its parts in place of `use`, and what the parts ignore.

    Args:
        map_file: any map; one without `use` comes back as it is.
        parts: all parts by name.
        unbound: collects the names that parts read, over all maps.

    Returns:
        The map, and a problem for each part that is not there, uses itself, or does not fit.
    """
    if not has_use(map_file.steps):
        return map_file, []
    structure = grammars(map_file)
    expander = _Expander(parts=parts, structure=structure, map_file=map_file, unbound=unbound)
    names: Names = {name: () for name, _ in map_file.parameters}
    steps, _ = expander.steps(map_file.steps, names, None)
    ignore = tuple(dict.fromkeys((*map_file.ignore, *expander.ignored)))
    return replace(map_file, steps=steps, ignore=ignore), expander.problems


def has_use(steps: Steps) -> bool:
    """True when a part is used anywhere in these steps."""
    return any(
        isinstance(step, Use) or (isinstance(step, Each | When) and has_use(step.body))
        for step in steps
    )


def parts_used(steps: Steps) -> frozenset[str]:
    """The parts that steps use themselves, not those inside parts."""
    found: set[str] = set()
    for step in steps:
        if isinstance(step, Use):
            found.add(step.part)
        elif isinstance(step, Each | When):
            found |= parts_used(step.body)
    return frozenset(found)


@dataclass(slots=True, kw_only=True)
class _Expander:
    """Walks the steps of one message map; a `Fitting` is given inside a part."""

    parts: Mapping[str, PartFile]
    structure: Groups
    map_file: MapFile
    unbound: Unbound
    problems: list[Diagnostic] = field(default_factory=list)
    ignored: list[Ignore] = field(default_factory=list)
    trail: tuple[str, ...] = ()
    """The parts the walk is in."""
    depth: int = 0
    """`each` and `when` around the step."""

    def steps(
        self, steps: Iterable[MessageStep], names: Names, part: Fitting | None
    ) -> tuple[Steps, Names]:
        """The steps in order, and the names bound after them."""
        found: list[MessageStep] = []
        for step in steps:
            more, names = self.step(step, names, part)
            found.extend(more)
        return tuple(found), names

    def step(self, step: MessageStep, names: Names, part: Fitting | None) -> tuple[Steps, Names]:
        """One step: itself, nothing, or those of a part."""
        if self.depth > STEPS_DEPTH_MAX:
            return self.too_deep(step), names
        if isinstance(step, Use):
            return self.use(step, names, part)
        if isinstance(step, Emit):
            made = step if part is None else part.emit(step, names)
            if made is None:
                return (), names
            name = step.variable or step.into
            return (made,), {**names, name: ()} if name else names
        if isinstance(step, Assign):
            put = step if part is None else part.assign(step, names)
            return (() if put is None else (put,)), names
        if isinstance(step, When):
            condition = step.condition if part is None else part.condition(step.condition, names)
            if condition is None:
                return (), names
            body, names = self.body(step.body, names, part)
            return _unless_empty(replace(step, condition=condition, body=body), part), names
        return self.each(step, names, part), names

    def each(self, step: Each, names: Names, part: Fitting | None) -> Steps:
        """A loop; its name is bound inside it."""
        loop = step.loop if part is None else part.loop(step.loop, names)
        if loop is None:
            return ()
        inner = {**names, loop.variable: self.groups_of(loop.source, names)}
        when = step.when
        if part is not None and when is not None:
            when = part.condition(when, inner)
            if when is None:
                return ()
        body, _ = self.body(step.body, inner, part)
        return _unless_empty(replace(step, loop=loop, when=when, body=body), part)

    def body(self, steps: Steps, names: Names, part: Fitting | None) -> tuple[Steps, Names]:
        """The body of a loop or condition, one level deeper."""
        self.depth += 1
        found, names = self.steps(steps, names, part)
        self.depth -= 1
        return found, names

    def too_deep(self, step: MessageStep) -> Steps:
        """Nothing, and a problem: Python allows no more loops inside one another."""
        what = "levels of steps"
        self.problems.append(codes.LIMIT(step.place, limit=STEPS_DEPTH_MAX, what=what))
        return ()

    def groups_of(self, path: Path, names: Names) -> Groups:
        """The groups of a path to a group; none for a segment or field."""
        if path.segment is not None or path.field is not None:
            return ()
        start = self.structure if path.variable is None else names.get(path.variable, ())
        return groups_below(start, path)

    def use(self, step: Use, names: Names, part: Fitting | None) -> tuple[Steps, Names]:
        """The steps of the part, with what they bind."""
        found = self.parts.get(step.part)
        prefix = step.prefix
        if part is not None and prefix is not None and prefix.variable is None:
            prefix = part.placed(prefix)
        elif part is not None and prefix is None:
            prefix = part.prefix
        if found is None:
            near = did_you_mean(step.part, self.parts)
            self.problems.append(codes.UNKNOWN_PART(step.place, name=step.part, hint=near))
        elif step.part in self.trail:
            circle = " -> ".join([*self.trail[self.trail.index(step.part) :], step.part])
            self.problems.append(codes.PART_CYCLE(step.place, names=circle))
        elif len(self.trail) >= DEPTH_MAX:
            what = "levels of parts"
            self.problems.append(codes.LIMIT(step.place, limit=DEPTH_MAX, what=what))
        elif prefix is None or self.prefix_fits(prefix, names):
            return self.written(found, step, prefix, names)
        return (), names

    def written(
        self, part: PartFile, step: Use, prefix: Path | None, names: Names
    ) -> tuple[Steps, Names]:
        """The steps of a part below a prefix."""
        fitting = Fitting(structure=self.structure, prefix=prefix, unbound=self.unbound)
        before, self.trail = self.trail, (*self.trail, part.name)
        steps, names = self.steps(part.steps, names, fitting)
        self.trail = before
        if not steps and not before and self.structure:
            structure = self.map_file.from_name
            self.problems.append(codes.PART_EMPTY(step.place, name=part.name, structure=structure))
        self.ignored.extend(part.ignore)
        return steps, names

    def prefix_fits(self, prefix: Path, names: Names) -> bool:
        """Whether the prefix is a single group, or a name of one."""
        name = prefix.variable
        if name is not None and name not in names:
            hint = did_you_mean(name, names)
            self.problems.append(codes.UNKNOWN_NAME(prefix.place, name=name, hint=hint))
            return False
        start = self.structure if name is None else names.get(name, ())
        is_group = prefix.segment is None and prefix.field is None
        if is_group and not (start and not groups_below(start, prefix)):
            return True
        shape = f"a group of {self.map_file.from_name}"
        self.problems.append(
            codes.WRONG_SHAPE(prefix.place, what=f"`in {prefix.text}`", shape=shape)
        )
        return False


def _unless_empty(step: Each | When, part: Fitting | None) -> Steps:
    """In a part, a body of which nothing is left goes with it."""
    return () if part is not None and not step.body else (step,)
