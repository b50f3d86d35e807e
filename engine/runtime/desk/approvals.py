"""Rim. Agreeing to a large replay: who starts one and who lets it run are two persons.

Which ones, `second_person` says. Nobody agrees to the own one; who started it may withdraw it.
"""

from engine.runtime.desk.accounts import viewer_of
from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import ReplayJob
from engine.runtime.desk.replays import ReplayRefused, replay
from engine.runtime.desk.rights import Right, Viewer
from engine.runtime.desk.second_person import APPROVAL, DECLINED, NEEDED, may_approve


def approvers(desk: Desk, job: ReplayJob) -> int:
    """How many users could agree to it."""
    with desk.store() as store:
        users = [viewer_of(user, "") for user in store.users()]
    return sum(may_approve(one, job) and all(map(one.sees, job.channels)) for one in users)


def approve(desk: Desk, viewer: Viewer, job_id: int) -> None:
    """Let a job run that waits for another person; recorded.

    Raises:
        NotAllowed: without REPLAY and BULK.
        ReplayRefused: it does not wait for that, or the viewer started it.
    """
    viewer.require(*NEEDED)
    job = _waiting(desk, viewer, job_id)
    if not may_approve(viewer, job):
        raise ReplayRefused("you started it: another person has to agree")
    record(
        desk, viewer, Act.REPLAY, subject=f"job {job_id} approved", reason=job.reason,
        details={"messages": str(job.total), "started by": job.created_by},
    )  # fmt: skip
    with desk.log() as log:
        if not log.decide_job(job_id, "waiting", approved_by=viewer.name):
            raise ReplayRefused("somebody else has decided meanwhile")


def decline(desk: Desk, viewer: Viewer, job_id: int) -> None:
    """Refuse a job that waits for another person, or withdraw the own one, for good; recorded.

    Raises NotAllowed, ReplayRefused as `approve`.
    """
    viewer.require(Right.REPLAY)
    job = _waiting(desk, viewer, job_id)
    if job.created_by != viewer.name:
        viewer.require(*NEEDED)
    record(desk, viewer, Act.REPLAY, subject=f"job {job_id} declined")
    with desk.log() as log:
        if not log.decide_job(job_id, DECLINED):
            raise ReplayRefused("somebody else has decided meanwhile")


def _waiting(desk: Desk, viewer: Viewer, job_id: int) -> ReplayJob:
    found = replay(desk, viewer, job_id)
    if found is None:
        raise ReplayRefused(f"there is no replay {job_id}")
    if found.job.state != APPROVAL:
        raise ReplayRefused("this replay does not wait for another person")
    return found.job
