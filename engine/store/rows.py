"""Rim. The rows that cross the store's border. See `interface`, which names them all.

What a message said (raw bytes, bodies, responses, acknowledgments) is left out of their text form,
so that it cannot reach a log or a traceback by accident.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.millennium.identity.entries import LedgerKey
from engine.pipeline.states import (
    AcknowledgmentOutcome,
    FailureClass,
    Origin,
    State,
    Verdict,
)
from engine.store.copy_interface import EditedCopy


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A received message (or a framing fault) as intake appends it."""

    channel: str
    received_at: float
    """Unix time, seconds, UTC."""
    source: str
    """Listener type and peer, such as `mllp 10.1.2.3:51022` or `directory /in/a.hl7`."""
    raw: bytes = field(repr=False)
    sha256: bytes
    control_id: str = ""
    sender: str = ""
    """MSH-3 and MSH-4, joined by `|`."""
    message_type: str = ""
    """MSH-9.1 and MSH-9.2 joined by `^`, such as `ADT^A01`."""
    version: str = ""
    lanes: tuple[str, ...] = field(default=(), repr=False)
    """One lane key, or two for a message that merges identities. Empty: a lane of its own."""
    verdict: Verdict = Verdict.NEW
    duplicate_of: int | None = None
    """message_id of the first one, for DUPLICATE and CONFLICT."""
    runnable: bool = True
    """False when the message is only kept (duplicate, fault, rejected): no run is made for it."""
    acknowledgment: bytes = field(default=b"", repr=False)
    acknowledgment_code: str = ""
    revision: str = ""
    """Configuration revision in force at receipt."""
    diagnostics: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentControlId:
    """What the duplicate check needs to know again after a restart."""

    channel: str
    sender: str
    control_id: str
    sha256: bytes
    message_id: int
    received_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLease:
    """The right to work on some lane buckets until a deadline."""

    owner: str
    epoch: int
    buckets: frozenset[int]
    until: float
    """On the database's clock, Unix seconds."""
    wanted_by_others: int = 0
    """Another owner waits for so many of the buckets: drain them, then `release` just them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pass of a message through the engine, not yet final."""

    run_id: int
    message_id: int
    channel: str
    lanes: tuple[str, ...] = field(repr=False)
    origin: Origin
    state: State
    received_at: float
    message_type: str = ""
    control_id: str = ""
    revision: str = ""
    replay_of: int | None = None
    """run_id of the original."""
    destinations: tuple[str, ...] = ()
    """For a replay: only these; empty means all of the channel."""
    job_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message for one destination, not yet final."""

    delivery_id: int
    run_id: int
    message_id: int
    channel: str
    destination: str
    lanes: tuple[str, ...] = field(repr=False)
    state: State
    attempts: int = 0
    next_attempt_at: float = 0.0
    first_attempt_at: float | None = None
    possibly_sent: bool = False
    """An attempt was in flight when its worker died, or its answer was lost."""
    received_at: float = 0.0
    message_type: str = ""
    control_id: str = ""
    origin: Origin = Origin.RECEIVED
    """Of its run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery to create, with the exact output to send."""

    destination: str
    content_type: str
    body: bytes = field(repr=False)
    state: State = State.QUEUED
    """PENDING: its first attempt begins once the batch is committed, as with `started`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """TX2: the result of the pure step for one run."""

    run_id: int
    state: State
    """TRANSFORMED, FILTERED, ERROR or HELD."""
    deliveries: tuple[NewDelivery, ...] = ()
    diagnostics: tuple[Mapping[str, Any], ...] = ()
    search_keys: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """(kind, value) pairs such as ("mrn", "12345"); kinds are the channel's."""
    resource_ids: tuple[str, ...] = ()
    """Of the resources in the outputs."""
    event_at: float | None = None
    """When it happened by the message (EVN-2, MSH-7), Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """TX3: how one attempt ended."""

    delivery_id: int
    number: int
    """1-based attempt number."""
    started_at: float
    finished_at: float
    state: State
    """SENT, QUEUED (again), ERROR, UNKNOWN, HELD or PARKED."""
    failure_class: FailureClass | None = None
    failure_code: str = ""
    """Bounded vocabulary of pipeline.response, such as `http-503`, `connect-refused`, `timeout`."""
    next_attempt_at: float = 0.0
    status: str = ""
    """HTTP status or MSA-1."""
    request: bytes = field(default=b"", repr=False)
    """Request line and headers without secrets; the body is the delivery's."""
    response: bytes = field(default=b"", repr=False)
    """Headers and body, bounded by the destination."""
    answer_ids: tuple[str, ...] = ()
    """Request ids, and ids of resources the destination has made."""
    possibly_sent: bool = False
    waits_for: "Wait | None" = None
    """PARKED: until when, and what for."""
    aside: bool = False
    """PARKED, or HELD after it: the lane of the delivery does not wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a parked delivery waits for: any of these keys in the ledger."""

    root: str
    """Service root."""
    keys: tuple[LedgerKey, ...]
    until: float
    """Unix seconds; then a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkingRound:
    """What a look at parked deliveries found."""

    released_count: int
    """Put back to QUEUED: `released_deliveries` gives them next."""
    expired: tuple[Delivery, ...]
    """What did not come in time, to be HELD."""
    next_after: int
    """Where the next look begins; 0: at the first one again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateBatch:
    """All that one worker turn has to write: one transaction, guarded by the lease's epoch."""

    lease: LaneLease
    processed: Sequence[Processed] = ()
    started: Sequence[int] = ()
    """delivery_ids whose attempt begins once this batch is committed (they become PENDING)."""
    outcomes: Sequence[Outcome] = ()
    now: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a delivery sends."""

    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What `log search` asks; all given conditions must hold."""

    channels: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    """Of the run or of any of its deliveries."""
    verdicts: tuple[Verdict, ...] = ()
    """Of the duplicate check; with states given too, either will do."""
    message_types: tuple[str, ...] = ()
    """`ADT`, or `ADT^A01`."""
    control_id: str | None = None
    keys: tuple[tuple[str | None, str], ...] = ()
    """(kind or None for any kind, value)."""
    codes: tuple[str, ...] = ()
    """Diagnostic or failure codes."""
    carried_ids: tuple[str, ...] = field(default=(), repr=False)
    """Ids of resources sent or made, or of requests: what a destination knows the message by."""
    origins: tuple[Origin, ...] = ()
    """Of the latest run."""
    since: float | None = None
    until: float | None = None
    message_ids: tuple[int, ...] = ()
    destinations: tuple[str, ...] = ()
    job_id: int | None = None
    before_message_id: int | None = None
    """For the next page, newest first."""
    oldest_first: bool = False
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One line of a search result: a message and its latest run."""

    message_id: int
    run_id: int | None
    channel: str
    received_at: float
    message_type: str
    control_id: str
    state: State | None
    """None: kept, never run (duplicate, fault, refused)."""
    verdict: Verdict
    origin: Origin
    codes: tuple[str, ...] = ()
    deliveries: tuple[tuple[str, State], ...] = ()
    problem: Mapping[str, Any] | None = None
    """The first error of the latest run, in its JSON form."""
    failure: tuple[str, str] | None = None
    """(destination, failure code) of the first delivery whose last attempt failed."""
    event_at: float | None = None
    """When it happened by the message, Unix seconds."""
    duplicate_of: int | None = None
    attempts: int = 0
    """To deliver, of the latest run, at all destinations together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """What a message is about, as its latest run read it."""

    search_keys: tuple[tuple[str, str], ...] = field(repr=False)
    event_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """A query under a random id, so that no URL has to hold it."""

    search_id: str
    owner: str
    name: str
    """Empty: only its owner's, and only until it expires."""
    query: str = field(repr=False)
    created_at: float
    expires_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One stored attempt."""

    number: int
    started_at: float
    finished_at: float
    state: State
    failure_class: FailureClass | None
    failure_code: str
    status: str
    request: bytes = field(repr=False)
    response: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """What a person decided about a delivery."""

    at: float
    by: str
    before: State
    after: State
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail:
    """A delivery with its output and attempts."""

    delivery_id: int
    destination: str
    state: State
    attempts: tuple[AttemptRow, ...]
    content_type: str
    body: bytes = field(repr=False)
    next_attempt_at: float
    possibly_sent: bool
    decisions: tuple[DecisionRow, ...] = ()
    """What persons decided about it, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """A run with its deliveries."""

    run_id: int
    origin: Origin
    state: State
    replay_of: int | None
    job_id: int | None
    created_at: float
    diagnostics: tuple[Mapping[str, Any], ...]
    deliveries: tuple[DeliveryDetail, ...]
    revision: str = ""
    """Configuration it ran on; empty of a replay on the one then in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDetail:
    """All that is known about a message."""

    receipt: Receipt
    message_id: int
    acknowledgment_outcome: AcknowledgmentOutcome
    late_acknowledgment: bytes = field(repr=False)
    search_keys: tuple[tuple[str, str], ...] = field(repr=False)
    runs: tuple[RunDetail, ...]
    duplicates: tuple[int, ...]
    """message_ids of later messages with the same control id."""
    copy: EditedCopy | None = None
    """The edited copy that it is."""
    copies: tuple[EditedCopy, ...] = ()
    """Edited copies made of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayJob:
    """A replay: which runs, how fast, how far it is."""

    job_id: int
    created_at: float
    created_by: str
    reason: str
    message_ids: tuple[int, ...] = field(repr=False)
    origin: Origin
    """REPLAY (process again) or RESEND (send the stored output again)."""
    destinations: tuple[str, ...]
    rate_per_second: float
    stop_after_failures: int
    state: str
    """draft, approval (another person has to agree), declined, waiting, running, paused, done,
    stopped."""
    started: int
    """How many of message_ids have become runs."""
    succeeded: int
    failed: int
    total: int = 0
    """How many message_ids there are; the ids are read only when the job is asked for by id."""
    left_out: int = 0
    """Given up: newer data was delivered already, or a newer replay took their place."""
    overwrite_newer: bool = False
    """Send also what would put older data over newer at the destination."""
    revision: str = ""
    """Of the configuration to process with; empty: that in force; `then`: that of the time each
    message came."""
    preview: str = field(default="", repr=False)
    """What a preview found, in the words of `runtime.desk.replay_preview`; JSON."""
    approved_by: str = ""
    """The other person who agreed; empty: nobody was asked."""
    channels: tuple[str, ...] = ()
    """Of its messages; an empty one is of messages that were forgotten. Read where a job is asked
    for by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewerSent:
    """What a later message about the same patient, visit or order delivered to a destination."""

    message_id: int
    message_type: str
    control_id: str
    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBefore:
    """A delivery of a message as a dry run compares with it."""

    destination: str
    state: State
    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message as a dry run processes it again."""

    message_id: int
    channel: str
    revision: str
    received_at: float
    message_type: str
    raw: bytes = field(repr=False)
    sent: tuple[SentBefore, ...]
    """Of all its runs, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """An operator's wish for a channel: run, pause (hold deliveries) or drain (stop receiving)."""

    channel: str
    mode: str
    """run, pause, drain."""
    reason: str
    by: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStats:
    """Counts of one channel."""

    channel: str
    received: int
    duplicates: int
    faults: int
    filtered: int
    errors: int
    """Runs and deliveries in ERROR now."""
    queued: int
    """Runs RECEIVED and deliveries QUEUED or PENDING now."""
    held: int
    """Runs and deliveries HELD or UNKNOWN now."""
    parked: int = 0
    """Runs of which nothing is left but what waits beside its lane."""
    sent: int
    oldest_queued_at: float | None
    last_received_at: float | None
