"""Pure. Order: first in, first out per lane, parallel across lanes, in constant time a step.

A lane is a key, usually a patient. An item (a run to process, a delivery to send) stands in one
lane, in two when its message merges two patients, or in none. It may start only when it is the
head of every lane it stands in, and it stays the head until it is finished: so an item that waits
for its next attempt, or for a person, blocks its own lanes and nothing else.

The worker keeps two boards: one for processing, with the channel's lanes, and one for delivery,
where each destination has lanes of its own, so that a destination that is down holds up no other.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Key = tuple[str, ...]
"""(channel, lane) for processing, (channel, destination, lane) for delivery."""


@dataclass(slots=True)
class _Standing:
    """An item in its lanes."""

    keys: tuple[Key, ...]
    ahead: int
    """In how many of its lanes something stands before it."""


@dataclass(slots=True)
class LaneBoard:
    """Who may start. Holds what the worker has loaded, which the worker bounds.

    Items are known by an integer id (run or delivery). Every call costs O(lanes of the item).
    """

    _lanes: dict[Key, deque[int]] = field(default_factory=dict)
    _items: dict[int, _Standing] = field(default_factory=dict)
    _ready: deque[int] = field(default_factory=deque)

    def __len__(self) -> int:
        """How many items stand on the board, started ones included."""
        return len(self._items)

    def __contains__(self, item: object) -> bool:
        """True while the item stands on the board."""
        return item in self._items

    def add(self, item: int, keys: Sequence[Key]) -> bool:
        """Put an item at the end of its lanes; True when it may start at once (it is then ready).

        Raises ValueError when the item is on the board already: that would be a message sent twice.
        """
        if item in self._items:
            raise ValueError(f"item {item} stands on the board already")
        distinct = tuple(dict.fromkeys(keys))
        ahead = 0
        for key in distinct:
            lane = self._lanes.get(key)
            if lane is None:
                self._lanes[key] = deque((item,))
            else:
                lane.append(item)
                ahead += 1
        self._items[item] = _Standing(distinct, ahead)
        if ahead:
            return False
        self._ready.append(item)
        return True

    def take(self) -> int | None:
        """The next item that may start, in the order they became ready; None when there is none."""
        return self._ready.popleft() if self._ready else None

    def take_up_to(self, count: int) -> list[int]:
        """Up to `count` items that may start."""
        return [self._ready.popleft() for _ in range(min(count, len(self._ready)))]

    def give_back(self, item: int) -> None:
        """An item that was taken did not start: it becomes ready again, behind the others."""
        self._ready.append(item)

    @property
    def ready(self) -> int:
        """How many items may start now."""
        return len(self._ready)

    def finish(self, item: int) -> list[int]:
        """Take a started item off the board; returns the items that may start because of it.

        They are ready now. For an item that has not been taken use `drop`.
        """
        standing = self._items.pop(item)
        freed: list[int] = []
        for key in standing.keys:
            lane = self._lanes[key]
            if lane[0] != item:
                # Only a dropped item leaves from the middle; nobody behind it becomes head.
                lane.remove(item)
                continue
            lane.popleft()
            if not lane:
                del self._lanes[key]
                continue
            following = self._items[lane[0]]
            following.ahead -= 1
            if not following.ahead:
                freed.append(lane[0])
        self._ready.extend(freed)
        return freed

    def replace(self, item: int, by: int) -> None:
        """Let another item take the place of one that has been taken, in all its lanes.

        A replay of the message that blocks a lane must run before what waits behind it.
        """
        if by in self._items:
            raise ValueError(f"item {by} stands on the board already")
        standing = self._items.pop(item)
        for key in standing.keys:
            lane = self._lanes[key]
            lane[lane.index(item)] = by
        self._items[by] = standing
        if not standing.ahead:
            self._ready.append(by)

    def drop(self, items: Iterable[int]) -> None:
        """Forget items whose lanes belong to another worker now; what was ready is ready no
        more."""
        gone = {item for item in items if item in self._items}
        for item in gone:
            self.finish(item)
        self._ready = deque(item for item in self._ready if item not in gone)

    def is_head(self, item: int) -> bool:
        """True when the item is head of all its lanes, started or not."""
        standing = self._items.get(item)
        return standing is not None and not standing.ahead
