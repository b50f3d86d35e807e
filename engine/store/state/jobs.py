"""Rim. Replay jobs: messages turned into new runs at the tail of their lanes, step by step.

A step makes runs and moves the job's progress in one transaction, so a job goes on exactly where it
was after a crash. A newer run takes the place of one that waits for a person or failed: that one
becomes CANCELLED, its lane is free.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from engine.pipeline.states import Origin, State
from engine.store.database import (
    AMONG,
    LOCKED,
    Database,
    Ids,
    InsertMany,
    LogReader,
    Row,
    Transaction,
)
from engine.store.encoding import decode_list, encode_list
from engine.store.interface import ReplayJob
from engine.store.schema import JOB_MESSAGES
from engine.store.state.replay_runs import ReplayRuns

_COLUMNS = (
    "job_id, created_at, created_by, reason, origin, destinations, rate_per_second,"
    " stop_after_failures, state, total, started, succeeded, failed, left_out, overwrite_newer,"
    " revision, preview, approved_by"
)
_INSERT_JOB = (
    "INSERT INTO jobs (created_at, created_by, reason, origin, destinations, rate_per_second,"
    " stop_after_failures, state, total, overwrite_newer, revision, started, succeeded, failed)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0) RETURNING job_id"
)
_INSERT_JOB_MESSAGE = InsertMany(table=JOB_MESSAGES, columns=("job_id", "position", "message_id"))
_INSERT_CHANNELS = (
    "INSERT INTO job_channels (job_id, channel) SELECT DISTINCT j.job_id, COALESCE(m.channel, '')"
    " FROM job_messages j LEFT JOIN messages m ON m.message_id = j.message_id WHERE j.job_id = ?"
)
_CHANNELS = f"SELECT job_id, channel FROM job_channels WHERE job_id {AMONG} ORDER BY channel"
_BEYOND = (
    " WHERE NOT EXISTS (SELECT 1 FROM job_channels c WHERE c.job_id = jobs.job_id"
    " AND c.channel NOT IN ({places}))"
)
_MOVE = (
    "UPDATE jobs SET started = started + ?, failed = failed + ?, state = 'running' WHERE job_id = ?"
)
_COUNT = (
    "UPDATE jobs SET succeeded = succeeded + ?, failed = failed + ?, left_out = left_out + ?"
    " WHERE job_id = ?"
)
_CHANGE = (
    "UPDATE jobs SET origin = ?, destinations = ?, rate_per_second = ?, stop_after_failures = ?,"
    " overwrite_newer = ?, revision = ?, reason = ?, created_by = ?, state = ?"
    " WHERE job_id = ? AND state = 'draft'"
)
_FINISH = (
    "UPDATE jobs SET state = 'done' WHERE job_id = ? AND state = 'running'"
    " AND started = total AND succeeded + failed + left_out >= total"
)
_SUCCEEDED = frozenset({State.SENT, State.FILTERED})
_FAILED = frozenset({State.ERROR})
_LEFT_OUT = frozenset({State.CANCELLED})
_OVERWRITES = "SELECT overwrite_newer FROM jobs WHERE job_id = ?"


def may_overwrite(transaction: Transaction, job_id: int) -> bool:
    """True for a job that a person allowed to send what is older than what was delivered."""
    found = transaction.rows(_OVERWRITES, job_id)
    return bool(found and found[0][0])


def create_job(database: Database, job: ReplayJob) -> int:
    """Store a job with its messages; returns its id."""
    with database.writing() as transaction:
        rows = transaction.rows(
            _INSERT_JOB,
            job.created_at,
            job.created_by,
            job.reason,
            job.origin.value,
            encode_list(job.destinations) or "",
            job.rate_per_second,
            job.stop_after_failures,
            job.state or "waiting",
            len(job.message_ids),
            int(job.overwrite_newer),
            job.revision,
        )
        job_id = int(rows[0][0])
        transaction.write_many(
            _INSERT_JOB_MESSAGE,
            [(job_id, position, found) for position, found in enumerate(job.message_ids)],
        )
        transaction.write(_INSERT_CHANNELS, job_id)
    return job_id


def list_jobs(database: Database, job_ids: Sequence[int]) -> list[ReplayJob]:
    """These jobs with their messages; without ids, all that are not done, without messages."""
    with database.reading() as transaction:
        if not job_ids:
            rows = transaction.rows(
                f"SELECT {_COLUMNS} FROM jobs WHERE state <> 'done' ORDER BY job_id"
            )
            return [_job_of(row, ()) for row in rows]
        rows = transaction.rows(
            f"SELECT {_COLUMNS} FROM jobs WHERE job_id {AMONG} ORDER BY job_id", Ids(job_ids)
        )
        channels: dict[int, list[str]] = {}
        for job_id, channel in transaction.rows(_CHANNELS, Ids(job_ids)):
            channels.setdefault(job_id, []).append(channel)
        return [
            _job_of(row, _messages(transaction, row[0], 0, row[9]), channels.get(row[0], ()))
            for row in rows
        ]


def advance_job(database: Database, log: LogReader, job_id: int, count: int) -> int:
    """Turn the next `count` messages of a waiting or running job into runs; returns how many."""
    while log.follow(database, 1000):
        pass  # a message that has no run yet must get its first one before its replay
    with database.writing() as transaction:
        rows = transaction.rows(f"SELECT {_COLUMNS} FROM jobs WHERE job_id = ? {LOCKED}", job_id)
        if not rows:
            return 0
        job = _job_of(rows[0], ())
        if job.state not in {"waiting", "running"}:
            return 0
        if job.stop_after_failures and job.failed >= job.stop_after_failures:
            transaction.write("UPDATE jobs SET state = 'stopped' WHERE job_id = ?", job_id)
            return 0
        wanted = _messages(transaction, job_id, job.started, count)
        replays = ReplayRuns(transaction, log, job, database.now())
        failed = replays.make(wanted)
        transaction.write(_MOVE, len(wanted), failed, job_id)
        count_job_results(transaction, replays.superseded, replays.superseded_states)
        transaction.write(_FINISH, job_id)
    return len(wanted)


def recent_jobs(
    database: Database, limit: int, channels: Collection[str] | None = None
) -> list[ReplayJob]:
    """The newest jobs, without their messages; only those whose channels are all among these."""
    within, names = "", sorted(set(channels or ()) - {""})
    if channels is not None:
        if not names:
            return []
        within = _BEYOND.format(places=", ".join("?" * len(names)))
    with database.reading() as transaction:
        rows = transaction.rows(
            f"SELECT {_COLUMNS} FROM jobs{within} ORDER BY job_id DESC LIMIT ?", *names, limit
        )
    return [_job_of(row, ()) for row in rows]


def set_preview(database: Database, job_id: int, preview: str) -> None:
    """Keep what a preview found."""
    with database.writing() as transaction:
        transaction.write("UPDATE jobs SET preview = ? WHERE job_id = ?", preview, job_id)


def change_draft(database: Database, job: ReplayJob) -> bool:
    """Give a draft these options and this state; False when it is no draft any more."""
    with database.writing() as transaction:
        rows = transaction.rows(
            f"{_CHANGE} RETURNING job_id",
            job.origin.value,
            encode_list(job.destinations) or "",
            job.rate_per_second,
            job.stop_after_failures,
            int(job.overwrite_newer),
            job.revision,
            job.reason,
            job.created_by,
            job.state,
            job.job_id,
        )
    return bool(rows)


def decide_job(database: Database, job_id: int, state: str, approved_by: str) -> bool:
    """Let a job go on that waits for another person, or end it; False when it waits no more."""
    with database.writing() as transaction:
        rows = transaction.rows(
            "UPDATE jobs SET state = ?, approved_by = ? WHERE job_id = ? AND state = 'approval'"
            " RETURNING job_id",
            state,
            approved_by,
            job_id,
        )
    return bool(rows)


def set_job_state(database: Database, job_id: int, state: str) -> None:
    """Pause, resume or stop a job; one that is done, or was never let run, stays so."""
    with database.writing() as transaction:
        transaction.write(
            "UPDATE jobs SET state = ? WHERE job_id = ?"
            " AND state NOT IN ('done', 'approval', 'declined')",
            state,
            job_id,
        )


def count_job_results(
    transaction: Transaction, runs: Iterable[Row], states: Mapping[int, State]
) -> None:
    """Add to jobs what the change of their runs' states means.

    Args:
        transaction: the transaction that changes the states.
        runs: rows (run_id, message_id, channel, state before, job_id, ...).
        states: the new states by run_id; a run that is not in it has not changed.
    """
    changes: dict[int, list[int]] = {}
    for run_id, _, _, before, job_id, *_ in runs:
        after = states.get(run_id)
        if job_id is None or after is None or after == before:
            continue
        change = changes.setdefault(job_id, [0, 0, 0])
        for place, states_of in enumerate((_SUCCEEDED, _FAILED, _LEFT_OUT)):
            change[place] += (after in states_of) - (before in states_of)
    for job_id, counts in sorted(changes.items()):
        transaction.write(_COUNT, *counts, job_id)
        transaction.write(_FINISH, job_id)


def _messages(transaction: Transaction, job_id: int, start: int, count: int) -> tuple[int, ...]:
    rows = transaction.rows(
        "SELECT message_id FROM job_messages WHERE job_id = ? AND position >= ?"
        " ORDER BY position LIMIT ?",
        job_id,
        start,
        count,
    )
    return tuple(row[0] for row in rows)


def _job_of(row: Row, message_ids: tuple[int, ...], channels: Sequence[str] = ()) -> ReplayJob:
    return ReplayJob(
        job_id=row[0],
        created_at=row[1],
        created_by=row[2],
        reason=row[3],
        message_ids=message_ids,
        origin=Origin(row[4]),
        destinations=tuple(decode_list(row[5])),
        rate_per_second=row[6],
        stop_after_failures=row[7],
        state=row[8],
        total=row[9],
        started=row[10],
        succeeded=row[11],
        failed=row[12],
        left_out=row[13],
        overwrite_newer=bool(row[14]),
        revision=row[15],
        preview=row[16],
        approved_by=row[17],
        channels=tuple(channels),
    )
