"""Intake alone, for measuring: the real listener, intake and log, without supervisor and workers.

`--store off` replaces the log by one that stores nothing: what the listener could do at most.
"""

import argparse
import cProfile
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.channel.model import ChannelConfig, Configuration, MllpListenerConfig
from engine.runtime.components import Surroundings
from engine.runtime.intake.intake import Intake
from engine.runtime.intake.intake_process import GARBAGE_THRESHOLD
from engine.runtime.intake.listener_set import ListenerSet
from engine.store.interface import Receipt, RecentControlId
from engine.store.open_store import open_log
from engine.telemetry.recorder import MemoryRecorder


class NoLog:
    """Stores nothing and numbers what it gets."""

    def __init__(self) -> None:
        self._next = 1

    def append(self, receipts: Sequence[Receipt]) -> list[int]:
        first = self._next
        self._next += len(receipts)
        return list(range(first, self._next))

    def record_acknowledgments(self, _outcomes: Sequence[Any]) -> None:
        pass

    def recent_control_ids(self, _since: float, _limit: int) -> Iterator[RecentControlId]:
        return iter(())

    def acknowledgment(self, _message_id: int) -> bytes:
        return b""

    def rotate(self) -> None:
        pass

    def close(self) -> None:
        pass


def main() -> None:
    """Run until SIGTERM."""
    import gc

    from twisted.internet import reactor as installed

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", default="")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--profile", type=Path)
    found = parser.parse_args()
    reactor: Any = installed
    folder = tempfile.TemporaryDirectory(dir=".")
    url = found.store or f"sqlite:///{folder.name}"
    log: Any = NoLog() if url == "off" else open_log(url)
    recorder = MemoryRecorder()
    nowhere: Any = lambda *_: None  # noqa: E731
    listeners = ListenerSet(Surroundings(reactor, recorder, nowhere))
    intake = Intake(
        log,
        reactor,
        recorder,
        nowhere,
        channels=lambda: listeners.channels,
        on_store=nowhere,
    )
    listeners.attach(intake)
    channel = ChannelConfig(
        name="adt", file="adt.yaml", listener=MllpListenerConfig(port=found.port)
    )
    listeners.apply(Configuration(channels=(channel,), revision="bench"))
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)
    gc.freeze()

    def housekeep() -> None:
        intake.housekeep()
        reactor.callLater(1.0, housekeep)

    housekeep()
    profile = cProfile.Profile() if found.profile else None
    reactor.callWhenRunning(
        lambda: signal.signal(signal.SIGTERM, lambda *_: reactor.callFromThread(reactor.stop))
    )
    reactor.callWhenRunning(lambda: print("ready", flush=True))
    if profile is not None:
        profile.enable()
    reactor.run()
    if profile is not None:
        profile.disable()
        profile.dump_stats(found.profile)
    log.close()
    folder.cleanup()


if __name__ == "__main__":
    sys.exit(main())
