"""Pure. A map of a document as the rows of a specification."""

from collections.abc import Iterator

from engine.mapping.guide.spec_cells import Cells, conversion_cells, element_facts, place_cell
from engine.mapping.guide.wording import condition_text
from engine.mapping.sources import paths_of
from engine.mapping.syntax import Literal, MapFile, Rule, TemplateMatch
from engine.mapping.target_types import choice_key


def document_cells(map_file: MapFile) -> Iterator[Cells]:
    """All rows of a map of a document: its rules, then what it owes negation, absence and null."""
    match = map_file.match
    number = 0
    rules = (*map_file.rules, *map_file.value, *map_file.all_values)
    for row in (*(("", one) for one in rules), *_treatment_rows(match)):
        note, rule = row
        for attribute, conditions, one in _written_lines(rule):
            number += 1
            names = tuple(part.name for part in one.target.parts)
            kind, least, most = element_facts(map_file.to_name.partition("-")[0], names)
            maps, tables, assignment = conversion_cells(one)
            paths = [path.text for path in paths_of(one.expression)] if one.expression else []
            yield (
                str(number), ", ".join(dict.fromkeys(paths)), "", "", "", "",
                f"IF {' and '.join(conditions)}" if conditions else "", attribute, kind, least,
                most, maps, tables, assignment, note, place_cell(one.place),
            )  # fmt: skip
    for ignored in map_file.ignore:
        number += 1
        cells = (str(number), ignored.path, *[""] * 12, f"ignored: {ignored.reason}")
        yield (*cells, place_cell(ignored.place))


def _treatment_rows(match: TemplateMatch | None) -> Iterator[tuple[str, Rule]]:
    """(comment, rule) of the lines of `negation:`, `required:` and `null:`."""
    if match is None:
        return
    for note, treatments in (
        ("when negated", match.negation),
        ("when nothing fills it", match.required),
        ("by the null flavour", match.null),
    ):
        for one in treatments:
            absent = Literal(value="data-absent-reason", place=one.place)
            rule = one.rule or Rule(target=one.target, place=one.place, expression=absent)
            yield note, rule


def _written_lines(rule: Rule, attribute: str = "") -> Iterator[tuple[str, list[str], Rule]]:
    """(target, conditions, rule) of every line of a rule that writes something."""
    attribute = attribute or rule.target.text
    own = [f"each {rule.loop.source.text}"] if rule.loop is not None else []
    own += [condition_text(rule.when)] if rule.when is not None else []
    if rule.expression is not None:
        yield attribute, own, rule
    for one in rule.block or ():
        for name, conditions, line in _written_lines(one, f"{attribute}.{one.target.text}"):
            yield name, [*own, *conditions], line
    for one in rule.alternatives or ():
        chosen = one.choice_type
        name = choice_key(attribute.removesuffix("[x]"), chosen) if chosen else attribute
        for found, conditions, line in _written_lines(one, name):
            yield found, [*own, *conditions], line
