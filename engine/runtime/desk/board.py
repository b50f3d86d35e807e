"""Rim. The channels at a glance: rates, errors, queues with their age, destinations, controls.

All who look within a second share what was read; of the counts of the day only those of the last
minutes are read again (`board_day`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from engine.runtime.desk.board_day import NOTHING, SLOT_SECONDS, Day, Slot, Tally, tallied
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import ChannelStats, Control, MessageLog, OutageRow
from engine.runtime.desk.rights import Right, Viewer
from engine.runtime.node.node import NodeFiles
from engine.runtime.node.process_setup import DataFolder
from engine.telemetry.health import Condition, read_health

RATE_SECONDS = 300
"""Rates are of so many whole minutes before now."""
FRESH_SECONDS = 1.0
"""What was read is good for everybody for so long."""
DESTINATION = "destination "


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationState:
    """How a destination is."""

    name: str
    down_since: float | None
    """An outage lasts since then; None: none does."""
    failure: str
    """Code of the outage, or of the last attempt when it failed; empty: it went well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One channel. Counts are of the last 24 hours, errors and queue are as of now."""

    channel: str
    configured: bool
    """False: messages of it are stored, but no channel of that name is in force."""
    mode: str
    """run, pause, drain."""
    control: Control | None
    received: int
    filtered: int
    sent: int
    errors: int
    held: int
    queued: int
    oldest_queued_at: float | None
    drain_seconds: float | None
    """At the rate of the last minutes; None: nothing waits, or nothing moves."""
    last_received_at: float | None
    received_per_minute: float
    bars: tuple[int, ...]
    """Received in each half hour, the oldest first."""
    failed_bars: tuple[int, ...]
    destinations: tuple[DestinationState, ...]

    @property
    def state(self) -> str:
        """paused, draining, gone, down, errors, stuck, running, waiting."""
        if self.mode != "run":
            return {"pause": "paused", "drain": "draining"}.get(self.mode, self.mode)
        if not self.configured:
            return "gone"
        if any(one.down_since is not None for one in self.destinations):
            return "down"
        if self.errors or self.held:
            return "errors"
        return "running" if self.last_received_at is not None else "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """One process of the node."""

    name: str
    condition: Condition
    revision: str
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardTotals:
    """All channels within the scope together."""

    received_per_minute: float
    errors: int
    held: int
    queued: int
    oldest_queued_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one look at the store gave."""

    at: float
    stats: Mapping[str, ChannelStats]
    controls: Mapping[str, Control]
    slots: Sequence[Slot]
    """Of each half hour, the oldest first; the last one is not over."""
    recent: Slot
    """Of the last whole minutes."""
    outages: Mapping[str, Mapping[str, OutageRow]]
    """By channel and destination: those that last."""


class Board:
    """The board of one console.

    Args:
        desk: the store.
        run_folder: where this node's processes write their health; None: no node here.
    """

    def __init__(self, desk: Desk, run_folder: Path | None = None) -> None:
        self._desk = desk
        self._run_folder = run_folder
        self._day = Day()
        self._seen: _Seen | None = None
        self._lock = Lock()

    def rows(
        self, viewer: Viewer, configured: Mapping[str, Sequence[str]]
    ) -> tuple[list[BoardRow], BoardTotals]:
        """Every channel within the viewer's scope, by name, and all together.

        Args:
            viewer: who looks.
            configured: the channels in force, each with the names of its destinations.

        Raises:
            NotAllowed: without SEE_MESSAGES.
            StoreUnavailable: it cannot be read.
        """
        viewer.require(Right.SEE_MESSAGES)
        seen = self._look()
        failures = self._failures()
        names = sorted(name for name in configured.keys() | seen.stats.keys() if viewer.sees(name))
        rows = [_row(name, configured.get(name), seen, failures) for name in names]
        return rows, _totals(rows)

    def warm(self) -> None:
        """Read the day once, so that the first who looks does not wait. Raises StoreUnavailable."""
        self._look()

    def processes(self, viewer: Viewer) -> list[ProcessState]:
        """The processes of this node, by name; what they work at only for who sees all of it."""
        if self._run_folder is None:
            return []
        now = self._desk.clock()
        return [
            ProcessState(
                name=one.process,
                condition=one.seen_at(now),
                revision=one.revision,
                details={
                    name: text
                    for name, text in one.details.items()
                    if not name.startswith(DESTINATION) and viewer.channels is None
                },
            )
            for one in read_health(self._run_folder)
        ]

    def monitored_at(self, viewer: Viewer) -> str:
        """Where this node tells monitors how it is; empty where it does not, or nothing is known.

        For who sees all channels: the names of all are there.
        """
        if self._run_folder is None or viewer.channels is not None:
            return ""
        status = NodeFiles(DataFolder(path=self._run_folder.parent)).running()
        return f"http://127.0.0.1:{status.metrics_port}" if status and status.metrics_port else ""

    def _look(self) -> _Seen:
        """Read the store, or what somebody else has read a moment ago."""
        with self._lock:
            now = self._desk.clock()
            if self._seen is not None and 0 <= now - self._seen.at < FRESH_SECONDS:
                return self._seen
            with self._desk.log() as log:
                self._seen = _Seen(
                    at=now,
                    stats={row.channel: row for row in log.stats()},
                    controls=log.controls(),
                    slots=self._day.look(log, now),
                    recent=_recent(log, now),
                    outages=_lasting(log.problems.outages(now)),
                )
            return self._seen

    def _failures(self) -> dict[tuple[str, str], str]:
        """(channel, destination) to how the last attempt failed, as this node's workers say."""
        found: dict[tuple[str, str], str] = {}
        for health in read_health(self._run_folder) if self._run_folder is not None else ():
            for name, text in health.details.items():
                channel, slash, destination = name.removeprefix(DESTINATION).partition("/")
                code = text.partition(" ")[2]
                if name.startswith(DESTINATION) and slash and code:
                    found[channel, destination] = code
        return found


def _recent(log: MessageLog, now: float) -> Slot:
    """Counts of the last whole minutes together."""
    minute = int(now) // 60 * 60
    found: dict[str, Tally] = defaultdict(Tally)
    for slot in tallied(log.counted(minute - RATE_SECONDS, minute, SLOT_SECONDS)).values():
        for channel, tally in slot.items():
            found[channel].add(tally)
    return dict(found)


def _lasting(outages: Sequence[OutageRow]) -> dict[str, dict[str, OutageRow]]:
    found: dict[str, dict[str, OutageRow]] = defaultdict(dict)
    for one in outages:
        if one.ended_at is None:
            found[one.channel][one.destination] = one
    return dict(found)


def _row(
    name: str,
    destinations: Sequence[str] | None,
    seen: _Seen,
    failures: Mapping[tuple[str, str], str],
) -> BoardRow:
    stats = seen.stats.get(name)
    control = seen.controls.get(name)
    tallies = [slot.get(name, NOTHING) for slot in seen.slots]
    bars = tuple([one.received for one in tallies])
    queued = stats.queued if stats is not None else 0
    recent = seen.recent.get(name, NOTHING)
    sent_per_second = recent.sent / RATE_SECONDS
    outages = seen.outages.get(name, {})
    return BoardRow(
        channel=name,
        configured=destinations is not None,
        mode=control.mode if control is not None else "run",
        control=control,
        received=sum(bars),
        filtered=sum([one.filtered for one in tallies]),
        sent=sum([one.sent for one in tallies]),
        errors=stats.errors if stats is not None else 0,
        held=stats.held if stats is not None else 0,
        queued=queued,
        oldest_queued_at=stats.oldest_queued_at if stats is not None else None,
        drain_seconds=queued / sent_per_second if queued and sent_per_second else None,
        last_received_at=stats.last_received_at if stats is not None else None,
        received_per_minute=recent.received * 60 / RATE_SECONDS,
        bars=bars,
        failed_bars=tuple([one.failed for one in tallies]),
        destinations=tuple(
            DestinationState(
                name=one,
                down_since=outages[one].began_at if one in outages else None,
                failure=outages[one].code if one in outages else failures.get((name, one), ""),
            )
            for one in dict.fromkeys((*(destinations or ()), *outages))
        ),
    )


def _totals(rows: Sequence[BoardRow]) -> BoardTotals:
    ages = [row.oldest_queued_at for row in rows if row.oldest_queued_at is not None]
    return BoardTotals(
        received_per_minute=sum(row.received_per_minute for row in rows),
        errors=sum(row.errors for row in rows),
        held=sum(row.held for row in rows),
        queued=sum(row.queued for row in rows),
        oldest_queued_at=min(ages, default=None),
    )
