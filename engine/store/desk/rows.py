"""Rim. The rows of users, sessions and the audit trail."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """One person who may sign in."""

    name: str
    password: str = field(default="", repr=False)
    """Argon2 hash with its parameters; empty: signs in elsewhere (OpenID Connect)."""
    subject: str = ""
    """`issuer|sub` of the OpenID provider; empty: a local user."""
    os_account: str = ""
    """Account of the operating system that acts as this user on the command line."""
    roles: tuple[str, ...] = ()
    channels: tuple[str, ...] | None = None
    """The only channels this user sees; None: all."""
    enabled: bool = True
    theme: str = "system"
    """system, light or dark."""
    shortcuts: bool = True
    """The keyboard layer is on."""
    created_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One signed-in browser."""

    token: bytes = field(repr=False)
    """SHA-256 of the cookie's value."""
    user: str
    address: str
    created_at: float
    seen_at: float
    """Last time the person did something; pages that refresh themselves do not count."""
    ends_at: float
    """No activity carries it beyond this."""
    unmasked_until: float = 0.0
    unmask_reason: str = ""
    emergency_until: float = 0.0
    emergency_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """What a program may do that sends this token."""

    name: str
    digest: bytes = field(repr=False)
    """SHA-256 of its value."""
    roles: tuple[str, ...]
    channels: tuple[str, ...] | None
    """The only channels it sees; None: all."""
    created_by: str
    created_at: float
    """Unix seconds, as the others."""
    ends_at: float
    seen_at: float | None = None
    """None: it was never used."""
    seen_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing a person did, to be recorded. Holds no value of a patient."""

    at: float
    actor: str
    """The user's name; before a sign-in the name that was tried."""
    origin: str
    """`console 10.1.2.3` or `command root@host`."""
    act: str
    channel: str = ""
    message_id: int | None = None
    patients: tuple[str, ...] = field(default=(), repr=False)
    """Keyed hashes of the patients' identifiers."""
    subject: str = ""
    """What it was done to, when that is no message: `user m.ruiz`, `job 77`."""
    reason: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """A recorded entry."""

    number: int
    entry: AuditEntry
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSearch:
    """Which rows of the trail; all given conditions must hold."""

    patient: str = ""
    """A keyed hash."""
    actor: str = ""
    act: str = ""
    message_id: int | None = None
    channel: str = ""
    scope: tuple[str, ...] | None = None
    """Only what was done to these channels, or by `scope_actor`; None: everything."""
    scope_actor: str = ""
    since: float | None = None
    until: float | None = None
    before_number: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """The end of the trail."""

    number: int
    digest: bytes

    def __str__(self) -> str:
        """`1042:9f3c2e81...`, to be noted elsewhere and checked against later."""
        return f"{self.number}:{self.digest.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """What checking the whole trail found."""

    rows: int
    head: AuditHead
    broken_number: int | None = None
    problem: str = ""
