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


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What was taken now, with what stays of the last snapshot."""

    values: tuple[CodeValue, ...]
    code_sets: tuple[int, ...]
    staying: tuple[int, ...] = ()
    """Code sets that were not asked for: their values are those of the last snapshot."""
    lost: tuple[int, ...] = ()
    """Code sets that had values, and of which nothing was found now."""
    not_found: tuple[int, ...] = ()
    """Code sets of which nothing was found, now or before."""
    taken_at: str = ""
    """Of the last snapshot where something of it stays; empty: now."""


def take(
    before: Snapshot | None, values: Sequence[CodeValue], asked: Sequence[int], *, only: bool
) -> Taking:
    """A snapshot of what was found, which keeps what was not asked for.

    Args:
        before: the last snapshot of the same tenant.
        values: what was found.
        asked: the code sets that were asked for.
        only: nothing of the last snapshot stays.
    """
    found = {one.code_set for one in values}
    old = () if before is None or only else before.values
    staying = [one for one in old if one.code_set not in asked]
    stays = tuple(sorted({one.code_set for one in staying}))
    had = {one.code_set for one in old}
    return Taking(
        values=(*values, *staying),
        code_sets=tuple(sorted({*asked, *stays})),
        staying=stays,
        lost=tuple(one for one in asked if one in had and one not in found),
        not_found=tuple(one for one in asked if one not in had and one not in found),
        taken_at=before.taken_at if before is not None and staying else "",
    )


def save_snapshot(
    home: Path, file: str, taking: Taking, *, tenant: str, source: str, now: float
) -> str:
    """Write a snapshot; its text. Raises OSError."""
    today = datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = write_snapshot(
        taking.values,
        tenant=tenant,
        taken_at=taking.taken_at or today,
        source=source,
        code_sets=taking.code_sets,
    )
    write_text(home / file, text)
    return text


__all__ = [
    "COLUMNS",
    "SnapshotDiff",
    "Taking",
    "code_sets_in_use",
    "compare",
    "read_export",
    "save_snapshot",
    "take",
    "used_values",
]
