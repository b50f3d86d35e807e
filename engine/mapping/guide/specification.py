"""Pure. Our maps as mapping specifications: tables in the layout of HL7's guide.

Columns are those of the guide's spreadsheets for a segment, a datatype, a message or a concept map,
with one more: the file and line of the rule. Every field or component of the source is listed, also
those that no rule reads, with the reason when they are ignored.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.diagnostics import Place
from engine.mapping.guide.document_rows import document_cells
from engine.mapping.guide.our_rows import (
    NOTHING,
    Environment,
    Source,
    Sources,
    block_sources,
    given_environment,
    read_expression,
    source_of,
    sources_of_condition,
)
from engine.mapping.guide.source_facts import SourceFacts, describe, own_parts, source_text
from engine.mapping.guide.spec_cells import Cells, conversion_cells, element_facts, place_cell
from engine.mapping.guide.spec_steps import step_cells
from engine.mapping.guide.wording import condition_text
from engine.mapping.library import Library
from engine.mapping.syntax import (
    MapFile,
    Rule,
)
from engine.mapping.target_types import choice_key
from engine.mapping.terminology import CodeTable

ELEMENT_COLUMNS: Cells = (
    "Sort Order", "Identifier", "Name", "Data Type", "Cardinality - Min", "Cardinality - Max",
    "Condition", "FHIR Attribute", "FHIR Data Type", "FHIR Cardinality - Min",
    "FHIR Cardinality - Max", "Data Type Mapping", "Vocabulary Mapping", "Assignment", "Comments",
    "Place",
)  # fmt: skip
STEP_COLUMNS: Cells = (
    "Sort Order", "Identifier", "Syntax", "Name", "Cardinality - Min", "Cardinality - Max",
    "Condition", "Primary Target", "Segment Map", "References", "Comments", "Place",
)  # fmt: skip
CODE_COLUMNS: Cells = (
    "Code", "Code System", "FHIR Code", "FHIR Display", "FHIR Code System", "Comments", "Place",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """One table."""

    name: str
    title: str
    """What it is, in one line."""
    columns: Cells
    rows: tuple[Cells, ...]


def specifications(library: Library, name: str) -> list[Specification]:
    """The tables a name stands for.

    Args:
        library: as read.
        name: of a map, of a table, or `all`.
    """
    found = []
    for map_name, map_file in library.maps.items():
        if name in ("all", map_name):
            found.append(_of_map(map_file))
    for table_name, table in library.tables.items():
        if name in ("all", table_name):
            found.append(_of_table(table))
    return found


def _of_map(map_file: MapFile) -> Specification:
    title = f"{map_file.from_name} to {map_file.to_name}"
    if map_file.description:
        title += f": {map_file.description}"
    if map_file.of_document:
        cells = tuple(document_cells(map_file))
        return Specification(name=map_file.name, title=title, columns=ELEMENT_COLUMNS, rows=cells)
    if map_file.steps:
        return Specification(
            name=map_file.name, title=title, columns=STEP_COLUMNS, rows=tuple(step_cells(map_file))
        )
    rows = tuple(_element_cells(map_file))
    return Specification(name=map_file.name, title=title, columns=ELEMENT_COLUMNS, rows=rows)


def _of_table(table: CodeTable) -> Specification:
    rows = tuple(
        (
            row.source_code, row.source_system, row.target_code, row.target_display,
            row.target_system, row.comment, f"{row.file}:{row.line}",
        )
        for row in table.rows
    )  # fmt: skip
    return Specification(name=table.name, title="code table", columns=CODE_COLUMNS, rows=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A rule that writes something, with all that stands around it."""

    rule: Rule
    attribute: str
    element: tuple[str, ...]
    condition: str
    environment: Environment
    around: Sources
    """What a fixed value goes with: what its condition or the block around it reads."""
    comment: str


def _element_cells(map_file: MapFile) -> Iterator[Cells]:
    """All rows of a segment or datatype map, in the order of its fields."""
    lines = [
        line
        for rule in (*map_file.rules, *map_file.value)
        for line in _lines(rule, "", (), _Around(environment=given_environment(map_file)))
    ]
    placed: list[tuple[Source, Cells]] = []
    for line in lines:
        sources = _sources(line, map_file)
        facts = describe(sources[0]) if sources else SourceFacts()
        identifiers = ", ".join(source_text(one) for one in sources)
        placed.append((sources[0] if sources else (), _cells(line, map_file, identifiers, facts)))
    seen = {source[:2] for line in lines for source in _sources(line, map_file)}
    reasons = {one.path: one for one in map_file.ignore}
    for part in own_parts(map_file.from_name):
        one = reasons.pop(source_text(part), None)
        if one is not None:
            placed.append((part, _unused(part, f"ignored: {one.reason}", one.place)))
        elif part not in seen:
            placed.append((part, _unused(part, "", None)))
    own = map_file.from_name
    placed += [
        ((own, 999), _ignored_cells(one.path, one.reason, one.place)) for one in reasons.values()
    ]
    placed.sort(key=lambda found: _order(found[0], own))
    for number, (source, cells) in enumerate(placed, 1):
        yield (str(number) if source else "0", *cells[1:])


def _order(source: Source, own: str) -> tuple[int, str, tuple[int, ...]]:
    """Fixed values first, then the map's own source by number, then MSH and parameters."""
    if not source:
        return (0, "", ())
    numbers = tuple(one for one in source[1:] if isinstance(one, int))
    return (1 if source[0] == own else 2, str(source[0]), numbers)


def _sources(line: _Line, map_file: MapFile) -> list[Source]:
    """What the rule reads, in order; of a fixed value the first source it goes with."""
    if line.rule.expression is None:
        return []
    found = read_expression(line.rule.expression, line.environment).sources
    ordered = sorted(found, key=lambda source: _order(source, map_file.from_name))
    return ordered or sorted(line.around, key=lambda one: _order(one, map_file.from_name))[:1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """The blocks around a rule: their conditions and loops, and what they read."""

    environment: Environment
    conditions: Cells = ()
    comments: Cells = ()
    sources: Sources = NOTHING

    def inside(self, rule: Rule) -> "_Around":
        """What is around the parts of a rule."""
        environment, comments, sources = self.environment, self.comments, self.sources
        if rule.loop is not None:
            looped = source_of(rule.loop.source, environment)
            environment = {**environment, rule.loop.variable: looped}
            comments = (*comments, f"for each {rule.loop.source.text} as {rule.loop.variable}")
            sources = sources or looped
        if rule.block is not None:
            sources = block_sources(rule.block, environment) or sources
        conditions = self.conditions
        if rule.when is not None:
            conditions = (*conditions, condition_text(rule.when))
            sources = sources_of_condition(rule.when, environment) or sources
        return _Around(
            environment=environment, conditions=conditions, comments=comments, sources=sources
        )


def _lines(
    rule: Rule, attribute: str, element: tuple[str, ...], around: _Around
) -> Iterator[_Line]:
    """The rules that write something, with targets, conditions and loops of the blocks around."""
    if not attribute:
        attribute = rule.target.text
        element = tuple(part.name for part in rule.target.parts)
    inside = around.inside(rule)
    if rule.expression is not None:
        conditions = inside.conditions
        yield _Line(
            rule=rule,
            attribute=attribute,
            element=element,
            condition=" and ".join(
                f"({one})" if len(conditions) > 1 else one for one in conditions
            ),
            environment=inside.environment,
            around=inside.sources,
            comment="; ".join(inside.comments),
        )
    for one in rule.block or ():
        names = tuple(part.name for part in one.target.parts)
        yield from _lines(one, f"{attribute}.{one.target.text}", (*element, *names), inside)
    for one in rule.alternatives or ():
        chosen, typed = attribute, element
        if one.choice_type is not None:
            chosen = choice_key(attribute.removesuffix("[x]"), one.choice_type)
            typed = (*element[:-1], choice_key(element[-1], one.choice_type))
        yield from _lines(one, chosen, typed, inside)


def _cells(line: _Line, map_file: MapFile, identifiers: str, facts: SourceFacts) -> Cells:
    kind, least, most = element_facts(map_file.to_name.partition("-")[0], line.element)
    maps, tables, assignment = conversion_cells(line.rule)
    return (
        "", identifiers, facts.name, facts.datatype, facts.least, facts.most,
        f"IF {line.condition}" if line.condition else "", line.attribute, kind, least, most,
        maps, tables, assignment, line.comment, place_cell(line.rule.place),
    )  # fmt: skip


def _unused(part: Source, comment: str, place: Place | None) -> Cells:
    facts = describe(part)
    cells = ("", source_text(part), facts.name, facts.datatype, facts.least, facts.most)
    return (*cells, *[""] * 8, comment, place_cell(place))


def _ignored_cells(path: str, reason: str, place: Place) -> Cells:
    return ("", path, *[""] * 12, f"ignored: {reason}", place_cell(place))
