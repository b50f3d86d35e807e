"""Rim. The processing state for the intake process: asked in one thread, so that the reactor never
waits for it.

Few questions only: how the runs of some messages stand (late acknowledgments), and what operators
wish (drain, edited copies). A store that does not answer holds up nobody: the next question waits
its turn.
"""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from engine.store.interface import Control, EditedCopy, StateStore
from engine.store.open_store import open_state

FOLLOW_MESSAGES = 1_000


class Threads:
    """Threads for blocking work; `run` is what listeners call `in_thread`.

    Args:
        reactor: where results are given.
        name: of the pool.
        count: threads at most.
    """

    def __init__(self, reactor: Any, name: str, count: int) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, count, name)

    def start(self) -> None:
        """Take work."""
        self._pool.start()

    def stop(self) -> None:
        """Finish what is running and end."""
        self._pool.stop()

    def run(self, work: Callable[[], Any]) -> "Deferred[Any]":
        """The result to come."""
        return deferToThreadPool(self._reactor, self._pool, work)


class StateReader:
    """Reads the state, in a thread of its own, where its connection is opened too.

    Args:
        url: of the store.
        threads: of one thread.
    """

    def __init__(self, url: str, threads: Threads) -> None:
        self._url = url
        self._threads = threads
        self._state: StateStore | None = None
        self._writing: StateStore | None = None
        """Opened when there is something to write: edited copies are claimed."""

    def run_states(self, message_ids: Sequence[int]) -> "Deferred[Any]":
        """See `late_acknowledgment.AskStates`; fails with StoreUnavailable."""
        return self._threads.run(lambda: self._opened().run_states(message_ids))

    def controls(self) -> "Deferred[dict[str, Control]]":
        """What operators wish, by channel; fails with StoreUnavailable."""
        return self._threads.run(lambda: self._opened().controls())

    def claim_copies(self, channels: Sequence[str], seconds: float) -> "Deferred[list[EditedCopy]]":
        """Edited copies to be stored by the caller; fails with StoreUnavailable."""
        return self._threads.run(lambda: self._claim(channels, seconds))

    def close(self) -> "Deferred[None]":
        """Close the connection."""
        return self._threads.run(self._close)

    def _opened(self) -> StateStore:
        if self._state is None:
            self._state = open_state(self._url, readonly=True)
        return self._state

    def _claim(self, channels: Sequence[str], seconds: float) -> list[EditedCopy]:
        """What is in the log already must not be given again: the log is followed first."""
        if not self._opened().copies.any_waiting():
            return []
        if self._writing is None:
            self._writing = open_state(self._url)
        while self._writing.follow(FOLLOW_MESSAGES):
            pass
        return self._writing.copies.claim(channels, seconds)

    def _close(self) -> None:
        for state in (self._state, self._writing):
            if state is not None:
                state.close()
        self._state = self._writing = None
