"""Rim. Signing in: the first administrator, local users with back-off, those of a provider.

A wrong name takes as long as a wrong password and gives the same answer, also once it was tried too
often. How long one waits then, `guesses` says.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import replace

from engine.runtime.desk.accounts import checked_name, checked_roles, told, viewer_of
from engine.runtime.desk.audit import Act, record, record_as
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.guesses import TooOften, tried
from engine.runtime.desk.passwords import (
    AccountError,
    TooMany,
    hash_of_nobody,
    hash_password,
    needs_rehash,
    verify_password,
)
from engine.store.desk.rows import UserRow

ADMINISTRATOR = "administrator"
SETUP_KEY = "setup"
SETUP_CODE_BYTES = 15


class SignInRefused(Exception):  # noqa: N818  said to the user in these words
    """Name and password do not belong together, or it was tried too often."""


# -- the first visit --


def new_setup_code(desk: Desk) -> str | None:
    """A code that makes the first administrator, once; None when there is one already.

    An earlier code is worth nothing after this.
    """
    code = "-".join(secrets.token_hex(3) for _ in range(SETUP_CODE_BYTES // 3))
    with desk.store() as store:
        if store.has_role(ADMINISTRATOR):
            return None
        store.set_key(SETUP_KEY, hashlib.sha256(code.encode()).digest())
    return code


def needs_administrator(desk: Desk) -> bool:
    """True as long as nobody may say who may do what."""
    with desk.store() as store:
        return not store.has_role(ADMINISTRATOR)


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
    try:
        with tried(desk, "", origin) as attempt:
            attempt.right = kept is not None and hmac.compare_digest(given, kept)
    except TooOften as problem:
        raise AccountError(str(problem)) from None
    if not attempt.right:
        record_as(desk, name, origin, Act.FAILED_LOGIN, subject="first administrator")
        raise AccountError("the setup code is wrong; it is on the terminal of engine serve")
    user = UserRow(
        name=checked_name(name),
        password=hash_password(password, name),
        roles=(ADMINISTRATOR,),
        created_at=desk.clock(),
    )
    with desk.store() as store:
        if not store.add_user(user, unless_role=ADMINISTRATOR):
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
    try:
        with tried(desk, name, origin) as attempt:
            stored = user.password if user is not None and user.password else hash_of_nobody()
            right = verify_password(stored, password)
            attempt.right = right and user is not None and bool(user.password) and user.enabled
    except TooOften as problem:  # not recorded: strangers could fill the trail so
        raise SignInRefused(str(problem)) from None
    except TooMany as problem:
        raise SignInRefused(str(problem)) from None
    if user is None or not attempt.right:
        record_as(desk, name, origin, Act.FAILED_LOGIN)
        raise SignInRefused("the name or the password is wrong")
    if needs_rehash(user.password):
        with desk.store() as store:
            store.save_user(replace(user, password=hash_password(password, name)))
    record_as(desk, name, origin, Act.LOGIN)
    return user


def sign_in_from_provider(
    desk: Desk,
    *,
    subject: str,
    name: str,
    roles: Sequence[str],
    channels: Sequence[str] | None,
    origin: str,
) -> UserRow:
    """The user of an OpenID subject, made at the first sign-in; roles and scope as given now.

    Raises:
        SignInRefused: the user is locked out here, or another user has the name.
    """
    with desk.store() as store:
        known = store.user_of_subject(subject)
        taken = store.user(name) if known is None else None
    if taken is not None:
        record_as(desk, name, origin, Act.FAILED_LOGIN, reason="the name is another user's")
        raise SignInRefused(f"there is another user {name}: an administrator has to rename one")
    user = replace(
        known or UserRow(name=name, subject=subject, created_at=desk.clock()),
        roles=checked_roles(roles),
        channels=None if channels is None else tuple(channels),
    )
    if not user.enabled:
        record_as(desk, user.name, origin, Act.FAILED_LOGIN, reason="locked out")
        raise SignInRefused("this account is locked out here")
    record(desk, viewer_of(user, origin), Act.LOGIN, subject="OpenID provider", details=told(user))
    with desk.store() as store:
        if not (store.save_user(user) or store.add_user(user)):
            raise SignInRefused("the user could not be kept: try again")
    return user
