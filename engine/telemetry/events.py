"""Rim. What can happen in the engine: one class per event, which gives its log line and its metric.

An event is a value with typed fields, so that a log line can never pick up a value from a message
by accident: there is no free text and no way to add a key. Fields hold names from the
configuration, addresses of peers, counts, codes and times. Names are `<Noun><PastVerb>`; the class
name is the event's name in the log.

`labels` are the fields that become metric labels; their vocabularies are bounded (channels, codes),
which addresses and ids are not.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class Level(IntEnum):
    """How loud an event is, with the numbers of the standard library."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of all events; `amount` is what its counter grows by."""

    level: ClassVar[Level] = Level.INFO
    counter: ClassVar[str] = ""
    """Metric name without the `engine_` in front; empty: no metric."""
    labels: ClassVar[tuple[str, ...]] = ()

    @property
    def amount(self) -> float:
        """How much the counter grows: 1, or a count the event carries."""
        return float(getattr(self, "count", 1))


# -- listeners --


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerStarted(Event):
    """A listener accepts connections or files."""

    listener: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerStopped(Event):
    """A listener accepts nothing more."""

    listener: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerFailed(Event):
    """A listener could not start; it is tried again."""

    level: ClassVar[Level] = Level.ERROR
    counter: ClassVar[str] = "listener_failures_total"
    labels: ClassVar[tuple[str, ...]] = ("listener",)

    listener: str
    error: str
    """Class of the exception and errno name."""
    retry_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOpened(Event):
    """A peer connected and was let in."""

    level: ClassVar[Level] = Level.DEBUG
    counter: ClassVar[str] = "connections_total"
    labels: ClassVar[tuple[str, ...]] = ("listener",)

    listener: str
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionClosed(Event):
    """A connection ended."""

    level: ClassVar[Level] = Level.DEBUG
    counter: ClassVar[str] = "connections_closed_total"
    labels: ClassVar[tuple[str, ...]] = ("listener", "reason")

    listener: str
    peer: str
    reason: str
    """peer, idle, frame-timeout, answer-timeout, fault, store, drain, reload, tls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRefused(Event):
    """A peer was turned away before it could send."""

    level: ClassVar[Level] = Level.WARNING
    counter: ClassVar[str] = "connections_refused_total"
    labels: ClassVar[tuple[str, ...]] = ("listener", "reason")

    listener: str
    peer: str
    reason: str
    """not-allowed, too-many, drain, store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateLoaded(Event):
    """TLS files were read, at start or because they changed."""

    listener: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRefused(Event):
    """Changed TLS files are unusable: the earlier ones stay in force."""

    level: ClassVar[Level] = Level.ERROR
    counter: ClassVar[str] = "certificate_failures_total"
    labels: ClassVar[tuple[str, ...]] = ("listener",)

    listener: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTaken(Event):
    """A folder listener finished with a file."""

    counter: ClassVar[str] = "files_total"
    labels: ClassVar[tuple[str, ...]] = ("listener", "outcome")

    listener: str
    outcome: str
    """done or failed."""
    size_bytes: int


# -- intake --


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesStored(Event):
    """Messages of one channel that one commit made durable."""

    level: ClassVar[Level] = Level.DEBUG
    counter: ClassVar[str] = "messages_received_total"
    labels: ClassVar[tuple[str, ...]] = ("channel", "verdict")

    channel: str
    verdict: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultStored(Event):
    """Bytes that are no acceptable message were kept, and answered where the table says so."""

    level: ClassVar[Level] = Level.WARNING
    counter: ClassVar[str] = "faults_total"
    labels: ClassVar[tuple[str, ...]] = ("channel", "code")

    channel: str
    code: str
    """Diagnostic code."""
    message_id: int
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgmentsLost(Event):
    """Stored messages whose sender was gone before it could be told."""

    level: ClassVar[Level] = Level.WARNING
    counter: ClassVar[str] = "acknowledgments_lost_total"
    labels: ClassVar[tuple[str, ...]] = ("channel",)

    channel: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgmentTimedOut(Event):
    """A late acknowledgment did not come in time: nothing is sent, the sender will resend."""

    level: ClassVar[Level] = Level.WARNING
    counter: ClassVar[str] = "acknowledgment_timeouts_total"
    labels: ClassVar[tuple[str, ...]] = ("channel",)

    channel: str
    message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFailed(Event):
    """The store did not take a commit: nothing was acknowledged."""

    level: ClassVar[Level] = Level.ERROR
    counter: ClassVar[str] = "store_failures_total"

    waiting_messages: int
    retry_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreResumed(Event):
    """The store works again: listeners take messages."""

    down_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingPaused(Event):
    """More waits than the bound allows: connections are not read until it has been stored."""

    level: ClassVar[Level] = Level.DEBUG
    counter: ClassVar[str] = "reading_pauses_total"

    waiting_messages: int
    waiting_bytes: int


# -- processing and delivery --


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProcessed(Event):
    """A message was processed."""

    level: ClassVar[Level] = Level.DEBUG
    counter: ClassVar[str] = "runs_total"
    labels: ClassVar[tuple[str, ...]] = ("channel", "state")

    channel: str
    state: str
    run_id: int
    message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(Event):
    """An attempt to deliver ended."""

    level: ClassVar[Level] = Level.DEBUG
    counter: ClassVar[str] = "attempts_total"
    labels: ClassVar[tuple[str, ...]] = ("channel", "destination", "state", "code")

    channel: str
    destination: str
    state: str
    code: str
    """Failure code of `pipeline.response`, empty when it succeeded."""
    delivery_id: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFailed(Event):
    """A delivery needs a person: ERROR, HELD or UNKNOWN."""

    level: ClassVar[Level] = Level.WARNING
    counter: ClassVar[str] = "deliveries_failed_total"
    labels: ClassVar[tuple[str, ...]] = ("channel", "destination", "state")

    channel: str
    destination: str
    state: str
    code: str
    delivery_id: int
    message_id: int
    """Which the console shows at /messages/ID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpened(Event):
    """A destination failed too often in a row: all its lanes wait."""

    level: ClassVar[Level] = Level.WARNING
    counter: ClassVar[str] = "breaker_openings_total"
    labels: ClassVar[tuple[str, ...]] = ("channel", "destination")

    channel: str
    destination: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerClosed(Event):
    """A destination answers again."""

    channel: str
    destination: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseLostSeen(Event):
    """Another worker took over lanes of this one; its work on them was dropped."""

    level: ClassVar[Level] = Level.WARNING
    counter: ClassVar[str] = "leases_lost_total"

    epoch: int


# -- console --


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyAccessBegan(Event):
    """Somebody sees values of patients of every channel for a while; to be reviewed."""

    level: ClassVar[Level] = Level.WARNING
    counter: ClassVar[str] = "emergency_accesses_total"

    user: str
    address: str
    audit_number: int
    """Of the entry in the audit trail, which holds the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFailed(Event):
    """Somebody gave a wrong name or password to the console."""

    level: ClassVar[Level] = Level.WARNING
    counter: ClassVar[str] = "sign_in_failures_total"

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHeadNoted(Event):
    """The end of the audit trail, for a copy of it outside the store."""

    number: int
    digest: str


# -- processes and configuration --


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStarted(Event):
    """A process of the engine runs."""

    name: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnded(Event):
    """A process ended as it was told to."""

    name: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessDied(Event):
    """A process ended on its own and is started again."""

    level: ClassVar[Level] = Level.ERROR
    counter: ClassVar[str] = "process_deaths_total"
    labels: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    pid: int
    status: str
    """`exit 1` or `signal 9`."""
    retry_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationApplied(Event):
    """A configuration is in force."""

    counter: ClassVar[str] = "configurations_applied_total"

    revision: str
    channels: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRefused(Event):
    """A changed configuration has errors: the earlier one stays in force."""

    level: ClassVar[Level] = Level.ERROR
    counter: ClassVar[str] = "configurations_refused_total"

    errors: int
    first_code: str
    first_place: str
    """`file:line:column` of the first error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertBegan(Event):
    """The watch saw a fault: a silence, a queue, errors, an outage, a certificate, a disk."""

    level: ClassVar[Level] = Level.WARNING
    counter: ClassVar[str] = "alerts_total"
    labels: ClassVar[tuple[str, ...]] = ("kind",)

    kind: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEnded(Event):
    """A fault is over."""

    kind: str
    subject: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNotTold(Event):
    """Nobody could be told of a fault: it is tried again."""

    level: ClassVar[Level] = Level.ERROR
    counter: ClassVar[str] = "alerts_not_told_total"
    labels: ClassVar[tuple[str, ...]] = ("kind",)

    kind: str
    ways: str
    """Way and kind of failure, no address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCaught(Event):
    """A bug or an unexpected failure: class and place in the code, never the exception's text."""

    level: ClassVar[Level] = Level.ERROR
    counter: ClassVar[str] = "errors_caught_total"
    labels: ClassVar[tuple[str, ...]] = ("error",)

    error: str
    """Name of the exception class."""
    place: str
    """`module:line` of its innermost frame in the engine."""
