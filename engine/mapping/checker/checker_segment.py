"""Pure. Checks the rules of segment and datatype maps: sources, targets, required elements."""

from dataclasses import dataclass, field, replace

from engine.diagnostics import Diagnostic, Place
from engine.fhir.definitions import type_definition
from engine.mapping import codes, source_types
from engine.mapping.checker.checker_nodes import read_node_path, rules_to_check
from engine.mapping.checker.checker_source import check_components, check_field_path, path_types
from engine.mapping.checker.checker_target import (
    Slot,
    check_value,
    element_of,
    find_slot,
    missing_elements,
)
from engine.mapping.checker.checker_values import Scope, check_condition, check_single, given_of
from engine.mapping.checker.given import UNKNOWN, Given
from engine.mapping.functions.registry import FUNCTIONS
from engine.mapping.library import Library
from engine.mapping.local_segments import LocalSegment, check_local_path
from engine.mapping.syntax import Loop, MapFile, Path, Rule, TargetPart


def check_map(map_file: MapFile, library: Library, *, partial: bool) -> list[Diagnostic]:
    """Check one segment or datatype map.

    Args:
        map_file: the map, names settled.
        library: what it may call.
        partial: the map only fills resources that another map makes (`into`), so required
            elements are not its business.
    """
    scope = Scope(
        library=library,
        map_file=map_file,
        names={name: parameter_given(kind) for name, kind in map_file.parameters},
        read_path=read_node_path if map_file.of_document else read_segment_path,
    )
    for name, kind in map_file.parameters:
        if kind != "text" and not parameter_given(kind).known:
            hint = f"the type of parameter {name}: a FHIR type, a segment or datatype, or text"
            scope.report(codes.UNKNOWN_TYPE(map_file.place, name=kind, hint=hint))
    checker = _RuleChecker(partial=partial)
    if map_file.to_name and type_definition(map_file.to_name) is not None:
        whole = map_file.to_name
        slot = Slot(owner=whole, text=whole, types=(whole,), many=False)
        for name in map_file.needs:
            if element_of(whole, name) is None:
                scope.report(codes.UNKNOWN_ELEMENT(map_file.place, owner=whole, name=name))
        for rule in map_file.value:
            checker.fill(rule, slot, scope)
        for rule in map_file.all_values:
            checker.fill(rule, replace(slot, many=True), scope)
        if map_file.rules:
            rules = rules_to_check(map_file)
            checker.check_rules(rules, whole, whole, map_file.place, scope)
    for expression in map_file.key or ():
        if not _is_identifier(expression):
            check_single(given_of(expression, scope), expression.place, scope)
    return scope.problems


def parameter_given(kind: str) -> Given:
    """What a parameter of that type holds: a FHIR type, a segment, an HL7 datatype, or `text`."""
    if type_definition(kind) is not None:
        return Given(fhir=(kind,))
    if source_types.segment_exists(kind):
        return Given(segment=kind)
    return Given(datatypes=(kind,)) if source_types.datatype_exists(kind) else UNKNOWN


def _is_identifier(expression: object) -> bool:
    return isinstance(expression, Path) and expression.text == "identifier"


# -- sources --


def read_segment_path(path: Path, scope: Scope) -> Given:
    """What a path reads inside a segment or datatype map."""
    source = scope.map_file.from_name
    if path.variable is not None:
        return read_variable(path, scope.names.get(path.variable), scope)
    if path.datatype is not None:
        if path.datatype != source:
            return scope.report(
                codes.OUT_OF_REACH(path.place, given=source, what=path.text, hint=_reach(source))
            )
        if not source_types.datatype_exists(source):
            return Given(segment=source, what=source)
        return read_components(path, (source,), source, scope)
    if path.steps or path.segment not in (source, "MSH"):
        return scope.report(
            codes.OUT_OF_REACH(path.place, given=source, what=path.text, hint=_reach(source))
        )
    return read_field(path, path.segment, scope)


def _reach(source: str) -> str:
    return f"read {source}, MSH or a parameter; a message map can hand more in as a parameter"


def read_field(path: Path, segment: str, scope: Scope) -> Given:
    """A field of a known segment, or the segment itself."""
    local = scope.library.segments.get(segment)
    if local is not None:
        return _read_local(path, local, scope)
    problems = check_field_path(path, segment)
    scope.problems.extend(problems)
    if problems:
        return UNKNOWN
    if path.field is None:
        return Given(segment=segment, what=segment)
    definition = source_types.field_definition(segment, path.field)
    if definition is None:
        return UNKNOWN
    selector = path.repetition
    many = definition.repeats and (selector is None or selector.every)
    datatypes = path_types(path, source_types.field_types(segment, path.field))
    every = many and selector is not None
    return Given(datatypes=datatypes, many=many, every=every, what=f"{segment}-{path.field}")


def _read_local(path: Path, segment: LocalSegment, scope: Scope) -> Given:
    """A field of a segment that the site has declared."""
    problems = check_local_path(path, segment)
    scope.problems.extend(problems)
    if problems:
        return UNKNOWN
    if path.field is None:
        return Given(segment=segment.name, what=segment.name)
    declared, selector = segment.fields[path.field], path.repetition
    many = declared.repeats and (selector is None or selector.every)
    return Given(
        datatypes=path_types(path, (declared.datatype,)),
        many=many,
        every=many and selector is not None,
        what=f"{segment.name}-{path.field}",
    )


def read_components(path: Path, datatypes: tuple[str, ...], where: str, scope: Scope) -> Given:
    """Components below a value of known datatype."""
    problems = check_components(path, datatypes, where)
    scope.problems.extend(problems)
    return UNKNOWN if problems else Given(datatypes=path_types(path, datatypes), what=path.text)


def read_variable(path: Path, given: Given | None, scope: Scope) -> Given:
    """A parameter or variable, perhaps with a field or components behind it."""
    if given is None or not given.known:
        return UNKNOWN
    if path.field is not None and path.segment is None:
        if given.segment is not None:
            return read_field(path, given.segment, scope)
    elif path.components and given.datatypes:
        return read_components(path, given.datatypes, path.variable or "", scope)
    elif not path.components and not path.steps and path.segment is None:
        return given
    return scope.report(
        codes.OUT_OF_REACH(
            path.place,
            given=f"{path.variable}, {given}",
            what=path.text,
            hint=f"{path.variable} has no such part",
        )
    )


# -- rules --


@dataclass(slots=True)
class _Filled:
    """What is written into one object, and into the objects made piece by piece below it."""

    type_name: str
    shown: str
    place: Place
    names: set[str] = field(default_factory=set)
    inner: dict[tuple[str, str | None], "_Filled"] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _RuleChecker:
    partial: bool

    def check_rules(
        self, rules: tuple[Rule, ...], owner: str, shown: str, place: Place, scope: Scope
    ) -> None:
        """Check the rules of one object and that nothing required is left out."""
        filled = _Filled(owner, shown, place)
        whole = False
        for rule in rules:
            slot, problems = find_slot(owner, rule.target, shown)
            scope.problems.extend(problems)
            whole = whole or rule.target.parts[0].name == "$this"
            _record(filled, rule.target.parts, rule.target.place)
            if slot is None:
                self.check_source_only(rule, scope)
            else:
                self.fill(rule, slot, scope)
        if not whole:
            _report_missing(filled, scope, partial=self.partial and owner == scope.map_file.to_name)

    def fill(self, rule: Rule, slot: Slot, scope: Scope) -> None:
        """Check one rule against the element it fills."""
        scope = self.enter(rule, scope)
        if rule.loop is not None and not slot.many:
            scope.report(
                codes.LIST_NEEDED(rule.loop.place, target=slot.text)
                if slot.element and slot.element.max_many
                else codes.ONE_ONLY(rule.loop.place, target=slot.text)
            )
        if rule.choice_type is not None:
            narrowed = _narrow(rule, slot, scope)
            if narrowed is None:
                self.check_source_only(rule, scope)
                return
            slot = narrowed
        if rule.expression is not None:
            given = given_of(rule.expression, scope)
            found = check_value(slot, given, rule.expression.place)
            scope.problems.extend(_with_converter(found, slot, given, scope))
        elif rule.block is not None and len(slot.types) == 1:
            self.check_rules(rule.block, slot.types[0], slot.text, rule.place, scope)
        for alternative in rule.alternatives or ():
            self.fill(alternative, slot, scope)

    def enter(self, rule: Rule, scope: Scope) -> Scope:
        """Loop and condition of a rule."""
        if rule.loop is not None:
            scope = enter_loop(rule.loop, scope)
        if rule.when is not None:
            check_condition(rule.when, scope)
        return scope

    def check_source_only(self, rule: Rule, scope: Scope) -> None:
        """The target is wrong already; the source may be too."""
        scope = self.enter(rule, scope)
        if rule.expression is not None:
            given_of(rule.expression, scope)
        for inner in (*(rule.alternatives or ()), *(rule.block or ())):
            self.check_source_only(inner, scope)


def enter_loop(loop: Loop, scope: Scope) -> Scope:
    """The scope with the variable of `each SOURCE as NAME` bound to one repetition."""
    given = given_of(loop.source, scope)
    if given.known and not given.many and not given.groups:
        what = given.what or loop.source.text
        if not source_types.is_local(what):
            scope.report(codes.NOT_REPEATING(loop.place, what=what))
    return scope.binding(loop.variable, replace(given, many=False))


def _narrow(rule: Rule, slot: Slot, scope: Scope) -> Slot | None:
    """The slot for one alternative of a choice."""
    kind = rule.choice_type or ""
    if kind in slot.types:
        return replace(slot, types=(kind,), text=f"{slot.text}[{kind}]")
    known = ", ".join(slot.types)
    problem = codes.NOT_A_CHOICE(
        rule.place, target=slot.text, given=kind, known=known, hint=f"it can be: {known}"
    )
    scope.report(problem)
    return None


def _record(filled: _Filled, parts: tuple[TargetPart, ...], place: Place) -> None:
    """Note that a target writes into an object."""
    first = parts[0]
    element = element_of(filled.type_name, first.name)
    filled.names.add(element.name if element else first.name)
    if len(parts) == 1 or element is None or len(element.types) != 1:
        return
    key = (first.name, first.label)
    if key not in filled.inner:
        shown = f"{filled.shown}.{first.name}"
        filled.inner[key] = _Filled(element.types[0], shown, place)
    _record(filled.inner[key], parts[1:], place)


def _report_missing(filled: _Filled, scope: Scope, *, partial: bool) -> None:
    missing = [] if partial else missing_elements(filled.type_name, filled.names)
    for name in missing:
        scope.report(codes.NEVER_FILLED(filled.place, owner=filled.shown, name=name))
    for inner in filled.inner.values():
        _report_missing(inner, scope, partial=False)


def _with_converter(
    problems: list[Diagnostic], slot: Slot, given: Given, scope: Scope
) -> list[Diagnostic]:
    """For a value of the wrong type: name the step that would convert it."""
    step = _converter(slot, given, scope) if given.datatypes else None
    if step is None:
        return problems
    return [
        replace(found, hint=f"write `-> {step}`") if found.code == codes.WRONG_TYPE.code else found
        for found in problems
    ]


def _converter(slot: Slot, given: Given, scope: Scope) -> str | None:
    """The map or function that makes what the slot takes of what is given."""
    for name, other in scope.library.maps.items():
        if other.to_name in slot.types and other.from_name in given.datatypes:
            return name
    for record in FUNCTIONS.values():
        if set(record.returns) & set(slot.types) and set(record.accepts) & set(given.datatypes):
            return record.name
    return None
