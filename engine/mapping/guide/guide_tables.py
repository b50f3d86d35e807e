"""Pure. One CSV file of HL7's v2-to-FHIR guide to its rows.

The guide's tables are exports of spreadsheets kept by hand, so headers differ (`Sort Order` or
`Display Sequence`, a comment column or none) and cells hold slips. What a cell means is settled
here; how its element path is read is the business of `guide.elements`.
Source: https://github.com/HL7/v2-to-fhir, folder `mappings`.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.diagnostics import Diagnostic, Place
from engine.mapping.codes import GUIDE_FILE

Kind = Literal["message", "segment", "datatype", "codesystem"]

FOLDERS: dict[str, Kind] = {
    "messages": "message",
    "segments": "segment",
    "datatypes": "datatype",
    "codesystems": "codesystem",
}
"""Folder of the guide's `mappings` to what is in it."""

ROWS_MAX = 20_000
CELL_MAX = 100_000
_HEADER_ROWS = 4
_FIRST_COLUMNS = (
    "sortorder", "identifier", "name", "datatype", "cardinalitymin", "cardinalitymax",
)  # fmt: skip
_FILE_NAME = re.compile(r"(?:R4|Map)_ ?(.+) - [^-]*\.csv\Z")
_PATH = re.compile(r"/?[A-Z][A-Z0-9_]*(?:[.-][A-Z0-9_]+)*")
_FOLLOW = re.compile(r":follow:\w+\.")
"""`ADT_A01:follow:PID.ROL`: the ROL that stands behind PID."""
_LITERAL = re.compile(r'"([^"]*)"?\Z')
_EMBEDDED = re.compile(r'([^=]+?)\s*=\s*"([^"]*)"\Z')


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideRow:
    """One row; cells that a kind does not have are empty."""

    line: int
    source: str
    """`PID-3`, `CX.4.2`, `ORU_R01.PATIENT_RESULT.PATIENT.PID`, or a code."""
    system: str = ""
    """Of a code."""
    target: str = ""
    """Element path as written, segment map, or code."""
    target_system: str = ""
    literal: str | None = None
    """The fixed value assigned, when there is one."""
    condition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideMap:
    """One file."""

    kind: Kind
    name: str
    file: str
    rows: tuple[GuideRow, ...]
    """Those with a target, in their order."""


def map_name(file: str) -> str:
    """`PID[Patient]` of `HL7 Segment - FHIR R4_ PID[Patient] - PID.csv`; empty for other names."""
    found = _FILE_NAME.search(file.replace("\\", "/").rpartition("/")[2])
    return found.group(1).strip() if found else ""


def read_guide_map(text: str, file: str, kind: Kind) -> tuple[GuideMap | None, list[Diagnostic]]:
    """Read one file.

    Args:
        text: the whole file.
        file: its name, from which the map's name is taken.
        kind: by the folder it is in.

    Returns:
        The map, or None with the reason.
    """
    name = map_name(file)
    if not name:
        return None, [GUIDE_FILE(Place(file=file), problem="its name holds no map's name")]
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    lines: list[tuple[int, list[str]]] = []
    try:
        start = 1
        for cells in reader:
            lines.append((start, [cell.strip() for cell in cells]))
            start = reader.line_num + 1
            if len(lines) > ROWS_MAX:
                problem = f"it has more than {ROWS_MAX} rows"
                return None, [GUIDE_FILE(Place(file=file), problem=problem)]
    except csv.Error as fault:
        return None, [GUIDE_FILE(Place(file=file, line=reader.line_num), problem=str(fault))]
    anchor = "code" if kind == "codesystem" else "identifier"
    headers = [_header(cells) for _, cells in lines[:_HEADER_ROWS]]
    at = next((at for at, names in enumerate(headers) if anchor in names), None)
    if at is None:
        problem = f'none of its first rows has a column "{anchor}"'
        return None, [GUIDE_FILE(Place(file=file, line=1), problem=problem)]
    make = {"message": _step_rows, "codesystem": _code_rows}.get(kind, _element_rows)
    found = make(headers[at], lines[at + 1 :])
    return GuideMap(kind=kind, name=name, file=file, rows=tuple(found)), []


def _header(cells: Sequence[str]) -> list[str]:
    """The names of the columns; where the first ones are empty they are the usual ones."""
    names = [_letters(cell) for cell in cells]
    if any(name.startswith("fhirattribute") for name in names) and not any(names[:2]):
        names[: len(_FIRST_COLUMNS)] = _FIRST_COLUMNS
    return names


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())


class _Cells:
    """The cells of a row by the names in the header."""

    def __init__(self, names: Sequence[str], cells: Sequence[str]) -> None:
        self._names = names
        self._cells = cells

    def get(self, prefix: str, nth: int = 0) -> str:
        """The cell of the nth column whose name begins so; empty when there is none."""
        found = [at for at, name in enumerate(self._names) if name.startswith(prefix)]
        at = found[nth] if nth < len(found) else -1
        return self._cells[at] if 0 <= at < len(self._cells) else ""


def _element_rows(names: Sequence[str], lines: Sequence[tuple[int, list[str]]]) -> list[GuideRow]:
    found = []
    for line, cells in lines:
        row = _Cells(names, cells)
        target, literal = row.get("fhirattribute"), None
        embedded = _EMBEDDED.fullmatch(target)
        if embedded is not None:
            target, literal = embedded.groups()
        target = target.strip()
        assigned = _LITERAL.fullmatch(row.get("assignment") or row.get("derivedmapping"))
        if assigned is not None:
            literal = assigned.group(1).strip()
        if not target:
            continue
        sort = row.get(names[0]) if names[0] in ("sortorder", "displaysequence") else ""
        source = _source(row.get("identifier"), sort)
        condition = row.get("computableantlr") or row.get("computablefhirpath")
        found.append(
            GuideRow(line=line, source=source, target=target, literal=literal, condition=condition)
        )
    return found


def _source(identifier: str, sort: str) -> str:
    """`TXA` in row 9 is TXA-9: some tables leave the number to the first column."""
    match = _PATH.match(identifier)
    source = match.group().rstrip(".-") if match else ""
    if source.isalnum() and sort.isdigit() and int(sort) > 0:
        return f"{source}-{int(sort)}"
    return source


def _step_rows(names: Sequence[str], lines: Sequence[tuple[int, list[str]]]) -> list[GuideRow]:
    found = []
    for line, cells in lines:
        row = _Cells(names, cells)
        segment_map = row.get("segmentmap")
        if not segment_map:
            continue
        match = _PATH.match(_FOLLOW.sub(".", row.get("identifier")))
        source = match.group().strip("/.") if match else ""
        condition = row.get("computableantlr") or row.get("computablefhirpath")
        found.append(GuideRow(line=line, source=source, target=segment_map, condition=condition))
    return found


def _code_rows(names: Sequence[str], lines: Sequence[tuple[int, list[str]]]) -> list[GuideRow]:
    """Rows with a code on the left; those without one only list codes FHIR has besides."""
    found = []
    codes = [at for at, name in enumerate(names) if name == "code"]
    systems = [at for at, name in enumerate(names) if name == "codesystem"]
    for line, cells in lines:
        padded = [*cells, *[""] * (len(names) - len(cells))]
        source = padded[codes[0]].strip('"')
        target = padded[codes[1]].strip('"') if len(codes) > 1 else ""
        if not source or not target:
            continue
        row = _Cells(names, cells)
        found.append(
            GuideRow(
                line=line,
                source=source,
                system=padded[systems[0]] if systems else "",
                target=target,
                target_system=padded[systems[1]] if len(systems) > 1 else "",
                condition=row.get("computable") or row.get("computablefhirpath"),
            )
        )
    return found
