"""Rim. The intake process: listeners, intake and log in one Twisted reactor; started by the
supervisor.

Started as `python -m engine.runtime.intake.intake_process`. It loads the current snapshot, fills
the duplicate indexes from the log, opens the listeners and runs until SIGTERM. SIGHUP loads the
snapshot again.
"""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from engine.channel.model import Configuration
from engine.runtime.components import Surroundings
from engine.runtime.configuration import read_channels
from engine.runtime.intake.edited_copies import EditedCopies
from engine.runtime.intake.intake import Intake
from engine.runtime.intake.listener_set import ListenerSet
from engine.runtime.intake.state_thread import StateReader, Threads
from engine.runtime.node.process_setup import ProcessSetup, Pulse, read_arguments
from engine.runtime.node.twisted_log import listen_to_twisted
from engine.store.interface import Log, StoreUnavailable
from engine.store.open_store import open_log
from engine.telemetry.events import ConfigurationApplied, StoreFailed
from engine.telemetry.health import BEAT_SECONDS, Condition

HOUSEKEEPING_SECONDS = 1.0
DRAIN_SECONDS = 15.0
"""At the end, so long for what is owed; then the rest is dropped unanswered."""
OPEN_RETRY_SECONDS = 2.0
FOLDER_THREADS = 4
GARBAGE_THRESHOLD = 50_000
"""Allocations between two collections of the youngest objects: messages make no cycles, and the
default of 700 costs a collection every few dozen of them."""
SECONDS_PER_DAY = 86400


class IntakeProcess:
    """One intake process.

    Args:
        setup: what it was started with.
        reactor: Twisted's.
    """

    def __init__(self, setup: ProcessSetup, reactor: Any) -> None:
        self._setup = setup
        self._reactor = reactor
        self._pulse = Pulse(setup)
        self._recorder = self._pulse.recorder
        listen_to_twisted(self._recorder)
        self._folders = Threads(reactor, "folders", FOLDER_THREADS)
        self._state_thread = Threads(reactor, "state", 1)
        self._state = StateReader(setup.store_url, self._state_thread)
        around = Surroundings(reactor, self._recorder, self._folders.run)
        self._listeners = ListenerSet(around)
        self._log: Log | None = None
        self._intake: Intake | None = None
        self._copies: EditedCopies | None = None
        self._condition = Condition.STARTING
        self._stop_at: float | None = None

    def start(self) -> None:
        """Begin; called in the running reactor."""
        self._folders.start()
        self._state_thread.start()
        self._every(BEAT_SECONDS, self._beat)
        self._open()

    def _open(self) -> None:
        """Open the log; tried again while the store is not there."""
        if self._stop_at is not None:
            return
        try:
            log = self._log = open_log(self._setup.store_url)
        except StoreUnavailable:
            self._wait_for_store(self._open)
            return
        self._intake = Intake(
            log,
            self._reactor,
            self._recorder,
            self._state.run_states,
            channels=lambda: self._listeners.channels,
            on_store=self._on_store,
        )
        self._copies = EditedCopies(
            self._intake,
            self._state,
            receptions=lambda: self._listeners.receptions,
            monotonic=time.monotonic,
            wall=time.time,
        )
        self._listeners.attach(self._intake)
        self._listeners.refuse("starting")
        configuration = self._configuration()
        self._listeners.apply(configuration)
        self._let_in(configuration)

    def _let_in(self, configuration: Configuration) -> None:
        """Learn which control ids are known, then let senders in."""
        try:
            self._recover()
        except StoreUnavailable:
            self._wait_for_store(lambda: self._let_in(configuration))
            return
        self._listeners.refuse(None)
        self._applied(configuration, len(configuration.channels))
        self._condition = Condition.READY
        gc.collect()
        gc.freeze()
        self._every(HOUSEKEEPING_SECONDS, self._housekeep)
        self._beat()

    def _wait_for_store(self, then: Callable[[], None]) -> None:
        self._condition = Condition.DEGRADED
        self._recorder.record(StoreFailed(waiting_messages=0, retry_seconds=OPEN_RETRY_SECONDS))
        self._reactor.callLater(OPEN_RETRY_SECONDS, then)

    def _configuration(self) -> Configuration:
        configuration, problems = read_channels(self._setup.data.snapshots.current())
        if configuration is None:
            raise ValueError(f"the snapshot has {len(problems)} problems")
        return configuration

    def _recover(self) -> None:
        """Fill the duplicate indexes that are new: all at start, few or none at a reload."""
        names = frozenset(self._listeners.unfilled)
        if self._intake is None or not names:
            return
        windows = [
            found.config.duplicates.window_days
            for found in self._listeners.channels
            if found.name in names
        ]
        since = time.time() - max(windows, default=0.0) * SECONDS_PER_DAY
        self._intake.recover(since, names)
        self._listeners.unfilled.difference_update(names)

    def _applied(self, configuration: Configuration, changed: int) -> None:
        self._pulse.revision = configuration.revision
        self._recorder.record(
            ConfigurationApplied(
                revision=configuration.revision,
                channels=len(configuration.channels),
                changed=changed,
            )
        )

    def reload(self) -> None:
        """Load the current snapshot and bring the listeners to it."""
        if not self._pulse.revision or self._stop_at is not None:
            return  # what begins now loads the newest snapshot anyway
        configuration = self._configuration()
        changed = self._listeners.apply(configuration)
        with suppress(StoreUnavailable):  # then tried again each second
            self._recover()
        self._applied(configuration, changed)
        self._beat()

    # -- once in a while --

    def _every(self, seconds: float, work: Callable[[], None]) -> None:
        def again() -> None:
            self._reactor.callLater(seconds, again)
            try:
                work()
            except Exception as error:  # noqa: BLE001  the clock must go on; the fault is recorded
                self._recorder.record_error(error)

        self._reactor.callLater(seconds, again)

    def _housekeep(self) -> None:
        if self._intake is not None:
            self._intake.housekeep()
            if self._intake.store_works:
                with suppress(StoreUnavailable):
                    self._recover()
        if self._stop_at is None and self._copies is not None:
            self._copies.look()
        if self._stop_at is None:
            self._state.controls().addCallbacks(self._listeners.set_controls, lambda _: None)

    def _on_store(self, works: bool) -> None:
        self._listeners.refuse(None if works else "store")
        if self._stop_at is None:
            self._condition = Condition.READY if works else Condition.DEGRADED
        self._beat()

    def _beat(self) -> None:
        statuses = self._listeners.statuses()
        self._pulse.recorder.meter.gauge(
            "connections_open", "Open connections", self._listeners.connections
        )
        self._pulse.beat(self._condition, {found.name: found.state for found in statuses})

    # -- the end --

    def stop(self) -> None:
        """Stop listening, store and answer what has come, commit, end."""
        if self._stop_at is not None:
            return
        self._condition = Condition.STOPPING
        self._stop_at = self._reactor.seconds() + DRAIN_SECONDS
        self._listeners.stop("stop")
        self._beat()
        self._drain()

    def _drain(self) -> None:
        intake = self._intake
        idle = intake is None or intake.idle
        if (idle and not self._listeners.connections) or self._reactor.seconds() > (
            self._stop_at or 0
        ):
            self._end()
        else:
            self._reactor.callLater(0.05, self._drain)

    def _end(self) -> None:
        self._listeners.close("stop")
        if self._intake is not None:
            self._intake.housekeep()
        if self._log is not None:
            self._log.close()
        self._state.close().addBoth(lambda _: self._leave())

    def _leave(self) -> None:
        self._beat()
        self._reactor.callLater(0, self._reactor.stop)
        self._reactor.addSystemEventTrigger("after", "shutdown", self._folders.stop)
        self._reactor.addSystemEventTrigger("after", "shutdown", self._state_thread.stop)


@implementer(IReadDescriptor)
class ParentPipe:
    """Standard input, a pipe held by the supervisor: its end means that the supervisor is gone.

    Args:
        reactor: reads it.
        gone: called at its end.
    """

    def __init__(self, reactor: Any, gone: Callable[[], None]) -> None:
        self._reactor = reactor
        self._gone = gone
        reactor.addReader(self)

    def fileno(self) -> int:
        """Standard input."""
        return 0

    def logPrefix(self) -> str:  # noqa: N802
        """Twisted asks for it."""
        return "supervisor"

    def doRead(self) -> None:  # noqa: N802
        """Nothing is ever sent: what can be read is the end, where a poll does not report it."""
        if os.read(0, 1024) == b"":
            self._reactor.removeReader(self)
            self._gone()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """The other end was closed."""
        del reason
        self._gone()


def main(arguments: Sequence[str]) -> int:
    """Run the process; exit code."""
    from twisted.internet import reactor as installed

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it can be heeded
    setup = read_arguments(arguments)
    reactor: Any = installed
    process = IntakeProcess(setup, reactor)
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)

    def handle_signals() -> None:
        # A Ctrl-C on the terminal reaches every process; the supervisor decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: reactor.callFromThread(process.stop))
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(process.reload))
        ParentPipe(reactor, process.stop)
        process.start()

    reactor.callWhenRunning(handle_signals)
    reactor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
