"""Rim. What the screens show as JSON, for programs: the same desk functions, rights and masks."""

from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from engine.runtime.codetables.unread import UnreadField
from engine.runtime.desk.alerts import Alerts, alerts
from engine.runtime.desk.board import BoardRow, BoardTotals, ProcessState
from engine.runtime.desk.code_list import CodeLine, work_list
from engine.runtime.desk.problems import ProblemList, ProblemView, problem, problems
from engine.runtime.desk.replays import ReplayView, replay, replays
from engine.runtime.desk.rights import Right
from engine.web.access import Visit, needs, refusal, signed_in
from engine.web.declared import declares
from engine.web.openapi import description
from engine.web.screens.board import configured


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardAnswer:
    """The channels at a glance."""

    at: float
    """Unix seconds, as the others."""
    channels: tuple[BoardRow, ...]
    totals: BoardTotals
    processes: tuple[ProcessState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayAnswer:
    """A replay job."""

    job_id: int
    created_at: float
    created_by: str
    reason: str
    origin: str
    destinations: tuple[str, ...]
    revision: str
    rate_per_second: float
    stop_after_failures: int
    overwrite_newer: bool
    state: str
    approved_by: str
    """The other person who agreed; empty: nobody was asked."""
    total: int
    succeeded: int
    failed: int
    left_out: int
    previewed: bool
    """There is a whole preview with these options."""
    preview: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaysAnswer:
    """The newest jobs."""

    replays: tuple[ReplayAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAnswer:
    """A code that no table knows."""

    line_id: str
    code: str
    """`***` where who asks may not see it."""
    system: str
    display: str
    hidden: bool
    table: str
    where: str
    sender: str
    channel: str
    outcome: str
    messages: int
    waiting: int
    first_seen: float
    last_seen: float
    last_message_id: int
    suggestion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesAnswer:
    """The last look."""

    running: bool
    """Another look is under way."""
    at: float | None
    """None: nothing was looked for yet."""
    looked_at: int | None
    """Messages of all channels; None: who is kept to some is not told."""
    truncated: bool
    codes: tuple[CodeAnswer, ...]
    fields: tuple[UnreadField, ...]


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/api/openapi.json", show_description, methods=["GET"]),
        Route("/api/board", show_board, methods=["GET"]),
        Route("/api/alerts", show_alerts, methods=["GET"]),
        Route("/api/problems", show_problems, methods=["GET"]),
        Route("/api/problems/{problem_id:int}", show_problem, methods=["GET"]),
        Route("/api/replays", show_replays, methods=["GET"]),
        Route("/api/replays/{job_id:int}", show_replay, methods=["GET"]),
        Route("/api/codes", show_codes, methods=["GET"]),
    ]


@signed_in
@declares(dict[str, Any])
def show_description(visit: Visit) -> Response:
    """This description."""
    found = description(visit.request.app.routes, visit.console.settings.environment)
    return as_json(found)


@needs(Right.SEE_MESSAGES)
@declares(BoardAnswer)
def show_board(visit: Visit) -> Response:
    """The channels at a glance."""
    rows, totals = visit.console.board.rows(visit.viewer, configured(visit))
    return as_json(
        BoardAnswer(
            at=visit.desk.clock(),
            channels=tuple(rows),
            totals=totals,
            processes=tuple(visit.console.board.processes(visit.viewer)),
        )
    )


@needs(Right.SEE_MESSAGES)
@declares(Alerts)
def show_alerts(visit: Visit) -> Response:
    """Alerts that last or ended in the last day, and the rhythm of the channels."""
    return as_json(alerts(visit.desk, visit.viewer, tuple(configured(visit))))


@needs(Right.SEE_MESSAGES)
@declares(ProblemList)
def show_problems(visit: Visit) -> Response:
    """Failures in groups of one cause, and outages."""
    return as_json(problems(visit.desk, visit.viewer))


@needs(Right.SEE_MESSAGES)
@declares(ProblemView)
def show_problem(visit: Visit) -> Response:
    """One problem."""
    problem_id = visit.request.path_params["problem_id"]
    found = problem(visit.desk, visit.viewer, problem_id, visit.console.snapshots)
    return refusal(visit, 404, "There is no such problem.") if found is None else as_json(found)


@needs(Right.SEE_MESSAGES)
@declares(ReplaysAnswer)
def show_replays(visit: Visit) -> Response:
    """The newest replay jobs."""
    found = replays(visit.desk, visit.viewer)
    return as_json(ReplaysAnswer(replays=tuple(_replay(one) for one in found)))


@needs(Right.SEE_MESSAGES)
@declares(ReplayAnswer)
def show_replay(visit: Visit) -> Response:
    """One replay job."""
    found = replay(visit.desk, visit.viewer, visit.request.path_params["job_id"])
    if found is None:
        return refusal(visit, 404, "There is no such replay.")
    return as_json(_replay(found))


@needs(Right.SEE_MESSAGES)
@declares(CodesAnswer)
def show_codes(visit: Visit) -> Response:
    """Codes that no table knows and fields that no rule reads, as the last look found them."""
    looks = visit.console.looks
    look = looks.state.look if looks is not None else None
    running = looks is not None and looks.state.running
    if look is None:
        empty = CodesAnswer(
            running=running, at=None, looked_at=0, truncated=False, codes=(), fields=()
        )
        return as_json(empty)
    found = work_list(visit.desk, visit.viewer, look, visit.console.settings.masking)
    return as_json(
        CodesAnswer(
            running=running,
            at=look.at,
            looked_at=found.looked_at,
            truncated=look.truncated,
            codes=tuple(_code(one) for one in found.codes),
            fields=found.fields,
        )
    )


def _replay(view: ReplayView) -> ReplayAnswer:
    job = view.job
    return ReplayAnswer(
        job_id=job.job_id,
        created_at=job.created_at,
        created_by=job.created_by,
        reason=job.reason,
        origin=job.origin.value,
        destinations=job.destinations,
        revision=job.revision,
        rate_per_second=job.rate_per_second,
        stop_after_failures=job.stop_after_failures,
        overwrite_newer=job.overwrite_newer,
        state=job.state,
        approved_by=job.approved_by,
        total=job.total,
        succeeded=job.succeeded,
        failed=job.failed,
        left_out=job.left_out,
        previewed=view.previewed,
        preview=view.preview,
    )


def _code(line: CodeLine) -> CodeAnswer:
    entry = line.entry
    return CodeAnswer(
        line_id=line.line_id,
        code=line.code,
        system="" if line.hidden else entry.key.system,
        display=line.display,
        hidden=line.hidden,
        table=entry.key.table,
        where=entry.key.where,
        sender=entry.key.sender,
        channel=entry.key.channel,
        outcome=entry.outcome,
        messages=entry.count,
        waiting=len(entry.waiting_ids),
        first_seen=entry.first_seen,
        last_seen=entry.last_seen,
        last_message_id=entry.last_message_id,
        suggestion=entry.suggestion,
    )


def as_json(value: Any) -> Response:
    """A value as an answer."""
    return Response(msgspec.json.encode(value), media_type="application/json")
