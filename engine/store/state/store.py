"""Rim. The state store: one method for each call of `interface.StateStore`; it decides nothing."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from engine.pipeline.states import State
from engine.pipeline.version_order import Key, Known
from engine.store.compression import Compression
from engine.store.copy_interface import CopyStore
from engine.store.database import Database, LogReader
from engine.store.interface import (
    Body,
    ChannelStats,
    Control,
    Delivery,
    LaneLease,
    MessageDetail,
    MessageFacts,
    MessageRow,
    NewerSent,
    ParkingRound,
    ReplayJob,
    Run,
    SavedSearch,
    Search,
    StateBatch,
    StoredMessage,
)
from engine.store.state import (
    decisions,
    jobs,
    leases,
    newer,
    parking,
    reopening,
    runs,
    saved_searches,
    statistics,
)
from engine.store.state.commit import Commit
from engine.store.state.details import message_detail, stored_message
from engine.store.state.edited_copies import CopyTables
from engine.store.state.ledger import DatabaseLedger
from engine.store.state.problems import ProblemTables
from engine.store.state.retention import purge
from engine.store.state.search import search, search_ids
from engine.store.state.search_keys import KeyMerges
from engine.store.state.search_rows import message_facts
from engine.store.state.tokens import DatabaseTokens
from engine.store.state.versions import known_versions, newer_version
from engine.store.state.watch import WatchTables


class DatabaseState:
    """`interface.StateStore` over a database and the log beside it. Belongs to one thread."""

    def __init__(self, database: Database, log: LogReader) -> None:
        self._database = database
        self._log = log
        self._compression = Compression()
        self._given = runs.GivenRuns()
        self._merges = KeyMerges()
        self._lease: LaneLease | None = None
        self._problems = ProblemTables(database)
        self._watch = WatchTables(database)
        self._copies = CopyTables(database)
        self.ledger = DatabaseLedger(database)
        self.tokens = DatabaseTokens(database)

    @property
    def problems(self) -> ProblemTables:
        """Failures in groups of one cause, and outages."""
        return self._problems

    @property
    def watch(self) -> WatchTables:
        """Rhythms of channels, and alerts."""
        return self._watch

    def acquire(self, owner: str, ttl_seconds: float, share: float) -> LaneLease:
        """Take or renew lane buckets."""
        held = self._lease
        lease, joined = leases.acquire(self._database, held, owner, ttl_seconds, share)
        self._given.leased(lease, joined)
        self._lease = lease
        return lease

    def release(self, lease: LaneLease) -> None:
        """Give buckets back."""
        leases.release(self._database, lease)
        self._given.released(lease.buckets)

    def follow(self, limit: int) -> int:
        """Index what is new in the log."""
        count = self._log.follow(self._database, limit)
        self._merges.added(count, self._database)
        return count

    def new_runs(self, lease: LaneLease, limit: int) -> list[Run]:
        """Runs not given yet under this lease."""
        self._given.narrow(lease.buckets)
        return self._given.read(self._database, limit)

    def blocked(self, run_ids: Sequence[int]) -> set[int]:
        """Those of these runs that an earlier open run holds up."""
        return runs.blocked(self._database, run_ids)

    def run_states(
        self, message_ids: Sequence[int]
    ) -> dict[int, tuple[State, tuple[Mapping[str, Any], ...]]]:
        """State and diagnostics of the latest run of each message."""
        return runs.run_states(self._database, message_ids)

    def open_deliveries(self, lease: LaneLease, run_ids: Sequence[int]) -> list[Delivery]:  # noqa: ARG002  part of the contract
        """Deliveries of these runs that are not final."""
        return runs.open_deliveries(self._database, run_ids)

    def raw(self, message_ids: Sequence[int]) -> dict[int, bytes]:
        """Stored bytes that still have the SHA-256 of their receipt."""
        sha256 = hashlib.sha256
        return {
            message_id: raw
            for message_id, raw, digest in self._log.raw(message_ids)
            if sha256(raw).digest() == digest
        }

    def bodies(self, delivery_ids: Sequence[int]) -> dict[int, Body]:
        """What these deliveries send."""
        return runs.bodies(self._database, self._compression, delivery_ids)

    def commit(self, batch: StateBatch) -> dict[int, list[int]]:
        """Write one worker turn."""
        commit = Commit(batch, self._compression)
        made = commit.write(self._database)
        self._merges.added(commit.keys_added, self._database)
        return made

    def released_deliveries(self, lease: LaneLease) -> list[Delivery]:
        """Deliveries a person decided about."""
        return decisions.released_deliveries(self._database, lease)

    def released_runs(self, lease: LaneLease) -> list[Run]:
        """Runs closed by a newer replay."""
        return decisions.released_runs(self._database, lease)

    def reopen(self, lease: LaneLease, run_ids: Sequence[int]) -> list[int]:
        """Take held runs up again."""
        return reopening.reopen(self._database, lease, run_ids)

    def release_parked(self, lease: LaneLease, after: int, limit: int) -> ParkingRound:
        """Release parked deliveries whose wait is over."""
        return parking.release_parked(self._database, lease, after, limit)

    def search(self, query: Search) -> list[MessageRow]:
        """Messages that meet every condition."""
        return search(self._database, self._compression, query)

    def search_ids(self, query: Search) -> list[int]:
        """Their ids alone."""
        return search_ids(self._database, self._compression, query)

    def facts(self, message_ids: Sequence[int]) -> dict[int, MessageFacts]:
        """What messages are about."""
        return message_facts(self._database, message_ids)

    @property
    def copies(self) -> CopyStore:
        """Edited copies."""
        return self._copies

    def save_search(self, search: SavedSearch) -> None:
        """Keep a query."""
        saved_searches.save(self._database, search)

    def saved_search(self, search_id: str) -> SavedSearch | None:
        """A kept query."""
        return saved_searches.find(self._database, search_id)

    def named_searches(self) -> list[SavedSearch]:
        """Kept queries with a name."""
        return saved_searches.named(self._database)

    def forget_search(self, search_id: str) -> bool:
        """Take a kept query away."""
        return saved_searches.forget(self._database, search_id)

    def message(self, message_id: int) -> MessageDetail | None:
        """Everything about one message."""
        return message_detail(self._database, self._log, self._compression, message_id)

    def stats(self) -> list[ChannelStats]:
        """One row per channel."""
        return statistics.stats(self._database)

    def counters(self, since: float) -> list[tuple[float, str, str, int]]:
        """Counts by minute."""
        return statistics.counters(self._database, since)

    def counted(
        self, since: float, until: float, slot_seconds: int
    ) -> list[tuple[float, str, str, int]]:
        """Counts by slots of minutes."""
        return statistics.counted(self._database, since, until, slot_seconds)

    def controls(self) -> dict[str, Control]:
        """The operators' wishes."""
        return statistics.controls(self._database)

    def set_control(self, control: Control) -> None:
        """Record a wish."""
        statistics.set_control(self._database, control)

    def create_job(self, job: ReplayJob) -> int:
        """Store a replay job."""
        return jobs.create_job(self._database, job)

    def jobs(self, job_ids: Sequence[int] = ()) -> list[ReplayJob]:
        """These jobs, or all unfinished ones."""
        return jobs.list_jobs(self._database, job_ids)

    def recent_jobs(self, limit: int, channels: Collection[str] | None = None) -> list[ReplayJob]:
        """The newest jobs."""
        return jobs.recent_jobs(self._database, limit, channels)

    def set_preview(self, job_id: int, preview: str) -> None:
        """Keep what a preview found."""
        jobs.set_preview(self._database, job_id, preview)

    def change_draft(self, job: ReplayJob) -> bool:
        """Give a draft other options, or let it run."""
        return jobs.change_draft(self._database, job)

    def advance_job(self, job_id: int, count: int) -> int:
        """Make the next runs of a job."""
        return jobs.advance_job(self._database, self._log, job_id, count)

    def decide_job(self, job_id: int, state: str, approved_by: str = "") -> bool:
        """Let a job go on that waits for another person, or end it."""
        return jobs.decide_job(self._database, job_id, state, approved_by)

    def set_job_state(self, job_id: int, state: str) -> None:
        """Pause, resume or stop a job."""
        jobs.set_job_state(self._database, job_id, state)

    def to_replay(self, message_id: int) -> StoredMessage | None:
        """A message for a dry run."""
        return stored_message(self._database, self._log, self._compression, message_id)

    def newer_sent(
        self, message_id: int, destination: str, leave_out: AbstractSet[int] = frozenset()
    ) -> list[NewerSent]:
        """What later messages delivered there."""
        return newer.newer_sent(
            self._database, self._compression, message_id, destination, leave_out
        )

    def guarding_newer(self, delivery_id: int) -> list[NewerSent]:
        """What a delivery of a replay may not overwrite."""
        return newer.guarding_newer(self._database, self._compression, delivery_id)

    def known_versions(self, run_id: int, keys: Sequence[Key]) -> list[Known] | None:
        """Messages with versions of a document."""
        return known_versions(self._database, run_id, keys)

    def newer_version(self, delivery_id: int) -> int | None:
        """The message that brought a newer version of a delivery's document."""
        return newer_version(self._database, delivery_id)

    def channels_of(self, delivery_ids: Sequence[int]) -> dict[int, str]:
        """The channels of deliveries."""
        return decisions.channels_of(self._database, delivery_ids)

    def settle(self, delivery_ids: Sequence[int], state: State, by: str, reason: str = "") -> int:
        """Record a person's decision."""
        return decisions.settle(self._database, delivery_ids, state, by, reason)

    def purge(self, before: float, keep_states: Iterable[State]) -> int:
        """Forget what is older."""
        return purge(self._database, self._log, before, frozenset(keep_states))

    def close(self) -> None:
        """Let go of files and connections."""
        self._database.close()
        self._log.close()
