"""Pure. Checks a whole library before it runs: sources against HL7 v2, targets against FHIR R4.

The dictionary is asked at its newest version and falls back to older ones for what was withdrawn,
because a map serves messages of all versions. All problems are found at once; one fault is reported
once.
"""

import re
from collections.abc import Iterable, Sequence

from engine.diagnostics import Diagnostic, Place, did_you_mean, sort_key
from engine.fhir.definitions import code_system, type_definition, type_names
from engine.hl7v2 import definitions
from engine.mapping import codes
from engine.mapping.checker.checker_message import check_message_map
from engine.mapping.checker.checker_nodes import check_match, check_shared_templates
from engine.mapping.checker.checker_segment import check_map
from engine.mapping.checker.checker_source import check_components, check_field_path, near_segment
from engine.mapping.expression import parse_path
from engine.mapping.guide.notes import KEPT
from engine.mapping.library import Library
from engine.mapping.local_segments import check_tables
from engine.mapping.source_types import VERSIONS, datatype_exists, segment_exists, structures
from engine.mapping.syntax import (
    Call,
    Differs,
    Each,
    Emit,
    Expression,
    FirstOf,
    Ignore,
    MapFile,
    MessageStep,
    Pipe,
    Rule,
    When,
)
from engine.mapping.terminology import CodeTable
from engine.yamltext import Scalar

_ELEMENT = re.compile(r"[A-Za-z$][A-Za-z0-9_.:/\[\]()-]*")
"""An element path, or the name of a map."""
_LATER_FIELDS_MAX = 5
"""Fields that version 2.9 added to a segment; the dictionaries end with 2.8.2."""


def check_library(library: Library) -> list[Diagnostic]:
    """All problems of all maps, by file and line; none means it may be compiled.

    Args:
        library: as read, overlays applied.
    """
    found: list[Diagnostic] = []
    filling = _filling_maps(library)
    for map_file in library.maps.values():
        found.extend(_check_ends(map_file))
        if _is_message_map(map_file):
            found.extend(check_message_map(map_file, library))
            found.extend(_check_events(map_file))
        else:
            partial = map_file.name in filling
            found.extend(check_map(map_file, library, partial=partial))
        for ignore in map_file.ignore:
            found.extend(_check_ignore(ignore, map_file))
        for differs in map_file.differs:
            found.extend(_check_differs(differs, map_file))
        if map_file.of_document:
            found.extend(check_match(map_file, library))
    for table in library.tables.values():
        found.extend(_check_table(table))
    found.extend(check_tables(library.segments, library.tables))
    found.extend(check_shared_templates(library))
    found.extend(_check_guide_tables(library))
    found.extend(_check_shared_events(library))
    found.extend(_check_circles(library))
    return sorted(dict.fromkeys(found), key=sort_key)


def _is_message_map(map_file: MapFile) -> bool:
    return bool(map_file.steps) or map_file.to_name == "Bundle"


def _check_ends(map_file: MapFile) -> list[Diagnostic]:
    """`from` and `to` exist."""
    found: list[Diagnostic] = []
    source, target = map_file.from_name, map_file.to_name
    if map_file.of_document:
        source = ""
    if _is_message_map(map_file):
        for name in (source, *map_file.also):
            if name and not structures(name):
                hint = did_you_mean(name, definitions.structure_names(VERSIONS[0]))
                found.append(codes.UNKNOWN_FROM(map_file.place, name=name, hint=hint))
    elif source and not segment_exists(source) and not datatype_exists(source):
        hint = near_segment(source)
        found.append(codes.UNKNOWN_FROM(map_file.place, name=source, hint=hint))
    if target and target != "Bundle" and type_definition(target) is None:
        hint = did_you_mean(target, type_names())
        found.append(codes.UNKNOWN_TYPE(map_file.place, name=target, hint=hint))
    return found


def _check_ignore(ignore: Ignore, map_file: MapFile) -> list[Diagnostic]:
    """An ignored path exists and belongs to the map's source."""
    problem = _path_problem(ignore.path, ignore.place, map_file, (map_file.from_name,))
    if problem is None:
        return []
    return [codes.IGNORE_UNKNOWN(ignore.place, path=ignore.path, problem=problem)]


def _check_differs(differs: Differs, map_file: MapFile) -> list[Diagnostic]:
    """The path exists, in the map's source, in a segment it is given or in one of its guide maps;
    the element looks like one."""
    sources = [map_file.from_name]
    sources += [given for _, given in map_file.parameters if segment_exists(given)]
    sources += [name.partition("[")[0] for name in map_file.guide]
    problem = _path_problem(differs.path, differs.place, map_file, sources)
    if problem is not None and _is_of_a_later_version(differs.path, sources):
        problem = None
    if problem is None and differs.element and _ELEMENT.fullmatch(differs.element) is None:
        problem = f"{differs.element} is no element path or map"
    if problem is None:
        return []
    return [codes.DIFFERS_UNKNOWN(differs.place, path=differs.path, problem=problem)]


def _is_of_a_later_version(text: str, sources: Sequence[str]) -> bool:
    """True for a field close behind the last of a segment: the guide has rows of version 2.9."""
    segment, _, number = text.partition("-")
    if segment not in sources or not number.isdigit() or not segment_exists(segment):
        return False
    found = definitions.segment(VERSIONS[0], segment)
    return found is not None and 0 < int(number) - max(found.fields) <= _LATER_FIELDS_MAX


def _path_problem(text: str, place: Place, map_file: MapFile, sources: Sequence[str]) -> str | None:
    """What is wrong with a path that a map names beside its rules; None when it exists.

    Args:
        text: the path.
        place: of it.
        map_file: that names it.
        sources: segments or datatypes it may belong to.
    """
    path, _ = parse_path(text, Scalar(text, place))
    source = map_file.from_name
    if path is None:
        return "this is not a path"
    if map_file.of_document:
        return None if path.nodes or path.text.isidentifier() else "this is not a path"
    owner = path.datatype or path.segment
    if owner is None:
        return "it names no field"
    if datatype_exists(owner) and not segment_exists(owner):
        if owner not in sources:
            return f"the map is given {source}"
        unknown = check_components(path, (owner,), owner)
        return f"{owner} has no such component" if unknown else None
    if not _is_message_map(map_file) and owner not in sources:
        return f"the map is given {source}"
    if check_field_path(path, owner):
        return f"{owner} has no such field or component"
    return None


def _check_guide_tables(library: Library) -> list[Diagnostic]:
    """The tables that guide.yaml names exist."""
    return [
        codes.UNKNOWN_TABLE(place, name=name, hint=did_you_mean(name, library.tables))
        for name, place in library.guide.tables.values()
        if name not in library.tables and name != KEPT
    ]


def _check_table(table: CodeTable) -> list[Diagnostic]:
    """The codes of HL7's own code systems exist there."""
    found: list[Diagnostic] = []
    for row in table.rows:
        known = code_system(row.target_system) if row.target_code else None
        if known is None or row.target_code in known:
            continue
        place = Place(file=row.file, line=row.line, column=1, width=len(row.source_code))
        hint = did_you_mean(row.target_code, known)
        found.append(
            codes.NOT_IN_SYSTEM(place, system=row.target_system, value=row.target_code, hint=hint)
        )
    return found


# -- events --


def _check_events(map_file: MapFile) -> list[Diagnostic]:
    """The events a message map serves use its structure."""
    found: list[Diagnostic] = []
    for event in map_file.events:
        code, _, trigger = event.partition("^")
        served = {definitions.structure_for(version, code, trigger) for version in VERSIONS}
        if map_file.from_name not in served and not code.startswith("Z"):
            known = sorted(one for one in served if one)
            hint = f"{event} uses {', '.join(known)}" if known else None
            found.append(
                codes.EVENT_UNKNOWN(
                    map_file.place, event=event, structure=map_file.from_name, hint=hint
                )
            )
    return found


def _check_shared_events(library: Library) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    served: dict[str, MapFile] = {}
    for map_file in library.maps.values():
        for event in map_file.events:
            other = served.setdefault(event, map_file)
            if other is not map_file:
                shown = f"{other.name} ({other.file})"
                found.append(codes.EVENT_TWICE(map_file.place, event=event, other=shown))
    return found


# -- which maps call which --


def _filling_maps(library: Library) -> frozenset[str]:
    """Maps used only to fill resources that others make (`into`)."""
    into: set[str] = set()
    made: set[str] = set()
    for map_file in library.maps.values():
        for step in _all_steps(map_file.steps):
            if isinstance(step, Emit):
                (into if step.into else made).add(step.map_name)
        made.update(name for name, _ in _called(map_file))
    return frozenset(into - made)


def _all_steps(steps: Iterable[MessageStep]) -> Iterable[MessageStep]:
    for step in steps:
        yield step
        if isinstance(step, Each | When):
            yield from _all_steps(step.body)


def _called(map_file: MapFile) -> list[tuple[str, Place]]:
    """The maps that the rules of a map call, with the places."""
    found: list[tuple[str, Place]] = []
    waiting: list[Rule] = [*map_file.rules, *map_file.value]
    while waiting:
        rule = waiting.pop()
        waiting.extend((*(rule.block or ()), *(rule.alternatives or ())))
        if rule.expression is not None:
            found.extend(_calls_in(rule.expression))
    return found


def _calls_in(expression: Expression) -> Iterable[tuple[str, Place]]:
    if isinstance(expression, Pipe):
        yield from _calls_in(expression.source)
        for step in expression.steps:
            if step.kind == "map":
                yield step.name, step.place
            for _, value in step.arguments:
                yield from _calls_in(value)
    elif isinstance(expression, FirstOf):
        for option in expression.options:
            yield from _calls_in(option)
    elif isinstance(expression, Call):
        for value in (*expression.arguments, *(value for _, value in expression.named)):
            yield from _calls_in(value)


def _check_circles(library: Library) -> list[Diagnostic]:
    """Maps that call each other in a circle; each circle is reported once, at its first map."""
    calls = {name: _called(map_file) for name, map_file in library.maps.items()}
    found: list[Diagnostic] = []
    done: set[str] = set()
    for start in calls:
        _walk(start, [], calls, done, found)
    return found


def _walk(
    name: str,
    trail: list[str],
    calls: dict[str, list[tuple[str, Place]]],
    done: set[str],
    found: list[Diagnostic],
) -> None:
    if name in done:
        return
    trail = [*trail, name]
    for called, place in calls.get(name, ()):
        if called in trail:
            names = " -> ".join([*trail[trail.index(called) :], called])
            found.append(codes.CYCLE(place, names=names))
        else:
            _walk(called, trail, calls, done, found)
    done.add(name)
