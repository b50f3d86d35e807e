"""Rim. Fields of messages that no rule reads and no map ignores, per sender; a sample is looked at.

Paths only: no value of a message is kept.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.workbench import Workbench
from engine.runtime.intake.document_header import header_of
from engine.store.interface import Search

FIELDS_MAX = 2_000
_NUMBER = re.compile(r"\[[^\]]*\]")
_FIRST = re.compile(r"(?<=[0-9])(?:\.1){1,2}$")
AT_ONCE = 50


@dataclass(slots=True, kw_only=True)
class UnreadField:
    """A field that carries something nobody reads."""

    sender: str
    channel: str
    path: str
    """Without the numbers of segments and repetitions: `PID-26`."""
    count: int = 0
    """Messages."""
    first_seen: float = 0.0
    last_seen: float = 0.0
    last_message_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadFields:
    """What was found, the most frequent first, and in how many messages."""

    fields: tuple[UnreadField, ...]
    looked_at: int


def unread_fields(
    log: MessageLog,
    bench: Workbench,
    *,
    since: float,
    messages_max: int,
    goes_on: Callable[[], bool] = lambda: True,
) -> UnreadFields:
    """Look at the newest messages that were processed.

    Args:
        log: the message log.
        bench: the project as it is now.
        since: Unix seconds.
        messages_max: no more than these.
        goes_on: False ends the look early.
    """
    found: dict[tuple[str, str, str], UnreadField] = {}
    looked = 0
    before: int | None = None
    while looked < messages_max and goes_on():
        limit = min(AT_ONCE, messages_max - looked)
        rows = log.search(Search(since=since, before_message_id=before, limit=limit))
        raws = log.raw([row.message_id for row in rows])
        for row in rows:
            raw = raws.get(row.message_id)
            channel = bench.loaded.configuration.channel(row.channel)
            if raw is None or row.state is None or channel is None:
                continue
            header = header_of(raw)
            sender = "|".join(name for name in (header.field(3), header.field(4)) if name)
            for path in {_plain(one) for one in bench.unmapped(raw, channel.name)}:
                key = (sender, row.channel, path)
                if key not in found and len(found) >= FIELDS_MAX:
                    continue
                entry = found.setdefault(
                    key, UnreadField(sender=sender, channel=row.channel, path=path)
                )
                entry.count += 1
                entry.first_seen = row.received_at  # newest first: the last one seen is the oldest
                if not entry.last_message_id:
                    entry.last_seen, entry.last_message_id = row.received_at, row.message_id
        looked += len(rows)
        if len(rows) < limit:
            break
        before = rows[-1].message_id
    ordered = sorted(found.values(), key=lambda one: (-one.count, one.sender, one.path))
    return UnreadFields(fields=tuple(ordered), looked_at=looked)


def _plain(path: str) -> str:
    """`PID[1]-5[2].7.1` as `PID-5.7`: first components and subcomponents are not named."""
    return _FIRST.sub("", _NUMBER.sub("", path))
