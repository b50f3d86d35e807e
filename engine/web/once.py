"""Rim. Forms that must not take effect twice: the second sending gets the first one's answer."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

KEPT_MAX = 1_000


@dataclass(slots=True)
class _Sending:
    lock: Lock = field(default_factory=Lock)
    result: str = ""


class Once:
    """Remembers the last forms that were sent, by the number that each was given."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sendings: OrderedDict[tuple[str, str], _Sending] = OrderedDict()

    def do(self, person: str, number: str, act: Callable[[], str]) -> str:
        """What an act gave; the act is done once, however often and at once it is asked for.

        Args:
            person: whose form it is.
            number: of the form; empty: of no form of ours, so nothing is remembered.
            act: does it and gives where to go next; empty: not done, it may be sent again. What
                it raises is raised, and it may be sent again.
        """
        if not number:
            return act()
        with self._lock:
            sending = self._sendings.setdefault((person, number), _Sending())
            while len(self._sendings) > KEPT_MAX:
                self._sendings.popitem(last=False)
        with sending.lock:
            if not sending.result:
                sending.result = act()
            return sending.result
