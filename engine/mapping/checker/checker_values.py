"""Pure. What expressions yield, and whether their parts fit: paths, steps, calls, conditions.

A problem is reported once; what is built on it counts as unknown and is not reported again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from engine.diagnostics import Diagnostic, Place, did_you_mean
from engine.fhir.definitions import resource_types
from engine.mapping import codes
from engine.mapping.checker.checker_source import which_repetition
from engine.mapping.checker.checker_target import Slot, check_binding, find_slot, fits
from engine.mapping.checker.given import UNKNOWN, Given
from engine.mapping.documents.dispatch import candidates
from engine.mapping.documents.node_types import class_serves
from engine.mapping.functions.record import FunctionRecord, Kind
from engine.mapping.functions.registry import FUNCTIONS
from engine.mapping.library import Library
from engine.mapping.source_types import datatype_exists, serves
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
    Step,
    Valued,
)
from engine.mapping.terminology import Unmapped

ReadPath = Callable[[Path, "Scope"], Given]
_TABLE_ARGUMENTS = ("unmapped",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where an expression stands: its map, the names bound there, how paths are read."""

    library: Library
    map_file: MapFile
    names: Mapping[str, Given]
    read_path: ReadPath
    problems: list[Diagnostic] = field(default_factory=list)

    def binding(self, name: str, given: Given) -> "Scope":
        """The scope with one more name; problems are shared."""
        return replace(self, names={**self.names, name: given})

    def report(self, problem: Diagnostic) -> Given:
        """Collect a problem; the value is then unknown."""
        self.problems.append(problem)
        return UNKNOWN


def given_of(expression: Expression, scope: Scope) -> Given:
    """The static type of an expression; its problems go to the scope."""
    if isinstance(expression, Path):
        return scope.read_path(expression, scope)
    if isinstance(expression, Literal):
        return Given(literal=expression)
    if isinstance(expression, FirstOf):
        return _first_of(expression, scope)
    if isinstance(expression, Pipe):
        given = given_of(expression.source, scope)
        for step in expression.steps:
            given = _after_step(given, step, scope)
        return given
    return _after_call(expression, scope)


def _first_of(expression: FirstOf, scope: Scope) -> Given:
    """The first known option stands for all; when they differ nothing is known."""
    options = [given_of(option, scope) for option in expression.options]
    many = any(option.many for option in options)
    if all(option.datatypes for option in options):
        datatypes = tuple(dict.fromkeys(one for option in options for one in option.datatypes))
        return Given(datatypes=datatypes, many=many, what=options[0].what)
    same = all(_shape(option) == _shape(options[0]) for option in options)
    return replace(options[0], many=many) if same else Given(many=many)


def _shape(given: Given) -> tuple[object, ...]:
    return (given.fhir, given.segment, given.resource, given.references)


# -- steps --


def _after_step(given: Given, step: Step, scope: Scope) -> Given:
    if step.kind == "map":
        return _after_map(given, step, scope)
    if step.kind == "table":
        return _after_table(given, step, scope)
    if step.kind == "template":
        return _after_template(given, step, scope)
    if step.kind == "reference":
        if given.known and given.resource is None:
            problem = codes.MAP_KIND(
                step.place, name="reference", problem=f"needs a resource before it, not {given}"
            )
            return scope.report(problem)
        references = (given.resource,) if given.resource else ()
        return Given(fhir=("Reference",), references=references, many=given.many, what=given.what)
    record = FUNCTIONS.get(step.name)
    if record is None:
        return _unknown_function(step.name, step.place, scope)
    _check_first(record, given, step.place, scope)
    return _after_function(record, given, 1, step.arguments, step.place, scope)


def _after_map(given: Given, step: Step, scope: Scope) -> Given:
    used = scope.library.maps.get(step.name)
    if used is None:
        hint = did_you_mean(step.name, scope.library.maps)
        return scope.report(codes.UNKNOWN_MAP(step.place, name=step.name, hint=hint))
    check_map_use(used, given, step.place, scope)
    check_map_arguments(used, step.arguments, scope)
    if used.to_name in resource_types():
        return Given(resource=used.to_name, many=given.many, what=given.what)
    return Given(fhir=(used.to_name,), many=given.many, what=given.what)


def check_map_use(used: MapFile, given: Given, place: Place, scope: Scope) -> None:
    """Check that a map can be given this value."""
    if used.steps or used.to_name == "Bundle":
        problem = "is for whole messages and cannot be a step"
        scope.report(codes.MAP_KIND(place, name=used.name, problem=problem))
        return
    if used.of_document:
        if not class_serves(used.from_name, given.classes):
            wanted = f"the CDA class {used.from_name}"
            scope.report(codes.MAP_SOURCE(place, name=used.name, wanted=wanted, given=given))
        return
    if not given.known or not used.from_name:
        return
    if datatype_exists(used.from_name):
        fit = bool(given.datatypes) and serves(used.from_name, given.datatypes)
        wanted = f"the HL7 datatype {used.from_name}"
    else:
        fit = given.segment == used.from_name
        wanted = f"the segment {used.from_name}"
    if not fit:
        hint = _map_hint(used, given, scope)
        scope.report(codes.MAP_SOURCE(place, name=used.name, wanted=wanted, given=given, hint=hint))


def _map_hint(used: MapFile, given: Given, scope: Scope) -> str | None:
    """Another map to the same type that takes what is given."""
    for name, other in scope.library.maps.items():
        same_type = other.to_name == used.to_name and not other.steps
        if same_type and given.datatypes and other.from_name in given.datatypes:
            return f"{name} maps {other.from_name} to {other.to_name}"
    return None


def check_map_arguments(
    used: MapFile, arguments: tuple[tuple[str, Expression], ...], scope: Scope
) -> None:
    """Check names and types of what a map is told."""
    parameters = dict(used.parameters)
    for name, value in arguments:
        given = given_of(value, scope)
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            hint = did_you_mean(name, parameters) or f"its parameters: {known}"
            problem = f'{used.name} has no parameter "{name}"'
            scope.report(codes.ARGUMENT(value.place, problem=problem, hint=hint))
            continue
        check_single(given, value.place, scope)
        wanted = parameters[name]
        if given.known and not fits(wanted, given):
            scope.report(
                codes.WRONG_ARGUMENT(
                    value.place, name=used.name, argument=name, wanted=wanted, given=given
                )
            )
        else:
            slot = _slot_of_parameter(used, name) if given.is_text_literal else None
            scope.problems.extend(check_binding(slot, given, value.place) if slot else ())


def _slot_of_parameter(used: MapFile, name: str) -> Slot | None:
    """The element a map writes a parameter into as it is, such as `use: use`."""
    for rule in used.rules:
        expression = rule.expression
        if isinstance(expression, Path) and expression.text == name == expression.variable:
            return find_slot(used.to_name, rule.target, used.to_name)[0]
    return None


def check_single(given: Given, place: Place, scope: Scope) -> None:
    """One value is wanted here."""
    if given.many:
        scope.report(which_repetition(place, given.what or "this"))


def _after_template(given: Given, step: Step, scope: Scope) -> Given:
    """What the maps under this one make: References to resources, or values of one type."""
    found = candidates(scope.library, scope.map_file.name)
    if not found:
        problem = f"no map stands under {scope.map_file.name}"
        return scope.report(codes.MAP_KIND(step.place, name="template", problem=problem))
    made = tuple(dict.fromkeys(one.to_name for one in found))
    names = tuple("Reference" if name in resource_types() else name for name in made)
    references = made if all(name in resource_types() for name in made) else ()
    return Given(
        fhir=tuple(dict.fromkeys(names)), references=references, many=given.many, what=given.what
    )


def _after_table(given: Given, step: Step, scope: Scope) -> Given:
    table = scope.library.tables.get(step.name)
    if table is None:
        hint = did_you_mean(step.name, scope.library.tables)
        return scope.report(codes.UNKNOWN_TABLE(step.place, name=step.name, hint=hint))
    policy: str | None = None
    for name, value in step.arguments:
        if name not in _TABLE_ARGUMENTS:
            hint = did_you_mean(name, _TABLE_ARGUMENTS) or "a table takes `unmapped=` only"
            problem = f'a table has no argument "{name}"'
            scope.report(codes.ARGUMENT(value.place, problem=problem, hint=hint))
        elif isinstance(value, Literal):
            policy = str(value.value)
        else:
            words = ", ".join(one.value for one in Unmapped)
            problem = f"`unmapped` is {words} or a fixed code"
            scope.report(codes.ARGUMENT(value.place, problem=problem))
    if given.segment or given.resource or given.groups:
        scope.report(
            codes.FUNCTION_INPUT(
                step.place, name=f"table {step.name}", wanted="a code", given=given
            )
        )
    return Given(table=table, unmapped=policy, many=given.many, what=given.what)


# -- functions --


def _unknown_function(name: str, place: Place, scope: Scope) -> Given:
    hint = did_you_mean(name, [*FUNCTIONS, "reference"])
    if hint is None and name in scope.library.tables:
        hint = f"a table is used as `table {name}`"
    return scope.report(codes.UNKNOWN_FUNCTION(place, name=name, hint=hint))


def _after_call(call: Call, scope: Scope) -> Given:
    values = [given_of(argument, scope) for argument in call.arguments]
    if call.name == "reference":
        return _reference_call(call, values, scope)
    record = FUNCTIONS.get(call.name)
    if record is None:
        return _unknown_function(call.name, call.place, scope)
    first = values[0] if values else UNKNOWN
    if values:
        _check_first(record, first, call.arguments[0].place, scope)
    for number, (given, argument) in enumerate(zip(values, call.arguments, strict=True)):
        if _takes_several(record, number) and given.every:
            first = replace(first, many=first.many and number > 0)
        elif number > 0:
            check_single(given, argument.place, scope)
    return _after_function(record, first, len(values), call.named, call.place, scope)


def _takes_several(record: FunctionRecord, number: int) -> bool:
    """True when the argument of that number goes into a parameter for any number of values."""
    last = len(record.parameters) - 1
    return bool(record.parameters) and record.parameters[last].many and number >= last


def _reference_call(call: Call, values: list[Given], scope: Scope) -> Given:
    if len(values) != 1 or call.named:
        problem = "reference(name) takes one resource"
        return scope.report(codes.ARGUMENT(call.place, problem=problem))
    given = values[0]
    if given.known and given.resource is None:
        problem = f"needs a resource, not {given}"
        return scope.report(codes.MAP_KIND(call.place, name="reference", problem=problem))
    references = (given.resource,) if given.resource else ()
    return Given(fhir=("Reference",), references=references)


def _check_first(record: FunctionRecord, given: Given, place: Place, scope: Scope) -> None:
    """The first parameter against the datatypes the function converts."""
    if record.accepts and given.datatypes:
        if not any(serves(accepted, given.datatypes) for accepted in record.accepts):
            wanted = " or ".join(record.accepts)
            scope.report(
                codes.FUNCTION_INPUT(
                    place,
                    name=record.name,
                    wanted=wanted,
                    given=given,
                    hint=f"see `engine docs {record.name}`",
                )
            )
        return
    kinds = {Kind.TEXT: "a text", Kind.COMPOSITE: "an HL7 composite"}
    kind = record.parameters[0].kind if record.parameters else Kind.VALUE
    whole = given.segment or given.resource or given.groups
    if kind in kinds and whole:
        scope.report(codes.FUNCTION_INPUT(place, name=record.name, wanted=kinds[kind], given=given))


def _after_function(
    record: FunctionRecord,
    first: Given,
    count: int,
    named: tuple[tuple[str, Expression], ...],
    place: Place,
    scope: Scope,
) -> Given:
    """Check number and names of the arguments; `count` are by position, the one piped in too."""
    parameters = record.parameters
    endless = bool(parameters) and parameters[-1].many
    if count > len(parameters) and not endless:
        most = len(parameters)
        problem = f"{record.name} takes {most} value{'s' if most != 1 else ''}, not {count}"
        scope.report(codes.ARGUMENT(place, problem=problem, hint=_signature(record)))
    taken = {parameter.name for parameter in parameters[:count]}
    known = [parameter.name for parameter in parameters]
    for name, value in named:
        given = given_of(value, scope)
        check_single(given, value.place, scope)
        if name not in known:
            hint = did_you_mean(name, known) or _signature(record)
            problem = f'{record.name} has no parameter "{name}"'
            scope.report(codes.ARGUMENT(value.place, problem=problem, hint=hint))
        elif name in taken:
            problem = f'{record.name}: "{name}" is given twice'
            scope.report(codes.ARGUMENT(value.place, problem=problem))
        taken.add(name)
    for parameter in parameters:
        if parameter.required and not parameter.many and parameter.name not in taken:
            problem = f'{record.name} needs "{parameter.name}"'
            scope.report(codes.ARGUMENT(place, problem=problem, hint=_signature(record)))
    many = record.yields_list or first.many
    return Given(fhir=record.returns, many=many, what=first.what or record.name)


def _signature(record: FunctionRecord) -> str:
    shown = ", ".join(
        parameter.name + ("..." if parameter.many else "" if parameter.required else "?")
        for parameter in record.parameters
    )
    return f"{record.name}({shown})"


# -- conditions --


def check_condition(condition: Condition, scope: Scope) -> None:
    """Check every expression of a condition; `valued` may ask a repeating field, others not."""
    if isinstance(condition, Both | Either):
        for inner in condition.conditions:
            check_condition(inner, scope)
    elif isinstance(condition, Not):
        check_condition(condition.condition, scope)
    elif isinstance(condition, Valued):
        given_of(condition.subject, scope)
    elif isinstance(condition, Comparison):
        for expression in (condition.subject, *condition.operands):
            check_single(given_of(expression, scope), expression.place, scope)
