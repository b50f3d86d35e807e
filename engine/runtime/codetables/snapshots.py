"""Rim. Taking a snapshot: code values compared with those of the last one, and written.

They come from the EHR API (`ehr_api`), or from a site's own export in CSV.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from engine.codevalues.project import CodeValueFiles
from engine.codevalues.snapshot import (
    COLUMNS,
    CodeValue,
    Snapshot,
    read_code_values,
    write_snapshot,
)
from engine.diagnostics import Diagnostic
from engine.runtime.codetables.writing import write_text

EXPORT_COLUMNS: Mapping[str, str] = {
    "code_set": "code_set",
    "codeset": "code_set",
    "code_value": "code_value",
    "codevalue": "code_value",
    "id": "code_value",
    "display": "display",
    "description": "description",
    "cdf_meaning": "cdf_meaning",
    "cdfmeaning": "cdf_meaning",
    "cki": "cki",
    "concept_cki": "concept_cki",
    "conceptcki": "concept_cki",
    "active": "active",
    "active_ind": "active",
    "isactive": "active",
}
"""Columns of Millennium's code_value table and of the EHR API to those of a snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotDiff:
    """What changed since the last snapshot, in the code sets that are new."""

    added: tuple[CodeValue, ...] = ()
    removed: tuple[CodeValue, ...] = ()
    changed: tuple[tuple[CodeValue, CodeValue], ...] = ()
    """Before and now; (de)activation too."""
    kept: int = 0
    used: frozenset[str] = field(default=frozenset())
    """Code values, of those removed or changed, that an alias names."""

    @property
    def empty(self) -> bool:
        """True when nothing changed."""
        return not (self.added or self.removed or self.changed)


def read_export(
    text: str, file: str, code_sets: Iterable[int] = ()
) -> tuple[list[CodeValue], list[Diagnostic]]:
    """The code values of a site's export, under the column names of Millennium or of a snapshot.

    Args:
        text: the whole file; columns that a snapshot has no use for are passed over.
        file: its name, for places.
        code_sets: only these, where any are named.
    """
    values, problems = read_code_values(_as_snapshot(text), file)
    wanted = set(code_sets)
    return [one for one in values if not wanted or one.code_set in wanted], problems


def _as_snapshot(text: str) -> str:
    """The same table with the columns of a snapshot; lines stay where they are."""
    import csv
    import io

    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    places: list[int] = []
    for cells in reader:
        if not any(cells) or cells[0].startswith("#"):
            out.write("\n")
        elif not places:
            names = [EXPORT_COLUMNS.get(cell.strip().lower(), "") for cell in cells]
            places = [index for index, name in enumerate(names) if name]
            writer.writerow([names[index] for index in places])
        else:
            writer.writerow([cells[index] if index < len(cells) else "" for index in places])
    return out.getvalue()


def compare(
    before: Snapshot | None, values: Sequence[CodeValue], used: frozenset[str] = frozenset()
) -> SnapshotDiff:
    """What is new, gone and different.

    Args:
        before: the last snapshot; None when this is the first.
        values: what was found now.
        used: code values that aliases name.
    """
    old = {one.value: one for one in before.values} if before is not None else {}
    new = {one.value: one for one in values}
    changed = tuple(
        (old[value], one) for value, one in new.items() if value in old and old[value] != one
    )
    removed = tuple(one for value, one in old.items() if value not in new)
    touched = {one.value for one in removed} | {one.value for _, one in changed}
    return SnapshotDiff(
        added=tuple(one for value, one in new.items() if value not in old),
        removed=removed,
        changed=changed,
        kept=len(new) - len(changed) - sum(value not in old for value in new),
        used=frozenset(touched & used),
    )


def used_values(values: CodeValueFiles, snapshot: Snapshot | None) -> frozenset[str]:
    """The code values of a snapshot that the site's aliases name."""
    if snapshot is None:
        return frozenset()
    return frozenset(
        one.value
        for table in values.aliases.values()
        for row in table.rows
        for one in snapshot.named(row.target, table.code_set)
    )


def code_sets_in_use(values: CodeValueFiles, snapshot: Snapshot | None) -> tuple[int, ...]:
    """What a snapshot has to hold: the code sets of all aliases, and those it held so far."""
    found = {code_set for _, code_set in values.aliases}
    return tuple(sorted(found | set(snapshot.code_sets if snapshot is not None else ())))


def save_snapshot(
    home: Path,
    file: str,
    values: Iterable[CodeValue],
    *,
    tenant: str,
    source: str,
    code_sets: Iterable[int],
    now: float,
) -> str:
    """Write a snapshot; its text. Raises OSError."""
    taken_at = datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = write_snapshot(
        values, tenant=tenant, taken_at=taken_at, source=source, code_sets=code_sets
    )
    write_text(home / file, text)
    return text


__all__ = [
    "COLUMNS",
    "SnapshotDiff",
    "code_sets_in_use",
    "compare",
    "read_export",
    "save_snapshot",
    "used_values",
]
