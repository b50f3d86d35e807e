"""Rim. Which worker a run belongs to, by the buckets its lanes lie in."""

from collections.abc import Sequence

from engine.store.encoding import bucket_of
from engine.store.interface import LANE_BUCKETS, LaneLease, Run


def owns(run: Run, lease: LaneLease) -> bool:
    """True when the run's first lane is the lease's: its owner works on it."""
    return lane_bucket(run.channel, run.lanes, run.message_id) in lease.buckets


def touches(run: Run, lease: LaneLease) -> bool:
    """True when any lane of the run is the lease's."""
    if owns(run, lease):
        return True
    return any(bucket_of(run.channel, lane) in lease.buckets for lane in run.lanes[1:])


def shared(run: Run, lease: LaneLease) -> bool:
    """True when a lane of the run is another owner's."""
    return len(run.lanes) > 1 and any(
        bucket_of(run.channel, lane) not in lease.buckets for lane in run.lanes
    )


def lane_bucket(channel: str, lanes: Sequence[str], message_id: int) -> int:
    """The bucket of the first lane, or of the message when it has no lane."""
    if not lanes:
        return message_id % LANE_BUCKETS
    return bucket_of(channel, lanes[0])
