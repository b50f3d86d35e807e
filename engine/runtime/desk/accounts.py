"""Rim. Users: who they are, what they may do, adding and changing them. Each change is recorded."""

import re
from collections.abc import Sequence
from dataclasses import replace

from engine.runtime.desk.audit import Act, record, record_as
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.guesses import TooOften, of_user, tried
from engine.runtime.desk.passwords import AccountError, TooMany, hash_password, verify_password
from engine.runtime.desk.rights import ROLES, Right, Viewer, rights_within
from engine.store.desk.rows import UserRow

NAME_FORM = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")

__all__ = [
    "AccountError",
    "UserRow",
    "add_user",
    "change_own_password",
    "change_user",
    "checked_name",
    "checked_roles",
    "prefer",
    "sign_out_everywhere",
    "told",
    "users",
    "viewer_of",
]


def viewer_of(user: UserRow, origin: str) -> Viewer:
    """What a user may do; nothing once disabled, nothing for all channels when kept to some."""
    return Viewer(
        name=user.name,
        rights=rights_within(user.roles, user.channels) if user.enabled else frozenset(),
        channels=None if user.channels is None else frozenset(user.channels),
        origin=origin,
    )


def users(desk: Desk, viewer: Viewer) -> list[UserRow]:
    """All users. Raises NotAllowed without USERS."""
    viewer.require(Right.USERS)
    with desk.store() as store:
        return store.users()


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
        name=checked_name(name),
        password=hash_password(password, name) if password else "",
        roles=checked_roles(roles),
        channels=None if channels is None else tuple(channels),
        os_account=os_account.strip(),
        created_at=desk.clock(),
    )
    _refuse_taken_account(desk, user)
    record(desk, viewer, Act.USERS, subject=f"user {user.name}", reason="added",
           details=told(user))  # fmt: skip
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
    checked_roles(user.roles)
    _refuse_taken_account(desk, user)
    changed = replace(user, password=hash_password(password, user.name)) if password else user
    with desk.store() as store:
        others = [one for one in store.users() if one.name != user.name]
    if not any(_may_change_users(one) for one in (*others, changed)):
        raise AccountError("somebody who can sign in must keep the role administrator")
    details = told(changed) | ({"password": "changed"} if password else {})
    record(desk, viewer, Act.USERS, subject=f"user {user.name}", reason="changed", details=details)
    with desk.store() as store:
        if not store.save_user(changed):
            raise AccountError(f"there is no user {user.name}")
        store.end_sessions_of(user.name)
        store.forget_guesses(of_user(user.name))
    return changed


def recover_administrator(desk: Desk, viewer: Viewer, name: str, password: str) -> None:
    """Make a local user an administrator that can sign in, or add one; recorded.

    Whoever calls it has made sure that the viewer owns the store. Raises AccountError.
    """
    with desk.store() as store:
        known = store.user(checked_name(name))
    if known is not None and known.subject:
        raise AccountError(f"{name} signs in at the provider: name another")
    user = replace(
        known or UserRow(name=checked_name(name), created_at=desk.clock()),
        password=hash_password(password, name),
        roles=checked_roles((*(known.roles if known else ()), "administrator")),
        channels=None,
        enabled=True,
    )
    record(
        desk, viewer, Act.USERS, subject=f"user {user.name}", reason="recovered",
        details=told(user) | {"password": "changed"},
    )  # fmt: skip
    with desk.store() as store:
        if not (store.save_user(user) or store.add_user(user)):
            raise AccountError("the user could not be kept: try again")
        store.end_sessions_of(user.name)
        store.forget_guesses(of_user(user.name))


def change_own_password(
    desk: Desk, viewer: Viewer, before: str, after: str, keep: bytes = b""
) -> None:
    """A user's own new password; recorded. The user's sessions end, but `keep`, where it is done.

    Raises AccountError.
    """
    with desk.store() as store:
        user = store.user(viewer.name)
    try:
        with tried(desk, viewer.name, viewer.origin) as attempt:
            stored = user.password if user is not None else ""
            attempt.right = bool(stored) and verify_password(stored, before)
    except (TooMany, TooOften) as problem:
        raise AccountError(str(problem)) from None
    if user is None or not attempt.right:
        record_as(desk, viewer.name, viewer.origin, Act.FAILED_LOGIN, reason="own password")
        raise AccountError("the password in use is wrong")
    changed = replace(user, password=hash_password(after, user.name))
    record(desk, viewer, Act.USERS, subject=f"user {user.name}", details={"password": "changed"})
    with desk.store() as store:
        store.save_user(changed)
        store.end_sessions_of(user.name, but=keep)


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
    return bool(user.password or user.subject) and viewer_of(user, "").may(Right.USERS)


def told(user: UserRow) -> dict[str, str]:
    """What a user may do, for the audit trail."""
    channels = "all" if user.channels is None else " ".join(user.channels)
    return {
        "roles": " ".join(user.roles),
        "channels": channels,
        "account": user.os_account,
        "enabled": "yes" if user.enabled else "no",
    }


def checked_name(name: str) -> str:
    """The name as it is kept. Raises AccountError."""
    name = name.strip().lower()
    if not NAME_FORM.fullmatch(name):
        raise AccountError("a name is 1 to 64 letters, digits, dots, dashes or @")
    return name


def checked_roles(roles: Sequence[str]) -> tuple[str, ...]:
    """The roles, each once. Raises AccountError for none, and for one that is not there."""
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
