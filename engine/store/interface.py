"""Rim. What a store promises, and the rows that cross its border; both kinds pass one suite.

Two parts. The *log* holds what an acknowledgment promises: raw bytes, header, acknowledgment; it
is append-only and written by intake alone. The *state* follows the log: runs, deliveries,
attempts, search keys, counters, commands; it is repaired from the log at start.

All calls block. Intake calls `Log.append` inline at the end of a reactor turn; a worker calls
`StateStore` from one thread of its own, so its event loop never waits for a disk. Every failure of
the database or its disk is raised as `StoreUnavailable`; on it no positive acknowledgment may be
sent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.pipeline.states import (
    AcknowledgmentOutcome,
    FailureClass,
    Origin,
    State,
    Verdict,
)

LANE_BUCKETS = 64
"""Lanes are spread over so many buckets (crc32 of channel and lane key); workers lease buckets."""


class StoreUnavailable(Exception):  # noqa: N818  a condition of the store, named as operators say it
    """The store did not take a write or answer a read. Nothing may be assumed about it."""


class LeaseLost(Exception):  # noqa: N818
    """Another owner has the lane bucket: a newer epoch exists. The write was refused whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A received message (or a framing fault) as intake appends it."""

    channel: str
    received_at: float
    """Unix time, seconds, UTC."""
    source: str
    """Listener type and peer, such as `mllp 10.1.2.3:51022` or `directory /in/a.hl7`."""
    raw: bytes
    sha256: bytes
    control_id: str = ""
    sender: str = ""
    """MSH-3 and MSH-4, joined by `|`."""
    message_type: str = ""
    """MSH-9.1 and MSH-9.2 joined by `^`, such as `ADT^A01`."""
    version: str = ""
    lanes: tuple[str, ...] = ()
    """One lane key, or two for a message that merges identities. Empty: a lane of its own."""
    verdict: Verdict = Verdict.NEW
    duplicate_of: int | None = None
    """message_id of the first one, for DUPLICATE and CONFLICT."""
    runnable: bool = True
    """False when the message is only kept (duplicate, fault, rejected): no run is made for it."""
    acknowledgment: bytes = b""
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


class Log(Protocol):
    """The durable message log, written by one intake process."""

    def append(self, receipts: Sequence[Receipt]) -> list[int]:
        """Store all of them in ONE durable commit and return their message ids, in order.

        After it returns they survive a power cut. Raises StoreUnavailable, and then none of them
        may be acknowledged.
        """
        ...

    def record_acknowledgments(
        self, outcomes: Sequence[tuple[int, AcknowledgmentOutcome, bytes]]
    ) -> None:
        """Record how acknowledgments went: (message_id, outcome, late acknowledgment or b"").

        They share the commit of the next `append`, `rotate` or `close`: no fsync of their own.
        """
        ...

    def recent_control_ids(self, since: float, limit: int) -> Iterator[RecentControlId]:
        """The runnable messages received since then, oldest first, at most the newest `limit`.

        Read it at start, and again after a StoreUnavailable: a commit in doubt may have happened.
        """
        ...

    def acknowledgment(self, message_id: int) -> bytes:
        """The acknowledgment stored with a message."""
        ...

    def rotate(self) -> None:
        """Housekeeping off the commit path, for idle turns (each second or so): writes waiting
        acknowledgment outcomes; closes the current segment when its size or day is full.
        """
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...


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
    lanes: tuple[str, ...]
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
    lanes: tuple[str, ...]
    state: State
    attempts: int = 0
    next_attempt_at: float = 0.0
    first_attempt_at: float | None = None
    possibly_sent: bool = False
    """An attempt was in flight when its worker died, or its answer was lost."""
    received_at: float = 0.0
    message_type: str = ""
    control_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery to create, with the exact output to send."""

    destination: str
    content_type: str
    body: bytes
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
    search_keys: tuple[tuple[str, str], ...] = ()
    """(kind, value) pairs such as ("mrn", "12345"); kinds are the channel's."""
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
    """SENT, QUEUED (again), ERROR, UNKNOWN or HELD."""
    failure_class: FailureClass | None = None
    failure_code: str = ""
    """Bounded vocabulary of pipeline.response, such as `http-503`, `connect-refused`, `timeout`."""
    next_attempt_at: float = 0.0
    status: str = ""
    """HTTP status or MSA-1."""
    request: bytes = b""
    """Request line and headers without secrets; the body is the delivery's."""
    response: bytes = b""
    """Headers and body, bounded by the destination."""
    possibly_sent: bool = False


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
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What `log search` asks; all given conditions must hold."""

    channels: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    """Of the run or of any of its deliveries."""
    message_types: tuple[str, ...] = ()
    """`ADT`, or `ADT^A01`."""
    control_id: str | None = None
    keys: tuple[tuple[str | None, str], ...] = ()
    """(kind or None for any kind, value)."""
    codes: tuple[str, ...] = ()
    """Diagnostic or failure codes."""
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
    request: bytes
    response: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail:
    """A delivery with its output and attempts."""

    delivery_id: int
    destination: str
    state: State
    attempts: tuple[AttemptRow, ...]
    content_type: str
    body: bytes
    next_attempt_at: float
    possibly_sent: bool


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDetail:
    """All that is known about a message."""

    receipt: Receipt
    message_id: int
    acknowledgment_outcome: AcknowledgmentOutcome
    late_acknowledgment: bytes
    search_keys: tuple[tuple[str, str], ...]
    runs: tuple[RunDetail, ...]
    duplicates: tuple[int, ...]
    """message_ids of later messages with the same control id."""


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
    """waiting, running, paused, done, stopped."""
    started: int
    """How many of message_ids have become runs."""
    succeeded: int
    failed: int
    total: int = 0
    """How many message_ids there are; the ids are read only when the job is asked for by id."""


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
    sent: int
    oldest_queued_at: float | None
    last_received_at: float | None


class StateStore(Protocol):
    """The processing state. Worker calls first, then the calls of console and commands."""

    def acquire(self, owner: str, ttl_seconds: float, share: float) -> LaneLease:
        """Take or renew lane buckets: up to `share` (0..1) of all, and any whose lease has expired.

        An owner's name belongs to one process at a time: what an earlier process of that name held
        is taken at once, without waiting for its lease to run out.
        A new epoch is given, to the whole lease, when a bucket changes hands: use the newest
        lease in every call. With share=1.0 a single worker owns all.
        """
        ...

    def release(self, lease: LaneLease) -> None:
        """Give the buckets back at once (after draining); a lease of some gives only those."""
        ...

    def follow(self, limit: int) -> int:
        """Make runs for up to `limit` log entries that have none; returns how many. Idempotent."""
        ...

    def new_runs(self, lease: LaneLease, limit: int) -> list[Run]:
        """Runs in the leased buckets not yet given out under this lease, in lane order.

        The first calls after a lease change give every run whose state is not final; later ones
        what has come since. Each run is given once per lease. A bucket that joined later is
        given from its start.

        A run whose lanes lie in buckets of two owners is given to both. The owner of its first
        lane's bucket works on it, once `blocked` no longer names it; the other holds its lane
        until `run_states` says the run is final.
        """
        ...

    def blocked(self, run_ids: Sequence[int]) -> set[int]:
        """Those of these runs that share a lane with an earlier run that is not final."""
        ...

    def run_states(
        self, message_ids: Sequence[int]
    ) -> dict[int, tuple[State, tuple[Mapping[str, Any], ...]]]:
        """State and diagnostics of the latest run of each message; none for one that never ran."""
        ...

    def open_deliveries(self, lease: LaneLease, run_ids: Sequence[int]) -> list[Delivery]:
        """The deliveries of these runs that are not final (for recovery), in run order."""
        ...

    def raw(self, message_ids: Sequence[int]) -> dict[int, bytes]:
        """The stored bytes, each checked against its SHA-256; a damaged one is left out."""
        ...

    def bodies(self, delivery_ids: Sequence[int]) -> dict[int, Body]:
        """What these deliveries send."""
        ...

    def commit(self, batch: StateBatch) -> dict[int, list[int]]:
        """Write one worker turn in one transaction; returns run_id -> new delivery_ids, in order.

        Raises LeaseLost (nothing written) when the epoch is stale. After StoreUnavailable the same
        batch may be committed again: what was written already is recognised.
        """
        ...

    def released_deliveries(self, lease: LaneLease) -> list[Delivery]:
        """Deliveries a person put back to QUEUED or settled since the last call.

        Each is given once. One may be known already, from `open_deliveries` of a new lease.
        """
        ...

    def released_runs(self, lease: LaneLease) -> list[Run]:
        """Runs closed by a newer replay since the last call: their lanes are free."""
        ...

    # -- console and commands --

    def search(self, query: Search) -> list[MessageRow]:
        """Newest first unless asked otherwise; at most `query.limit` rows."""
        ...

    def message(self, message_id: int) -> MessageDetail | None:
        """Everything about one message, or None."""
        ...

    def stats(self) -> list[ChannelStats]:
        """One row per channel seen."""
        ...

    def counters(self, since: float) -> list[tuple[float, str, str, int]]:
        """(minute start, channel, event, count) since then."""
        ...

    def controls(self) -> dict[str, Control]:
        """The wish for each channel that has one."""
        ...

    def set_control(self, control: Control) -> None:
        """Record the wish; owners pick it up within a second."""
        ...

    def create_job(self, job: ReplayJob) -> int:
        """Store a replay job (job_id ignored) and return its id."""
        ...

    def jobs(self, job_ids: Sequence[int] = ()) -> list[ReplayJob]:
        """These jobs, or all that are not done."""
        ...

    def advance_job(self, job_id: int, count: int) -> int:
        """Turn the next `count` messages of a running job into runs, in one transaction.

        Returns how many were made (0: none left). Resumes exactly where it was after a crash.
        """
        ...

    def set_job_state(self, job_id: int, state: str) -> None:
        """Pause, resume or stop a job."""
        ...

    def settle(self, delivery_ids: Sequence[int], state: State, by: str) -> int:
        """A person decides deliveries in ERROR, HELD or UNKNOWN: QUEUED, SENT or CANCELLED."""
        ...

    def purge(self, before: float, keep_states: Iterable[State]) -> int:
        """Forget runs, deliveries and search keys received before then, except in these states."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...
