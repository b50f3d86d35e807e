"""Rim. Problems for a person: groups of failures with what led to them, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import (
    MessageDetail,
    MessageRow,
    OutageRow,
    ProblemRow,
)
from engine.runtime.desk.rights import Right, Viewer
from engine.runtime.snapshots import Snapshots
from engine.store.interface import Search

DAY_SECONDS = 86_400.0
HOURS_SHOWN = 24
SAMPLE = 3
REPLAY_MAX = 100_000
CHANGES_SECONDS = 6 * 3600.0
"""How long before a problem a change may have been, to be shown with it."""
NOTE_CHARACTERS_MAX = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A configuration that came into force."""

    revision: str
    at: float
    files: tuple[str, ...]
    """What differs from the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemView:
    """A problem as its page shows it."""

    row: ProblemRow
    channels: tuple[str, ...]
    hours: tuple[int, ...]
    """Failures in each of the last 24 hours, the oldest first."""
    sample: tuple[MessageRow, ...]
    remedy: str
    """What its diagnostic code says can be done; empty when it has none."""
    before: tuple[Change, ...]
    """Configurations that came into force shortly before it was first seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemList:
    """What the page of all problems shows."""

    open: tuple[ProblemRow, ...]
    snoozed: tuple[ProblemRow, ...]
    closed: tuple[ProblemRow, ...]
    outages: tuple[OutageRow, ...]


def problems(desk: Desk, viewer: Viewer) -> ProblemList:
    """All problems within the viewer's channels, and the outages of the last day.

    Raises NotAllowed without SEE_MESSAGES.
    """
    viewer.require(Right.SEE_MESSAGES)
    now = desk.clock()
    with desk.log() as log:
        rows = log.problems.all(viewer.channels)
        outages = [
            one for one in log.problems.outages(now - DAY_SECONDS) if viewer.sees(one.channel)
        ]
    snoozed = [row for row in rows if row.closed_at is None and (row.snoozed_until or 0) > now]
    return ProblemList(
        open=tuple(row for row in rows if row.closed_at is None and row not in snoozed),
        snoozed=tuple(snoozed),
        closed=tuple(row for row in rows if row.closed_at is not None),
        outages=tuple(outages),
    )


def problem(
    desk: Desk, viewer: Viewer, problem_id: int, snapshots: Snapshots | None
) -> ProblemView | None:
    """One problem, or None when there is none within the viewer's channels.

    Args:
        desk: the store.
        viewer: who asks. Raises NotAllowed without SEE_MESSAGES.
        problem_id: its number.
        snapshots: the configurations that were in force; None: not known here.
    """
    viewer.require(Right.SEE_MESSAGES)
    now = desk.clock()
    with desk.log() as log:
        row = log.problems.one(problem_id, viewer.channels)
        if row is None:
            return None
        channels = [one for one in log.problems.channels(problem_id) if viewer.sees(one)]
        times = log.problems.times(problem_id, now - HOURS_SHOWN * 3600, viewer.channels)
        ids = log.problems.messages(problem_id, SAMPLE, viewer.channels)
        sample = log.search(Search(message_ids=tuple(ids), limit=SAMPLE)) if ids else []
        remedy = _remedy(log.message(ids[0]) if ids else None, row)
    return ProblemView(
        row=row,
        channels=tuple(channels),
        hours=_by_hour(times, now),
        sample=tuple(sample),
        remedy=remedy,
        before=tuple(
            replace(one, files=tuple(file for file in one.files if viewer.sees_file(file)))
            for one in changes_before(snapshots, row.first_at)
        ),
    )


def _by_hour(times: Sequence[float], now: float) -> tuple[int, ...]:
    counts = [0] * HOURS_SHOWN
    for at in times:
        hour = int((now - at) // 3600)
        if 0 <= hour < HOURS_SHOWN:
            counts[HOURS_SHOWN - 1 - hour] += 1
    return tuple(counts)


def _remedy(detail: MessageDetail | None, row: ProblemRow) -> str:
    """What the diagnostic of one of its messages says can be done; empty when it says nothing."""
    code = dict(row.grouped_by).get("code", "")
    for run in reversed(detail.runs if detail is not None else ()):
        for one in run.diagnostics:
            if one.get("code") == code and one.get("hint"):
                return str(one["hint"])
    return ""


def changes_before(snapshots: Snapshots | None, moment: float) -> tuple[Change, ...]:
    """Configurations that came into force in the hours before then, the newest first."""
    if snapshots is None:
        return ()
    history = snapshots.history()
    found = []
    for (revision, at), (earlier, _) in pairwise(history):
        if moment - CHANGES_SECONDS <= at <= moment:
            files = snapshots.difference(earlier, revision)
            found.append(Change(revision=revision, at=at, files=tuple(files)))
    return tuple(found)


def note_problem(
    desk: Desk,
    viewer: Viewer,
    problem_id: int,
    *,
    owner: str,
    note: str,
    snoozed_until: float | None = None,
) -> bool:
    """Say who looks after it, what is known, until when it need not be shown.

    Returns False when there is none within the viewer's channels. Raises NotAllowed without REPLAY.
    """
    viewer.require(Right.REPLAY)
    with desk.log() as log:
        if log.problems.one(problem_id, viewer.channels) is None:
            return False
    record(desk, viewer, Act.SETTLE, subject=f"problem {problem_id}", reason="noted")
    with desk.log() as log:
        log.problems.note(
            problem_id,
            owner=owner.strip()[:100],
            note=note.strip()[:NOTE_CHARACTERS_MAX],
            snoozed_until=snoozed_until,
        )
    return True


def waiting_messages(desk: Desk, viewer: Viewer, problem_id: int) -> list[int]:
    """The messages of a problem that wait for a person, for a replay, of the viewer's channels.

    Raises NotAllowed without REPLAY.
    """
    viewer.require(Right.REPLAY)
    with desk.log() as log:
        return log.problems.messages(problem_id, REPLAY_MAX, viewer.channels)
