"""Rim. Adding a row to any table by its name, for `engine tables add` and for the console."""

from dataclasses import dataclass
from pathlib import Path

from engine.channel.environment import EnvironmentConfig
from engine.codevalues.project import CodeValueFiles
from engine.codevalues.snapshot import Snapshot
from engine.runtime.codetables.adding import Added, NewRow, add_alias
from engine.runtime.codetables.lines import Refused
from engine.runtime.codetables.map_tables import add_to_map_table
from engine.runtime.configuration import ProjectFiles

CELL_CHARACTERS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What is known of a project when a row is added."""

    home: Path
    files: ProjectFiles
    values: CodeValueFiles
    environment: EnvironmentConfig | None

    @property
    def snapshots(self) -> list[Snapshot]:
        """Those of the environment in force; without one, all there are."""
        every = self.values.snapshots
        if self.environment is None:
            return list(every.values())
        named = [one.snapshot for one in self.environment.tenants.values()]
        return [every[file] for file in named if file in every]


def is_alias_table(name: str) -> bool:
    """True for `LAB_A/72`: a contributor source and a code set."""
    source, _, number = name.rpartition("/")
    return bool(source) and number.isascii() and number.isdigit()


def add_to_table(
    tables: Tables,
    name: str,
    row: NewRow,
    *,
    overlay: str = "",
    unchecked: bool = False,
    write: bool = True,
) -> Added:
    """Add a row.

    Args:
        tables: the project.
        name: `LAB_A/72`, or a table of maps, such as AdministrativeSex or cda/Gender.
        row: the row.
        overlay: for a table of the library that ships: the overlay it goes into.
        unchecked: write it though the snapshot lacks the target.
        write: False only says what would be written.

    Raises:
        Refused: it may not be so; the text says why.
        OSError: the file cannot be written.
    """
    cells = (row.code, row.target, row.system, row.alias_meaning, row.display, row.comment)
    if not row.code or not row.target:
        raise Refused("a row has a code and a target")
    if not all(one.isprintable() for one in (*cells, row.target_system)):
        raise Refused("a cell of a table is one line of printable characters")
    if any(len(one) > CELL_CHARACTERS_MAX for one in (*cells, row.target_system)):
        raise Refused(f"a cell of a table has at most {CELL_CHARACTERS_MAX:,} characters")
    if not is_alias_table(name):
        return add_to_map_table(tables.home, tables.files, name, row, overlay=overlay, write=write)
    source, _, number = name.rpartition("/")
    return add_alias(
        tables.home,
        tables.values,
        (source, int(number)),
        row,
        snapshots=tables.snapshots,
        unchecked=unchecked,
        write=write,
    )
