"""Rim. A worker process: the worker in an asyncio loop; started by the supervisor.

Started as `python -m engine.runtime.worker.worker_process`. It loads the current snapshot,
compiles the maps and works until SIGTERM, or until its standard input ends because the supervisor
is gone. SIGHUP loads the snapshot again: compiling happens in a thread, so nothing in flight
waits for it.

A lock on a file of its own makes sure that no earlier process of the same name still works when
this one takes its lanes.
"""

import asyncio
import contextlib
import fcntl
import gc
import os
import socket
import sys
from collections.abc import Sequence
from typing import IO

from engine.runtime.configuration import ProjectFiles, check_project
from engine.runtime.node.process_setup import ProcessSetup, Pulse, read_arguments
from engine.runtime.parent import listen_to_parent
from engine.runtime.secrets import read_secret
from engine.runtime.worker.plans import Plans, load_plans
from engine.runtime.worker.store_turn import StoreThread
from engine.runtime.worker.worker import Worker, WorkerSettings
from engine.store.interface import StateStore, StoreUnavailable
from engine.store.open_store import open_state
from engine.telemetry.events import ConfigurationApplied, ProcessEnded, ProcessStarted, StoreFailed
from engine.telemetry.health import BEAT_SECONDS, Condition

OPEN_RETRY_SECONDS = 2.0
LOCK_RETRY_SECONDS = 0.1
GARBAGE_THRESHOLD = 20_000
"""Allocations between two collections: what a message leaves behind has no cycles."""


class WorkerProcess:
    """One worker process."""

    def __init__(self, setup: ProcessSetup) -> None:
        """Args: what it was started with."""
        self._setup = setup
        self._pulse = Pulse(setup)
        self._condition = Condition.STARTING
        self._worker: Worker | None = None
        self._stopping = asyncio.Event()
        self._reloading: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Work until told to stop; the exit code."""
        listen_to_parent(stop=self.stop, reload=self.reload)
        beating = asyncio.create_task(self._beat())
        lock = await self._locked()
        if lock is None:
            return 0
        with lock:
            self._pulse.recorder.record(ProcessStarted(name=self._setup.name, pid=os.getpid()))
            store = await self._open_store()
            if store is not None:
                await self._work(store)
            self._pulse.recorder.record(ProcessEnded(name=self._setup.name, pid=os.getpid()))
        beating.cancel()
        return 0

    async def _work(self, store: StoreThread) -> None:
        plans = await asyncio.to_thread(self._load)
        owner = f"{socket.gethostname()}:{self._setup.data.path.resolve()}:{self._setup.name}"
        settings = WorkerSettings(owner=owner, share=self._setup.share)
        worker = self._worker = Worker(
            store, settings, read_secret, self._pulse.recorder, earlier=self._load_earlier
        )
        self._use(plans)
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)
        if self._stopping.is_set():
            worker.stop()
        self._condition = Condition.READY
        await worker.run()
        self._condition = Condition.STOPPING
        store.close()

    # -- start --

    async def _locked(self) -> IO[bytes] | None:
        """The lock file, once no earlier process of this name holds it; None when told to stop."""
        path = self._setup.data.run / f"{self._setup.name}.lock"
        file = path.open("ab")
        while not self._stopping.is_set():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(LOCK_RETRY_SECONDS)
            else:
                return file
        file.close()
        return None

    async def _open_store(self) -> StoreThread | None:
        """The store, tried until it is there; None when told to stop meanwhile."""
        while not self._stopping.is_set():
            try:
                return await asyncio.to_thread(StoreThread, self._open_state)
            except StoreUnavailable:
                self._condition = Condition.DEGRADED
                failed = StoreFailed(waiting_messages=0, retry_seconds=OPEN_RETRY_SECONDS)
                self._pulse.recorder.record(failed)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(OPEN_RETRY_SECONDS):
                        await self._stopping.wait()
        return None

    def _open_state(self) -> StateStore:
        return open_state(self._setup.store_url)

    # -- configuration --

    def _load(self) -> Plans:
        return self._plans_of(self._setup.data.snapshots.current())

    def _load_earlier(self, revision: str) -> Plans:
        return self._plans_of(self._setup.data.snapshots.read(revision))

    def _plans_of(self, files: ProjectFiles) -> Plans:
        loaded, problems = check_project(files, check_maps=False)
        if loaded is None:
            raise ValueError(f"the snapshot has {len(problems)} problems")
        return load_plans(loaded)

    def _use(self, plans: Plans) -> None:
        if self._worker is not None:
            self._worker.use(plans)
        self._pulse.revision = plans.revision
        count = len(plans.channels)
        self._pulse.recorder.record(
            ConfigurationApplied(revision=plans.revision, channels=count, changed=count)
        )

    def reload(self) -> None:
        """Load the current snapshot and work by it, once what is being loaded now is loaded."""
        before = self._reloading

        async def load() -> None:
            if before is not None:
                await before
            try:
                self._use(await asyncio.to_thread(self._load))
            except (OSError, ValueError) as error:
                # The snapshot was checked by the supervisor: the earlier one stays in force.
                self._pulse.recorder.record_error(error)
            self._pulse.beat(self._condition)

        self._reloading = asyncio.create_task(load())

    # -- signals and health --

    def stop(self) -> None:
        """Finish what is in flight and end."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()

    async def _beat(self) -> None:
        while True:
            details, condition = {}, self._condition
            if self._worker is not None:
                details = {name: str(count) for name, count in self._worker.in_hand.items()}
                details |= self._worker.destinations
                if condition is Condition.READY and not self._worker.store_works:
                    condition = Condition.DEGRADED
            self._pulse.beat(condition, details)
            await asyncio.sleep(BEAT_SECONDS)


def main(arguments: Sequence[str]) -> int:
    """Run the process; exit code."""
    setup = read_arguments(arguments)

    async def run() -> int:
        return await WorkerProcess(setup).run()

    try:
        import uvloop
    except ImportError:
        return asyncio.run(run())
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(run())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
