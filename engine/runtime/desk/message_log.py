"""Rim. The message log as commands and console use it: search, show, replay, stats, pause.

The only way from `cli` and `web` to the store. It reads, and it writes wishes (controls, replay
jobs, settlements) that the owning processes pick up; it never delivers anything itself.
"""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from engine.pipeline.states import FINAL_STATES, Origin, State
from engine.store.interface import (
    ChannelStats,
    Control,
    CopyStore,
    MessageDetail,
    MessageFacts,
    MessageRow,
    NewerSent,
    ReplayJob,
    SavedSearch,
    Search,
    SentBefore,
    StateStore,
    StoredMessage,
    StoreUnavailable,
)
from engine.store.open_store import open_state
from engine.store.problem_interface import OutageRow, ProblemRow, ProblemStore
from engine.store.watch_interface import WatchStore

REPLAY_MESSAGES_MAX = 1_000_000
"""One job holds at most this many messages; more are replayed in several jobs."""

PAGE = 1000

__all__ = [
    "ChannelStats",
    "Control",
    "MessageDetail",
    "MessageLog",
    "MessageRow",
    "OutageRow",
    "ProblemRow",
    "ReplayJob",
    "ReplayPlan",
    "Search",
    "SentBefore",
    "StoreUnavailable",
    "StoredMessage",
    "open_message_log",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """What a replay would touch."""

    rows: tuple[MessageRow, ...]
    """Oldest first: the order in which they will run."""
    skipped_open: int
    """Left out: their latest run is not final, so they are still on their way."""
    truncated: bool
    """More matched than one job may hold."""


class MessageLog:
    """Search and steer one store. Use as a context manager."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._state.close()

    def search(self, query: Search) -> list[MessageRow]:
        """The messages that match, newest first unless the query says otherwise."""
        return self._state.search(query)

    def search_ids(self, query: Search) -> list[int]:
        """Their ids alone."""
        return self._state.search_ids(query)

    def raw(self, message_ids: Sequence[int]) -> dict[int, bytes]:
        """The stored bytes of these messages, of those that are there undamaged."""
        return self._state.raw(message_ids)

    def facts(self, message_ids: Sequence[int]) -> dict[int, MessageFacts]:
        """Search keys and event time of these messages."""
        return self._state.facts(message_ids)

    @property
    def copies(self) -> CopyStore:
        """Edited copies of messages."""
        return self._state.copies

    def save_search(self, search: SavedSearch) -> None:
        """Keep a query under its id."""
        self._state.save_search(search)

    def saved_search(self, search_id: str) -> SavedSearch | None:
        """A kept query."""
        return self._state.saved_search(search_id)

    def named_searches(self) -> list[SavedSearch]:
        """The kept queries that have a name."""
        return self._state.named_searches()

    def forget_search(self, search_id: str) -> bool:
        """Take a kept query away; False when there was none."""
        return self._state.forget_search(search_id)

    def message(self, message_id: int) -> MessageDetail | None:
        """Everything about one message."""
        return self._state.message(message_id)

    def to_replay(self, message_id: int) -> StoredMessage | None:
        """One message as a dry run needs it."""
        return self._state.to_replay(message_id)

    def newer_sent(
        self, message_id: int, destination: str, leave_out: AbstractSet[int] = frozenset()
    ) -> list[NewerSent]:
        """What later messages about the same patient, visit or order delivered there."""
        return self._state.newer_sent(message_id, destination, leave_out)

    def stats(self) -> list[ChannelStats]:
        """One row per channel."""
        return self._state.stats()

    def counted(
        self, since: float, until: float, slot_seconds: int
    ) -> list[tuple[float, str, str, int]]:
        """(slot start, channel, event, count) of the minutes from `since` up to `until`."""
        return self._state.counted(since, until, slot_seconds)

    def controls(self) -> dict[str, Control]:
        """The operator's wish per channel."""
        return self._state.controls()

    def set_control(self, channel: str, mode: str, *, reason: str, by: str, now: float) -> None:
        """Pause, drain or run a channel; owners follow within a second."""
        self._state.set_control(Control(channel=channel, mode=mode, reason=reason, by=by, at=now))

    def plan_replay(self, query: Search) -> ReplayPlan:
        """Select messages for a replay: every page of the query, still-moving ones left out."""
        rows: list[MessageRow] = []
        skipped = 0
        before: int | None = None
        while len(rows) < REPLAY_MESSAGES_MAX:
            page = self._state.search(_page(query, before))
            for row in page:
                if row.state is not None and _is_open(row):
                    skipped += 1
                else:
                    rows.append(row)
            if len(page) < PAGE:
                break
            before = page[-1].message_id
        truncated = len(rows) >= REPLAY_MESSAGES_MAX
        rows = rows[:REPLAY_MESSAGES_MAX]
        rows.sort(key=lambda row: row.message_id)
        return ReplayPlan(rows=tuple(rows), skipped_open=skipped, truncated=truncated)

    def start_replay(
        self,
        message_ids: Sequence[int],
        *,
        origin: Origin,
        by: str,
        reason: str,
        now: float,
        destinations: tuple[str, ...] = (),
        rate_per_second: float = 50.0,
        stop_after_failures: int = 0,
        overwrite_newer: bool = False,
        revision: str = "",
        awaits_approval: bool = False,
    ) -> int:
        """Store a replay job; the engine's worker runs it. Returns the job id.

        With `awaits_approval` another person has to agree first (`decide_job`).
        """
        return self._state.create_job(
            ReplayJob(
                job_id=0,
                created_at=now,
                created_by=by,
                reason=reason,
                message_ids=tuple(message_ids),
                origin=origin,
                destinations=destinations,
                rate_per_second=rate_per_second,
                stop_after_failures=stop_after_failures,
                state="approval" if awaits_approval else "waiting",
                started=0,
                succeeded=0,
                failed=0,
                overwrite_newer=overwrite_newer,
                revision=revision,
            )
        )

    @property
    def problems(self) -> ProblemStore:
        """Failures in groups of one cause, and outages."""
        return self._state.problems

    @property
    def watch(self) -> WatchStore:
        """Rhythms of channels, and alerts."""
        return self._state.watch

    def draft_replay(self, message_ids: Sequence[int], *, by: str, now: float) -> int:
        """Store a replay that a person still has to start. Returns the job id."""
        return self._state.create_job(
            ReplayJob(
                job_id=0,
                created_at=now,
                created_by=by,
                reason="",
                message_ids=tuple(message_ids),
                origin=Origin.REPLAY,
                destinations=(),
                rate_per_second=0.0,
                stop_after_failures=0,
                state="draft",
                started=0,
                succeeded=0,
                failed=0,
            )
        )

    def change_draft(self, job: ReplayJob) -> bool:
        """Give a draft these options and this state; False when it is no draft any more."""
        return self._state.change_draft(job)

    def set_preview(self, job_id: int, preview: str) -> None:
        """Keep what a preview found (JSON)."""
        self._state.set_preview(job_id, preview)

    def recent_jobs(self, limit: int, channels: Collection[str] | None = None) -> list[ReplayJob]:
        """The newest jobs, without their messages; only those whose channels are all among these.

        None: of all channels.
        """
        return self._state.recent_jobs(limit, channels)

    def job(self, job_id: int) -> ReplayJob | None:
        """A replay job with its progress."""
        found = self._state.jobs((job_id,))
        return found[0] if found else None

    def decide_job(self, job_id: int, state: str, approved_by: str = "") -> bool:
        """Let a job go on that waits for another person, or end it; False when it waits no more."""
        return self._state.decide_job(job_id, state, approved_by)

    def set_job_state(self, job_id: int, state: str) -> None:
        """Pause, resume or stop a replay job."""
        self._state.set_job_state(job_id, state)

    def channels_of(self, delivery_ids: Sequence[int]) -> dict[int, str]:
        """The channel of each of these deliveries; none for one that is not there."""
        return self._state.channels_of(delivery_ids)

    def settle(self, delivery_ids: Sequence[int], state: State, *, by: str, reason: str) -> int:
        """Decide deliveries that wait for a person; returns how many changed."""
        return self._state.settle(delivery_ids, state, by, reason)

    def purge(self, before: float, *, errors_too: bool = False) -> int:
        """Forget what was received before then (Unix seconds); returns how many messages.

        What is still on its way stays, and so does what waits for a person unless `errors_too`.
        """
        waiting = (State.ERROR, State.HELD, State.UNKNOWN)
        return self._state.purge(before, () if errors_too else waiting)


def open_message_log(store_url: str) -> MessageLog:
    """Open the store for commands.

    Raises:
        StoreUnavailable: there is no store at this address, or it cannot be opened.
    """
    return MessageLog(open_state(store_url))


def _is_open(row: MessageRow) -> bool:
    """Still on its way by itself; what waits for a person (HELD, UNKNOWN) may be replayed."""
    if row.state is State.RECEIVED:
        return True
    moving = {State.QUEUED, State.PENDING}
    return row.state not in FINAL_STATES and any(state in moving for _, state in row.deliveries)


def _page(query: Search, before: int | None) -> Search:
    return replace(query, before_message_id=before, limit=PAGE, oldest_first=False)
