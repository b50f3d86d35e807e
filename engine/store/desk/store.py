"""Rim. The desk's part of the store: one method for each call; it decides nothing."""

import secrets
from collections.abc import Mapping, Sequence

from engine.store.database import Database
from engine.store.desk import audit, guesses, sessions, tokens, users
from engine.store.desk.guesses import Waits
from engine.store.desk.rows import (
    AuditEntry,
    AuditHead,
    AuditRow,
    AuditSearch,
    AuditVerdict,
    SessionRow,
    TokenRow,
    UserRow,
)
from engine.store.interface import StoreUnavailable

AUDIT_KEY = "audit"
AUDIT_FINGERPRINT = "audit fingerprint"
KEY_BYTES = 32


class DeskStore:
    """Users, sessions, audit trail. Belongs to one thread at a time.

    Every call may raise StoreUnavailable.

    Args:
        database: with the state's tables.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- keys --

    def audit_key(self) -> bytes:
        """The key of this store's trail, made at the first call."""
        with self._database.writing() as transaction:
            transaction.write(
                "INSERT INTO desk_keys (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
                AUDIT_KEY,
                secrets.token_bytes(KEY_BYTES),
            )
            rows = transaction.rows("SELECT value FROM desk_keys WHERE name = ?", AUDIT_KEY)
        return bytes(rows[0][0])

    def agree_on_key(self, fingerprint: bytes) -> None:
        """Keep which key the trail is sealed with. Raises StoreUnavailable for another than that.

        Rows of two keys would be no chain, and a patient's rows would no longer be found.
        """
        with self._database.writing() as transaction:
            transaction.write(
                "INSERT INTO desk_keys (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
                AUDIT_FINGERPRINT,
                fingerprint,
            )
            rows = transaction.rows("SELECT value FROM desk_keys WHERE name = ?", AUDIT_FINGERPRINT)
        if bytes(rows[0][0]) != fingerprint:
            raise StoreUnavailable(
                "the audit trail was begun with another key: see `audit_key` of console.yaml,"
                " and run commands in the project's folder or with ENGINE_HOME"
            )

    def key(self, name: str) -> bytes | None:
        """What is kept under a name, such as the hash of a setup code."""
        with self._database.reading() as transaction:
            rows = transaction.rows("SELECT value FROM desk_keys WHERE name = ?", name)
        return bytes(rows[0][0]) if rows else None

    def set_key(self, name: str, value: bytes) -> None:
        """Keep something under a name; empty: forget it."""
        with self._database.writing() as transaction:
            transaction.write("DELETE FROM desk_keys WHERE name = ?", name)
            if value:
                transaction.write("INSERT INTO desk_keys (name, value) VALUES (?, ?)", name, value)

    # -- users --

    def has_users(self) -> bool:
        """True once anybody may sign in."""
        return users.has_users(self._database)

    def has_role(self, role: str) -> bool:
        """True when a user who may sign in has the role."""
        return users.has_role(self._database, role)

    def users(self) -> list[UserRow]:
        """All users, by name."""
        return users.users(self._database)

    def user(self, name: str) -> UserRow | None:
        """The user of that name."""
        return users.user(self._database, name)

    def user_of_account(self, account: str) -> UserRow | None:
        """The user that an account of the operating system acts as."""
        return users.user_of_account(self._database, account)

    def user_of_subject(self, subject: str) -> UserRow | None:
        """The user of an OpenID subject."""
        return users.user_of_subject(self._database, subject)

    def add_user(self, user: UserRow, *, unless_role: str = "") -> bool:
        """Add a user; False when the name is taken, or a user has the role already."""
        return users.add_user(self._database, user, unless_role=unless_role)

    def save_user(self, user: UserRow) -> bool:
        """Change a user; False when there is none of that name."""
        return users.save_user(self._database, user)

    # -- guesses of passwords --

    def count_guess(self, tries: Mapping[str, Waits], now: float) -> float:
        """Count a try, or say until when one has to wait; see `guesses.count`."""
        return guesses.count(self._database, tries, now)

    def take_back_guess(self, what: Sequence[str]) -> None:
        """The try that was counted was none in vain."""
        guesses.take_back(self._database, what)

    def forget_guesses(self, what: str) -> None:
        """Forget all failures there."""
        guesses.forget(self._database, what)

    def know_place(self, what: str, now: float) -> None:
        """Keep that one succeeded there."""
        guesses.know(self._database, what, now)

    def is_known_place(self, what: str) -> bool:
        """True where one has succeeded before."""
        return guesses.is_known(self._database, what)

    def waiting(self, now: float) -> dict[str, float]:
        """Where one has to wait now, and until when."""
        return guesses.waiting(self._database, now)

    # -- sessions --

    def add_session(self, session: SessionRow, *, per_user_max: int) -> None:
        """Begin a session; the oldest of the user end when there are too many."""
        sessions.add_session(self._database, session, per_user_max=per_user_max)

    def session(self, token: bytes) -> SessionRow | None:
        """The session of a token's hash."""
        return sessions.session(self._database, token)

    def sessions_of(self, user: str) -> list[SessionRow]:
        """The sessions of a user."""
        return sessions.sessions_of(self._database, user)

    def touch_session(self, token: bytes, seen_at: float) -> None:
        """The person did something."""
        sessions.touch_session(self._database, token, seen_at)

    def set_unmasked(self, token: bytes, until: float, reason: str) -> None:
        """Show values of patients until then."""
        sessions.set_unmasked(self._database, token, until, reason)

    def set_emergency(self, token: bytes, until: float, reason: str) -> None:
        """Emergency access until then."""
        sessions.set_emergency(self._database, token, until, reason)

    def end_session(self, token: bytes) -> None:
        """Sign out."""
        sessions.end_session(self._database, token)

    def end_sessions_of(self, user: str, but: bytes = b"") -> int:
        """Sign a user out everywhere but in the session of a token's hash."""
        return sessions.end_sessions_of(self._database, user, but)

    def end_old_sessions(self, now: float, seen_before: float) -> int:
        """Forget sessions that are over."""
        return sessions.end_old_sessions(self._database, now, seen_before)

    # -- tokens of programs --

    def add_token(self, token: TokenRow) -> bool:
        """Keep a token; False when the name is taken."""
        return tokens.add_token(self._database, token)

    def tokens(self) -> list[TokenRow]:
        """All tokens, by name."""
        return tokens.tokens(self._database)

    def token_of(self, digest: bytes) -> TokenRow | None:
        """The token whose value has this SHA-256."""
        return tokens.token_of(self._database, digest)

    def note_token_use(self, name: str, seen_at: float, seen_from: str) -> None:
        """A program used its token."""
        tokens.note_use(self._database, name, seen_at, seen_from)

    def forget_token(self, name: str) -> bool:
        """Take a token away; False when there is none of that name."""
        return tokens.forget_token(self._database, name)

    # -- the trail --

    def audit(self, key: bytes, entries: Sequence[AuditEntry]) -> AuditHead:
        """Record what was done, durably."""
        return audit.append(self._database, key, entries)

    def prune_audit(self, key: bytes, before: float) -> int:
        """Forget rows older than that; how many."""
        return audit.prune(self._database, key, before)

    def audit_rows(self, search: AuditSearch) -> list[AuditRow]:
        """What was recorded, newest first."""
        return audit.find(self._database, search)

    def audit_head(self) -> AuditHead:
        """The end of the trail."""
        return audit.head(self._database)

    def verify_audit(self, key: bytes, noted: AuditHead | None = None) -> AuditVerdict:
        """Check the trail."""
        return audit.verify(self._database, key, noted)

    def close(self) -> None:
        """Release the connection."""
        self._database.close()
