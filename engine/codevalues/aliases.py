"""Pure. Alias tables: a sender's code to the portable name of a code value.

One CSV file for each contributor source and code set, `codevalues/aliases/LAB_A/72.csv`, in the
manner of Millennium's own inbound aliases: code set, contributor source, alias, alias type meaning.
Millennium lets one alias name several values; here that is no choice but an outcome of its own,
and the message is held. Report section 4, layer 2.
"""

import re
from dataclasses import dataclass, field

from engine.codevalues.codes import AMBIGUOUS_ALIAS, BAD_TARGET, DUPLICATE_ALIAS
from engine.codevalues.registry import Registry
from engine.codevalues.rows import read_rows, write_rows
from engine.codevalues.targets import Target, parse_target
from engine.diagnostics import Diagnostic, Place

COLUMNS = ("alias", "system", "alias_meaning", "target", "display", "comment")
REQUIRED = frozenset({"alias", "target"})
FILE = re.compile(r"codevalues/aliases/(?P<source>[A-Za-z0-9_.-]{1,60})/(?P<set>[0-9]{1,9})\.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasRow:
    """One row."""

    alias: str
    """The sender's code, case as sent."""
    system: str
    """As written: a URI, an id of table 0396, or empty for any."""
    canonical: str
    """Its URI; see `Registry.canonical`."""
    alias_meaning: str
    """What tells rows of one code apart, such as NURSEUNIT; empty for any."""
    target: Target
    display: str
    """What the sender calls it; for the reader."""
    comment: str
    line: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What should be written once in a table."""
        return (self.alias, self.canonical, self.alias_meaning)


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasTable:
    """The aliases of one contributor source in one code set."""

    contributor_source: str
    code_set: int
    file: str
    rows: tuple[AliasRow, ...]
    by_alias: dict[str, tuple[AliasRow, ...]] = field(repr=False, compare=False)

    def find(self, alias: str, system: str = "", alias_meaning: str = "") -> tuple[AliasRow, ...]:
        """The rows of a code that apply, of the most exact kind only.

        A row of the very system and meaning goes before one that leaves either open. Where the
        caller knows none of them, a row that names one applies as well: what is left unsaid by a
        sender may be that. More than one target among the rows means that it is ambiguous.

        Args:
            alias: the sender's code.
            system: the URI of its coding system, empty when the sender named none.
            alias_meaning: empty when not known.
        """
        best: list[AliasRow] = []
        best_rank = -1
        for row in self.by_alias.get(alias, ()):
            of_system = _rank(row.canonical, system)
            of_meaning = _rank(row.alias_meaning, alias_meaning)
            if of_system < 0 or of_meaning < 0:
                continue
            rank = of_system * 3 + of_meaning
            if rank > best_rank:
                best, best_rank = [], rank
            if rank == best_rank:
                best.append(row)
        return tuple(best)


def _rank(written: str, asked: str) -> int:
    """2 the same, 1 left open by the row, 0 not known to the caller, -1 another."""
    if written == asked:
        return 2
    if not written:
        return 1
    return -1 if asked else 0


def make_table(
    contributor_source: str, code_set: int, file: str, rows: tuple[AliasRow, ...]
) -> AliasTable:
    """A table of these rows."""
    by_alias: dict[str, list[AliasRow]] = {}
    for row in rows:
        by_alias.setdefault(row.alias, []).append(row)
    return AliasTable(
        contributor_source=contributor_source,
        code_set=code_set,
        file=file,
        rows=rows,
        by_alias={alias: tuple(found) for alias, found in by_alias.items()},
    )


def read_aliases(
    text: str, file: str, registry: Registry
) -> tuple[AliasTable | None, list[Diagnostic]]:
    """Read one table.

    Args:
        text: the whole file.
        file: its name, which says contributor source and code set.
        registry: for the names of coding systems.

    Returns:
        The table of all good rows (None when the name says no code set), and all problems. A code
        with two targets stays in: its messages are held.
    """
    match = FILE.fullmatch(file)
    if match is None:
        return None, []
    found, problems = read_rows(text, file, columns=COLUMNS, required=REQUIRED)
    rows: list[AliasRow] = []
    seen: dict[tuple[str, str, str], AliasRow] = {}
    for cells in found.rows:
        target = parse_target(cells.get("target"))
        if target is None:
            place = found.place(cells, "target")
            problems.append(BAD_TARGET(place, target=cells.get("target")))
            continue
        row = AliasRow(
            alias=cells.get("alias"),
            system=cells.get("system"),
            canonical=registry.canonical(cells.get("system")),
            alias_meaning=cells.get("alias_meaning"),
            target=target,
            display=cells.get("display"),
            comment=cells.get("comment"),
            line=cells.line,
        )
        other = seen.setdefault(row.key, row)
        if other is not row:
            problems.append(_twice(row, other, found.place(cells, "alias")))
        rows.append(row)
    return make_table(match["source"], int(match["set"]), file, tuple(rows)), problems


def _twice(row: AliasRow, other: AliasRow, place: Place) -> Diagnostic:
    code = DUPLICATE_ALIAS if row.target == other.target else AMBIGUOUS_ALIAS
    return code(place, code=row.alias, other=other.line)


def write_aliases(rows: tuple[AliasRow, ...]) -> str:
    """The text of a table of these rows, in order of code, system and meaning."""
    ordered = sorted(rows, key=lambda row: (row.alias, row.system, row.alias_meaning, row.line))
    return write_rows(COLUMNS, [alias_cells(row) for row in ordered])


def alias_cells(row: AliasRow) -> tuple[str, ...]:
    """The cells of a row, by `COLUMNS`."""
    return (
        row.alias, row.system, row.alias_meaning, str(row.target), row.display, row.comment,
    )  # fmt: skip
