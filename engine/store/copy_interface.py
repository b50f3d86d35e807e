"""Rim. What a store promises about edited copies of messages; part of `interface.StateStore`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

EDITED_COPY = "edited copy "
"""How the source of an edited copy begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedCopy:
    """A message that a person changed, on its way to become a message of its own."""

    copy_id: int = 0
    """Given by the store."""
    created_at: float
    channel: str
    parent_message_id: int
    author: str
    reason: str
    changes: tuple[str, ...]
    """Paths of what was changed; no values."""
    raw: bytes = field(repr=False)
    """Empty once it is in the log."""
    message_id: int | None = None
    """What it became; None: intake has not stored it yet."""

    @property
    def source(self) -> str:
        """What its receipt says where it came from; the log is followed by it."""
        return f"{EDITED_COPY}{self.copy_id} of message {self.parent_message_id} by {self.author}"


def copy_id_of(source: str) -> int | None:
    """The copy that a receipt with this source is; None for what was received."""
    if not source.startswith(EDITED_COPY):
        return None
    number = source[len(EDITED_COPY) :].partition(" ")[0]
    return int(number) if number.isdigit() else None


class CopyStore(Protocol):
    """Edited copies. Console calls first, then those of intake."""

    def add(self, copy: EditedCopy) -> int:
        """Keep a copy for intake (copy_id ignored); returns its id."""
        ...

    def find(self, copy_id: int) -> EditedCopy | None:
        """A copy by its id."""
        ...

    def any_waiting(self) -> bool:
        """True when there are copies that nobody stores just now."""
        ...

    def claim(self, channels: Iterable[str], seconds: float) -> list[EditedCopy]:
        """Copies to be stored in the log by the caller, who alone may for so long.

        Follow the log before asking: what is in it is not given again.
        """
        ...
