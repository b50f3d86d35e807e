"""Rim. Slowing those who guess passwords: by address, by name, and not the user they guess.

Every try is counted where it comes from and of whom, before its password is looked at. After some
failures in a row one waits, longer each time. Where a user has signed in before, only the failures
of this user there count: guesses from elsewhere do not keep the user out.
"""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.runtime.desk.desk import Desk
from engine.runtime.desk.passwords import TooMany
from engine.store.desk.guesses import Waits

OF_NAME = Waits(seconds=(0, 0, 0, 5, 15, 60, 120, 300), forgotten_seconds=86_400.0)
OF_ADDRESS = Waits(seconds=(*[0] * 10, 5, 15, 30, 60, 120, 300, 600, 900), forgotten_seconds=3600.0)
"""More than of a name: many may sit behind one address."""
NETWORK_V6 = 64
"""Bits: who has one such address has all of its network."""
PLACE_CHARACTERS_MAX = 80


class TooOften(Exception):  # noqa: N818  a condition; the text says how long to wait
    """Too many wrong passwords."""


@dataclass(slots=True)
class Attempt:
    """One try; `right` is for the caller to say."""

    right: bool = False


@contextmanager
def tried(desk: Desk, name: str, origin: str) -> Iterator[Attempt]:
    """Around looking at a password. What raises TooMany was no try.

    Args:
        desk: where it is counted.
        name: whose password it would be; whether there is such a user is not asked. Empty: of no
            user, so that it is counted by where it comes from alone.
        origin: where it comes from: `console 10.1.2.3`, `command root@host`.

    Raises:
        TooOften: one has to wait; the password must not be looked at.
    """
    now = desk.clock()
    home, address, whose = _of_home(name, origin), _of_address(origin), of_user(name)
    with desk.store() as store:
        known = bool(name) and store.is_known_place(home)
        tries = {home: OF_NAME} if known else {whose: OF_NAME, address: OF_ADDRESS}
        if not name:
            tries = {address: OF_ADDRESS}
        until = store.count_guess(tries, now)
    if until > now:
        raise TooOften(f"too many wrong passwords: wait {int(until - now) + 1} s and try again")
    attempt = Attempt()
    try:
        yield attempt
    except TooMany:
        with desk.store() as store:
            store.take_back_guess(tuple(tries))
        raise
    if attempt.right:
        with desk.store() as store:
            if not known:
                store.take_back_guess((address,))
                store.forget_guesses(whose)
            if name:
                store.know_place(home, now)


def of_user(name: str) -> str:
    """What is counted of a name, wherever it is tried from."""
    return f"user {name}"


def waiting_users(desk: Desk) -> dict[str, float]:
    """Names that cannot be used from new places now, and until when."""
    with desk.store() as store:
        found = store.waiting(desk.clock())
    prefix = of_user("")
    return {
        what.removeprefix(prefix): until for what, until in found.items() if what.startswith(prefix)
    }


def _of_home(name: str, origin: str) -> str:
    return f"home {name} {_place(origin)}"


def _of_address(origin: str) -> str:
    return f"from {_place(origin)}"


def _place(origin: str) -> str:
    """`console 10.1.2.3`, `console 2001:db8:1:2::/64`, `command root@host`."""
    kind, _, address = origin.partition(" ")
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return origin[:PLACE_CHARACTERS_MAX]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return f"{kind} {found.ipv4_mapped}"
        return f"{kind} {ipaddress.ip_network((found, NETWORK_V6), strict=False)}"
    return f"{kind} {found}"
