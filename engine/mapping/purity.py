"""Pure. Which maps make the same of a text in every message, so that it can be made once.

Codes come again and again: of a lab's results nearly every coding was made before. Such a map reads
neither MSH nor a time zone, puts nothing in the bundle, and calls only maps and functions that are
like it.
"""

from collections.abc import Iterator

from engine.mapping.functions.registry import FUNCTIONS
from engine.mapping.library import Library
from engine.mapping.sources import condition_paths, paths_of
from engine.mapping.syntax import (
    Both,
    Call,
    Comparison,
    Condition,
    Either,
    Expression,
    FirstOf,
    MapFile,
    Not,
    Path,
    Pipe,
    Rule,
    Valued,
)


def is_pure(library: Library, map_name: str, above: frozenset[str] = frozenset()) -> bool:
    """True when the map's result depends on the text and its arguments alone."""
    found = library.maps.get(map_name)
    if found is None or found.steps or map_name in above:
        return False
    inside = above | {map_name}
    return all(_rule_is_pure(library, rule, inside) for rule in _all_rules(found))


def fields_read(library: Library, map_name: str) -> tuple[int, ...] | None:
    """The fields a segment's map and its key read; None when it hands the segment itself on."""
    found = library.maps[map_name]
    paths: list[Path] = [path for one in found.key or () for path in paths_of(one)]
    for rule in _all_rules(found):
        if rule.loop is not None:
            paths.append(rule.loop.source)
        if rule.expression is not None:
            paths.extend(paths_of(rule.expression))
        if rule.when is not None:
            paths.extend(condition_paths(rule.when))
    if any(path.text == found.from_name for path in paths):
        return None
    fields = {path.field for path in paths if path.segment == found.from_name and path.field}
    return tuple(sorted(fields))


def _all_rules(map_file: MapFile) -> Iterator[Rule]:
    for rule in (*map_file.rules, *map_file.value):
        yield from _with_inner(rule)


def _with_inner(rule: Rule) -> Iterator[Rule]:
    yield rule
    for inner in (*(rule.block or ()), *(rule.alternatives or ())):
        yield from _with_inner(inner)


def _rule_is_pure(library: Library, rule: Rule, above: frozenset[str]) -> bool:
    paths: list[Path] = [rule.loop.source] if rule.loop is not None else []
    expressions: list[Expression] = []
    if rule.expression is not None:
        expressions.append(rule.expression)
        paths.extend(paths_of(rule.expression))
    if rule.when is not None:
        paths.extend(condition_paths(rule.when))
        expressions.extend(_operands(rule.when))
    return all(path.segment is None for path in paths) and all(
        _calls_are_pure(library, one, above) for one in expressions
    )


def _operands(one: Condition) -> Iterator[Expression]:
    if isinstance(one, Valued):
        yield one.subject
    elif isinstance(one, Comparison):
        yield from (one.subject, *one.operands)
    elif isinstance(one, Both | Either):
        for each in one.conditions:
            yield from _operands(each)
    elif isinstance(one, Not):
        yield from _operands(one.condition)


def _calls_are_pure(library: Library, one: Expression, above: frozenset[str]) -> bool:
    if isinstance(one, Call):
        inner = (*one.arguments, *(value for _, value in one.named))
        return _function_is_pure(one.name) and all(
            _calls_are_pure(library, each, above) for each in inner
        )
    if isinstance(one, FirstOf):
        return all(_calls_are_pure(library, each, above) for each in one.options)
    if not isinstance(one, Pipe):
        return True
    for step in one.steps:
        if step.kind == "map" and not is_pure(library, step.name, above):
            return False
        if step.kind == "reference" or (
            step.kind == "function" and not _function_is_pure(step.name)
        ):
            return False
        if not all(_calls_are_pure(library, value, above) for _, value in step.arguments):
            return False
    return _calls_are_pure(library, one.source, above)


def _function_is_pure(name: str) -> bool:
    record = FUNCTIONS.get(name)
    return record is not None and not record.varies and name != "reference"
