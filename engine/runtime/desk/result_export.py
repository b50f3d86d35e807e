"""Rim. The lines of a search as a spreadsheet's file: how messages stand, never what they say."""

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.finding import Wanted, find
from engine.runtime.desk.result_lines import ResultLine
from engine.runtime.desk.rights import Right, Viewer

ROWS_MAX = 10_000
PAGE_ROWS = 1_000
COLUMNS = (
    "number", "received_utc", "channel", "type", "control_id", "patient", "status", "origin",
    "attempts", "codes", "destinations", "why",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFile:
    """What was found, as CSV."""

    text: str = field(repr=False)
    rows: int
    is_all: bool
    """False: there are more than one file takes, or than one search looks into."""


def export_results(
    desk: Desk, viewer: Viewer, wanted: Wanted, kinds: Collection[str] | None = None
) -> ResultFile:
    """All that a search finds, newest first, at most `ROWS_MAX` lines.

    A patient is the short hash that the screen shows, or the MRN where values are shown.

    Args:
        desk: the store.
        viewer: who takes it away; recorded before anything is read.
        wanted: the search.
        kinds: the kinds of search keys that the channels declare.

    Raises:
        QueryError, NotAllowed, StoreUnavailable: as `find`; NotAllowed also without EXPORT.
    """
    viewer.require(Right.EXPORT)
    record(desk, viewer, Act.EXPORT, subject="search results")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    rows, before = 0, None
    while rows < ROWS_MAX:
        page = replace(wanted, before=before, rows=min(PAGE_ROWS, ROWS_MAX - rows))
        found = find(desk, viewer, page, kinds)
        writer.writerows(map(_cells, found.lines))
        rows += len(found.lines)
        before = found.next_before
        if before is None or not found.lines:
            break
    return ResultFile(text=text.getvalue(), rows=rows, is_all=before is None)


def _cells(line: ResultLine) -> list[str]:
    row = line.row
    cells = (
        str(row.message_id),
        datetime.fromtimestamp(row.received_at, UTC).isoformat(timespec="milliseconds"),
        row.channel,
        row.message_type,
        row.control_id,
        line.patient,
        line.status,
        row.origin.value,
        str(row.attempts),
        " ".join(row.codes),
        " ".join(f"{name}={state.value}" for name, state in row.deliveries),
        line.why,
    )
    return [harmless(cell) for cell in cells]


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
