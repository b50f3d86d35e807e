"""Rim. The problems that are open now, for the head of the board.

The board asks every few seconds, and the channels of a problem are known by a look at all its
failures: for who is kept to some channels, they are looked at once a minute and kept.
"""

from dataclasses import dataclass
from threading import Lock

from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.rights import Right, Viewer
from engine.store.problem_interface import OpenProblem

OPEN_MAX = 20
FRESH_SECONDS = 60.0
"""So late a problem may be seen to have reached one more channel."""


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
        self._channels: dict[int, tuple[float, frozenset[str]]] = {}
        """By problem: when they were read, and which."""

    def seen_by(self, viewer: Viewer) -> OpenNow:
        """Those neither closed nor put off within the viewer's channels, the newest.

        Raises NotAllowed without SEE_MESSAGES, StoreUnavailable when it cannot be read.
        """
        viewer.require(Right.SEE_MESSAGES)
        now = self._desk.clock()
        with self._desk.log() as log:
            rows = log.problems.open(now, OPEN_MAX + 1)
            newest = rows[:OPEN_MAX]
            if viewer.channels is not None:
                with self._lock:
                    newest = [one for one in newest if self._is_theirs(log, viewer, one, now)]
        return OpenNow(newest=tuple(newest), is_all=len(rows) <= OPEN_MAX)

    def _is_theirs(self, log: MessageLog, viewer: Viewer, row: OpenProblem, now: float) -> bool:
        read_at, channels = self._channels.get(row.problem_id, (0.0, frozenset()))
        if not 0 <= now - read_at < FRESH_SECONDS:
            channels = frozenset(log.problems.channels(row.problem_id))
            if len(self._channels) >= 2 * OPEN_MAX:
                self._channels.clear()
            self._channels[row.problem_id] = (now, channels)
        return any(map(viewer.sees, channels))
