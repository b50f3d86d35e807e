"""Rim. Tokens of programs: what a program sends to `/api/` instead of signing in as a person.

A token has a name, roles, a scope of channels and an end. Its value is shown once, to who makes it;
kept is its SHA-256, which suffices for 256 random bits. What it does is recorded by its name. It
never has what only a person may do: unmask, emergency access, say who may do what.
"""

import hashlib
import secrets
from collections.abc import Sequence

from engine.runtime.desk.accounts import AccountError, checked_name, checked_roles
from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import Right, Viewer, rights_within
from engine.store.desk.rows import TokenRow

PREFIX = "engine_"
"""Of every token, so that a search for leaked secrets finds it."""
TOKEN_BYTES = 32
TOKEN_CHARACTERS_MAX = 200
DAYS_MAX = 366
DAY_SECONDS = 86_400.0
TOKENS_MAX = 500
SEEN_SECONDS = 30.0
"""Use is noted at most this often."""
OF_PERSONS = frozenset({Right.UNMASK, Right.EMERGENCY, Right.USERS})
"""What asks for a reason of somebody, and what would let a token make others."""

__all__ = ["TokenRow", "add_token", "revoke_token", "tokens", "viewer_of_token"]


def add_token(
    desk: Desk,
    viewer: Viewer,
    *,
    name: str,
    roles: Sequence[str],
    channels: Sequence[str] | None,
    days: int,
) -> tuple[TokenRow, str]:
    """Make a token; recorded. Returns it with its value, which cannot be shown again.

    Raises:
        NotAllowed: without USERS.
        AccountError: a value is not fit, or the name is taken.
    """
    viewer.require(Right.USERS)
    if not 1 <= days <= DAYS_MAX:
        raise AccountError(f"a token lives for 1 to {DAYS_MAX} days")
    value = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    now = desk.clock()
    token = TokenRow(
        name=checked_name(name),
        digest=_digest(value),
        roles=checked_roles(roles),
        channels=None if channels is None else tuple(channels),
        created_by=viewer.name,
        created_at=now,
        ends_at=now + days * DAY_SECONDS,
    )
    with desk.store() as store:
        known = store.tokens()
    if len(known) >= TOKENS_MAX:
        raise AccountError(f"there are {TOKENS_MAX} tokens: revoke those that are not used")
    if any(one.name == token.name for one in known):
        raise AccountError(f"there is a token {token.name} already")
    details = {
        "roles": " ".join(token.roles),
        "channels": "all" if token.channels is None else " ".join(token.channels),
        "days": str(days),
    }
    _record(desk, viewer, token.name, "added", details)
    with desk.store() as store:
        if not store.add_token(token):
            raise AccountError(f"there is a token {token.name} already")
    return token, value


def tokens(desk: Desk, viewer: Viewer) -> list[TokenRow]:
    """All tokens, by name. Raises NotAllowed without USERS."""
    viewer.require(Right.USERS)
    with desk.store() as store:
        return store.tokens()


def revoke_token(desk: Desk, viewer: Viewer, name: str) -> bool:
    """Take a token away, at once; recorded. False when there is none of that name.

    Raises NotAllowed without USERS.
    """
    viewer.require(Right.USERS)
    with desk.store() as store:
        if all(one.name != name for one in store.tokens()):
            return False
    _record(desk, viewer, name, "revoked", {})
    with desk.store() as store:
        return store.forget_token(name)


def viewer_of_token(desk: Desk, value: str, address: str) -> Viewer | None:
    """Who asks with this token; None for one that was never made, is revoked or over.

    Args:
        desk: where.
        value: as the program sent it.
        address: where it sent it from, for the record.
    """
    if not value.startswith(PREFIX) or len(value) > TOKEN_CHARACTERS_MAX:
        return None
    now = desk.clock()
    with desk.store() as store:
        token = store.token_of(_digest(value))
        if token is None or token.ends_at <= now:
            return None
        if token.seen_at is None or now - token.seen_at > SEEN_SECONDS:
            store.note_token_use(token.name, now, address)
    return Viewer(
        name=f"token {token.name}",
        rights=rights_within(token.roles, token.channels) - OF_PERSONS,
        channels=None if token.channels is None else frozenset(token.channels),
        origin=f"api {address}",
    )


def _record(desk: Desk, viewer: Viewer, name: str, reason: str, details: dict[str, str]) -> None:
    record(desk, viewer, Act.USERS, subject=f"token {name}", reason=reason, details=details)


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "replace")).digest()
