"""Rim. Passwords tried in vain, counted by where and of whom: whoever fails often waits.

A try is counted before its password is looked at, so that many at once are not more than one after
the other. Names are counted whether or not there is such a user.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.store.database import Database

ROWS_MAX = 50_000
"""Of all counts; those not added to for the longest time are forgotten first."""
KEPT_SECONDS = 90 * 86_400.0

_COUNT = (
    "INSERT INTO guesses (what, failures, last_at, until) VALUES (?, 1, ?, 0)"
    " ON CONFLICT (what) DO UPDATE SET last_at = excluded.last_at, failures ="
    " CASE WHEN guesses.last_at < ? THEN 1 ELSE guesses.failures + 1 END"
    " WHERE guesses.until <= excluded.last_at RETURNING failures"
)
_TAKE_BACK = (
    "UPDATE guesses SET until = 0, failures = CASE WHEN failures > 0 THEN failures - 1 ELSE 0 END"
    " WHERE what = ?"
)
_FORGET_MANY = (
    "DELETE FROM guesses WHERE last_at < ? OR last_at <"
    " (SELECT last_at FROM guesses ORDER BY last_at DESC LIMIT 1 OFFSET ?)"
)
_KNOW = (
    "INSERT INTO guesses (what, failures, last_at, until) VALUES (?, 0, ?, 0)"
    " ON CONFLICT (what) DO UPDATE SET failures = 0, last_at = excluded.last_at, until = 0"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long one waits after the first, second, ... failure; the last stands for all further."""

    seconds: Sequence[float]
    forgotten_seconds: float
    """Failures count no more when the last one is so old."""


class _Waiting(Exception):  # noqa: N818  leaves the transaction without a trace
    pass


def count(database: Database, tries: Mapping[str, Waits], now: float) -> float:
    """Count a try everywhere, or nowhere when one has to wait; until when, 0.0: it is counted."""
    try:
        with database.writing() as transaction:
            transaction.write(_FORGET_MANY, now - KEPT_SECONDS, ROWS_MAX)
            for what, waits in sorted(tries.items()):
                rows = transaction.rows(_COUNT, what, now, now - waits.forgotten_seconds)
                if not rows:
                    raise _Waiting
                wait = waits.seconds[min(int(rows[0][0]), len(waits.seconds)) - 1]
                transaction.write("UPDATE guesses SET until = ? WHERE what = ?", now + wait, what)
    except _Waiting:
        return max(_until(database, what) for what in tries)
    return 0.0


def _until(database: Database, what: str) -> float:
    with database.reading() as transaction:
        rows = transaction.rows("SELECT until FROM guesses WHERE what = ?", what)
    return float(rows[0][0]) if rows else 0.0


def take_back(database: Database, what: Sequence[str]) -> None:
    """The try that was counted was none in vain."""
    with database.writing() as transaction:
        for one in sorted(what):
            transaction.write(_TAKE_BACK, one)


def forget(database: Database, what: str) -> None:
    """Forget all failures there."""
    with database.writing() as transaction:
        transaction.write("DELETE FROM guesses WHERE what = ?", what)


def know(database: Database, what: str, now: float) -> None:
    """Keep that one succeeded there, and forget the failures."""
    with database.writing() as transaction:
        transaction.write(_KNOW, what, now)


def is_known(database: Database, what: str) -> bool:
    """True where one has succeeded, or failed, before."""
    with database.reading() as transaction:
        return bool(transaction.rows("SELECT 1 FROM guesses WHERE what = ?", what))


def waiting(database: Database, now: float) -> dict[str, float]:
    """Where one has to wait now, and until when."""
    with database.reading() as transaction:
        rows = transaction.rows(
            "SELECT what, until FROM guesses WHERE until > ? LIMIT ?", now, ROWS_MAX
        )
    return {row[0]: row[1] for row in rows}
