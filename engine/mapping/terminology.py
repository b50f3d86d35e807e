"""Pure. Code tables: what a code of the sender means in FHIR.

One CSV file per concept map, as in HL7's v2-to-FHIR guide. A row with an empty `target_code` says
that the code is known and has no counterpart: it yields nothing and is no problem. A code without a
row is treated as the rule's `unmapped` policy says.
"""

import csv
import io
from dataclasses import dataclass, field
from enum import Enum

from engine.diagnostics import Diagnostic, Place, did_you_mean
from engine.mapping.codes import DUPLICATE_ROW, LIMIT, TABLE_SHAPE

COLUMNS = (
    "source_code", "source_system", "target_code", "target_system", "target_display", "comment",
)  # fmt: skip

ROWS_MAX = 200_000
"""Rows of one table; site catalogues of procedures reach tens of thousands."""
CELL_MAX = 4_000


class Unmapped(Enum):
    """What happens to a code without a row; any other word of a rule is a fixed code."""

    REJECT = "reject"
    """The element is left out, with a diagnostic."""
    HOLD = "hold"
    """The message waits for a person."""
    TEXT = "text"
    """The code goes into `text`."""
    KEEP = "keep"
    """The code is kept as it is; in a CodeableConcept the original coding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row; `source_system` empty: any system."""

    source_code: str
    source_system: str
    target_code: str
    target_system: str
    target_display: str
    line: int
    file: str
    comment: str = ""
    """Why the row is as it is; where it differs from HL7's guide, the reason."""
    coding: dict[str, str] = field(compare=False, repr=False)
    """The target as a Coding; shared by all output, so never changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTable:
    """A concept map by name."""

    name: str
    file: str
    rows: tuple[TableRow, ...]
    by_code: dict[str, TableRow] = field(repr=False)
    """First row of each code, whatever its system."""
    by_code_and_system: dict[tuple[str, str], TableRow] = field(repr=False)

    def find(self, code: str, system: str = "") -> TableRow | None:
        """The row of a code: of that system, else of any, else None.

        Args:
            code: the sender's code, case as sent.
            system: the sender's name of the coding system, such as `HL70001`; empty when unknown.
        """
        if not system:
            return self.by_code.get(code)
        row = self.by_code_and_system.get((code, system))
        return row or self.by_code_and_system.get((code, ""))


def make_table(name: str, file: str, rows: tuple[TableRow, ...]) -> CodeTable:
    """A table of these rows, later rows losing against earlier ones of the same code and system."""
    by_code: dict[str, TableRow] = {}
    by_both: dict[tuple[str, str], TableRow] = {}
    for row in rows:
        by_code.setdefault(row.source_code, row)
        by_both.setdefault((row.source_code, row.source_system), row)
    return CodeTable(name=name, file=file, rows=rows, by_code=by_code, by_code_and_system=by_both)


def extend_table(table: CodeTable, more: CodeTable) -> CodeTable:
    """`table` with the rows of `more` added; a row of the same code and system is replaced."""
    replaced = {(row.source_code, row.source_system): row for row in more.rows}
    kept = [replaced.pop((row.source_code, row.source_system), row) for row in table.rows]
    return make_table(table.name, table.file, (*kept, *replaced.values()))


def read_table(text: str, file: str) -> tuple[CodeTable, list[Diagnostic]]:
    """Read one CSV file (RFC 4180, UTF-8, first line the columns).

    Args:
        text: the whole file.
        file: its name; the table is called after it, without folder and `.csv`.

    Returns:
        The table of all good rows, and every problem with its line and column.
    """
    name = file.replace("\\", "/").rpartition("/")[2].removesuffix(".csv")
    problems: list[Diagnostic] = []
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[TableRow] = []
    header: dict[str, int] | None = None
    width = 0
    lines = text.splitlines()
    seen: dict[tuple[str, str], int] = {}
    line = 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
                continue
            if header is None:
                header, width = _read_header(cells, file, start, problems), len(cells)
                continue
            if len(cells) > width:
                problems.append(_too_many_cells(len(cells), width, file, start, lines))
                continue
            row = _read_row(cells, header, file, start, problems)
            if row is None:
                continue
            key = (row.source_code, row.source_system)
            if key in seen:
                place = Place(file=file, line=start, column=1, width=len(row.source_code))
                problems.append(DUPLICATE_ROW(place, code=row.source_code, other=seen[key]))
                continue
            seen[key] = start
            rows.append(row)
            if len(rows) > ROWS_MAX:
                problems.append(LIMIT(Place(file=file, line=start), limit=ROWS_MAX, what="rows"))
                break
    except csv.Error as fault:
        place = Place(file=file, line=reader.line_num, column=1)
        problems.append(TABLE_SHAPE(place, problem=f"this is no CSV: {fault}"))
    if header is None and not problems:
        problems.append(
            TABLE_SHAPE(Place(file=file, line=1), problem="the line of columns is missing")
        )
    return make_table(name, file, tuple(rows)), problems


def _read_header(
    cells: list[str], file: str, line: int, problems: list[Diagnostic]
) -> dict[str, int]:
    found: dict[str, int] = {}
    column = 1
    for index, cell in enumerate(cells):
        name = cell.strip()
        place = Place(file=file, line=line, column=column, width=max(1, len(cell)))
        if name not in COLUMNS:
            hint = did_you_mean(name, COLUMNS) or f"the columns are {','.join(COLUMNS)}"
            problems.append(TABLE_SHAPE(place, problem=f'unknown column "{name}"', hint=hint))
        elif name in found:
            problems.append(TABLE_SHAPE(place, problem=f'the column "{name}" appears twice'))
        else:
            found[name] = index
        column += len(cell) + 1
    for name in ("source_code", "target_code"):
        if name not in found:
            place = Place(file=file, line=line, column=1)
            problems.append(TABLE_SHAPE(place, problem=f'the column "{name}" is missing'))
    return found


def _too_many_cells(count: int, width: int, file: str, line: int, lines: list[str]) -> Diagnostic:
    whole = lines[line - 1] if line <= len(lines) else ""
    return TABLE_SHAPE(
        Place(file=file, line=line, column=1, width=max(1, len(whole))),
        problem=f"{count} cells, but {width} columns",
        hint="put double quotes round a cell with a comma",
    )


def _read_row(
    cells: list[str],
    header: dict[str, int],
    file: str,
    line: int,
    problems: list[Diagnostic],
) -> TableRow | None:
    values = {
        name: cells[index].strip() if index < len(cells) else "" for name, index in header.items()
    }
    if not values.get("source_code"):
        place = Place(file=file, line=line, column=1)
        problems.append(TABLE_SHAPE(place, problem="the source_code is empty"))
        return None
    if max(len(value) for value in values.values()) > CELL_MAX:
        problems.append(LIMIT(Place(file=file, line=line), limit=CELL_MAX, what="characters"))
        return None
    return TableRow(
        source_code=values["source_code"],
        source_system=values.get("source_system", ""),
        target_code=values.get("target_code", ""),
        target_system=values.get("target_system", ""),
        target_display=values.get("target_display", ""),
        line=line,
        file=file,
        comment=values.get("comment", ""),
        coding=_coding(values),
    )


def _coding(values: dict[str, str]) -> dict[str, str]:
    pairs = (("system", "target_system"), ("code", "target_code"), ("display", "target_display"))
    return {name: values[column] for name, column in pairs if values.get(column)}
