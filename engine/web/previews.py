"""Rim. Previews of replay jobs, each in a process of its own that gives way to everything else."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Lock

RUNNING_MAX = 2
"""Previews at a time; they process thousands of messages each."""
END_SECONDS = 5.0


class Previews:
    """Starts them and takes note of their end.

    Args:
        data: the data folder, which holds the configurations.
        store_url: of the store.
    """

    def __init__(self, data: Path, store_url: str) -> None:
        self._data = data
        self._store_url = store_url
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._lock = Lock()

    def start(self, job_id: int) -> bool:
        """Begin the preview of a job; False when too many are under way."""
        with self._lock:
            self._reap()
            if job_id in self._running:
                self._running.pop(job_id).terminate()
            if len(self._running) >= RUNNING_MAX:
                return False
            module = "engine.runtime.desk.preview_process"
            arguments = ("--data", str(self._data), "--job", str(job_id))
            self._running[job_id] = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "ENGINE_STORE": self._store_url},
            )
            return True

    def runs(self, job_id: int) -> bool:
        """True while the preview of a job is under way."""
        with self._lock:
            self._reap()
            return job_id in self._running

    def _reap(self) -> None:
        self._running = {key: one for key, one in self._running.items() if one.poll() is None}

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            for process in self._running.values():
                process.terminate()
            for process in self._running.values():
                process.wait(END_SECONDS)
            self._running.clear()
