"""Rim. Tokens shared by all processes; see `token_interface`.

A look that changes nothing, as nearly all are, writes nothing. One that does is decided again under
the row's lock.
"""

from collections.abc import Callable

from engine.pipeline.shared_token import KeptToken, Look, denied, extended, given, look
from engine.store.database import LOCKED, Database, Transaction
from engine.store.token_interface import KEPT_SECONDS

_COLUMNS = (
    *("generation", "sealed", "issued_at", "lifetime_seconds", "forced", "asked_at"),
    *("holder", "held_until", "blocked_until", "failure"),
)
_ROW = f"SELECT {', '.join(_COLUMNS)} FROM shared_tokens WHERE client = ?"
_MAKE = (
    f"INSERT INTO shared_tokens (client, {', '.join(_COLUMNS)})"
    f" VALUES (?{', ?' * len(_COLUMNS)}) ON CONFLICT (client) DO NOTHING"
)
_CHANGE = f"UPDATE shared_tokens SET {' = ?, '.join(_COLUMNS)} = ? WHERE client = ?"
_FORGET = (
    "DELETE FROM shared_tokens WHERE issued_at + lifetime_seconds < ? AND held_until < ?"
    " AND asked_at < ? AND client <> ?"
)


class DatabaseTokens:
    """`token_interface.TokenStore` over the state's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self, client: str, holder: str, *, refused: int = 0, unreadable: int = 0) -> Look:
        """What the one who looks does."""
        now = self._database.now()
        with self._database.reading() as transaction:
            kept = _read(transaction, client)
        found = look(kept, now, holder, refused=refused, unreadable=unreadable)
        if found.kept == kept:
            return found
        with self._database.writing() as transaction:
            kept = _locked(transaction, client)
            found = look(kept, now, holder, refused=refused, unreadable=unreadable)
            if found.kept != kept:
                _write(transaction, client, found.kept)
        return found

    def give(self, client: str, holder: str, sealed: bytes, lifetime_seconds: float) -> int:
        """Keep a token."""
        now = self._database.now()
        kept = self._change(client, lambda row: given(row, holder, sealed, lifetime_seconds))
        old = now - KEPT_SECONDS
        with self._database.writing() as transaction:
            transaction.write(_FORGET, old, now, old, client)
        return kept.generation if kept is not None else 0

    def deny(self, client: str, holder: str, failure: str, pause_seconds: float) -> None:
        """Keep why there is none."""
        now = self._database.now()
        self._change(client, lambda row: denied(row, now, holder, failure, pause_seconds))

    def extend(self, client: str, holder: str) -> None:
        """A sign of life."""
        now = self._database.now()
        self._change(client, lambda row: extended(row, now, holder))

    def _change(
        self, client: str, decide: Callable[[KeptToken], KeptToken | None]
    ) -> KeptToken | None:
        with self._database.writing() as transaction:
            after = decide(_locked(transaction, client))
            if after is not None:
                _write(transaction, client, after)
        return after


def _read(transaction: Transaction, client: str, locked: str = "") -> KeptToken:
    rows = transaction.rows(_ROW + locked, client)
    if not rows:
        return KeptToken()
    found = dict(zip(_COLUMNS, rows[0], strict=True))
    return KeptToken(**{**found, "sealed": bytes(found["sealed"]), "forced": bool(found["forced"])})


def _locked(transaction: Transaction, client: str) -> KeptToken:
    """The row, made first where there is none, so that two cannot both find none."""
    transaction.write(_MAKE, client, *_values(KeptToken()))
    return _read(transaction, client, f" {LOCKED}")


def _write(transaction: Transaction, client: str, kept: KeptToken) -> None:
    transaction.write(_CHANGE, *_values(kept), client)


def _values(kept: KeptToken) -> tuple[object, ...]:
    values = {name: getattr(kept, name) for name in _COLUMNS}
    return tuple({**values, "forced": int(kept.forced)}.values())
