"""Rim. Lines put into a CSV table where the order of its keys wants them; nothing else changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.codevalues.rows import read_rows, write_rows


class Refused(Exception):  # noqa: N818  a decision, named as it is told
    """The row is not written; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class TableShape:
    """How a table is written."""

    file: str
    columns: tuple[str, ...]
    key: str
    """The column that rows are in order of."""


@dataclass(frozen=True, slots=True)
class Inserted:
    """A table with new lines."""

    before: str
    """Line ends as \\n, one at the end."""
    text: str
    newline: str
    """Of the file."""
    lines: tuple[tuple[int, str], ...]
    """Number and text of the new ones, in their order."""

    @property
    def written(self) -> str:
        """The text with the line ends of the file."""
        return self.text.replace("\n", self.newline)


def insert(home: Path, shape: TableShape, rows: Sequence[Mapping[str, str]]) -> Inserted:
    """The table of a project with these rows put in.

    Args:
        home: the project folder; the file is read as it is now, or begun.
        shape: of the table.
        rows: cells by column.

    Raises:
        Refused: the file has problems, or lacks a column of a row.
        OSError: it cannot be read.
    """
    raw = text_of(home / shape.file) or write_rows(shape.columns, [])
    text = raw.replace("\r\n", "\n").rstrip("\n") + "\n"
    found, problems = read_rows(
        text, shape.file, columns=shape.columns, required=frozenset({shape.key})
    )
    if problems:
        raise Refused(f"{shape.file} has problems; see engine check")
    for cells in rows:
        lacking = [name for name, cell in cells.items() if cell and name not in found.columns]
        if lacking:
            raise Refused(f"{shape.file} has no column {lacking[0]}: add it to its first line")
    lines = text.removesuffix("\n").split("\n")
    known = [(row.get(shape.key), row.line) for row in found.rows]
    end = len(lines) + 1
    placed = sorted(
        (
            next((line for key, line in known if key > cells[shape.key]), end),
            cells[shape.key],
            index,
        )
        for index, cells in enumerate(rows)
    )
    new: list[tuple[int, str]] = []
    for before, (line, _, index) in enumerate(placed):
        cells = rows[index]
        written = write_rows([cells.get(name, "") for name in found.columns], []).rstrip("\n")
        lines.insert(line - 1 + before, written)
        new.append((line + before, written))
    newline = "\r\n" if "\r\n" in raw else "\n"
    return Inserted(text, "\n".join(lines) + "\n", newline, tuple(new))


def text_of(file: Path) -> str:
    """The file as it is now, line ends too; empty when there is none."""
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise Refused(f"{file} is not UTF-8") from None
