"""Rim. Child processes that are kept running: started, started again when they die, ended in order.

A process that dies is started again after a pause that doubles while it keeps dying; one that ran
for a minute has earned a short pause again. At the end the groups are ended one after the other
(intake, then workers), each with SIGTERM and, when it takes too long, SIGKILL.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol

from engine.listeners.reactor import Clock, DelayedCall
from engine.telemetry.events import ProcessDied, ProcessEnded, ProcessStarted
from engine.telemetry.recorder import Recorder

RESTART_SECONDS_MIN = 0.5
RESTART_SECONDS_MAX = 30.0
GOOD_SECONDS = 60.0
"""A process that ran this long starts again at once when it dies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One process to keep running."""

    name: str
    arguments: tuple[str, ...]
    """After the interpreter."""
    group: int
    """Lower groups are ended first."""
    end_seconds: float
    """How long it may take to end."""


class Spawner:
    """Starts processes; tests pass another.

    Args:
        reactor: Twisted's.
        folder: their working directory.
    """

    def __init__(self, reactor: Any, folder: str) -> None:
        self._reactor = reactor
        self._folder = folder

    def __call__(self, arguments: Sequence[str], ended: Callable[[Any], None]) -> Any:
        """Start one; `ended` gets Twisted's reason. Raises OSError."""
        return self._reactor.spawnProcess(
            _Watcher(ended),
            sys.executable,
            [sys.executable, *arguments],
            env=None,
            path=self._folder,
            # Standard input is a pipe that ends with us; the rest is shared.
            childFDs={0: "w", 1: 1, 2: 2},
        )


class _Watcher(ProcessProtocol):
    def __init__(self, ended: Callable[[Any], None]) -> None:
        self._ended = ended

    def processEnded(self, reason: Any) -> None:  # noqa: N802  Twisted's name
        """It is gone and its pipes are closed."""
        self._ended(reason)


@dataclass(slots=True)
class Child:
    """A process as it is now."""

    spec: ChildSpec
    process: Any = None
    pid: int = 0
    started_at: float = 0.0
    deaths: int = 0
    pause: float = RESTART_SECONDS_MIN
    call: DelayedCall | None = field(default=None, repr=False)
    """Its next start, or its SIGKILL."""

    @property
    def running(self) -> bool:
        """True while there is a process."""
        return self.process is not None


class Children:
    """All child processes.

    Args:
        specs: what to run.
        clock: the reactor.
        spawn: starts a process; see `Spawner`.
        recorder: takes the events.
        ended: called when all have ended after `stop`.
    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        clock: Clock,
        spawn: Callable[[Sequence[str], Callable[[Any], None]], Any],
        recorder: Recorder,
        ended: Callable[[], None],
    ) -> None:
        self.all = [Child(spec) for spec in specs]
        self._clock = clock
        self._spawn = spawn
        self._recorder = recorder
        self._ended = ended
        self._stopping = False

    def start(self) -> None:
        """Start all."""
        for child in self.all:
            self._start(child)

    def running(self) -> dict[str, bool]:
        """Every process there should be, and whether it runs."""
        return {child.spec.name: child.running for child in self.all}

    def signal(self, name: str) -> None:
        """Send a signal, such as HUP, to all that run."""
        for child in self.all:
            self._signal(child, name)

    def stop(self) -> None:
        """End all, group after group."""
        if self._stopping:
            return
        self._stopping = True
        for child in self.all:
            self._cancel(child)
        self._stop_next()

    def _stop_next(self) -> None:
        running = [child for child in self.all if child.running]
        if not running:
            self._ended()
            return
        group = min(child.spec.group for child in running)
        for child in running:
            if child.spec.group == group and child.call is None:
                self._signal(child, "TERM")
                child.call = self._clock.callLater(
                    child.spec.end_seconds, self._signal, child, "KILL"
                )

    def _start(self, child: Child) -> None:
        child.call = None
        child.started_at = self._clock.seconds()
        try:
            child.process = self._spawn(
                child.spec.arguments, lambda reason: self._gone(child, reason)
            )
        except OSError as error:
            self._died(child, type(error).__name__)
            return
        child.pid = child.process.pid
        self._recorder.record(ProcessStarted(name=child.spec.name, pid=child.pid))

    def _gone(self, child: Child, reason: Any) -> None:
        self._cancel(child)
        child.process = None
        if self._stopping:
            self._recorder.record(ProcessEnded(name=child.spec.name, pid=child.pid))
            self._stop_next()
            return
        self._died(child, _status(reason))

    def _died(self, child: Child, status: str) -> None:
        """Start it again after a pause."""
        child.deaths += 1
        if self._clock.seconds() - child.started_at >= GOOD_SECONDS:
            child.pause = RESTART_SECONDS_MIN
        self._recorder.record(
            ProcessDied(
                name=child.spec.name, pid=child.pid, status=status, retry_seconds=child.pause
            )
        )
        child.call = self._clock.callLater(child.pause, self._start, child)
        child.pause = min(child.pause * 2, RESTART_SECONDS_MAX)

    def _signal(self, child: Child, name: str) -> None:
        if child.process is None:
            return
        with suppress(ProcessExitedAlready):  # then its end is on its way to us
            child.process.signalProcess(name)

    def _cancel(self, child: Child) -> None:
        if child.call is not None and child.call.active():
            child.call.cancel()
        child.call = None


def _status(reason: Any) -> str:
    """`exit 1` or `SIGKILL`."""
    value = getattr(reason, "value", None)
    number = getattr(value, "signal", None)
    if number is not None:
        return signal.Signals(number).name
    return f"exit {getattr(value, 'exitCode', '?')}"
