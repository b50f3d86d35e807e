"""Rim. Users and their passwords: adding, changing, signing in with back-off.

Passwords are hashed with argon2id (RFC 9106, its second recommended setting: 64 MiB), one at a
time, so that a flood of sign-ins cannot take the machine's memory. A wrong name takes as long as a
wrong password and gives the same answer. After some failures in a row a user waits, longer each
time, and no longer than five minutes: nobody can lock a colleague out for a day.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.runtime.desk.audit import Act, record, record_as
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import ROLES, Right, Viewer, rights_of
from engine.store.desk.rows import UserRow

NAME_FORM = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
PASSWORD_CHARACTERS_MIN = 12
"""NIST SP 800-63B-4 asks for 15 where a password is all there is, 8 beside a second factor."""
PASSWORD_CHARACTERS_MAX = 200
WAITS_SECONDS = (0, 0, 0, 5, 15, 60, 120, 300)
"""How long a user waits after the first, second, ... wrong password in a row."""
SETUP_KEY = "setup"
SETUP_CODE_BYTES = 15

_HASHER = PasswordHasher()
_ONE_AT_A_TIME = Lock()

__all__ = [
    "AccountError",
    "UserRow",
    "add_first_administrator",
    "add_user",
    "change_user",
    "hash_password",
    "new_setup_code",
    "sign_in",
    "users",
    "viewer_of",
]


class AccountError(ValueError):
    """A user cannot be made or changed so; the text says why, in words for the person."""


class SignInRefused(Exception):  # noqa: N818  said to the user in these words
    """Name and password do not belong together, or it was tried too often."""


def viewer_of(user: UserRow, origin: str) -> Viewer:
    """What a user may do; nothing once disabled."""
    return Viewer(
        name=user.name,
        rights=rights_of(user.roles) if user.enabled else frozenset(),
        channels=None if user.channels is None else frozenset(user.channels),
        origin=origin,
    )


def users(desk: Desk, viewer: Viewer) -> list[UserRow]:
    """All users. Raises NotAllowed without USERS."""
    viewer.require(Right.USERS)
    with desk.store() as store:
        return store.users()


# -- the first visit --


def new_setup_code(desk: Desk) -> str | None:
    """A code that makes the first administrator, once; None when there are users already.

    An earlier code is worth nothing after this.
    """
    code = "-".join(secrets.token_hex(3) for _ in range(SETUP_CODE_BYTES // 3))
    with desk.store() as store:
        if store.has_users():
            return None
        store.set_key(SETUP_KEY, hashlib.sha256(code.encode()).digest())
    return code


def add_first_administrator(
    desk: Desk, code: str, name: str, password: str, origin: str
) -> UserRow:
    """Make the first user, with every right.

    Raises:
        AccountError: the code is wrong or used up, or name or password are not fit.
    """
    given = hashlib.sha256(code.strip().lower().encode("utf-8", "replace")).digest()
    with desk.store() as store:
        kept = store.key(SETUP_KEY)
    if kept is None or not hmac.compare_digest(given, kept):
        record_as(desk, name, origin, Act.FAILED_LOGIN, subject="first administrator")
        raise AccountError("the setup code is wrong; it is on the terminal of engine serve")
    user = UserRow(
        name=_checked_name(name),
        password=hash_password(password, name),
        roles=("administrator",),
        created_at=desk.clock(),
    )
    with desk.store() as store:
        if not store.add_user(user, only_first=True):
            raise AccountError("there is an administrator already: sign in")
        store.set_key(SETUP_KEY, b"")
    record(
        desk, viewer_of(user, origin), Act.USERS, subject=f"user {user.name}",
        reason="first administrator", details={"roles": "administrator"},
    )  # fmt: skip
    return user


# -- signing in --


def sign_in(desk: Desk, name: str, password: str, origin: str) -> UserRow:
    """The user whose name and password these are; the sign-in or its failure is recorded.

    Raises:
        SignInRefused: with one text for a wrong name, a wrong password and a disabled user.
    """
    name = name.strip().lower()[:64]
    with desk.store() as store:
        user = store.user(name)
    now = desk.clock()
    if user is not None and user.locked_until > now:
        record_as(desk, name, origin, Act.FAILED_LOGIN, reason="locked")
        wait = int(user.locked_until - now) + 1
        raise SignInRefused(f"too many wrong passwords: wait {wait} s and try again")
    stored = user.password if user is not None and user.password else _of_nobody()
    right = verify_password(stored, password)
    if user is None or not right or not user.password or not user.enabled:
        if user is not None:
            with desk.store() as store:
                store.count_failure(name, [now + wait for wait in WAITS_SECONDS])
        record_as(desk, name, origin, Act.FAILED_LOGIN)
        raise SignInRefused("the name or the password is wrong")
    with desk.store() as store:
        store.forgive(name)
        if _HASHER.check_needs_rehash(user.password):
            store.save_user(replace(user, password=hash_password(password, name), failures=0))
    record_as(desk, name, origin, Act.LOGIN)
    return user


@cache
def _of_nobody() -> str:
    """What a wrong name's password is compared with, so that it takes as long."""
    return _HASHER.hash(secrets.token_urlsafe(16))


def verify_password(stored: str, password: str) -> bool:
    """True when the hash is of the password."""
    with _ONE_AT_A_TIME:
        try:
            return _HASHER.verify(stored, password[:PASSWORD_CHARACTERS_MAX])
        except (VerificationError, InvalidHashError):
            return False


def hash_password(password: str, name: str) -> str:
    """Argon2id hash of a password that is fit. Raises AccountError when it is not."""
    if len(password) < PASSWORD_CHARACTERS_MIN:
        raise AccountError(f"a password has at least {PASSWORD_CHARACTERS_MIN} characters")
    if len(password) > PASSWORD_CHARACTERS_MAX:
        raise AccountError(f"a password has at most {PASSWORD_CHARACTERS_MAX} characters")
    plain = password.lower()
    if name.lower() in plain or len(set(plain)) < 5:
        raise AccountError("a password must not hold the name, and not repeat few characters")
    with _ONE_AT_A_TIME:
        return _HASHER.hash(password)


# -- the users screen --


def add_user(
    desk: Desk,
    viewer: Viewer,
    *,
    name: str,
    password: str,
    roles: Sequence[str],
    channels: Sequence[str] | None = None,
    os_account: str = "",
) -> UserRow:
    """Make a user; recorded.

    Raises:
        NotAllowed: without USERS.
        AccountError: a value is not fit, or the name or the account is taken.
    """
    viewer.require(Right.USERS)
    user = UserRow(
        name=_checked_name(name),
        password=hash_password(password, name) if password else "",
        roles=_checked_roles(roles),
        channels=None if channels is None else tuple(channels),
        os_account=os_account.strip(),
        created_at=desk.clock(),
    )
    _refuse_taken_account(desk, user)
    record(desk, viewer, Act.USERS, subject=f"user {user.name}", reason="added",
           details=_told(user))  # fmt: skip
    with desk.store() as store:
        if not store.add_user(user):
            raise AccountError(f"there is a user {user.name} already")
    return user


def change_user(desk: Desk, viewer: Viewer, user: UserRow, *, password: str = "") -> UserRow:
    """Write a user's roles, channels, account and whether it may sign in; recorded.

    Its sessions end, so that what was taken away is gone at once. Theme and shortcuts are the
    user's own: see `prefer`.

    Raises:
        NotAllowed: without USERS.
        AccountError: a value is not fit, or nobody would be left who may change users.
    """
    viewer.require(Right.USERS)
    _checked_roles(user.roles)
    _refuse_taken_account(desk, user)
    changed = replace(user, failures=0, locked_until=0.0)
    if password:
        changed = replace(changed, password=hash_password(password, user.name))
    with desk.store() as store:
        others = [one for one in store.users() if one.name != user.name]
    if not any(_may_change_users(one) for one in (*others, changed)):
        raise AccountError("somebody who can sign in must keep the role administrator")
    told = _told(changed) | ({"password": "changed"} if password else {})
    record(desk, viewer, Act.USERS, subject=f"user {user.name}", reason="changed", details=told)
    with desk.store() as store:
        if not store.save_user(changed):
            raise AccountError(f"there is no user {user.name}")
        store.end_sessions_of(user.name)
    return changed


def change_own_password(desk: Desk, viewer: Viewer, before: str, after: str) -> None:
    """A user's own new password; recorded. Raises AccountError."""
    with desk.store() as store:
        user = store.user(viewer.name)
    if user is None or not user.password or not verify_password(user.password, before):
        record_as(desk, viewer.name, viewer.origin, Act.FAILED_LOGIN, reason="own password")
        raise AccountError("the password in use is wrong")
    changed = replace(user, password=hash_password(after, user.name))
    record(desk, viewer, Act.USERS, subject=f"user {user.name}", details={"password": "changed"})
    with desk.store() as store:
        store.save_user(changed)


def sign_out_everywhere(desk: Desk, viewer: Viewer) -> None:
    """End all sessions of the viewer; recorded."""
    record(desk, viewer, Act.LOGOUT, subject="everywhere")
    with desk.store() as store:
        store.end_sessions_of(viewer.name)


def prefer(desk: Desk, viewer: Viewer, *, theme: str, shortcuts: bool) -> None:
    """How a user likes the pages. Raises AccountError for an unknown theme."""
    if theme not in ("system", "light", "dark"):
        raise AccountError("a theme is system, light or dark")
    with desk.store() as store:
        user = store.user(viewer.name)
        if user is not None:
            store.save_user(replace(user, theme=theme, shortcuts=shortcuts))


def _may_change_users(user: UserRow) -> bool:
    return user.enabled and bool(user.password or user.subject) and (
        Right.USERS in rights_of(user.roles)
    )  # fmt: skip


def _told(user: UserRow) -> dict[str, str]:
    channels = "all" if user.channels is None else " ".join(user.channels)
    return {
        "roles": " ".join(user.roles),
        "channels": channels,
        "account": user.os_account,
        "enabled": "yes" if user.enabled else "no",
    }


def _checked_name(name: str) -> str:
    name = name.strip().lower()
    if not NAME_FORM.fullmatch(name):
        raise AccountError("a name is 1 to 64 letters, digits, dots, dashes or @")
    return name


def _checked_roles(roles: Sequence[str]) -> tuple[str, ...]:
    unknown = [role for role in roles if role not in ROLES]
    if unknown or not roles:
        raise AccountError(f"roles are {', '.join(ROLES)}; at least one is needed")
    return tuple(dict.fromkeys(roles))


def _refuse_taken_account(desk: Desk, user: UserRow) -> None:
    if not user.os_account:
        return
    with desk.store() as store:
        other = store.user_of_account(user.os_account)
    if other is not None and other.name != user.name:
        raise AccountError(f"the account {user.os_account} acts as {other.name} already")
