"""Rim. Acknowledgments in the order of the messages, where some come later than others.

A sender with several messages in flight takes the next acknowledgment for the oldest message. Where
a channel answers only after processing, its answers wait here, and so do those behind them on the
same connection. A connection without such a wait never appears here.
"""

from collections import deque
from collections.abc import Callable

from engine.listeners.interface import Connection

WAITING_MAX = 200
"""A sender with more messages than this waiting for a late answer is not read."""

Sent = Callable[[bool], None]
"""Told whether the answer reached the connection."""


class Slot:
    """The place of one answer in the order of its connection."""

    __slots__ = ("accepted", "connection", "payload", "ready", "sent", "skipped")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.payload = b""
        self.accepted = True
        self.ready = False
        self.skipped = False
        self.sent: Sent | None = None


class OrderedAnswers:
    """The slots of connections that wait for a late answer."""

    def __init__(self) -> None:
        self._slots: dict[Connection, deque[Slot]] = {}

    def __contains__(self, connection: object) -> bool:
        """True while something on the connection waits."""
        return connection in self._slots

    def __len__(self) -> int:
        """How many connections wait."""
        return len(self._slots)

    def waiting(self, connection: Connection) -> int:
        """How many answers of a connection wait."""
        return len(self._slots.get(connection, ()))

    def reserve(self, connection: Connection) -> Slot:
        """The next place of a connection."""
        slot = Slot(connection)
        slots = self._slots.setdefault(connection, deque())
        slots.append(slot)
        if len(slots) > WAITING_MAX:
            connection.hold("late")
        return slot

    def fill(
        self, slot: Slot, payload: bytes, *, accepted: bool = True, sent: Sent | None = None
    ) -> None:
        """The answer is known; it goes out once those before it have."""
        slot.payload, slot.accepted, slot.sent, slot.ready = payload, accepted, sent, True
        self._send(slot.connection)

    def skip(self, slot: Slot) -> None:
        """There will be no answer."""
        slot.ready = slot.skipped = True
        self._send(slot.connection)

    def _send(self, connection: Connection) -> None:
        slots = self._slots.get(connection)
        full = slots is not None and len(slots) > WAITING_MAX
        while slots and slots[0].ready:
            slot = slots.popleft()
            if slot.skipped:
                connection.skip()
                continue
            reached = connection.answer((slot.payload,), accepted=slot.accepted)
            if slot.sent is not None:
                slot.sent(reached)
        if full and slots is not None and len(slots) <= WAITING_MAX:
            connection.release("late")
        if not slots:
            self._slots.pop(connection, None)

    def forget(self, connection: Connection) -> None:
        """The connection is gone: what waited was lost."""
        for slot in self._slots.pop(connection, ()):
            if slot.ready and slot.sent is not None:
                slot.sent(False)
