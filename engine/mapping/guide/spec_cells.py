"""Pure. Cells that all tables of a specification share: conversions, element facts, places."""

from collections.abc import Iterator

from engine.diagnostics import Place
from engine.fhir import definitions as fhir
from engine.mapping.guide.wording import expression_text, step_text
from engine.mapping.syntax import FirstOf, Path, Pipe, Rule, Step

Cells = tuple[str, ...]


def conversion_cells(rule: Rule) -> tuple[str, str, str]:
    """(maps called, tables, what else is done with the source)."""
    expression = rule.expression
    if expression is None:
        return "", "", ""
    steps = list(_steps(expression))
    maps = ", ".join(step_text(one) for one in steps if one.kind == "map")
    tables = ", ".join(step_text(one)[6:] for one in steps if one.kind == "table")
    plain = isinstance(expression, Path) or (
        isinstance(expression, Pipe)
        and isinstance(expression.source, Path)
        and all(one.kind in ("map", "table", "reference") for one in expression.steps)
    )
    return maps, tables, "" if plain else expression_text(expression)


def _steps(expression: object) -> Iterator[Step]:
    if isinstance(expression, Pipe):
        yield from _steps(expression.source)
        yield from expression.steps
    elif isinstance(expression, FirstOf):
        for option in expression.options:
            yield from _steps(option)


def element_facts(root: str, names: tuple[str, ...]) -> tuple[str, str, str]:
    """(type, least, most) of an element, as R4 has it."""
    element = fhir.element(root, ".".join(name for name in names if name != "$this"))
    if element is None:
        return "", "", ""
    return "|".join(element.types[:3]), str(element.min), "-1" if element.max_many else "1"


def place_cell(place: Place | None) -> str:
    """`file:line`, or nothing."""
    return f"{place.file}:{place.line}" if place is not None else ""
