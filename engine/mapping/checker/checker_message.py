"""Pure. Checks message maps: groups and segments against the grammar, `each`, names, keys.

A group or segment must be in the grammar of at least one version of the structure; where versions
differ the parser takes the grammar of the message's own.
"""

from collections.abc import Iterable
from dataclasses import replace

from engine.diagnostics import Diagnostic, did_you_mean
from engine.fhir.definitions import resource_types
from engine.hl7v2.definitions import GroupDefinition
from engine.mapping import codes
from engine.mapping.checker.checker_segment import parameter_given, read_field, read_variable
from engine.mapping.checker.checker_target import check_value, find_slot
from engine.mapping.checker.checker_values import (
    Scope,
    check_condition,
    check_map_arguments,
    check_map_use,
    check_single,
    given_of,
)
from engine.mapping.checker.given import UNKNOWN, Given
from engine.mapping.fitting import grammars
from engine.mapping.library import Library
from engine.mapping.source_types import is_local
from engine.mapping.sources import gathers
from engine.mapping.statements import is_identifier_key
from engine.mapping.syntax import (
    Assign,
    Each,
    Emit,
    MapFile,
    MessageStep,
    Path,
    Selector,
    When,
)


def check_message_map(map_file: MapFile, library: Library) -> list[Diagnostic]:
    """Check the steps of one message map, names settled."""
    scope = Scope(
        library=library,
        map_file=map_file,
        names={name: parameter_given(kind) for name, kind in map_file.parameters},
        read_path=read_message_path,
    )
    _check_steps(map_file.steps, scope)
    return scope.problems


def _check_steps(steps: Iterable[MessageStep], scope: Scope) -> Scope:
    for step in steps:
        if isinstance(step, Emit):
            scope = _check_emit(step, scope)
        elif isinstance(step, Assign):
            _check_assign(step, scope)
        elif isinstance(step, When):
            check_condition(step.condition, scope)
            scope = _check_steps(step.body, scope)
        elif isinstance(step, Each):
            _check_each(step, scope)
    return scope


def _check_each(step: Each, scope: Scope) -> None:
    given = given_of(step.loop.source, scope)
    own = step.loop.place.file == scope.map_file.file  # a part serves other structures too
    if given.known and not given.many and own:
        scope.report(codes.NOT_REPEATING(step.loop.place, what=given.what or step.loop.source.text))
    inner = scope.binding(step.loop.variable, replace(given, many=False))
    if step.when is not None:
        check_condition(step.when, inner)
    _check_steps(step.body, inner)


def _check_emit(step: Emit, scope: Scope) -> Scope:
    given = given_of(step.source, scope)
    if given.many:
        what, structure = given.what or step.source.text, scope.map_file.from_name
        hint = f"write `each {step.source.text} as name`, or {step.source.text}[1]"
        scope.report(
            codes.MANY_SEGMENTS(step.source.place, what=what, structure=structure, hint=hint)
        )
    used = scope.library.maps.get(step.map_name)
    made = UNKNOWN
    if used is None:
        near = did_you_mean(step.map_name, scope.library.maps)
        scope.report(codes.UNKNOWN_MAP(step.place, name=step.map_name, hint=near))
    else:
        check_map_use(used, replace(given, many=False), step.place, scope)
        check_map_arguments(used, step.arguments, scope)
        if used.to_name in resource_types():
            made = Given(resource=used.to_name, what=step.variable or "")
            _check_into(step, used.to_name, scope)
        elif not used.steps:
            problem = f"makes a {used.to_name}, and only resources go into a bundle"
            scope.report(codes.MAP_KIND(step.place, name=used.name, problem=problem))
    if step.when is not None:
        check_condition(step.when, scope)
    if step.key is not None and not is_identifier_key(step.key):
        for expression in step.key:
            check_single(given_of(expression, scope), expression.place, scope)
    name = step.variable or step.into
    return scope.binding(name, made) if name else scope


def _check_into(step: Emit, type_name: str, scope: Scope) -> None:
    """`into NAME` fills a resource of the same type."""
    present = scope.names.get(step.into) if step.into else None
    if present is not None and present.resource not in (None, type_name):
        problem = f"makes a {type_name}, and {step.into} is a {present.resource}"
        scope.report(codes.MAP_KIND(step.place, name=step.map_name, problem=problem))


def _check_assign(step: Assign, scope: Scope) -> None:
    given = given_of(step.expression, scope)
    if step.when is not None:
        check_condition(step.when, scope)
    owner = scope.names.get(step.variable)
    if owner is None or not owner.known:
        return
    if owner.resource is None:
        problem = f"is {owner}; elements are set on resources"
        scope.report(codes.MAP_KIND(step.place, name=step.variable, problem=problem))
        return
    slot, problems = find_slot(owner.resource, step.target, owner.resource)
    scope.problems.extend(problems)
    if slot is not None:
        scope.problems.extend(check_value(slot, given, step.expression.place))


# -- paths in the grammar --


def read_message_path(path: Path, scope: Scope) -> Given:
    """What a path reads in a message map: a group, a segment, a field, or a variable."""
    groups = grammars(scope.map_file)
    if path.variable is not None:
        given = scope.names.get(path.variable)
        if given is None or not given.known:
            return UNKNOWN
        if not given.groups or not (path.steps or path.segment):
            return read_variable(path, given, scope)
        groups = given.groups
    elif path.datatype is not None:
        structure = scope.map_file.from_name
        return scope.report(
            codes.OUT_OF_REACH(path.place, given=f"the message {structure}", what=path.text)
        )
    many = False
    for name, selector in path.steps:
        inner = _children(groups, name)
        if not inner:
            return _not_in_grammar(path, name, groups, scope)
        many = many or _repeats(inner, selector)
        groups = tuple(one for one in inner if isinstance(one, GroupDefinition))
    if path.segment is None:
        return Given(groups=groups, many=many, what=path.text)
    if path.segment != "MSH" and not is_local(path.segment):
        slots = _children(groups, path.segment)
        if not slots:
            return _not_in_grammar(path, path.segment, groups, scope)
        many = many or _repeats(slots, path.segment_selector)
    given = read_field(path, path.segment, scope)
    if not given.known:
        return given
    what = given.what if path.field is not None and given.many else path.segment
    every = gathers(path) and (given.every or not given.many) and not _left_open(path, scope)
    return replace(given, many=given.many or many, every=given.every or every, what=what)


def _left_open(path: Path, scope: Scope) -> bool:
    """True when something on the way repeats and the path does not say `[*]`."""
    if any(one is not None and not one.every for one in (path.segment_selector, path.repetition)):
        return True
    bound = scope.names.get(path.variable) if path.variable is not None else None
    groups = bound.groups if bound is not None else grammars(scope.map_file)
    for name, selector in (*path.steps, (path.segment or "", path.segment_selector)):
        inner = _children(groups, name)
        if selector is None and _repeats(inner, None):
            return True
        groups = tuple(one for one in inner if isinstance(one, GroupDefinition))
    return False


def _children(groups: tuple[GroupDefinition, ...], name: str) -> list[object]:
    """The groups or segment slots of that name directly in any of these groups."""
    return [child for group in groups for child in group.children if child.name == name]


def _repeats(children: list[object], selector: Selector | None) -> bool:
    if selector is not None and not selector.every:
        return False
    return any(getattr(child, "repeats", False) for child in children)


def _not_in_grammar(
    path: Path, name: str, groups: tuple[GroupDefinition, ...], scope: Scope
) -> Given:
    structure = scope.map_file.from_name
    if not groups:
        return UNKNOWN
    where = _path_to(name, groups)
    names = {child.name for group in groups for child in group.children}
    if where is not None:
        prefix = f"{path.variable}." if path.variable else ""
        hint = f"write {prefix}{where}"
    else:
        hint = did_you_mean(name, names) or f"it has {', '.join(sorted(names))}"
    owner = groups[0].name if groups[0].name != structure else "the message"
    return scope.report(
        codes.UNKNOWN_IN_STRUCTURE(
            path.place, owner=owner, what=name, structure=structure, hint=hint
        )
    )


def _path_to(name: str, groups: tuple[GroupDefinition, ...]) -> str | None:
    """The way down to a group or segment that is deeper, newest version first."""
    for group in groups:
        waiting = [("", group)]
        while waiting:
            prefix, current = waiting.pop(0)
            for child in current.children:
                if child.name == name and prefix:
                    return f"{prefix}{name}"
                if isinstance(child, GroupDefinition):
                    waiting.append((f"{prefix}{child.name}.", child))
    return None
