"""Pure. What the names of a map stand for, settled once the whole map is known.

A bare word in an argument (`use=home`) is a parameter or variable when there is one of that name,
else text. A bare name of three capitals in a datatype map (`XPN`) is the value given to the map. A
variable that nothing binds is a problem. Plain blocks are flattened, so that an overlay can name
every target.
"""

from dataclasses import dataclass, field, replace

from engine.diagnostics import Diagnostic, did_you_mean
from engine.mapping.codes import DUPLICATE_TARGET, EXPRESSION, UNKNOWN_NAME
from engine.mapping.documents.node_paths import as_node_path, may_be_variable, with_variable
from engine.mapping.statements import is_identifier_key
from engine.mapping.syntax import (
    Assign,
    Both,
    Call,
    Comparison,
    Condition,
    Each,
    Either,
    Emit,
    Expression,
    FirstOf,
    Literal,
    Loop,
    MapFile,
    MessageStep,
    Not,
    Path,
    Pipe,
    Rule,
    Step,
    Target,
    TemplateMatch,
    Treatment,
    Use,
    Valued,
    When,
)

OWN = "self"
"""In a map of a document: the resource that is being made."""


def settle_map(map_file: MapFile) -> tuple[MapFile, list[Diagnostic]]:
    """The map with every name settled and plain blocks flattened.

    Returns:
        The map, and one problem for each name that nothing binds or target that is written twice.
    """
    settler = _Settler(map_file)
    names = frozenset(name for name, _ in map_file.parameters)
    rules = flatten(map_file.rules)
    settler.check_targets(rules)
    key = map_file.key
    if key is not None and not is_identifier_key(key):
        key = tuple(settler.expression(one, names) for one in key)
    settled = replace(
        map_file,
        key=key,
        rules=tuple(settler.rule(rule, names) for rule in rules),
        value=tuple(settler.rule(rule, names) for rule in map_file.value),
        all_values=tuple(settler.rule(rule, names) for rule in map_file.all_values),
        match=settler.match(map_file.match, names),
        steps=settler.steps(map_file.steps, names)[0],
    )
    return settled, settler.problems


def flatten(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """`period: {start: A}` as `period.start: A`, for blocks without loop and condition."""
    found: list[Rule] = []
    for rule in rules:
        if not _is_plain_block(rule):
            found.append(_flatten_inside(rule))
            continue
        for inner in flatten(rule.block or ()):
            parts = (*rule.target.parts, *inner.target.parts)
            text = f"{rule.target.text}.{inner.target.text}"
            target = Target(text=text, parts=parts, place=inner.target.place)
            found.append(replace(inner, target=target))
    return tuple(found)


def _is_plain_block(rule: Rule) -> bool:
    last = rule.target.parts[-1]
    return (
        rule.block is not None
        and rule.when is None
        and rule.loop is None
        and rule.choice_type is None
        and not last.append
        and not last.choice
        and last.name != "$this"
    )


def _flatten_inside(rule: Rule) -> Rule:
    if rule.block is not None:
        return replace(rule, block=flatten(rule.block))
    if rule.alternatives is not None:
        return replace(rule, alternatives=tuple(_flatten_inside(one) for one in rule.alternatives))
    return rule


def _is_same(new: tuple[object, ...], old: tuple[object, ...]) -> bool:
    """Nothing was settled: what is there can stay."""
    return all(one is other for one, other in zip(new, old, strict=True))


@dataclass(slots=True)
class _Settler:
    """Walks one map; `names` is what is bound where it stands."""

    map_file: MapFile
    problems: list[Diagnostic] = field(default_factory=list)

    def check_targets(self, rules: tuple[Rule, ...]) -> None:
        seen: set[str] = set()
        for rule in rules:
            if rule.target.text in seen:
                self.problems.append(DUPLICATE_TARGET(rule.place, target=rule.target.text))
            seen.add(rule.target.text)

    def rule(self, rule: Rule, names: frozenset[str]) -> Rule:
        loop, inner = self.loop(rule.loop, names)
        return replace(
            rule,
            loop=loop,
            when=self.guard(rule.when, inner),
            expression=None if rule.expression is None else self.expression(rule.expression, inner),
            block=self.rules(rule.block, inner),
            alternatives=self.rules(rule.alternatives, inner),
        )

    def rules(
        self, rules: tuple[Rule, ...] | None, names: frozenset[str]
    ) -> tuple[Rule, ...] | None:
        return None if rules is None else tuple(self.rule(one, names) for one in rules)

    def loop(self, loop: Loop | None, names: frozenset[str]) -> tuple[Loop | None, frozenset[str]]:
        if loop is None:
            return None, names
        settled = replace(loop, source=self.path(loop.source, names))
        return settled, names | {loop.variable}

    def guard(self, when: Condition | None, names: frozenset[str]) -> Condition | None:
        return None if when is None else self.condition(when, names)

    # -- message steps --

    def steps(
        self, steps: tuple[MessageStep, ...], names: frozenset[str]
    ) -> tuple[tuple[MessageStep, ...], frozenset[str]]:
        """Settle steps in order; returns the names bound after them too."""
        found: list[MessageStep] = []
        for step in steps:
            settled, names = self.step(step, names)
            found.append(settled)
        return tuple(found), names

    def step(self, step: MessageStep, names: frozenset[str]) -> tuple[MessageStep, frozenset[str]]:
        if isinstance(step, Emit):
            return self.emit(step, names)
        if isinstance(step, Assign):
            self.bound(step.variable, step, names)
            settled = replace(
                step,
                expression=self.expression(step.expression, names),
                when=self.guard(step.when, names),
            )
            return settled, names
        if isinstance(step, When):
            body, names_after = self.steps(step.body, names)
            condition = self.condition(step.condition, names)
            return replace(step, condition=condition, body=body), names_after
        if isinstance(step, Use):
            return step, names
        loop, inner = self.loop(step.loop, names)
        when = self.guard(step.when, inner)
        body, _ = self.steps(step.body, inner)
        return Each(loop=loop or step.loop, when=when, body=body, place=step.place), names

    def emit(self, step: Emit, names: frozenset[str]) -> tuple[Emit, frozenset[str]]:
        key = step.key
        if key is not None and not is_identifier_key(key):
            key = tuple(self.expression(one, names) for one in key)
        settled = replace(
            step,
            source=self.path(step.source, names),
            key=key,
            arguments=self.arguments(step.arguments, names),
            when=self.guard(step.when, names),
        )
        bound = step.variable or step.into
        return settled, names | {bound} if bound else names

    def bound(self, name: str, step: Assign, names: frozenset[str]) -> None:
        if name not in names:
            hint = did_you_mean(name, names)
            self.problems.append(UNKNOWN_NAME(step.place, name=name, hint=hint))

    # -- expressions --

    def expression(self, one: Expression, names: frozenset[str]) -> Expression:
        if isinstance(one, Path):
            return self.path(one, names)
        if isinstance(one, Call):
            return replace(
                one,
                arguments=tuple(self.expression(each, names) for each in one.arguments),
                named=self.arguments(one.named, names),
            )
        if isinstance(one, Pipe):
            source = self.expression(one.source, names)
            steps = tuple(self.pipe_step(each, names) for each in one.steps)
            if source is one.source and _is_same(steps, one.steps):
                return one
            return replace(one, source=source, steps=steps)
        if isinstance(one, FirstOf):
            options = tuple(self.expression(each, names) for each in one.options)
            return one if _is_same(options, one.options) else replace(one, options=options)
        return one

    def pipe_step(self, step: Step, names: frozenset[str]) -> Step:
        if not step.arguments:
            return step
        return replace(step, arguments=self.arguments(step.arguments, names))

    def arguments(
        self, arguments: tuple[tuple[str, Expression], ...], names: frozenset[str]
    ) -> tuple[tuple[str, Expression], ...]:
        return tuple((name, self.argument(value, names)) for name, value in arguments)

    def argument(self, one: Expression, names: frozenset[str]) -> Expression:
        """A bare word that names nothing is text."""
        if isinstance(one, Path) and self.is_bare(one) and one.variable not in names:
            return Literal(value=one.text, place=one.place, word=True)
        return self.expression(one, names)

    def is_bare(self, path: Path) -> bool:
        if path.text == self.map_file.from_name:
            return False
        if path.variable == OWN and self.map_file.of_document:
            return False
        if path.variable is not None:
            return path.text == path.variable
        return not self.map_file.steps and path.text.isalnum() and path.field is None

    def path(self, path: Path, names: frozenset[str]) -> Path:
        if self.map_file.of_document:
            return self.node_path(path, names)
        if path.nodes or path.from_root:
            problem = "a path of a document stands in a map of a message"
            self.problems.append(EXPRESSION(path.place, problem=problem))
        if path.variable is not None:
            if path.variable not in names:
                hint = did_you_mean(path.variable, names)
                self.problems.append(UNKNOWN_NAME(path.place, name=path.variable, hint=hint))
            return path
        if path.text == self.map_file.from_name and not self.map_file.steps:
            return replace(path, segment=None, steps=(), datatype=path.text)
        return path

    def node_path(self, path: Path, names: frozenset[str]) -> Path:
        """A bare word that names nothing is a child element."""
        if path.nodes:
            if may_be_variable(path) and path.nodes[0].name in names:
                return with_variable(path)
            return path
        if path.text in names or path.text == OWN or path.from_root:
            return path
        if path.text.isidentifier():
            return as_node_path(path)
        problem = "a path of a message stands in a map of a document"
        self.problems.append(EXPRESSION(path.place, problem=problem))
        return path

    def match(self, match: TemplateMatch | None, names: frozenset[str]) -> TemplateMatch | None:
        """What stands in `negation:`, `required:` and `null:`."""
        if match is None:
            return None
        return replace(
            match,
            negation=self.treatments(match.negation, names),
            required=self.treatments(match.required, names),
            null=self.treatments(match.null, names),
        )

    def treatments(
        self, treatments: tuple[Treatment, ...], names: frozenset[str]
    ) -> tuple[Treatment, ...]:
        return tuple(
            one if one.rule is None else replace(one, rule=self.rule(one.rule, names))
            for one in treatments
        )

    def condition(self, one: Condition, names: frozenset[str]) -> Condition:
        if isinstance(one, Valued):
            subject = self.expression(one.subject, names)
            return one if subject is one.subject else replace(one, subject=subject)
        if isinstance(one, Comparison):
            return replace(
                one,
                subject=self.expression(one.subject, names),
                operands=tuple(self.argument(each, names) for each in one.operands),
            )
        if isinstance(one, Both | Either):
            return replace(
                one, conditions=tuple(self.condition(each, names) for each in one.conditions)
            )
        return Not(condition=self.condition(one.condition, names), place=one.place)
