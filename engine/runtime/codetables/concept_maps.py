"""Rim. ConceptMaps of FHIR R4 taken into a project, and tables given out as such."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.codevalues import aliases
from engine.codevalues.concept_map import (
    aliases_of,
    concept_map_of,
    concept_map_of_aliases,
    read_concept_map,
)
from engine.codevalues.project import CodeValueFiles
from engine.codevalues.resolve import alias_file
from engine.diagnostics import Diagnostic
from engine.runtime.codetables.lines import Refused, TableShape, insert
from engine.runtime.codetables.writing import alone, write_text


def exported(values: CodeValueFiles, table: str) -> dict[str, Any]:
    """A table as a ConceptMap.

    Args:
        values: the project's.
        table: `LAB_A/72`, or the name of a standard table.

    Raises:
        Refused: there is no such table.
    """
    source, slash, number = table.rpartition("/")
    if slash:
        found = values.aliases.get((source, int(number))) if number.isdigit() else None
        if found is not None:
            return concept_map_of_aliases(found)
    for one in values.standards:
        if one.name == table:
            return concept_map_of(one)
    raise Refused(f"there is no table {table}")


def import_aliases(
    home: Path, values: CodeValueFiles, table: tuple[str, int], text: str, file: str
) -> tuple[str, int, list[Diagnostic]]:
    """Put the pairs of a ConceptMap into an alias table.

    Returns:
        The table's file, how many rows are new, and what of the map it cannot hold.

    Raises:
        Refused: it is no ConceptMap, or a code of it has another target in the table.
        OSError: the table cannot be written.
    """
    source, code_set = table
    own = alias_file(source, code_set)
    if aliases.FILE.fullmatch(own) is None:
        raise Refused(f'"{source}" is no name of a contributor source: letters, digits, _ . -')
    made, problems = read_concept_map(text, file)
    if made is None:
        raise Refused(f"{file}: {problems[0].message}")
    found, lost = aliases_of(
        made, contributor_source=source, code_set=code_set, registry=values.registry
    )
    present = values.aliases.get(table)
    known: Mapping[tuple[str, str, str], aliases.AliasRow] = {
        row.key: row for row in (present.rows if present is not None else ())
    }
    new: dict[tuple[str, str, str], aliases.AliasRow] = {}
    for row in found.rows:
        other = known.get(row.key) or new.get(row.key)
        if other is not None and other.target != row.target:
            raise Refused(f'"{row.alias}" is mapped to {other.target} too: keep one of the two')
        if other is None:
            new[row.key] = row
    rows = [
        dict(zip(aliases.COLUMNS, aliases.alias_cells(row), strict=True)) for row in new.values()
    ]
    with alone(home):
        inserted = insert(home, TableShape(own, aliases.COLUMNS, "alias"), rows)
        if rows:
            write_text(home / own, inserted.written)
    return own, len(rows), lost


def import_standard(home: Path, name: str, text: str, file: str) -> tuple[str, int]:
    """Keep a ConceptMap as a standard table, as it is.

    Returns:
        Its file, and how many pairs it has.

    Raises:
        Refused: it is no ConceptMap, or another table has the name.
        OSError: it cannot be written.
    """
    made, problems = read_concept_map(text, file)
    if made is None:
        raise Refused(f"{file}: {problems[0].message}")
    if not name or not all(letter.isalnum() or letter in "_-." for letter in name):
        raise Refused(f'"{name}" is no name of a table: letters, digits, _ . -')
    folder = home / "codevalues" / "standard"
    if (folder / f"{name}.csv").exists():
        raise Refused(f"there is a table codevalues/standard/{name}.csv: choose another name")
    own = f"codevalues/standard/{name}.json"
    write_text(home / own, json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n")
    return own, len(made.pairs)
