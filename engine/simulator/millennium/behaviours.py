"""Rim. The table of what the simulator does, with grade and source; docs/simulator.md shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import yaml

from engine.simulator.millennium.tables import DATA

BEGIN = "<!-- generated from engine/simulator/millennium/data/behaviours.yaml: not by hand -->"
END = "<!-- end of the generated part -->"
GRADES = {
    "D": "documented",
    "C": "captured",
    "F": "field report",
    "I": "inferred",
    "?": "not found",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One line."""

    rows: str
    """Numbers of the exchanges it stands for; empty: none."""
    says: str
    grade: str
    """Letters of `GRADES`, space between."""
    source: str


@cache
def behaviours() -> Mapping[str, tuple[Behaviour, ...]]:
    """The table, by area."""
    table = yaml.safe_load((DATA / "behaviours.yaml").read_text(encoding="utf-8"))
    return {area: tuple(Behaviour(**row) for row in rows) for area, rows in table.items()}


def replace_generated(page: str) -> str:
    """`page` with what stands between the two markers made anew.

    Raises ValueError when a marker is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page lacks the markers of its generated part")
    sections = "\n".join(_section(area, rows) for area, rows in behaviours().items())
    return f"{before}{BEGIN}\n\n{sections}\n{END}{after}"


def _section(area: str, rows: tuple[Behaviour, ...]) -> str:
    lines = [f"### {area}", "", "| exchange | behaviour | grade | source |", "|---|---|---|---|"]
    lines += [
        f"| {one.rows} | {_cell(one.says)} | {_graded(one.grade)} | {_cell(one.source)} |"
        for one in rows
    ]
    return "\n".join([*lines, ""])


def _graded(letters: str) -> str:
    return ", ".join(GRADES[letter] for letter in letters.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
