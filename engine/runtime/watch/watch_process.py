"""Rim. The watch's process: alerts come whether or not there is a console.

Started by the supervisor as `python -m engine.runtime.watch.watch_process`. It ends on SIGTERM and
when its standard input ends because the supervisor is gone; SIGHUP makes it read the current
configuration. It runs at a lower priority than what moves messages.
"""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Sequence

from engine.runtime.configuration import Loaded, check_project
from engine.runtime.desk.desk import Desk
from engine.runtime.node.process_setup import ProcessSetup, Pulse, read_arguments
from engine.runtime.parent import listen_to_parent
from engine.runtime.watch.watch import Watch, WatchSettings
from engine.telemetry.events import ConfigurationApplied, ProcessEnded, ProcessStarted
from engine.telemetry.health import BEAT_SECONDS, Condition

NICENESS = 5
CONNECTIONS = 1
"""To the store: it looks, learns and tells one after the other."""


class WatchProcess:
    """The watch's process.

    Args:
        setup: what it was started with.
    """

    def __init__(self, setup: ProcessSetup) -> None:
        self._setup = setup
        self._pulse = Pulse(setup)
        self._desk = Desk(setup.store_url, connections_max=CONNECTIONS)
        self._loaded: Loaded | None = None
        self._watch = Watch(
            self._desk,
            lambda: self._loaded,
            setup.data.path,
            self._pulse.recorder,
            host=socket.gethostname(),
            owner=f"{socket.gethostname()} {setup.data.path}",  # after a crash it is its turn again
        )
        self._ended = asyncio.Event()

    async def run(self) -> int:
        """Watch until told to stop; the exit code."""
        listen_to_parent(stop=self._ended.set, reload=self.reload)
        await self._read_configuration()
        self._pulse.recorder.record(ProcessStarted(name=self._setup.name, pid=os.getpid()))
        tasks = [asyncio.create_task(one) for one in (self._beat(), self._watch.run())]
        await self._ended.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._watch.rest)
        self._desk.close()
        self._pulse.recorder.record(ProcessEnded(name=self._setup.name, pid=os.getpid()))
        return 0

    def reload(self) -> None:
        """Read the current configuration."""
        self._reloading = asyncio.create_task(self._read_configuration())

    async def _read_configuration(self) -> None:
        """Take the current snapshot; the supervisor has checked it."""
        try:
            loaded = await asyncio.to_thread(self._read)
        except (OSError, ValueError) as error:
            self._pulse.recorder.record_error(error)
            return
        if loaded is None:
            return
        environment = loaded.configuration.environment
        self._watch.settings = WatchSettings(
            environment=loaded.console.environment
            or (environment.name if environment is not None else ""),
            console_url=loaded.console.url,
        )
        self._loaded = loaded
        self._pulse.revision = loaded.revision
        count = len(loaded.configuration.channels)
        self._pulse.recorder.record(
            ConfigurationApplied(revision=loaded.revision, channels=count, changed=count)
        )
        self._pulse.beat(Condition.READY)

    def _read(self) -> Loaded | None:
        loaded, _ = check_project(self._setup.data.snapshots.current(), check_maps=False)
        return loaded

    async def _beat(self) -> None:
        while True:
            self._pulse.beat(Condition.STARTING if self._loaded is None else Condition.READY)
            await asyncio.sleep(BEAT_SECONDS)


def main(arguments: Sequence[str]) -> int:
    """Run the process; exit code."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    return asyncio.run(_run(read_arguments(arguments)))


async def _run(setup: ProcessSetup) -> int:
    return await WatchProcess(setup).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
