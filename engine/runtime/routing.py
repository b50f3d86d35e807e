"""Rim. Which channel of a listener a message belongs to, by fields of its MSH.

One port may serve many channels. Each names the fields it wants; the one with the most conditions
is asked first, a channel without conditions takes the rest. When none takes a message, the answer
says why in the words of table 0357: its type (200), event (201), processing id (202) or version
(203).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.channel.model import RouteConfig
from engine.hl7v2.header import Header

_PATH = re.compile(r"MSH-([0-9]+)(?:\.([0-9]+))?")
_REASONS = {(9, 1): "200", (9, 2): "201", (11, 1): "202", (12, 1): "203"}
UNSUPPORTED_TYPE = "200"

Target = TypeVar("Target")
Reader = Callable[[Header], str]


@dataclass(frozen=True, slots=True)
class _Condition:
    read: Reader
    values: frozenset[str]
    reason: str
    """Table 0357 code when this condition is what fails."""


@dataclass(frozen=True, slots=True)
class _Route(Generic[Target]):
    conditions: tuple[_Condition, ...]
    target: Target


class Router(Generic[Target]):
    """Chooses among the channels of one listener.

    Args:
        channels: (route, channel) pairs in the order of their files.
    """

    def __init__(self, channels: Sequence[tuple[RouteConfig, Target]]) -> None:
        routes = [
            _Route(tuple(_condition(path, values) for path, values in route.fields), target)
            for route, target in channels
        ]
        self._routes = sorted(routes, key=lambda found: -len(found.conditions))
        only = self._routes[0] if len(self._routes) == 1 else None
        self.only: Target | None = only.target if only and not only.conditions else None
        """The channel, when there is nothing to choose."""

    def choose(self, header: Header) -> Target | None:
        """The channel that takes the message, or None."""
        if self.only is not None:
            return self.only
        for route in self._routes:
            if all(test.read(header) in test.values for test in route.conditions):
                return route.target
        return None

    def refusal(self, header: Header) -> str:
        """The table 0357 code for a message that no channel takes."""
        failing = {
            test.reason
            for route in self._routes
            for test in route.conditions
            if test.read(header) not in test.values
        }
        # Only what every route refuses is the reason; a type that one route takes is supported.
        for code in ("200", "201", "202", "203"):
            if code in failing and all(
                any(t.reason == code and t.read(header) not in t.values for t in route.conditions)
                for route in self._routes
            ):
                return code
        return UNSUPPORTED_TYPE


def _condition(path: str, values: Sequence[str]) -> _Condition:
    found = _PATH.fullmatch(path)
    if found is None:
        raise ValueError(f"{path} is no path in MSH")
    number, component = int(found[1]), int(found[2] or 1)
    return _Condition(
        read=lambda header: header.component(number, component),
        values=frozenset(values),
        reason=_REASONS.get((number, component), ""),
    )
