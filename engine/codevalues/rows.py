"""Pure. CSV files with the places of their cells (RFC 4180; UTF-8; `#` begins a comment line)."""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine.codevalues.codes import LIMIT, TABLE_SHAPE
from engine.diagnostics import Diagnostic, Place, did_you_mean

ROWS_MAX = 500_000
"""Of one file; code set 72 of a large site has some hundred thousand."""
CELL_MAX = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table: its cells by column, white space at the ends removed."""

    cells: dict[str, str]
    line: int

    def get(self, column: str) -> str:
        """The cell, empty where the file has no such column."""
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a file holds."""

    file: str
    columns: tuple[str, ...]
    rows: list[Row]
    lines: list[str]
    """The text, for places."""

    def place(self, row: Row, column: str) -> Place:
        """Where a cell stands; the start of the line for a cell that goes over several."""
        text = self.lines[row.line - 1] if row.line <= len(self.lines) else ""
        starts = _cell_starts(text)
        index = self.columns.index(column) if column in self.columns else -1
        if not 0 <= index < len(starts):
            return Place(file=self.file, line=row.line, column=1)
        width = max(1, len(row.get(column)))
        return Place(file=self.file, line=row.line, column=starts[index] + 1, width=width)


def _cell_starts(line: str) -> list[int]:
    """Where the cells of a line begin, quotes heeded."""
    starts, quoted = [0], False
    for position, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            starts.append(position + 1)
    return starts


def read_rows(
    text: str, file: str, *, columns: Sequence[str], required: Collection[str]
) -> tuple[Rows, list[Diagnostic]]:
    """Read one table.

    Args:
        text: the whole file; lines that begin with `#` and empty lines are passed over.
        file: its name, for places.
        columns: the columns it may have, in any order.
        required: those it must have, and that no row may leave empty.

    Returns:
        All good rows, and every problem with its place.
    """
    problems: list[Diagnostic] = []
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    found = Rows(file=file, columns=(), rows=[], lines=text.split("\n"))
    header = False
    end = 0
    try:
        for cells in reader:
            start, end = end + 1, reader.line_num
            if not any(cells) or _is_comment(found.lines, start):
                continue
            if not header:
                header = True
                found = _with_header(found, cells, start, columns, required, problems)
                continue
            if len(found.rows) >= ROWS_MAX:
                problems.append(LIMIT(Place(file=file, line=start), limit=ROWS_MAX, what="rows"))
                break
            _add_row(found, cells, start, required, problems)
    except csv.Error as fault:
        place = Place(file=file, line=reader.line_num, column=1)
        problems.append(TABLE_SHAPE(place, problem=f"this is no CSV: {fault}"))
    if not header and not problems:
        place = Place(file=file, line=1)
        problems.append(TABLE_SHAPE(place, problem="the line of columns is missing"))
    return found, problems


def _is_comment(lines: Sequence[str], line: int) -> bool:
    """A code that begins with `#` is quoted, so its line does not."""
    return line <= len(lines) and lines[line - 1].startswith("#")


def _with_header(
    found: Rows,
    cells: list[str],
    line: int,
    columns: Sequence[str],
    required: Collection[str],
    problems: list[Diagnostic],
) -> Rows:
    names = tuple(cell.strip() for cell in cells)
    starts = _cell_starts(found.lines[line - 1])
    for index, name in enumerate(names):
        column = starts[index] + 1 if index < len(starts) else 1
        place = Place(file=found.file, line=line, column=column, width=max(1, len(name)))
        if name not in columns:
            hint = did_you_mean(name, columns) or f"the columns are {','.join(columns)}"
            problems.append(TABLE_SHAPE(place, problem=f'unknown column "{name}"', hint=hint))
        elif name in names[:index]:
            problems.append(TABLE_SHAPE(place, problem=f'the column "{name}" appears twice'))
    for name in columns:
        if name in required and name not in names:
            place = Place(file=found.file, line=line, column=1)
            problems.append(TABLE_SHAPE(place, problem=f'the column "{name}" is missing'))
    return Rows(file=found.file, columns=names, rows=[], lines=found.lines)


def _add_row(
    found: Rows,
    cells: list[str],
    line: int,
    required: Collection[str],
    problems: list[Diagnostic],
) -> None:
    whole = found.lines[line - 1] if line <= len(found.lines) else ""
    place = Place(file=found.file, line=line, column=1, width=max(1, len(whole)))
    if len(cells) > len(found.columns):
        problem = f"{len(cells)} cells, but {len(found.columns)} columns"
        hint = "put double quotes round a cell with a comma"
        problems.append(TABLE_SHAPE(place, problem=problem, hint=hint))
        return
    row = Row(
        cells={name: cell.strip() for name, cell in zip(found.columns, cells, strict=False)},
        line=line,
    )
    if any(len(cell) > CELL_MAX for cell in row.cells.values()):
        problems.append(LIMIT(place, limit=CELL_MAX, what="characters in a cell"))
        return
    empty = [name for name in found.columns if name in required and not row.get(name)]
    if empty:
        problems.append(TABLE_SHAPE(place, problem=f"the {empty[0]} is empty"))
        return
    found.rows.append(row)


def write_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The text of a table: the line of columns and the rows, quoted only where need be."""
    return "".join(_line(cells) for cells in (columns, *rows))


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    line = text.getvalue()
    if line.startswith("#"):
        line = f'"{cells[0]}"{line[len(cells[0]) :]}'
    return line
