"""Rim. The problems that are open now, for the head of the board.

The board asks every few seconds. What a viewer who is kept to some channels may know of a problem
is counted from its failures in these, so that is done twice a minute and kept.
"""

from dataclasses import dataclass
from threading import Lock

from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.rights import Right, Viewer
from engine.store.problem_interface import OpenProblem

OPEN_MAX = 20
FRESH_SECONDS = 30.0
SCOPES_MAX = 100
"""Sets of channels whose problems are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenNow:
    """What the board says of problems."""

    newest: tuple[OpenProblem, ...]
    is_all: bool


class OpenProblems:
    """The open problems of one console.

    Args:
        desk: the store.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = Lock()
        self._kept: dict[frozenset[str], tuple[float, list[OpenProblem]]] = {}
        """By scope: when they were read, and which."""

    def seen_by(self, viewer: Viewer) -> OpenNow:
        """Those neither closed nor put off within the viewer's channels, the newest.

        Raises NotAllowed without SEE_MESSAGES, StoreUnavailable when it cannot be read.
        """
        viewer.require(Right.SEE_MESSAGES)
        now = self._desk.clock()
        with self._desk.log() as log:
            if viewer.channels is None:
                found = log.problems.open(now, OPEN_MAX + 1)
            else:
                found = self._of_channels(log, viewer.channels, now)
        return OpenNow(newest=tuple(found[:OPEN_MAX]), is_all=len(found) <= OPEN_MAX)

    def _of_channels(
        self, log: MessageLog, channels: frozenset[str], now: float
    ) -> list[OpenProblem]:
        with self._lock:
            read_at, found = self._kept.get(channels, (0.0, []))
        if 0 <= now - read_at < FRESH_SECONDS:
            return found
        found = [
            OpenProblem(
                problem_id=row.problem_id,
                title=row.title,
                first_at=row.first_at,
                last_at=row.last_at,
            )
            for row in log.problems.all(channels)
            if row.closed_at is None and (row.snoozed_until or 0) <= now
        ][: OPEN_MAX + 1]
        with self._lock:
            if len(self._kept) >= SCOPES_MAX:
                self._kept.clear()
            self._kept[channels] = (now, found)
        return found
