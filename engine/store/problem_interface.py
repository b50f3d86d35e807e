"""Rim. Failures in groups of one cause, and outages of destinations: what a store promises."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemRow:
    """Failures of one cause."""

    problem_id: int
    fingerprint: str
    """Version and digest of `pipeline.fingerprint`."""
    title: str
    grouped_by: tuple[tuple[str, str], ...]
    first_at: float
    """Unix seconds, as the others."""
    last_at: float
    closed_at: float | None
    """When nothing of it waited any more; None while something does."""
    regressions: int
    """How often it came again after it had been closed."""
    owner: str
    note: str
    snoozed_until: float | None
    failures: int
    """Runs that failed of this cause."""
    messages: int
    patients: int
    """Lanes, which are patients where a channel has no other lane."""
    waiting: int
    """Runs that still wait for a person."""
    channel: str
    """One of its channels."""
    channels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenProblem:
    """A group in which something waits, without its counts: those cost a look at all of it."""

    problem_id: int
    title: str
    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRow:
    """A destination did not answer."""

    outage_id: int
    channel: str
    destination: str
    owner: str
    """The worker that saw it."""
    code: str
    """Failure code of the attempt that opened the circuit."""
    began_at: float
    ended_at: float | None
    """None: it lasts."""


class ProblemStore(Protocol):
    """The groups and outages of a store. Failures join their group in `StateStore.commit`."""

    def all(self, channels: Collection[str] | None = None) -> list[ProblemRow]:
        """The groups, the one that failed last first; at most a thousand.

        With `channels`, here and below, as if there were the messages of these channels only. A
        group of which nothing waits there is closed then, since its last failure.
        """
        ...

    def open(self, now: float, limit: int) -> list[OpenProblem]:
        """The groups that are neither closed nor put off, the one that failed last first."""
        ...

    def one(self, problem_id: int, channels: Collection[str] | None = None) -> ProblemRow | None:
        """One group, or None."""
        ...

    def messages(
        self, problem_id: int, limit: int, channels: Collection[str] | None = None
    ) -> list[int]:
        """Messages of a group that still wait for a person, oldest first."""
        ...

    def times(
        self, problem_id: int, since: float, channels: Collection[str] | None = None
    ) -> list[float]:
        """When its failures happened since then, Unix seconds."""
        ...

    def channels(self, problem_id: int) -> list[str]:
        """The channels whose messages are in it."""
        ...

    def of_runs(self, run_ids: Sequence[int]) -> dict[int, tuple[int, str]]:
        """run_id -> (problem_id, title) of those that are in a group."""
        ...

    def note(self, problem_id: int, *, owner: str, note: str, snoozed_until: float | None) -> None:
        """Who looks after it, what is known, until when it need not be shown."""
        ...

    def close_settled(self, now: float) -> int:
        """Close the groups of which nothing waits any more; returns how many."""
        ...

    def begin_outage(
        self, *, channel: str, destination: str, owner: str, code: str, at: float
    ) -> None:
        """A destination does not answer this worker any more; nothing when that is known."""
        ...

    def end_outage(self, *, channel: str, destination: str, owner: str, at: float) -> None:
        """It answers again."""
        ...

    def end_outages_of(self, owner: str, at: float) -> None:
        """A worker begins: what an earlier one of its name saw is over, or will be seen again."""
        ...

    def outages(self, since: float) -> list[OutageRow]:
        """Those that last and those that ended since then, the newest first."""
        ...
