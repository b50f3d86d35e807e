"""Rim. Failures in groups of one cause, and outages of destinations.

A group is made or joined in the transaction in which a run or delivery fails, so no failure is
outside one. Whether it is over is read from the runs: when none of them waits for a person any
more (sent by a replay, settled, given up), the group closes; a new failure opens it again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.pipeline.fingerprint import Fingerprint, of_attempt, of_diagnostics
from engine.pipeline.states import State
from engine.store.database import AMONG, Database, Ids, InsertMany, Row, Transaction
from engine.store.encoding import decode_list, encode_list
from engine.store.interface import Outcome
from engine.store.problem_interface import OpenProblem, OutageRow, ProblemRow
from engine.store.problem_schema import PROBLEM_RUNS

FAILED = frozenset({State.ERROR, State.HELD, State.UNKNOWN})
"""What waits for a person."""
PROBLEMS_MAX = 1_000
"""Groups of one answer."""
OUTAGES_MAX = 500

_JOIN = (
    "INSERT INTO problems (fingerprint, title, grouped_by, first_at, last_at, regressions, owner,"
    " note) VALUES (?, ?, ?, ?, ?, 0, '', '')"
    " ON CONFLICT (fingerprint) DO UPDATE SET last_at = excluded.last_at,"
    " regressions = problems.regressions"
    " + CASE WHEN problems.closed_at IS NULL THEN 0 ELSE 1 END, closed_at = NULL"
    " RETURNING problem_id"
)
_DESTINATIONS = f"SELECT delivery_id, destination FROM deliveries WHERE delivery_id {AMONG}"
_MEMBERS = InsertMany(
    table=PROBLEM_RUNS,
    columns=("problem_id", "run_id", "message_id", "at"),
    conflict="ON CONFLICT DO NOTHING",
)
_COLUMNS = (
    "p.problem_id, p.fingerprint, p.title, p.grouped_by, p.first_at, p.last_at, p.closed_at,"
    " p.regressions, p.owner, p.note, p.snoozed_until"
)
_LIST = f"SELECT {_COLUMNS} FROM problems p{{where}} ORDER BY p.last_at DESC LIMIT ?"
_OPEN = (
    "SELECT problem_id, title, first_at, last_at FROM problems WHERE closed_at IS NULL"
    " AND (snoozed_until IS NULL OR snoozed_until <= ?) ORDER BY last_at DESC, problem_id LIMIT ?"
)
_ONE = f"SELECT {_COLUMNS} FROM problems p WHERE p.problem_id = ?"
_WITH_RUNS = (
    " WHERE EXISTS (SELECT 1 FROM problem_runs m JOIN runs r ON r.run_id = m.run_id"
    " WHERE m.problem_id = p.problem_id{within})"
)
_COUNTS = (
    "SELECT m.problem_id, count(*), count(DISTINCT r.message_id), count(DISTINCT r.lanes),"
    " sum(CASE WHEN r.state IN ('ERROR', 'HELD', 'UNKNOWN') THEN 1 ELSE 0 END), min(r.channel),"
    " count(DISTINCT r.channel), min(m.at), max(m.at) FROM problem_runs m"
    " JOIN runs r ON r.run_id = m.run_id"
    f" WHERE m.problem_id {AMONG}{{within}} GROUP BY m.problem_id"
)
_CLOSE_SETTLED = (
    "UPDATE problems SET closed_at = ? WHERE closed_at IS NULL AND NOT EXISTS ("
    "SELECT 1 FROM problem_runs m JOIN runs r ON r.run_id = m.run_id"
    " WHERE m.problem_id = problems.problem_id"
    # a held run that is processed again is RECEIVED meanwhile: whether it is over is not known yet
    " AND r.state IN ('ERROR', 'HELD', 'UNKNOWN', 'RECEIVED'))"
    " RETURNING problem_id"
)
_MESSAGES = (
    "SELECT DISTINCT m.message_id FROM problem_runs m JOIN runs r ON r.run_id = m.run_id"
    " WHERE m.problem_id = ? AND r.state IN ('ERROR', 'HELD', 'UNKNOWN'){within}"
    " ORDER BY m.message_id LIMIT ?"
)
_TIMES = (
    "SELECT m.at FROM problem_runs m JOIN runs r ON r.run_id = m.run_id"
    " WHERE m.problem_id = ? AND m.at >= ?{within} ORDER BY m.at"
)
_CHANNELS = (
    "SELECT DISTINCT r.channel FROM problem_runs m JOIN runs r ON r.run_id = m.run_id"
    " WHERE m.problem_id = ? ORDER BY r.channel"
)
_OF_RUNS = (
    "SELECT m.run_id, p.problem_id, p.title FROM problem_runs m"
    f" JOIN problems p ON p.problem_id = m.problem_id WHERE m.run_id {AMONG}"
)
_NOTE = "UPDATE problems SET owner = ?, note = ?, snoozed_until = ? WHERE problem_id = ?"
_BEGIN_OUTAGE = (
    "INSERT INTO outages (channel, destination, owner, code, began_at)"
    " SELECT ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM outages"
    " WHERE channel = ? AND destination = ? AND owner = ? AND ended_at IS NULL)"
)
_END_OUTAGE = (
    "UPDATE outages SET ended_at = ? WHERE channel = ? AND destination = ? AND owner = ?"
    " AND ended_at IS NULL"
)
_END_OUTAGES_OF = "UPDATE outages SET ended_at = ? WHERE owner = ? AND ended_at IS NULL"
_LIST_OUTAGES = (
    "SELECT outage_id, channel, destination, owner, code, began_at, ended_at FROM outages"
    " WHERE ended_at IS NULL OR ended_at >= ? ORDER BY began_at DESC LIMIT ?"
)


class Failures:
    """The failures of one transaction, joined to their groups at its end."""

    __slots__ = ("_ended", "_found")

    def __init__(self) -> None:
        self._ended: list[tuple[Outcome, int, int]] = []
        self._found: dict[str, tuple[Fingerprint, list[tuple[int, int]]]] = {}

    def processed(
        self, state: State, run_id: int, message_id: int, diagnostics: Sequence[Mapping[str, Any]]
    ) -> None:
        """Take note of a processed run, if it failed."""
        if state in FAILED:
            cause = of_diagnostics(diagnostics)
            if cause is not None:
                self._add(cause, run_id, message_id)

    def delivered(self, outcome: Outcome, run_id: int, message_id: int) -> None:
        """Take note of an ended attempt, if the delivery failed."""
        if outcome.state in FAILED:
            self._ended.append((outcome, run_id, message_id))

    def _add(self, cause: Fingerprint, run_id: int, message_id: int) -> None:
        self._found.setdefault(cause.key, (cause, []))[1].append((run_id, message_id))

    def write(self, transaction: Transaction, now: float) -> None:
        """Join them, in order of the groups so that two writers never deadlock."""
        if self._ended:
            self._name_deliveries(transaction)
        for key, (cause, runs) in sorted(self._found.items()):
            parts = encode_list(cause.parts) or ""
            rows = transaction.rows(_JOIN, key, cause.title, parts, now, now)
            transaction.write_many(
                _MEMBERS, [(rows[0][0], run_id, message_id, now) for run_id, message_id in runs]
            )

    def _name_deliveries(self, transaction: Transaction) -> None:
        """What failed where: an outcome does not say its destination."""
        ids = Ids(outcome.delivery_id for outcome, _, _ in self._ended)
        names: dict[int, str] = dict(transaction.rows(_DESTINATIONS, ids))
        for outcome, run_id, message_id in self._ended:
            name = names.get(outcome.delivery_id, "")
            cause = of_attempt(name, outcome.failure_code, outcome.response)
            self._add(cause, run_id, message_id)


class ProblemTables:
    """`problem_interface.ProblemStore` over a database."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, channels: Collection[str] | None = None) -> list[ProblemRow]:
        """The groups, the one that failed last first; of these channels alone."""
        within, names = _within(channels)
        where = _WITH_RUNS.format(within=within) if within else ""
        with self._database.reading() as transaction:
            rows = transaction.rows(_LIST.format(where=where), *names, PROBLEMS_MAX)
            found = _with_counts(transaction, rows, channels)
        return sorted(found, key=lambda row: (-row.last_at, row.problem_id))

    def open(self, now: float, limit: int) -> list[OpenProblem]:
        """The groups that are neither closed nor put off, the one that failed last first."""
        with self._database.reading() as transaction:
            return [
                OpenProblem(problem_id=row[0], title=row[1], first_at=row[2], last_at=row[3])
                for row in transaction.rows(_OPEN, now, limit)
            ]

    def one(self, problem_id: int, channels: Collection[str] | None = None) -> ProblemRow | None:
        """One group, or None, also where none of its messages is of these channels."""
        with self._database.reading() as transaction:
            found = _with_counts(transaction, transaction.rows(_ONE, problem_id), channels)
        return found[0] if found else None

    def messages(
        self, problem_id: int, limit: int, channels: Collection[str] | None = None
    ) -> list[int]:
        """The messages of a group that still wait for a person, oldest first."""
        within, names = _within(channels)
        with self._database.reading() as transaction:
            rows = transaction.rows(_MESSAGES.format(within=within), problem_id, *names, limit)
        return [row[0] for row in rows]

    def times(
        self, problem_id: int, since: float, channels: Collection[str] | None = None
    ) -> list[float]:
        """When its failures happened since then, Unix seconds."""
        within, names = _within(channels)
        with self._database.reading() as transaction:
            rows = transaction.rows(_TIMES.format(within=within), problem_id, since, *names)
        return [row[0] for row in rows]

    def channels(self, problem_id: int) -> list[str]:
        """The channels whose messages are in it."""
        with self._database.reading() as transaction:
            return [row[0] for row in transaction.rows(_CHANNELS, problem_id)]

    def of_runs(self, run_ids: Sequence[int]) -> dict[int, tuple[int, str]]:
        """run_id -> (problem_id, title) of those that are in a group."""
        with self._database.reading() as transaction:
            return {row[0]: (row[1], row[2]) for row in transaction.rows(_OF_RUNS, Ids(run_ids))}

    def note(self, problem_id: int, *, owner: str, note: str, snoozed_until: float | None) -> None:
        """Who looks after it, what is known, and until when it need not be shown."""
        with self._database.writing() as transaction:
            transaction.write(_NOTE, owner, note, snoozed_until, problem_id)

    def close_settled(self, now: float) -> int:
        """Close the groups of which nothing waits any more; returns how many."""
        with self._database.writing() as transaction:
            return len(transaction.rows(_CLOSE_SETTLED, now))

    def begin_outage(
        self, *, channel: str, destination: str, owner: str, code: str, at: float
    ) -> None:
        """A destination does not answer a worker any more; nothing when that is known."""
        place = (channel, destination, owner)
        with self._database.writing() as transaction:
            transaction.write(_BEGIN_OUTAGE, *place, code, at, *place)

    def end_outage(self, *, channel: str, destination: str, owner: str, at: float) -> None:
        """It answers again."""
        with self._database.writing() as transaction:
            transaction.write(_END_OUTAGE, at, channel, destination, owner)

    def end_outages_of(self, owner: str, at: float) -> None:
        """A worker begins: what an earlier one of its name saw is over or will be seen again."""
        with self._database.writing() as transaction:
            transaction.write(_END_OUTAGES_OF, at, owner)

    def outages(self, since: float) -> list[OutageRow]:
        """Those that last, and those that ended since then, the newest first."""
        with self._database.reading() as transaction:
            rows = transaction.rows(_LIST_OUTAGES, since, OUTAGES_MAX)
        return [
            OutageRow(
                outage_id=row[0],
                channel=row[1],
                destination=row[2],
                owner=row[3],
                code=row[4],
                began_at=row[5],
                ended_at=row[6],
            )
            for row in rows
        ]


def _within(channels: Collection[str] | None) -> tuple[str, list[str]]:
    """A condition on the runs `r`, and its values; none for all channels."""
    if channels is None:
        return "", []
    names = sorted(channels) or [""]
    return f" AND r.channel IN ({', '.join('?' * len(names))})", names


def _with_counts(
    transaction: Transaction, rows: list[Row], channels: Collection[str] | None
) -> list[ProblemRow]:
    within, names = _within(channels)
    ids = Ids(row[0] for row in rows)
    counts = {row[0]: row for row in transaction.rows(_COUNTS.format(within=within), ids, *names)}
    if channels is None:
        return [_problem_of(row, counts.get(row[0])) for row in rows]
    return [_within_its(row, counts[row[0]]) for row in rows if row[0] in counts]


def _within_its(row: Row, counts: Row) -> ProblemRow:
    """A group as if it had the counted runs only: nothing tells that there are others."""
    found = _problem_of(row, counts)
    first, last = counts[7], counts[8]
    over = found.closed_at is not None or not found.waiting
    return replace(found, first_at=first, last_at=last, closed_at=last if over else None)


def _problem_of(row: Row, counts: Row | None) -> ProblemRow:
    return ProblemRow(
        problem_id=row[0],
        fingerprint=row[1],
        title=row[2],
        grouped_by=tuple((name, value) for name, value in decode_list(row[3])),
        first_at=row[4],
        last_at=row[5],
        closed_at=row[6],
        regressions=row[7],
        owner=row[8],
        note=row[9],
        snoozed_until=row[10],
        failures=int(counts[1]) if counts else 0,
        messages=int(counts[2]) if counts else 0,
        patients=int(counts[3]) if counts else 0,
        waiting=int(counts[4] or 0) if counts else 0,
        channel=str(counts[5]) if counts else "",
        channels=int(counts[6]) if counts else 0,
    )
