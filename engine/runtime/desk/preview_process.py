"""Rim. The preview of one replay job, in processes of its own: it would hold up the console.

Started as `python -m engine.runtime.desk.preview_process --data FOLDER --job N`, the store's URL
in ENGINE_STORE because it may hold a password. It keeps what it finds with the job, now and then
and at the end, and ends early when its parent is gone or the job is no draft any more.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from engine.pipeline.states import Origin
from engine.runtime.desk.benches import Benches
from engine.runtime.desk.message_log import MessageLog, ReplayJob, open_message_log
from engine.runtime.desk.preview_crew import Crew, Errand, crew_size
from engine.runtime.desk.replay_preview import Preview, counted
from engine.runtime.desk.replay_trial import Asked, Trial
from engine.runtime.node.process_setup import DataFolder
from engine.runtime.snapshots import Snapshots

NICENESS = 10
KEEP_SECONDS = 1.0
"""How often what was found so far is kept."""


def keep_preview(
    store_url: str,
    snapshots: Snapshots,
    job_id: int,
    goes_on: Callable[[], bool] = lambda: True,
    *,
    processes: int | None = None,
) -> Preview | None:
    """Make the preview of a draft and keep it with the job; None when it is no draft.

    Args:
        store_url: of the message log.
        snapshots: the configurations.
        job_id: the draft.
        goes_on: False ends it early, asked about once a second.
        processes: how many try messages; None: as many as are worth it on this machine.

    Raises:
        StoreUnavailable: it cannot be read, or what was found cannot be kept.
        ChildProcessError: a process came to an end before its time.
    """
    with open_message_log(store_url) as log:
        return _kept(log, store_url, snapshots, job_id, goes_on, processes)


def _kept(
    log: MessageLog,
    store_url: str,
    snapshots: Snapshots,
    job_id: int,
    goes_on: Callable[[], bool],
    processes: int | None,
) -> Preview | None:
    job = log.job(job_id)
    if job is None or job.state != "draft":
        return None
    kept_at = time.monotonic()

    def keep(done: int, found: Preview, *, ended: bool = False) -> None:
        told = {"done": done, "total": job.total, "ended": ended, **_options(job)}
        log.set_preview(job_id, orjson.dumps(told | found.as_dict()).decode())

    def progress(done: int, found: Preview) -> bool:
        nonlocal kept_at
        if time.monotonic() - kept_at < KEEP_SECONDS:
            return True
        kept_at = time.monotonic()
        if not goes_on():
            return False
        keep(done, found)
        now = log.job(job_id)
        return now is not None and now.state == "draft"

    keep(0, Preview())
    asked = Asked(
        selected=frozenset(job.message_ids),
        destinations=frozenset(job.destinations),
        overwrite_newer=job.overwrite_newer,
        resend=job.origin is Origin.RESEND,
    )
    size = crew_size(len(job.message_ids)) if processes is None else processes
    if size == 1:
        trial = Trial(log, Benches(snapshots, job.revision).of, asked)
        found = counted(map(trial.of, job.message_ids), progress)
    else:
        errand = Errand(
            store_url=store_url, snapshots=snapshots, revision=job.revision, asked=asked
        )
        with Crew(errand, size) as crew:
            found = counted(crew.trials(job.message_ids), progress)
    keep(sum(found.counts.values()), found, ended=True)
    return found


def _options(job: ReplayJob) -> dict[str, object]:
    """What the preview was made with: other options need another one."""
    return {
        "origin": job.origin.value,
        "destinations": list(job.destinations),
        "revision": job.revision,
        "overwrite_newer": job.overwrite_newer,
    }


def main(arguments: Sequence[str]) -> int:
    """Run the process; exit code."""
    parser = argparse.ArgumentParser(description="The preview of a replay job.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--job", type=int, required=True)
    given = parser.parse_args(arguments)
    os.nice(NICENESS)
    parent = os.getppid()
    snapshots = DataFolder(path=given.data).snapshots
    store_url = os.environ["ENGINE_STORE"]
    made = keep_preview(store_url, snapshots, given.job, lambda: os.getppid() == parent)
    return 0 if made is not None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
