"""Rim. Which replays another person has to agree to, and who may.

A replay of as many messages as `second_approval_from` of `console.yaml` says, or one that brings
what its starter has replayed within an hour to as many, waits (state `approval`) until another
person with the same rights agrees.
"""

from engine.runtime.desk.message_log import MessageLog, ReplayJob
from engine.runtime.desk.rights import Right, Viewer

APPROVAL = "approval"
DECLINED = "declined"
TOGETHER_SECONDS = 3600.0
"""Jobs of one person within this time count together: many small ones are a large one."""
JOBS_LOOKED_AT = 500
NEEDED = (Right.REPLAY, Right.BULK)


def needs_approval(log: MessageLog, name: str, total: int, approval_from: int, now: float) -> bool:
    """True when another person has to agree.

    Args:
        log: where earlier jobs are.
        name: who starts it.
        total: its messages.
        approval_from: so many need it; 0: none ever does.
        now: Unix seconds.
    """
    if approval_from <= 0:
        return False
    earlier = sum(
        job.total
        for job in log.recent_jobs(JOBS_LOOKED_AT)
        if job.created_by == name
        and job.created_at > now - TOGETHER_SECONDS
        and job.state not in ("draft", APPROVAL, DECLINED)
        and not job.approved_by
    )
    return total + earlier >= approval_from


def may_approve(viewer: Viewer, job: ReplayJob) -> bool:
    """True when the viewer is another person than who started it, and may replay many."""
    return job.created_by != viewer.name and all(map(viewer.may, NEEDED))


def approval_word(approval_from: int, *, waits: bool) -> str:
    """What the trail says of it at the start of a job."""
    if approval_from <= 0:
        return "switched off"
    return "has to agree" if waits else f"not needed below {approval_from}"
