"""Rim. Passwords: what is fit to be one, hashing, checking.

Hashed with argon2id (RFC 9106, its second recommended setting: 64 MiB), one at a time, so that a
flood of sign-ins cannot take the machine's memory.
"""

import secrets
from functools import cache
from threading import BoundedSemaphore, Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_CHARACTERS_MIN = 12
"""NIST SP 800-63B-4 asks for 15 where a password is all there is, 8 beside a second factor."""
PASSWORD_CHARACTERS_MAX = 200
WAITING_MAX = 6
"""Sign-ins under way at once; more are told to come again, so that they hold up nobody else."""

_HASHER = PasswordHasher()
_ONE_AT_A_TIME = Lock()
_WAITING = BoundedSemaphore(WAITING_MAX)


class AccountError(ValueError):
    """A user cannot be made or changed so; the text says why, in words for the person."""


class TooMany(Exception):  # noqa: N818  a condition: try again
    """Too many passwords are being checked; the text says so."""


@cache
def hash_of_nobody() -> str:
    """What a wrong name's password is compared with, so that it takes as long."""
    return _HASHER.hash(secrets.token_urlsafe(16))


def verify_password(stored: str, password: str) -> bool:
    """True when the hash is of the password. Raises TooMany."""
    if not _WAITING.acquire(blocking=False):
        raise TooMany("many are signing in just now: try again")
    try:
        with _ONE_AT_A_TIME:
            return _HASHER.verify(stored, password[:PASSWORD_CHARACTERS_MAX])
    except (VerificationError, InvalidHashError):
        return False
    finally:
        _WAITING.release()


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


def needs_rehash(stored: str) -> bool:
    """True when it was hashed with weaker settings than those of now."""
    return _HASHER.check_needs_rehash(stored)
