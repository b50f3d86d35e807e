"""Rim. What a store promises, and the rows that cross its border; both kinds pass one suite.

Two parts. The *log* holds what an acknowledgment promises: raw bytes, header, acknowledgment; it
is append-only and written by intake alone. The *state* follows the log: runs, deliveries,
attempts, search keys, counters, commands; it is repaired from the log at start.

All calls block. Intake calls `Log.append` inline at the end of a reactor turn; a worker calls
`StateStore` from one thread of its own, so its event loop never waits for a disk. Every failure of
the database or its disk is raised as `StoreUnavailable`; on it no positive acknowledgment may be
sent.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from engine.pipeline.states import AcknowledgmentOutcome, State
from engine.pipeline.version_order import Key, Known
from engine.store.copy_interface import CopyStore, EditedCopy
from engine.store.ledger_interface import LedgerStore
from engine.store.problem_interface import ProblemStore
from engine.store.rows import (
    AttemptRow,
    Body,
    ChannelStats,
    Control,
    DecisionRow,
    Delivery,
    DeliveryDetail,
    LaneLease,
    MessageDetail,
    MessageFacts,
    MessageRow,
    NewDelivery,
    NewerSent,
    Outcome,
    ParkingRound,
    Processed,
    Receipt,
    RecentControlId,
    ReplayJob,
    Run,
    RunDetail,
    SavedSearch,
    Search,
    SentBefore,
    StateBatch,
    StoredMessage,
    Wait,
)
from engine.store.token_interface import TokenStore
from engine.store.watch_interface import WatchStore

__all__ = [
    "LANE_BUCKETS",
    "AttemptRow",
    "Body",
    "ChannelStats",
    "Control",
    "CopyStore",
    "DecisionRow",
    "Delivery",
    "DeliveryDetail",
    "EditedCopy",
    "LaneLease",
    "LeaseLost",
    "LedgerStore",
    "Log",
    "MessageDetail",
    "MessageFacts",
    "MessageRow",
    "NewDelivery",
    "NewerSent",
    "Outcome",
    "ParkingRound",
    "Processed",
    "Receipt",
    "RecentControlId",
    "ReplayJob",
    "Run",
    "RunDetail",
    "SavedSearch",
    "Search",
    "SentBefore",
    "StateBatch",
    "StateStore",
    "StoreUnavailable",
    "StoredMessage",
    "TokenStore",
    "Wait",
]

LANE_BUCKETS = 64
"""Lanes are spread over so many buckets (crc32 of channel and lane key); workers lease buckets."""


class StoreUnavailable(Exception):  # noqa: N818  a condition of the store, named as operators say it
    """The store did not take a write or answer a read. Nothing may be assumed about it."""


class LeaseLost(Exception):  # noqa: N818
    """Another owner has the lane bucket: a newer epoch exists. The write was refused whole."""


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


class StateStore(Protocol):
    """The processing state. Worker calls first, then the calls of console and commands."""

    @property
    def ledger(self) -> LedgerStore:
        """What exists on the services we write to."""
        ...

    @property
    def tokens(self) -> TokenStore:
        """Tokens shared by all processes, sealed."""
        ...

    @property
    def problems(self) -> ProblemStore:
        """Failures in groups of one cause, and outages."""
        ...

    @property
    def watch(self) -> WatchStore:
        """Rhythms of channels, and alerts."""
        ...

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

    def reopen(self, lease: LaneLease, run_ids: Sequence[int]) -> list[int]:
        """Take runs without deliveries that are HELD up again: they become RECEIVED, in their
        place.

        Returns those of them that are RECEIVED now, so that it may be asked again when in doubt; a
        newer replay may have taken the place of others. Raises LeaseLost when the epoch is stale.
        """
        ...

    def release_parked(self, lease: LaneLease, after: int, limit: int) -> ParkingRound:
        """Release parked deliveries of the leased buckets whose wait is over, `limit` looked at.

        Those after delivery id `after`, in order. Raises LeaseLost when the epoch is stale.
        """
        ...

    # -- console and commands --

    def search(self, query: Search) -> list[MessageRow]:
        """Newest first unless asked otherwise; at most `query.limit` rows."""
        ...

    def search_ids(self, query: Search) -> list[int]:
        """The ids of what `search` finds, in its order: they cost a fraction of the rows."""
        ...

    def facts(self, message_ids: Sequence[int]) -> dict[int, MessageFacts]:
        """Search keys and event time by the latest run of each message that has one."""
        ...

    @property
    def copies(self) -> CopyStore:
        """Edited copies of messages."""
        ...

    def save_search(self, search: SavedSearch) -> None:
        """Keep a query under its id."""
        ...

    def saved_search(self, search_id: str) -> SavedSearch | None:
        """A kept query, also one that has expired; None when there is none."""
        ...

    def named_searches(self) -> list[SavedSearch]:
        """The kept queries that have a name."""
        ...

    def forget_search(self, search_id: str) -> bool:
        """Take a kept query away; False when there was none."""
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

    def counted(
        self, since: float, until: float, slot_seconds: int
    ) -> list[tuple[float, str, str, int]]:
        """(slot start, channel, event, count) of the minutes from `since` up to `until`."""
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

    def recent_jobs(self, limit: int, channels: Collection[str] | None = None) -> list[ReplayJob]:
        """The newest jobs, without their messages; only those whose channels are all among these.

        None: of all channels.
        """
        ...

    def set_preview(self, job_id: int, preview: str) -> None:
        """Keep what a preview of a job found (JSON)."""
        ...

    def change_draft(self, job: ReplayJob) -> bool:
        """Give a draft these options and this state; False when it is no draft any more."""
        ...

    def advance_job(self, job_id: int, count: int) -> int:
        """Turn the next `count` messages of a running job into runs, in one transaction.

        Returns how many were made (0: none left). Resumes exactly where it was after a crash.
        """
        ...

    def decide_job(self, job_id: int, state: str, approved_by: str = "") -> bool:
        """Let a job go on that waits for another person, or end it; False when it waits no more."""
        ...

    def set_job_state(self, job_id: int, state: str) -> None:
        """Pause, resume or stop a job."""
        ...

    def to_replay(self, message_id: int) -> StoredMessage | None:
        """One message as a dry run needs it, or None when the log has it no more."""
        ...

    def newer_sent(
        self, message_id: int, destination: str, leave_out: AbstractSet[int] = frozenset()
    ) -> list[NewerSent]:
        """What later messages with a search key of this one delivered there, the newest first.

        Later is later by receipt and by event. At most `NEWER_MAX`, none of those to `leave_out`.
        """
        ...

    def guarding_newer(self, delivery_id: int) -> list[NewerSent]:
        """The same for a delivery of a replay; none when its job may overwrite newer data.

        Messages of the same job are not among them: they follow in their order.
        """
        ...

    def known_versions(self, run_id: int, keys: Sequence[Key]) -> list[Known] | None:
        """Other messages of the run's channel with one of these search keys, of which something was
        delivered or will be; None when the run's job may overwrite newer data.
        """
        ...

    def newer_version(self, delivery_id: int) -> int | None:
        """The message that brought a newer version of a document that this delivery holds in full.

        None where there is none, or the delivery's job may overwrite newer data.
        """
        ...

    def channels_of(self, delivery_ids: Sequence[int]) -> dict[int, str]:
        """The channel of each of these deliveries; none for one that is not there."""
        ...

    def settle(self, delivery_ids: Sequence[int], state: State, by: str, reason: str = "") -> int:
        """A person decides deliveries in ERROR, HELD, UNKNOWN or PARKED: QUEUED, SENT or CANCELLED.

        Who, when and why are kept (`DeliveryDetail.decisions`). Returns how many changed.
        """
        ...

    def purge(self, before: float, keep_states: Iterable[State]) -> int:
        """Forget runs, deliveries and search keys received before then, except in these states."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...
