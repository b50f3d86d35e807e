"""Rim. Replay jobs for a person: drafted, previewed, started, watched; each step recorded.

A job begins as a draft: messages are chosen, nothing runs. Its preview is made by a process of its
own. Starting it is another act, with the options and the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from engine.pipeline.states import Origin
from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import MessageLog, ReplayJob
from engine.runtime.desk.rights import Right, Viewer
from engine.runtime.desk.second_person import APPROVAL, approval_word, needs_approval
from engine.runtime.snapshots import Snapshots
from engine.store.interface import Search

BULK_FROM = 20
"""More messages than this need the right for many at once."""
MESSAGES_MAX = 100_000
"""Of one job made in the console; the preview of more takes too long to wait for."""
RATE_MAX = 500.0
PAGE = 500
RUNNING = ("waiting", "running", "paused", "stopped")


class ReplayRefused(ValueError):  # noqa: N818  said to the user in these words
    """The job cannot be so; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """How a job runs."""

    resend: bool = False
    """Send the stored output again instead of processing the message."""
    destinations: tuple[str, ...] = ()
    """Only these; empty: all."""
    configuration: str = "now"
    """now, then (as it was when each message came), or a revision."""
    rate_per_second: float = 5.0
    stop_after_failures: int = 10
    overwrite_newer: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayView:
    """A job as its page shows it."""

    job: ReplayJob
    preview: dict[str, Any] = field(default_factory=dict)
    """What `replay_preview.Preview.as_dict` says, with done, total and ended; empty: none."""

    @property
    def previewed(self) -> bool:
        """True when there is a whole preview of the job's options."""
        return bool(self.preview.get("ended")) and all(
            self.preview.get(name) == value for name, value in _options_of(self.job).items()
        )

    @property
    def done(self) -> int:
        """Messages that have come to their end."""
        return self.job.succeeded + self.job.failed + self.job.left_out

    @property
    def seconds_left(self) -> float | None:
        """At the job's rate; None when it has no rate or does not run."""
        if self.job.rate_per_second <= 0 or self.job.state not in ("waiting", "running"):
            return None
        return (self.job.total - self.done) / self.job.rate_per_second


def draft(desk: Desk, viewer: Viewer, message_ids: Sequence[int], *, source: str) -> int:
    """A job of these messages, those outside the viewer's channels left out; its number.

    Args:
        desk: the store.
        viewer: who asks. Raises NotAllowed without REPLAY, or BULK for many.
        message_ids: which, in any order; they run oldest first.
        source: where they were chosen, for the record: `problem 118`, `search`.

    Raises:
        ReplayRefused: none is left, or they are too many.
    """
    viewer.require(Right.REPLAY)
    wanted = sorted(set(message_ids))
    if len(wanted) > MESSAGES_MAX:
        raise ReplayRefused(f"one job takes at most {MESSAGES_MAX:,} messages; choose fewer")
    kept = within_scope(desk, viewer, wanted)
    if not kept:
        raise ReplayRefused("there is no message to replay")
    if len(kept) > BULK_FROM:
        viewer.require(Right.BULK)
    with desk.log() as log:
        job_id = log.draft_replay(kept, by=viewer.name, now=desk.clock())
    details = {"messages": str(len(kept)), "from": source}
    record(desk, viewer, Act.REPLAY, subject=f"job {job_id} drafted", details=details)
    return job_id


def within_scope(desk: Desk, viewer: Viewer, message_ids: Sequence[int]) -> list[int]:
    """Those of these messages whose channels the viewer sees."""
    if viewer.channels is None:
        return list(message_ids)
    kept: list[int] = []
    with desk.log() as log:
        for start in range(0, len(message_ids), PAGE):
            part = tuple(message_ids[start : start + PAGE])
            rows = log.search(Search(message_ids=part, limit=PAGE))
            kept += [row.message_id for row in rows if viewer.sees(row.channel)]
    return sorted(kept)


def replay(desk: Desk, viewer: Viewer, job_id: int) -> ReplayView | None:
    """A job, or None when there is none all of whose messages are within the viewer's channels.

    Raises NotAllowed without SEE_MESSAGES.
    """
    viewer.require(Right.SEE_MESSAGES)
    with desk.log() as log:
        job = log.job(job_id)
        if job is None or not all(map(viewer.sees, job.channels)):
            return None
        return _view(log, viewer, job)


def replays(desk: Desk, viewer: Viewer, limit: int = 100) -> list[ReplayView]:
    """The newest jobs all of whose messages are within the viewer's channels.

    Raises NotAllowed without SEE_MESSAGES.
    """
    viewer.require(Right.SEE_MESSAGES)
    with desk.log() as log:
        return [_view(log, viewer, job) for job in log.recent_jobs(limit, viewer.channels)]


def _view(log: MessageLog, viewer: Viewer, job: ReplayJob) -> ReplayView:
    """The job; of messages that are left out, the newer one only where the viewer sees it."""
    preview = _preview_of(job)
    held = preview.get("held", [])
    if held and viewer.channels is not None:
        ids = tuple({newer for _, newer, *_ in held})
        rows = log.search(Search(message_ids=ids, limit=len(ids)))
        seen = {row.message_id for row in rows if viewer.sees(row.channel)}
        preview["held"] = [
            [message_id, newer if newer in seen else None, *rest]
            for message_id, newer, *rest in held
        ]
    return ReplayView(job=job, preview=preview)


def set_options(desk: Desk, viewer: Viewer, job_id: int, options: ReplayOptions) -> None:
    """Give a draft these options, for its preview. Raises NotAllowed, ReplayRefused."""
    viewer.require(Right.REPLAY)
    if replay(desk, viewer, job_id) is None:
        raise ReplayRefused(f"there is no replay {job_id}")
    _change(desk, viewer, job_id, options, "draft")


def start(
    desk: Desk,
    viewer: Viewer,
    job_id: int,
    options: ReplayOptions,
    snapshots: Snapshots | None = None,
    *,
    approval_from: int,
) -> bool:
    """Let a draft run, or wait for another person when it is large; True when it waits.

    Args:
        desk: the store.
        viewer: who starts it.
        job_id: the draft.
        options: those it was previewed with.
        snapshots: the configurations; a job runs only under one that was in force. None: not asked.
        approval_from: so many messages need another person's approval; 0: none do.

    Raises:
        NotAllowed: without REPLAY, or BULK for many messages.
        ReplayRefused: it is no draft, there is no reason, or its preview was made with other
            options.
    """
    viewer.require(Right.REPLAY)
    found = replay(desk, viewer, job_id)
    if found is None:
        raise ReplayRefused(f"there is no replay {job_id}")
    if found.job.total > BULK_FROM:
        viewer.require(Right.BULK)
    named = options.configuration
    if named not in ("now", "then") and snapshots is not None and not snapshots.holds(named):
        raise ReplayRefused(f"the configuration {named} was never in force: reload it first")
    if not options.reason.strip():
        raise ReplayRefused("say why: the next shift will ask")
    if not replace(found, job=_with(found.job, options)).previewed:
        raise ReplayRefused("preview it with these options first")
    with desk.log() as log:
        total, now = found.job.total, desk.clock()
        waits = needs_approval(log, viewer.name, total, approval_from, now)
    record(
        desk,
        viewer,
        Act.REPLAY,
        subject=f"job {job_id} started",
        reason=options.reason,
        details={
            "messages": str(total),
            "second person": approval_word(approval_from, waits=waits),
            "destinations": ", ".join(options.destinations) or "all",
            "overwrite_newer": str(options.overwrite_newer).lower(),
        },
    )
    _change(desk, viewer, job_id, options, APPROVAL if waits else "waiting")
    return waits


def steer(desk: Desk, viewer: Viewer, job_id: int, state: str) -> None:
    """Pause (paused), go on (running) or stop (stopped) a job. Raises NotAllowed, ReplayRefused."""
    viewer.require(Right.REPLAY)
    if state not in ("paused", "running", "stopped"):
        raise ReplayRefused("a job can be paused, go on or be stopped")
    found = replay(desk, viewer, job_id)
    if found is None or found.job.state not in RUNNING:
        raise ReplayRefused("this job does not run")
    record(desk, viewer, Act.REPLAY, subject=f"job {job_id} {state}")
    with desk.log() as log:
        log.set_job_state(job_id, state)


def _change(desk: Desk, viewer: Viewer, job_id: int, options: ReplayOptions, state: str) -> None:
    if not 0 < options.rate_per_second <= RATE_MAX:
        raise ReplayRefused(f"the rate is more than 0 and at most {RATE_MAX:g} messages a second")
    if not 0 <= options.stop_after_failures <= MESSAGES_MAX:
        raise ReplayRefused(f"it stops after 0 (never) to {MESSAGES_MAX:,} failures")
    with desk.log() as log:
        job = log.job(job_id)
        if job is None:
            raise ReplayRefused(f"there is no replay {job_id}")
        changed = replace(_with(job, options), created_by=viewer.name, state=state)
        if not log.change_draft(changed):
            raise ReplayRefused("this replay has been started already")


def _with(job: ReplayJob, options: ReplayOptions) -> ReplayJob:
    return replace(
        job,
        origin=Origin.RESEND if options.resend else Origin.REPLAY,
        destinations=options.destinations,
        revision="" if options.configuration == "now" else options.configuration,
        rate_per_second=options.rate_per_second,
        stop_after_failures=options.stop_after_failures,
        overwrite_newer=options.overwrite_newer,
        reason=options.reason.strip()[:500],
    )


def _options_of(job: ReplayJob) -> dict[str, Any]:
    return {
        "origin": job.origin.value,
        "destinations": list(job.destinations),
        "revision": job.revision,
        "overwrite_newer": job.overwrite_newer,
    }


def _preview_of(job: ReplayJob) -> dict[str, Any]:
    if not job.preview:
        return {}
    found: dict[str, Any] = orjson.loads(job.preview)
    return found
