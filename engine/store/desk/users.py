"""Rim. The users in the database."""

import orjson

from engine.store.database import LOCKED, Database, Row
from engine.store.desk.rows import UserRow

_COLUMNS = (
    "name, password, subject, os_account, roles, channels, enabled, theme, shortcuts, created_at"
)
_WHERE = f"SELECT {_COLUMNS} FROM users WHERE "
_INSERT = f"INSERT INTO users ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WITH_ROLE = "SELECT 1 FROM users WHERE enabled = 1 AND roles LIKE ? LIMIT 1"
_UPDATE = (
    "UPDATE users SET password = ?, subject = ?, os_account = ?, roles = ?, channels = ?,"
    " enabled = ?, theme = ?, shortcuts = ?, created_at = ?"
    " WHERE name = ? RETURNING name"
)


def add_user(database: Database, user: UserRow, *, unless_role: str = "") -> bool:
    """Add a user; False when the name is taken, or when a user who may sign in has that role."""
    with database.writing() as transaction:
        # both ask and add under one lock, so that two first visits make one administrator
        transaction.rows(f"SELECT number FROM audit_head {LOCKED}")
        if unless_role and transaction.rows(_WITH_ROLE, f'%"{unless_role}"%'):
            return False
        if transaction.rows("SELECT 1 FROM users WHERE name = ?", user.name):
            return False
        transaction.write(_INSERT, *_values(user))
    return True


def save_user(database: Database, user: UserRow) -> bool:
    """Write all of a user's columns; False when there is none of that name."""
    name, *rest = _values(user)
    with database.writing() as transaction:
        return bool(transaction.rows(_UPDATE, *rest, name))


def user(database: Database, name: str) -> UserRow | None:
    """The user of that name."""
    return _one(database, "name = ?", name)


def user_of_account(database: Database, account: str) -> UserRow | None:
    """The user that an account of the operating system acts as."""
    return _one(database, "os_account = ?", account)


def user_of_subject(database: Database, subject: str) -> UserRow | None:
    """The user of an OpenID subject."""
    return _one(database, "subject = ?", subject)


def users(database: Database) -> list[UserRow]:
    """All users, by name."""
    with database.reading() as transaction:
        rows = transaction.rows(f"SELECT {_COLUMNS} FROM users ORDER BY name")
    return [_user(row) for row in rows]


def has_role(database: Database, role: str) -> bool:
    """True when a user who may sign in has the role."""
    with database.reading() as transaction:
        return bool(transaction.rows(_WITH_ROLE, f'%"{role}"%'))


def has_users(database: Database) -> bool:
    """True once anybody may sign in."""
    with database.reading() as transaction:
        return bool(transaction.rows("SELECT 1 FROM users LIMIT 1"))


def _one(database: Database, condition: str, value: str) -> UserRow | None:
    with database.reading() as transaction:
        rows = transaction.rows(_WHERE + condition, value)
    return _user(rows[0]) if rows else None


def _values(user: UserRow) -> Row:
    return (
        user.name,
        user.password,
        user.subject,
        user.os_account,
        orjson.dumps(user.roles).decode(),
        None if user.channels is None else orjson.dumps(user.channels).decode(),
        int(user.enabled),
        user.theme,
        int(user.shortcuts),
        user.created_at,
    )


def _user(row: Row) -> UserRow:
    return UserRow(
        name=row[0],
        password=row[1],
        subject=row[2],
        os_account=row[3],
        roles=tuple(orjson.loads(row[4])),
        channels=None if row[5] is None else tuple(orjson.loads(row[5])),
        enabled=bool(row[6]),
        theme=row[7],
        shortcuts=bool(row[8]),
        created_at=row[9],
    )
