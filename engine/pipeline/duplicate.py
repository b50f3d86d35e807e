"""Pure. Has this control id been seen from this sender, and with the same bytes?

HL7 gives a message an id in MSH-10 that its sender (MSH-3, MSH-4) should never use twice, and
senders resend what was not acknowledged. Same id and same bytes: the answer of the first time is
given again (the only one that satisfies a sender, by HL7's own discussion of duplicate
transmissions). Same id, other bytes: a counter was reset, or a message was corrected; the channel
decides.

The index lives in memory, is bounded by count and age, and is filled from the log at start.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct

from engine.pipeline.states import Verdict

_ENTRY = Struct("<16sqd")
"""First half of the SHA-256, message id, time of receipt: 32 bytes an entry, not three objects."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The verdict on a message, and the earlier one it is about."""

    verdict: Verdict
    duplicate_of: int | None = None
    """message_id of the earlier one, for DUPLICATE and CONFLICT."""


NEW = Seen(Verdict.NEW)


class DuplicateIndex:
    """The control ids of one channel received lately.

    Args:
        window_seconds: an id received longer ago than this is forgotten.
        ids_max: the newest ids remembered; at most this many entries of about 150 bytes.
    """

    def __init__(self, window_seconds: float, ids_max: int) -> None:
        self._window_seconds = window_seconds
        self._ids_max = ids_max
        self._entries: dict[int, bytes] = {}
        self._order: deque[int] = deque()

    def __len__(self) -> int:
        """How many ids are remembered."""
        return len(self._entries)

    def look_up(self, sender: str, control_id: str, sha256: bytes, now: float) -> Seen:
        """The verdict on a message; a message without control id is always new."""
        entry = self._entries.get(hash((sender, control_id))) if control_id else None
        if entry is None:
            return NEW
        digest, message_id, received_at = _ENTRY.unpack(entry)
        if received_at < now - self._window_seconds:
            return NEW
        same = digest == sha256[:16]
        return Seen(Verdict.DUPLICATE if same else Verdict.CONFLICT, message_id)

    def remember(
        self, sender: str, control_id: str, sha256: bytes, message_id: int, received_at: float
    ) -> None:
        """Note a stored message; with other bytes under a known id, the newer one counts."""
        if not control_id:
            return
        key = hash((sender, control_id))
        if key not in self._entries:
            self._order.append(key)
        self._entries[key] = _ENTRY.pack(sha256[:16], message_id, received_at)
        self._forget(received_at - self._window_seconds)

    def _forget(self, before: float) -> None:
        """Drop what is too many, and a little of what is too old, so that no call takes long."""
        while len(self._order) > self._ids_max:
            self._entries.pop(self._order.popleft(), None)
        for _ in range(2):
            if not self._order:
                return
            entry = self._entries[self._order[0]]
            if _ENTRY.unpack(entry)[2] >= before:
                return
            self._entries.pop(self._order.popleft())

    def carry_over(self, entries: Iterable[tuple[str, str, bytes, int, float]]) -> None:
        """Fill from the log: (sender, control id, sha256, message id, received at), oldest
        first.
        """
        for sender, control_id, sha256, message_id, received_at in entries:
            self.remember(sender, control_id, sha256, message_id, received_at)
