"""Pure. The rules of our maps as rows: which source goes into which element.

Maps that a rule calls are followed, so `name[]: PID-5 -> XPN[HumanName]` gives rows for PID-5.1,
`name.family` too. A literal belongs to every source that its block reads, because that is when it
is written: `use: '"nickname"'` beside `given[]: called.15` is a row of PID-5.15.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from engine.diagnostics import Place
from engine.mapping.guide.elements import EXTENSION, Names, extension_name
from engine.mapping.library import Library
from engine.mapping.source_types import segment_exists
from engine.mapping.syntax import (
    Both,
    Call,
    Comparison,
    Condition,
    Either,
    Expression,
    FirstOf,
    Literal,
    MapFile,
    Not,
    Path,
    Pipe,
    Rule,
    Step,
    Valued,
)
from engine.mapping.target_types import choice_key

Source = tuple[str | int, ...]
"""`("PID", 3, 1)`, `("CX", 4)`, `("PID",)`; a parameter is `("$role",)`."""
Sources = frozenset[Source]
Environment = Mapping[str, Sources]
"""What each variable and parameter stands for."""

DEPTH_MAX = 9
"""Names of one element path; places within places would go on for ever."""
NOTHING: Sources = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class OurRow:
    """One rule, or a rule of a map it calls."""

    sources: Sources
    element: Names
    literal: str | None
    """A fixed value; None when the source gives the value."""
    whole: bool
    """A map is called for this element: other rows say what is below it."""
    plain: bool = False
    """What is read is written as it is, so a fixed argument is a fixed value."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What an expression reads."""

    sources: Sources = NOTHING
    literal: str | None = None
    plain: bool = False
    calls: tuple[tuple[Step, Sources], ...] = ()
    """Maps called, each with what it is given."""


def source_of(path: Path, environment: Environment) -> Sources:
    """What a path reads."""
    numbers = path.components
    if path.field is not None:
        numbers = (path.field, *numbers)
    if path.variable is not None and path.segment is None:
        return frozenset((*one, *numbers) for one in environment.get(path.variable, ()))
    owner = path.segment or path.datatype
    return frozenset({(owner, *numbers)}) if owner else NOTHING


@dataclass(slots=True)
class RowBook:
    """The rows of every map of a library, made once each."""

    library: Library
    _made: dict[str, tuple[OurRow, ...]] = field(default_factory=dict)
    _making: set[str] = field(default_factory=set)
    _called: dict[str, frozenset[str]] = field(default_factory=dict)

    def rows(self, name: str) -> tuple[OurRow, ...]:
        """The rows of a map, in order; those of parameters have sources such as `("$role",)`."""
        if name in self._made:
            return self._made[name]
        map_file = self.library.maps.get(name)
        if map_file is None or name in self._making:
            return ()
        self._making.add(name)
        found = tuple(dict.fromkeys(self._map_rows(map_file)))
        self._making.discard(name)
        self._made[name] = found
        return found

    def called(self, name: str) -> frozenset[str]:
        """The maps that the rules of a map call."""
        if name not in self._called:
            map_file = self.library.maps.get(name)
            rules = (*map_file.rules, *map_file.value) if map_file is not None else ()
            self._called[name] = frozenset(_called_maps(rules))
        return self._called[name]

    def _map_rows(self, map_file: MapFile) -> Iterator[OurRow]:
        environment = given_environment(map_file)
        carrier: Sources = frozenset({(map_file.from_name,)})
        urls = _labelled_urls(map_file.rules)
        for rule in (*map_file.rules, *map_file.value):
            names = _target_names(rule, urls) if map_file.rules else ()
            yield from self._rule_rows(rule, names, environment, carrier)

    def _rule_rows(
        self, rule: Rule, names: Names, environment: Environment, carrier: Sources
    ) -> Iterator[OurRow]:
        """Rows of one rule.

        Args:
            rule: the rule.
            names: its element, from the root of the map.
            environment: what variables stand for here.
            carrier: what a literal belongs to here: the sources of the block around it.
        """
        if len(names) > DEPTH_MAX:
            return
        if rule.loop is not None:
            looped = source_of(rule.loop.source, environment)
            environment = {**environment, rule.loop.variable: looped}
            carrier = carrier | looped
        when = sources_of_condition(rule.when, environment)
        if rule.expression is not None:
            yield from self._expression_rows(rule, names, environment, carrier | when)
        elif rule.block is not None:
            inside = carrier | when | block_sources(rule.block, environment)
            url = _block_url(rule.block)
            if url is not None and names and names[-1].startswith(EXTENSION):
                names = (*names[:-1], extension_name(url))
            urls = _labelled_urls(rule.block)
            for one in rule.block:
                below = (*names, *_target_names(one, urls))
                yield from self._rule_rows(one, below, environment, inside)
        around = carrier | when
        for one in rule.alternatives or ():
            chosen = names
            if one.choice_type is not None:
                chosen = (*names[:-1], choice_key(names[-1], one.choice_type))
            yield from self._rule_rows(one, chosen, environment, around)
            if not rule.target.parts[-1].append:  # a later one stands where this one does not hold
                around = around | block_sources((one,), environment)

    def _expression_rows(
        self, rule: Rule, names: Names, environment: Environment, carrier: Sources
    ) -> Iterator[OurRow]:
        if rule.expression is None:
            return
        read = read_expression(rule.expression, environment)
        only_literal = read.literal is not None and not read.sources
        yield OurRow(
            sources=read.sources | carrier if only_literal else read.sources or carrier,
            element=names,
            literal=read.literal if only_literal else None,
            whole=bool(read.calls),
            plain=read.plain,
            place=rule.place,
        )
        for step, given in read.calls:
            yield from self._called_rows(step, given or carrier, names, environment)

    def _called_rows(
        self, step: Step, given: Sources, names: Names, environment: Environment
    ) -> Iterator[OurRow]:
        """The rows of a map that is called, as if they were written where it is called."""
        called = self.library.maps.get(step.name)
        if called is None or len(names) > DEPTH_MAX:
            return
        arguments = {name: read_expression(value, environment) for name, value in step.arguments}
        for row in self.rows(step.name):
            element = (*names, *row.element)
            if len(element) > DEPTH_MAX:
                continue
            literal = row.literal
            sources: set[Source] = set()
            for one in row.sources:
                if one[0] == called.from_name:
                    sources.update((*each, *one[1:]) for each in given)
                elif not str(one[0]).startswith("$"):
                    sources.add(one)
                elif (argument := arguments.get(str(one[0])[1:])) is not None:
                    literal = argument.literal if row.plain else literal
                    sources.update((*each, *one[1:]) for each in argument.sources)
                    sources.update(() if argument.sources else given)
            if sources or literal is not None:
                yield replace(row, sources=frozenset(sources), element=element, literal=literal)


def block_sources(rules: Iterable[Rule], environment: Environment) -> Sources:
    """Everything the rules of a block read."""
    found: set[Source] = set()
    for rule in rules:
        inner = environment
        if rule.loop is not None:
            looped = source_of(rule.loop.source, environment)
            inner = {**environment, rule.loop.variable: looped}
            found |= looped
        found |= sources_of_condition(rule.when, inner)
        if rule.expression is not None:
            found |= read_expression(rule.expression, inner).sources
        found |= block_sources((*(rule.block or ()), *(rule.alternatives or ())), inner)
    return frozenset(found)


def given_environment(map_file: MapFile) -> Environment:
    """What the parameters of a map stand for: a segment, or themselves."""
    return {
        name: frozenset({(kind,)} if segment_exists(kind) else {(f"${name}",)})
        for name, kind in map_file.parameters
    }


def read_expression(expression: Expression, environment: Environment) -> _Read:
    """Sources, literal and maps called of an expression."""
    if isinstance(expression, Path):
        return _Read(sources=source_of(expression, environment), plain=True)
    if isinstance(expression, Literal):
        value = expression.value
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        return _Read(literal=shown)
    if isinstance(expression, FirstOf):
        return _joined(read_expression(one, environment) for one in expression.options)
    if isinstance(expression, Call):
        values = (*expression.arguments, *(value for _, value in expression.named))
        read = _joined(read_expression(one, environment) for one in values)
        return replace(read, literal=None)
    return _read_pipe(expression, environment)


def _joined(parts: Iterable[_Read]) -> _Read:
    """What several expressions read together; a literal only if it is the only thing."""
    listed = tuple(parts)
    sources = frozenset(one for part in listed for one in part.sources)
    literals = [part.literal for part in listed if part.literal is not None]
    return _Read(
        sources=sources,
        literal=literals[0] if len(literals) == len(listed) == 1 else None,
        calls=tuple(call for part in listed for call in part.calls),
    )


def _read_pipe(pipe: Pipe, environment: Environment) -> _Read:
    read = read_expression(pipe.source, environment)
    calls = list(read.calls)
    sources = read.sources
    for step in pipe.steps:
        if step.kind == "map":
            calls.append((step, sources))
        elif step.kind != "reference":
            more = (read_expression(value, environment) for _, value in step.arguments)
            sources = sources | _joined(more).sources
    return _Read(sources=sources, literal=None, calls=tuple(calls))


def sources_of_condition(condition: Condition | None, environment: Environment) -> Sources:
    """Everything a condition reads."""
    if condition is None:
        return NOTHING
    if isinstance(condition, Both | Either):
        parts = (sources_of_condition(one, environment) for one in condition.conditions)
        return frozenset(one for part in parts for one in part)
    if isinstance(condition, Not):
        return sources_of_condition(condition.condition, environment)
    found = read_expression(condition.subject, environment).sources
    if isinstance(condition, Comparison):
        operands = (read_expression(one, environment) for one in condition.operands)
        found = found | _joined(operands).sources
    elif not isinstance(condition, Valued):
        return NOTHING
    return found


def _called_maps(rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        if rule.expression is not None:
            for step, _ in read_expression(rule.expression, {}).calls:
                yield step.name
        yield from _called_maps((*(rule.block or ()), *(rule.alternatives or ())))


# -- targets --


def _target_names(rule: Rule, urls: Mapping[str, str]) -> Names:
    """The names of a target; a labelled extension by the URL that is set for its label."""
    found: list[str] = []
    written = ""
    for part in rule.target.parts:
        written += f".{part.name}[{part.label or ''}]"
        if part.name == "$this":
            continue
        url = urls.get(written)
        found.append(extension_name(url) if url is not None else part.name)
    return tuple(found)


def _labelled_urls(rules: Iterable[Rule]) -> dict[str, str]:
    """URL by label, of rules such as `extension[race].url: "..."`."""
    found: dict[str, str] = {}
    for rule in rules:
        parts = rule.target.parts
        if len(parts) > 1 and parts[-1].name == "url" and parts[-2].name == EXTENSION:
            url = _fixed(rule)
            if url is not None:
                found["".join(f".{one.name}[{one.label or ''}]" for one in parts[:-1])] = url
    return found


def _block_url(rules: Iterable[Rule]) -> str | None:
    """The `url` of an extension's block."""
    for rule in rules:
        if len(rule.target.parts) == 1 and rule.target.parts[0].name == "url":
            return _fixed(rule)
    return None


def _fixed(rule: Rule) -> str | None:
    if isinstance(rule.expression, Literal):
        return str(rule.expression.value)
    for one in rule.alternatives or ():
        if isinstance(one.expression, Literal):
            return str(one.expression.value)
    return None
