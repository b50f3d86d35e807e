"""A project of one channel, a store with messages, and worker processes that work on them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.runtime.configuration import read_project
from engine.runtime.node.process_setup import DataFolder, ProcessSetup
from engine.store.interface import Receipt
from engine.store.open_store import migrate, open_log, open_state

WAIT_SECONDS = 120


class WorkerSite:
    """The project's folder, and what runs on it."""

    def __init__(self, folder: Path, channel: str, fhir_url: str) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder}/data"
        self.log = folder / "worker.log"
        self.data = DataFolder(path=folder / "data")
        self.environment = {**os.environ, "FHIR_URL": fhir_url}
        self.processes: list[subprocess.Popen[bytes]] = []
        (folder / "channels").mkdir()
        migrate(self.url)
        self.configure(channel)

    def configure(self, channel: str) -> None:
        """Write the channel; workers read it when they start, or are told by SIGHUP."""
        (self.folder / "channels" / "channel.yaml").write_text(channel, encoding="utf-8")
        self.data.snapshots.write(read_project(self.folder))

    def receive(self, receipts: Sequence[Receipt]) -> None:
        log = open_log(self.url)
        log.append(receipts)
        log.close()

    def start(self, name: str = "worker-1", share: float = 1.0) -> subprocess.Popen[bytes]:
        setup = ProcessSetup(
            name=name, data=self.data, store_url=self.url, log_form="json", share=share
        )
        arguments = setup.arguments("engine.runtime.worker.worker_process")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.PIPE,
                stderr=log,
                env=self.environment,
                cwd=self.folder,
            )
        self.processes.append(process)
        return process

    def counts(self) -> tuple[int, int]:
        """(sent, queued) of the channel."""
        state = open_state(self.url, readonly=True)
        try:
            found = state.stats()
        finally:
            state.close()
        return sum(each.sent for each in found), sum(each.queued for each in found)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not condition():  # noqa: ASYNC110  other processes have no events for us
                await asyncio.sleep(0.02)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
