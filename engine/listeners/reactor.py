"""Rim. The parts of Twisted's reactor that the engine uses, as types a checker understands.

`twisted.internet.task.Clock` and `MemoryReactorClock` satisfy them, so tests pass those.
"""

from collections.abc import Callable
from typing import Any, Protocol


class DelayedCall(Protocol):
    """A call to come."""

    def cancel(self) -> None:
        """Do not make it."""
        ...

    def active(self) -> bool:
        """True until it was made or cancelled."""
        ...


class Clock(Protocol):
    """Time that passes."""

    def callLater(  # noqa: N802  Twisted's name
        self, delay: float, call: Callable[..., Any], /, *args: Any
    ) -> DelayedCall:
        """Call after `delay` seconds; with 0, when this turn of the reactor ends."""
        ...

    def seconds(self) -> float:
        """The time, in seconds since some start."""
        ...


class Reactor(Clock, Protocol):
    """Time and network."""

    def listenTCP(  # noqa: N802  Twisted's name
        self, port: int, factory: Any, backlog: int, interface: str
    ) -> Any:
        """Listen; gives the listening port. Raises OSError."""
        ...
