"""Pure. An older message never undoes a newer one (report section 5, step 8).

For each resource the ledger keeps, by field group, the time of the newest event whose values were
written. A group is an element of the resource, such as `name`; or RESOURCE for one that is written
whole. Times are those of the events (EVN-2, MSH-7), never of arrival.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

RESOURCE = "resource"
"""The group of a resource that is written whole."""
_NOT_GROUPS = frozenset({"resourceType", "id", "meta", "text", "identifier"})
"""Numbers are added, never undone: any message may bring one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InOrder:
    """What of a message is not older than what was written."""

    resource: Json
    """Without the groups that are older."""
    older: tuple[str, ...]
    """Those, by name."""
    applied: Mapping[str, float]
    """To be recorded once the rest is written."""


def in_order(resource: Json, event_at: float | None, applied: Mapping[str, float]) -> InOrder:
    """Leave out what a newer event has written.

    Args:
        resource: of the message.
        event_at: Unix seconds; None when the message does not say: nothing is known to be older.
        applied: of the ledger.
    """
    if event_at is None:
        return InOrder(resource=resource, older=(), applied={})
    groups = [name for name in resource if name not in _NOT_GROUPS]
    older = tuple(name for name in groups if is_older(event_at, applied, name))
    kept = {name: value for name, value in resource.items() if name not in older}
    applied = {name: event_at for name in groups if name in kept}
    return InOrder(resource=kept, older=older, applied=applied)


def is_older(event_at: float | None, applied: Mapping[str, float], group: str = RESOURCE) -> bool:
    """True when a newer event has written this group."""
    return event_at is not None and event_at < applied.get(group, event_at)
