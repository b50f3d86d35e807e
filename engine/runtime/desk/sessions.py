"""Rim. Sessions of the console: a random token in a cookie, all else on the server.

A session is new at every sign-in, so that a token from before is worth nothing after it. It ends
when the person does nothing for a while, at the end of its day whatever happens, when the user is
changed, or when the user has signed in too often since. What refreshes itself does not keep it
alive.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace

from engine.runtime.desk.accounts import viewer_of
from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import Right, Viewer
from engine.store.desk.rows import SessionRow, UserRow

TOKEN_BYTES = 32
TOUCH_SECONDS = 30.0
"""What a person does is noted at most this often."""
UNMASK_SECONDS = 900.0
EMERGENCY_SECONDS = 1800.0
REASON_CHARACTERS_MIN = 5


class ReasonMissing(ValueError):  # noqa: N818  said to the user in these words
    """No reason was given that another person could judge later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How long and how many."""

    idle_seconds: float = 900.0
    whole_seconds: float = 43_200.0
    per_user_max: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser and who sits at it."""

    row: SessionRow
    user: UserRow
    viewer: Viewer


def begin(desk: Desk, user: UserRow, address: str, limits: SessionLimits) -> str:
    """Begin a session; the value for the cookie."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now = desk.clock()
    row = SessionRow(
        token=_hashed(token),
        user=user.name,
        address=address,
        created_at=now,
        seen_at=now,
        ends_at=now + limits.whole_seconds,
    )
    with desk.store() as store:
        store.end_old_sessions(now, now - limits.idle_seconds)
        store.add_session(row, per_user_max=limits.per_user_max)
    return token


def find(
    desk: Desk, token: str, address: str, limits: SessionLimits, *, touch: bool = True
) -> Session | None:
    """The session of a cookie; None when there is none or it is over.

    Args:
        desk: where.
        token: the cookie's value.
        address: where the request comes from, for the record.
        limits: how long sessions live.
        touch: False for what a page asks by itself.
    """
    if not token:
        return None
    now = desk.clock()
    with desk.store() as store:
        row = store.session(_hashed(token))
        if row is None:
            return None
        user = store.user(row.user)
        over = row.ends_at <= now or row.seen_at + limits.idle_seconds <= now
        if over or user is None or not user.enabled:
            store.end_session(row.token)
            return None
        if touch and now - row.seen_at > TOUCH_SECONDS:
            store.touch_session(row.token, now)
    return Session(row=row, user=user, viewer=_viewer(row, user, address, now))


def _viewer(row: SessionRow, user: UserRow, address: str, now: float) -> Viewer:
    viewer = viewer_of(user, f"console {address}")
    if row.emergency_until > now and viewer.may(Right.EMERGENCY):
        return viewer.in_emergency(row.emergency_reason)
    if row.unmasked_until > now and viewer.may(Right.UNMASK):
        return replace(viewer, unmasked=True, reason=row.unmask_reason)
    return viewer


def end(desk: Desk, session: Session) -> None:
    """Sign out; recorded."""
    record(desk, session.viewer, Act.LOGOUT)
    with desk.store() as store:
        store.end_session(session.row.token)


def unmask(desk: Desk, session: Session, reason: str) -> None:
    """Show values of patients for a quarter of an hour; recorded, as is every view meanwhile.

    Raises NotAllowed without UNMASK, ReasonMissing.
    """
    session.viewer.require(Right.UNMASK)
    reason = _checked(reason)
    record(desk, session.viewer, Act.UNMASK, reason=reason)
    with desk.store() as store:
        store.set_unmasked(session.row.token, desk.clock() + UNMASK_SECONDS, reason)


def mask(desk: Desk, session: Session) -> None:
    """Hide values again, and end emergency access."""
    with desk.store() as store:
        store.set_unmasked(session.row.token, 0.0, "")
        store.set_emergency(session.row.token, 0.0, "")


def begin_emergency(desk: Desk, session: Session, reason: str) -> int:
    """Emergency access for half an hour; the number of its entry in the audit trail.

    Raises NotAllowed without EMERGENCY, ReasonMissing.
    """
    session.viewer.require(Right.EMERGENCY)
    reason = _checked(reason)
    head = record(desk, session.viewer, Act.EMERGENCY, reason=reason)
    with desk.store() as store:
        store.set_emergency(session.row.token, desk.clock() + EMERGENCY_SECONDS, reason)
    return head.number


def form_token(cookie: str) -> str:
    """What a form must carry to be believed: only who can read the cookie can make it."""
    return hmac.digest(cookie.encode("utf-8", "replace"), b"form", "sha256").hex()


def is_form_token(cookie: str, given: str) -> bool:
    """True when a form carries the token of the cookie."""
    expected = form_token(cookie).encode()
    return bool(cookie) and hmac.compare_digest(expected, given.encode("utf-8", "replace"))


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _checked(reason: str) -> str:
    reason = " ".join(reason.split())
    if len(reason) < REASON_CHARACTERS_MIN:
        raise ReasonMissing("say why, in a few words: they are kept in the audit trail")
    return reason
