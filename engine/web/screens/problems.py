"""Rim. Problems: failures in groups of one cause; note, dry run on all, replay."""

from starlette.responses import Response
from starlette.routing import Route

from engine.runtime.desk.problems import note_problem, problem, problems, waiting_messages
from engine.runtime.desk.replays import ReplayOptions, ReplayRefused, draft, set_options
from engine.runtime.desk.rights import Right
from engine.web.access import Visit, needs, refusal

SNOOZE_HOURS_MAX = 24 * 30


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/problems", show_all, methods=["GET"]),
        Route("/problems/{problem_id:int}", show, methods=["GET"]),
        Route("/problems/{problem_id:int}/note", note, methods=["POST"]),
        Route("/problems/{problem_id:int}/replay", replay, methods=["POST"]),
    ]


@needs(Right.SEE_MESSAGES)
def show_all(visit: Visit) -> Response:
    """The list."""
    return visit.page("problems/list.html", found=problems(visit.desk, visit.viewer))


@needs(Right.SEE_MESSAGES)
def show(visit: Visit) -> Response:
    """One problem."""
    problem_id = visit.request.path_params["problem_id"]
    found = problem(visit.desk, visit.viewer, problem_id, visit.console.snapshots)
    if found is None:
        return refusal(visit, 404, "There is no such problem.")
    return visit.page("problems/problem.html", found=found, row=found.row)


@needs(Right.REPLAY)
def note(visit: Visit) -> Response:
    """Take owner, note and pause."""
    problem_id = visit.request.path_params["problem_id"]
    hours = _hours(visit.value("snooze_hours"))
    if hours is None:
        return refusal(visit, 422, f"Write hours from 0 to {SNOOZE_HOURS_MAX}.")
    known = note_problem(
        visit.desk,
        visit.viewer,
        problem_id,
        owner=visit.value("owner"),
        note=visit.value("note"),
        snoozed_until=visit.desk.clock() + hours * 3600 if hours else None,
    )
    if not known:
        return refusal(visit, 404, "There is no such problem.")
    return visit.redirect(f"/problems/{problem_id}")


@needs(Right.REPLAY)
def replay(visit: Visit) -> Response:
    """Draft a replay of all that waits, and begin its dry run."""
    problem_id = visit.request.path_params["problem_id"]
    ids = waiting_messages(visit.desk, visit.viewer, problem_id)
    try:
        job_id = draft(visit.desk, visit.viewer, ids, source=f"problem {problem_id}")
        set_options(visit.desk, visit.viewer, job_id, ReplayOptions())
    except ReplayRefused as problem_found:
        return refusal(visit, 422, f"{problem_found}.")
    if visit.console.previews is not None:
        visit.console.previews.start(job_id)
    return visit.redirect(f"/replays/{job_id}")


def _hours(text: str) -> float | None:
    """Hours of the form, 0.0 when it is empty; None when they are none."""
    try:
        hours = float(text or 0)
    except ValueError:
        return None
    return hours if 0 <= hours <= SNOOZE_HOURS_MAX else None
