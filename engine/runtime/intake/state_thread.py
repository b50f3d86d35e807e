"""Rim. The processing state for the intake process: asked in one thread, so that the reactor never
waits for it.

Two questions only: how the runs of some messages stand (late acknowledgments), and what operators
wish (drain). A store that does not answer holds up nobody: the next question waits its turn.
"""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from engine.store.interface import Control, StateStore
from engine.store.open_store import open_state


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

    def run_states(self, message_ids: Sequence[int]) -> "Deferred[Any]":
        """See `late_acknowledgment.AskStates`; fails with StoreUnavailable."""
        return self._threads.run(lambda: self._opened().run_states(message_ids))

    def controls(self) -> "Deferred[dict[str, Control]]":
        """What operators wish, by channel; fails with StoreUnavailable."""
        return self._threads.run(lambda: self._opened().controls())

    def close(self) -> "Deferred[None]":
        """Close the connection."""
        return self._threads.run(self._close)

    def _opened(self) -> StateStore:
        if self._state is None:
            self._state = open_state(self._url, readonly=True)
        return self._state

    def _close(self) -> None:
        if self._state is not None:
            self._state.close()
            self._state = None
