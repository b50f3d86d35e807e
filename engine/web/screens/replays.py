"""Rim. Replays: choose, preview, start, watch; pause, go on, stop."""

import re
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from engine.runtime.desk.approvals import approve, approvers, decline
from engine.runtime.desk.replays import (
    ReplayOptions,
    ReplayRefused,
    ReplayView,
    draft,
    replay,
    replays,
    set_options,
    start,
    steer,
)
from engine.runtime.desk.rights import Right
from engine.runtime.desk.second_person import APPROVAL, may_approve
from engine.web.access import Visit, needs, refusal

NUMBER = re.compile(r"[0-9]{1,18}")
"""Of a message, that any store takes."""


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/replays", show_all, methods=["GET"]),
        Route("/replays", make, methods=["POST"]),
        Route("/replays/{job_id:int}", show, methods=["GET"]),
        Route("/replays/{job_id:int}/state", state, methods=["GET"]),
        Route("/replays/{job_id:int}/preview", preview, methods=["POST"]),
        Route("/replays/{job_id:int}/start", begin, methods=["POST"]),
        Route("/replays/{job_id:int}/decide", decide, methods=["POST"]),
        Route("/replays/{job_id:int}/steer", change, methods=["POST"]),
    ]


@needs(Right.SEE_MESSAGES)
def show_all(visit: Visit) -> Response:
    """The newest jobs."""
    return visit.page(
        "replays/list.html",
        found=replays(visit.desk, visit.viewer),
        approval_from=visit.console.settings.approval_from,
    )


@needs(Right.REPLAY)
def make(visit: Visit) -> Response:
    """Draft a job of the messages of the form (`message_id`, repeated)."""
    texts = visit.values("message_id")
    if not all(NUMBER.fullmatch(text) for text in texts):
        return refusal(visit, 422, "Messages are numbers.")
    ids = [int(text) for text in texts]
    try:
        job_id = draft(visit.desk, visit.viewer, ids, source="search")
        set_options(visit.desk, visit.viewer, job_id, ReplayOptions())
    except ReplayRefused as problem:
        return refusal(visit, 422, f"{problem}.")
    _begin_preview(visit, job_id)
    return visit.redirect(f"/replays/{job_id}")


@needs(Right.SEE_MESSAGES)
def show(visit: Visit) -> Response:
    """One job: its options and preview, or how far it is."""
    found = _found(visit)
    if found is None:
        return refusal(visit, 404, "There is no such replay.")
    return visit.page("replays/replay.html", **_shown(visit, found))


@needs(Right.SEE_MESSAGES, touch=False)
def state(visit: Visit) -> Response:
    """What changes, for the refresh."""
    found = _found(visit)
    if found is None:
        return refusal(visit, 404, "There is no such replay.")
    return visit.page("replays/state.html", **_shown(visit, found))


@needs(Right.REPLAY)
def preview(visit: Visit) -> Response:
    """Take the options and begin the preview."""
    job_id = visit.request.path_params["job_id"]
    try:
        set_options(visit.desk, visit.viewer, job_id, _options(visit))
    except ReplayRefused as problem:
        return refusal(visit, 422, f"{problem}.")
    if not _begin_preview(visit, job_id):
        return refusal(visit, 503, "Other previews are under way: try again in a moment.")
    return visit.redirect(f"/replays/{job_id}")


@needs(Right.REPLAY)
def begin(visit: Visit) -> Response:
    """Start it with the options it was previewed with."""
    job_id = visit.request.path_params["job_id"]
    try:
        start(
            visit.desk,
            visit.viewer,
            job_id,
            _options(visit),
            visit.console.snapshots,
            approval_from=visit.console.settings.approval_from,
        )
    except ReplayRefused as problem:
        return refusal(visit, 422, f"{problem}.")
    return visit.redirect(f"/replays/{job_id}")


@needs(Right.REPLAY)
def decide(visit: Visit) -> Response:
    """Agree to a job that another person started, or decline it."""
    act = {"approve": approve, "decline": decline}.get(visit.value("decision"))
    if act is None:
        return refusal(visit, 422, "A replay is approved or declined.")
    job_id = visit.request.path_params["job_id"]
    try:
        act(visit.desk, visit.viewer, job_id)
    except ReplayRefused as problem:
        return refusal(visit, 422, f"{problem}.")
    return visit.redirect(f"/replays/{job_id}")


@needs(Right.REPLAY)
def change(visit: Visit) -> Response:
    """Pause, go on or stop."""
    job_id = visit.request.path_params["job_id"]
    try:
        steer(visit.desk, visit.viewer, job_id, visit.value("state"))
    except ReplayRefused as problem:
        return refusal(visit, 422, f"{problem}.")
    return visit.redirect(f"/replays/{job_id}")


def _found(visit: Visit) -> ReplayView | None:
    return replay(visit.desk, visit.viewer, visit.request.path_params["job_id"])


def _shown(visit: Visit, found: ReplayView) -> dict[str, Any]:
    loaded = visit.console.loaded()
    channels = loaded.configuration.channels if loaded is not None else ()
    names = {
        one.name
        for channel in channels
        if channel.name in found.job.channels and visit.viewer.sees(channel.name)
        for one in channel.destinations
    }
    previews = visit.console.previews
    return {
        "found": found,
        "job": found.job,
        "approval_from": visit.console.settings.approval_from,
        "may_approve": may_approve(visit.viewer, found.job),
        "approvers": approvers(visit.desk, found.job) if found.job.state == APPROVAL else 0,
        "previewing": previews is not None and previews.runs(found.job.job_id),
        "destinations": sorted(names),
    }


def _begin_preview(visit: Visit, job_id: int) -> bool:
    previews = visit.console.previews
    return previews is not None and previews.start(job_id)


def _options(visit: Visit) -> ReplayOptions:
    """The options of the form. Raises ReplayRefused for a number that is none."""
    try:
        rate = float(visit.value("rate", "5"))
        failures = int(visit.value("stop_after_failures", "10"))
    except ValueError:
        raise ReplayRefused("rate and failures are numbers") from None
    revision = visit.value("revision").strip()
    configuration = visit.value("configuration", "now")
    if configuration == "revision" and not revision:
        raise ReplayRefused("which revision? write it, as the message shows it")
    return ReplayOptions(
        resend=visit.value("what") == "resend",
        destinations=tuple(one for one in visit.values("destination") if one),
        configuration=revision if configuration == "revision" else configuration,
        rate_per_second=rate,
        stop_after_failures=failures,
        overwrite_newer=visit.value("overwrite_newer") == "on",
        reason=visit.value("reason"),
    )
