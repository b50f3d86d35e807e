"""Pure. One token for all processes of a client: who asks for the next one, who waits, who goes on.

What is known of a client is one row, `KeptToken`. Every question is asked with the row and the time
and gives the row as it is afterwards; whoever keeps rows (a database, a process's memory) makes
that one step. Report section 2: a token lives some ten minutes, its endpoint may throttle those who
ask more than once a minute, and a token that is refused (401) is renewed once, not again and again.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

SKEW_SECONDS = 60.0
"""Renewed so long before it ends."""
SKEW_SHARE_MAX = 0.2
"""Of the lifetime of a short-lived token."""
REQUESTS_SECONDS_MIN = 60.0
"""Between two requests."""
LEASE_SECONDS = 15.0
"""So long one has the right to ask without a sign of life; who asks gives it again and again."""
CLOCK_SECONDS = 5.0
"""What lies further in the future than this was written before the clock was set back."""


def fresh_seconds(lifetime_seconds: float) -> float:
    """How long a token is used before somebody renews it."""
    return lifetime_seconds - min(SKEW_SECONDS, lifetime_seconds * SKEW_SHARE_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptToken:
    """What is known of the token of one client. Times are of the clock of who keeps it."""

    generation: int = 0
    """Of the token, one more for each; 0: there was none yet."""
    sealed: bytes = b""
    """The token as it is kept; empty: none, or it was refused."""
    issued_at: float = 0.0
    lifetime_seconds: float = 0.0
    forced: bool = False
    """It was got, or is to be got, because the one before was refused."""
    asked_at: float = 0.0
    """When the right to ask was given last."""
    holder: str = ""
    """Who has that right."""
    held_until: float = 0.0
    blocked_until: float = 0.0
    """The endpoint is left alone so long."""
    failure: str = ""
    """Why; empty: a renewed token was refused too."""

    @property
    def expires_at(self) -> float:
        """When it ends."""
        return self.issued_at + self.lifetime_seconds

    @property
    def renew_at(self) -> float:
        """From when on somebody asks for the next one."""
        return self.issued_at + fresh_seconds(self.lifetime_seconds)


class Verdict(StrEnum):
    """What the one who looked does."""

    USE = "use"
    """Take the token as it is."""
    ASK = "ask"
    """Ask the endpoint: nobody else does. The token may be good meanwhile."""
    WAIT = "wait"
    """Look again soon: another asks."""
    BLOCKED = "blocked"
    """There is none, and the endpoint is left alone for now."""
    APART = "apart"
    """Others use a token that this one cannot read: get one that is not shared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An answer to who looked."""

    verdict: Verdict
    kept: KeptToken
    now: float

    @property
    def seconds_left(self) -> float:
        """Of the token's life; 0.0: there is none."""
        left = min(self.kept.expires_at - self.now, self.kept.lifetime_seconds)
        return max(0.0, left) if self.kept.sealed else 0.0


def look(
    kept: KeptToken, now: float, holder: str, *, refused: int = 0, unreadable: int = 0
) -> Look:
    """What the holder-to-be does, and the row afterwards.

    Args:
        kept: the row as it is.
        now: the time.
        holder: who looks.
        refused: the generation of a token that the API answered 401 to; 0: none. Only the first
            who reports a generation drops it: for all later ones the next is there, or under way.
        unreadable: the generation of a token that was sealed with another credential; 0: none. Two
            credentials in use at once must not take turns at the endpoint.
    """
    if kept.asked_at > now + CLOCK_SECONDS:
        kept = replace(kept, issued_at=now, asked_at=now, held_until=now, blocked_until=now)
    if kept.sealed and refused == kept.generation:
        kept = _dropped(kept)
    free = now >= kept.held_until or kept.holder == holder
    if kept.sealed and unreadable == kept.generation:
        young = now < kept.issued_at + REQUESTS_SECONDS_MIN
        if young or not free or now < kept.blocked_until:
            return Look(verdict=Verdict.APART, kept=kept, now=now)
        kept = replace(kept, sealed=b"", forced=False)
    alive = bool(kept.sealed) and now < kept.expires_at
    if alive and (now < kept.renew_at or not free or now < kept.blocked_until):
        return Look(verdict=Verdict.USE, kept=kept, now=now)
    if not free:
        return Look(verdict=Verdict.WAIT, kept=kept, now=now)
    if now < kept.blocked_until:
        return Look(verdict=Verdict.BLOCKED, kept=kept, now=now)
    begun = replace(kept, holder=holder, held_until=now + LEASE_SECONDS, asked_at=now)
    return Look(verdict=Verdict.ASK, kept=begun, now=now)


def _dropped(kept: KeptToken) -> KeptToken:
    """Without its token, which was refused; one that replaced a refused one is not replaced at
    once."""
    if not kept.forced:
        return replace(kept, sealed=b"", forced=True)
    blocked = max(kept.blocked_until, kept.issued_at + REQUESTS_SECONDS_MIN)
    return replace(kept, sealed=b"", failure="", blocked_until=blocked)


def given(kept: KeptToken, holder: str, sealed: bytes, lifetime_seconds: float) -> KeptToken | None:
    """The row with a new token; None when another has taken the right to ask over."""
    if kept.holder != holder:
        return None
    return KeptToken(
        generation=kept.generation + 1,
        sealed=sealed,
        issued_at=kept.asked_at,  # before the request: never believed longer than it lives
        lifetime_seconds=lifetime_seconds,
        # One that follows a token which was not refused begins anew.
        forced=kept.forced and not kept.sealed,
        asked_at=kept.asked_at,
    )


def denied(
    kept: KeptToken, now: float, holder: str, failure: str, pause_seconds: float
) -> KeptToken | None:
    """The row after a request that brought none; None when another has the right to ask.

    Args:
        kept: the row as it is.
        now: the time.
        holder: who asked.
        failure: why, for all who wait; not empty where there is a pause.
        pause_seconds: nobody asks before; 0.0: it says nothing about the others.
    """
    if kept.holder != holder:
        return None
    ended = replace(kept, holder="", held_until=0.0)
    if not pause_seconds:
        return ended
    return replace(ended, failure=failure, blocked_until=now + pause_seconds)


def extended(kept: KeptToken, now: float, holder: str) -> KeptToken | None:
    """The row after a sign of life of who asks; None when another has taken over."""
    return replace(kept, held_until=now + LEASE_SECONDS) if kept.holder == holder else None
