"""Rim. What every destination promises: one send that never raises, and a question for the lost
answer.

A destination knows nothing of stores, lanes or retries. It is given one message at a time and
says how it went, in the words of `pipeline.response`. It holds connections, which `close` ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from engine.channel.connection import SecretReference
from engine.diagnostics import Diagnostic
from engine.millennium.identity.entries import LedgerKey
from engine.pipeline.response import Classification
from engine.pipeline.states import FailureClass

SecretSource = Callable[[SecretReference], str]
"""Gives the secret's value. Raises OSError or KeyError when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message on its way to one destination."""

    delivery_id: int
    message_id: int
    channel: str
    content_type: str
    body: bytes
    message_type: str = ""
    control_id: str = ""
    received_at: float = 0.0
    """Unix seconds."""
    possibly_sent: bool = False
    """An earlier attempt may have reached the destination."""
    in_full: bool = False
    """A person asked for it, or an attempt has failed: take nothing as known from before."""


class Ending(StrEnum):
    """What follows a failed attempt."""

    BY_CLASS = "by class"
    """What the retry policy makes of its class."""
    HOLD = "hold"
    """A person decides; the lane waits."""
    PARK = "park"
    """It waits beside its lane for something to be known in the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """What a parked delivery waits for: any of these keys at a service root."""

    root: str
    keys: tuple[LedgerKey, ...]
    seconds: float
    """So long; then a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """How one attempt ended, with what support staff will want to see."""

    classification: Classification
    status: str = ""
    """HTTP status, MSA-1, or nothing."""
    request: bytes = b""
    """Request line and headers without secrets; the body only where it is not the stored one."""
    response: bytes = b""
    """Status line, headers and body, cut to the destination's bound."""
    ending: Ending = Ending.BY_CLASS
    awaited: Awaited | None = None
    """With PARK."""


class Settlement(StrEnum):
    """How it is found out whether a message that may have been sent was taken."""

    REPEAT = "repeat"
    """Send it again: twice leaves the destination as once."""
    ASK = "ask"
    """Ask the destination first."""
    PERSON = "person"
    """Only a person can find out."""


class Presence(StrEnum):
    """What a probe found."""

    PRESENT = "present"
    ABSENT = "absent"
    UNREACHABLE = "unreachable"
    """The destination did not answer the question: ask again later."""
    UNKNOWABLE = "unknowable"
    """Its answer does not settle it."""


class Destination(Protocol):
    """Where messages leave. Used from one event loop."""

    async def send(self, outgoing: Outgoing) -> AttemptResult:
        """Make one attempt, within the destination's timeout. Never raises, cancellation apart."""
        ...

    def settlement(self, outgoing: Outgoing) -> Settlement:
        """What to do when this message may have been sent already."""
        ...

    async def probe(self, outgoing: Outgoing) -> Presence:
        """Ask whether a message that may have been sent is there. Never raises, as `send`."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token. Its value is in no text made of it."""

    value: str = field(repr=False)
    granted: frozenset[str]
    """The scopes as granted."""
    lifetime_seconds: float = 0.0
    """As the token endpoint said when it gave it."""
    serial: int = 0
    """The token source's own number for it."""

    @property
    def header(self) -> str:
        """The value of an Authorization header (RFC 6750 section 2.1)."""
        return f"Bearer {self.value}"


class AuthorizationFailed(Exception):  # noqa: N818  a condition of the other side
    """There is no token: nothing was sent, and the delivery waits."""

    def __init__(
        self, code: str, explanation: Diagnostic, retry_after_seconds: float | None = None
    ) -> None:
        """Args: failure code, safe for metrics; why, with remedy; when to ask again."""
        super().__init__(explanation.message)
        self.code = code
        self.explanation = explanation
        self.retry_after_seconds = retry_after_seconds

    @property
    def classification(self) -> Classification:
        """Transient, as a 401 is: the queue waits until the credential is right."""
        return Classification(FailureClass.TRANSIENT, self.code, self.retry_after_seconds)

    @property
    def shown(self) -> bytes:
        """Code, reason and remedy, as kept with an attempt."""
        found = self.explanation
        return f"{found.code} {found.message}\n{found.hint or ''}".encode()


class TokenSource(Protocol):
    """Where a destination gets its tokens. Used from one event loop; shared by destinations."""

    async def token(self, scopes: frozenset[str] = frozenset()) -> Token:
        """A token that permits these scopes, of either SMART syntax.

        Kept until shortly before it ends; however many ask, one request is made.

        Raises:
            AuthorizationFailed: there is none, or its grant lacks a scope.
        """
        ...

    def rejected(self, token: Token) -> None:
        """The API answered 401 to it: the next `token` renews, once."""
        ...

    async def close(self) -> None:
        """Forget the tokens."""
        ...
