"""Rim. The sessions in the database; a cookie's value itself is nowhere stored."""

from engine.store.database import Database, Row
from engine.store.desk.rows import SessionRow

_COLUMNS = (
    "token, user_name, address, created_at, seen_at, ends_at, unmasked_until, unmask_reason,"
    " emergency_until, emergency_reason"
)


def add_session(database: Database, session: SessionRow, *, per_user_max: int) -> None:
    """Begin a session; those of the user seen longest ago end when there are too many."""
    with database.writing() as transaction:
        transaction.write(
            f"INSERT INTO sessions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            session.token,
            session.user,
            session.address,
            session.created_at,
            session.seen_at,
            session.ends_at,
            session.unmasked_until,
            session.unmask_reason,
            session.emergency_until,
            session.emergency_reason,
        )
        kept = transaction.rows(
            "SELECT token FROM sessions WHERE user_name = ? ORDER BY seen_at DESC, created_at DESC",
            session.user,
        )
        for (token,) in kept[per_user_max:]:
            transaction.write("DELETE FROM sessions WHERE token = ?", token)


def session(database: Database, token: bytes) -> SessionRow | None:
    """The session of a token's hash."""
    with database.reading() as transaction:
        rows = transaction.rows(f"SELECT {_COLUMNS} FROM sessions WHERE token = ?", token)
    return _session(rows[0]) if rows else None


def sessions_of(database: Database, user: str) -> list[SessionRow]:
    """The sessions of a user, seen last first."""
    with database.reading() as transaction:
        rows = transaction.rows(
            f"SELECT {_COLUMNS} FROM sessions WHERE user_name = ? ORDER BY seen_at DESC", user
        )
    return [_session(row) for row in rows]


def touch_session(database: Database, token: bytes, seen_at: float) -> None:
    """The person did something."""
    with database.writing() as transaction:
        transaction.write("UPDATE sessions SET seen_at = ? WHERE token = ?", seen_at, token)


def set_unmasked(database: Database, token: bytes, until: float, reason: str) -> None:
    """Show values of patients until then; 0: mask again."""
    with database.writing() as transaction:
        transaction.write(
            "UPDATE sessions SET unmasked_until = ?, unmask_reason = ? WHERE token = ?",
            until,
            reason,
            token,
        )


def set_emergency(database: Database, token: bytes, until: float, reason: str) -> None:
    """Emergency access until then; 0: no more."""
    with database.writing() as transaction:
        transaction.write(
            "UPDATE sessions SET emergency_until = ?, emergency_reason = ? WHERE token = ?",
            until,
            reason,
            token,
        )


def end_session(database: Database, token: bytes) -> None:
    """Sign out."""
    with database.writing() as transaction:
        transaction.write("DELETE FROM sessions WHERE token = ?", token)


def end_sessions_of(database: Database, user: str, but: bytes = b"") -> int:
    """Sign a user out everywhere but in the session of a token's hash; how many sessions ended."""
    with database.writing() as transaction:
        ended = "DELETE FROM sessions WHERE user_name = ? AND token <> ? RETURNING 1"
        return len(transaction.rows(ended, user, but))


def end_old_sessions(database: Database, now: float, seen_before: float) -> int:
    """Forget what is over: not seen since then, or past its end."""
    with database.writing() as transaction:
        ended = "DELETE FROM sessions WHERE ends_at <= ? OR seen_at < ? RETURNING 1"
        return len(transaction.rows(ended, now, seen_before))


def _session(row: Row) -> SessionRow:
    return SessionRow(
        token=bytes(row[0]),
        user=row[1],
        address=row[2],
        created_at=row[3],
        seen_at=row[4],
        ends_at=row[5],
        unmasked_until=row[6],
        unmask_reason=row[7],
        emergency_until=row[8],
        emergency_reason=row[9],
    )
