"""Rim. A bound on the memory that large frames in the making hold together.

A limit per frame is not enough: five hundred senders, each just below it, are five hundred times
the limit. Beyond the bound all but the oldest unfinished frame wait; their frame time runs on."""

from typing import Protocol

LARGE_BYTES = 65_536
"""Smaller unfinished frames are not counted: the connection limit bounds them."""
UNFINISHED_BYTES_MAX = 256_000_000


class Holdable(Protocol):
    """A connection that can be made to wait."""

    def hold(self, reason: str) -> None:
        """Read nothing."""
        ...

    def release(self, reason: str) -> None:
        """Read again."""
        ...


class Unfinished:
    """Counts the unfinished frames of a listener.

    Args:
        bytes_max: what they may hold together.
    """

    def __init__(self, bytes_max: int = UNFINISHED_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._sizes: dict[Holdable, int] = {}
        self._total = 0

    def note(self, connection: Holdable, size: int) -> None:
        """The connection's unfinished frame has this size now; 0: none."""
        if size > LARGE_BYTES:
            self._total += size - self._sizes.get(connection, 0)
            self._sizes[connection] = size
            if self._total > self._bytes_max and next(iter(self._sizes)) is not connection:
                connection.hold("unfinished")
        elif connection in self._sizes:
            self.drop(connection)

    def drop(self, connection: Holdable) -> None:
        """Its frame is complete, or the connection gone: others may go on."""
        size = self._sizes.pop(connection, None)
        if size is None:
            return
        self._total -= size
        connection.release("unfinished")
        full = self._total > self._bytes_max
        for waiting in list(self._sizes)[: 1 if full else None]:
            waiting.release("unfinished")
