"""Rim. What console and commands stand on: the store, lent out to one thread at a time.

The store's connections belong to one thread at a time; a console has many requests under way. A
desk keeps a few and lends them, so that no request opens its own and their number is bounded. A
thread that has one gets the same again, so that nobody waits for what he holds himself.
"""

import hmac
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock, local

from engine.runtime.desk.message_log import MessageLog
from engine.store.desk.store import DeskStore
from engine.store.interface import StateStore, StoreUnavailable
from engine.store.open_store import open_desk, open_state

CONNECTIONS_MAX = 6
WAIT_SECONDS = 10.0
"""For a connection, when all are lent out."""


@dataclass(slots=True)
class _Lent:
    state: StateStore
    store: DeskStore


class Desk:
    """The store of a project, for many threads.

    Args:
        store_url: of the store.
        audit_key: what the trail is sealed with; empty: the store's own key.
        clock: Unix seconds; tests pass their own.
        connections_max: how many calls may be under way at once.
        searches_at_once: how many of them may search.
    """

    def __init__(
        self,
        store_url: str,
        *,
        audit_key: bytes = b"",
        clock: Callable[[], float] = time.time,
        connections_max: int = CONNECTIONS_MAX,
        searches_at_once: int = 1,
    ) -> None:
        self.clock = clock
        self.store_url = store_url
        self._key = audit_key
        self._key_checked = False
        self._key_lock = Lock()
        self._mine = local()
        self._searching = BoundedSemaphore(searches_at_once)
        self._free: queue.LifoQueue[_Lent | None] = queue.LifoQueue()
        for _ in range(connections_max):
            self._free.put(None)

    @contextmanager
    def log(self) -> Iterator[MessageLog]:
        """The message log, for the length of the block. Raises StoreUnavailable."""
        with self._lend() as lent:
            yield MessageLog(lent.state)

    @contextmanager
    def searching(self) -> Iterator[MessageLog]:
        """The message log for a search, when it is its turn: ten people who search take no more of
        the machine than one who does. What takes long lets others in between its parts.

        Raises:
            StoreUnavailable: also when the turn does not come.
        """
        if not self._searching.acquire(timeout=WAIT_SECONDS):
            raise StoreUnavailable("too many searches are under way")
        try:
            with self.log() as log:
                yield log
        finally:
            self._searching.release()

    @contextmanager
    def store(self) -> Iterator[DeskStore]:
        """Users, sessions and trail, for the length of the block. Raises StoreUnavailable."""
        with self._lend() as lent:
            yield lent.store

    @contextmanager
    def _lend(self) -> Iterator[_Lent]:
        mine: _Lent | None = getattr(self._mine, "lent", None)
        if mine is not None:
            yield mine
            return
        try:
            lent = self._free.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise StoreUnavailable("all connections to the store are in use") from None
        try:
            if lent is None:
                lent = self._open()
            self._mine.lent = lent
            yield lent
        finally:
            self._mine.lent = None
            self._free.put(lent)

    def _open(self) -> _Lent:
        state = open_state(self.store_url)
        try:
            return _Lent(state, open_desk(self.store_url))
        except StoreUnavailable:
            state.close()
            raise

    def key(self) -> bytes:
        """What the trail is sealed with, and patients are hashed with.

        Raises:
            StoreUnavailable: the trail was begun with another key.
        """
        with self._key_lock:
            if not self._key_checked:
                with self.store() as store:
                    self._key = self._key or store.audit_key()
                    store.agree_on_key(hmac.digest(self._key, b"key", "sha256"))
                self._key_checked = True
            return self._key

    def patient_hash(self, identifier: str) -> str:
        """A patient's identifier as the trail knows it: a keyed hash, the same for ever."""
        normal = identifier.strip().upper().encode("utf-8", "replace")
        return hmac.digest(self.key(), b"patient " + normal, "sha256").hex()[:32]

    def close(self) -> None:
        """Close every connection that is not lent out."""
        while True:
            try:
                lent = self._free.get_nowait()
            except queue.Empty:
                return
            if lent is not None:
                lent.state.close()
                lent.store.close()
