"""Rim. A running node as others see it: the lock of its data directory, and its status file.

One node owns a data directory, by a lock the kernel drops when it dies, whatever the reason. The
status file tells commands that it runs, what it runs on, and how the last reload went.
"""

import fcntl
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from engine.runtime.node.process_setup import DataFolder

POLL_SECONDS = 0.1
OWN_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildStatus:
    """One process of the node."""

    name: str
    pid: int
    running: bool
    deaths: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadStatus:
    """How the last reload went."""

    number: int = 0
    """Counts reloads since the node began."""
    finished: bool = True
    accepted: bool = True
    at: float = 0.0
    problems: tuple[dict[str, Any], ...] = ()
    """Diagnostics as dictionaries."""
    changed: tuple[str, ...] = ()
    """Channels added, changed or removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """A node."""

    pid: int
    started_at: float
    home: str
    revision: str
    metrics_port: int
    reload: ReloadStatus = field(default_factory=ReloadStatus)
    children: tuple[ChildStatus, ...] = ()


class DataInUse(Exception):  # noqa: N818  said to the user in these words
    """Another node owns the data directory."""


class NodeFiles:
    """The lock and the status file of a data directory."""

    def __init__(self, data: DataFolder) -> None:
        self._folder = data.run
        self._status = data.run / "node.json"
        self._lock: IO[bytes] | None = None

    def own(self) -> None:
        """Take the lock and clear what an earlier node left. Raises DataInUse, OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = (self._folder / "node.lock").open("ab")
        for last in (*[False] * OWN_TRIES, True):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if last:
                    lock.close()
                    raise DataInUse from None
                time.sleep(POLL_SECONDS)  # who only looks whether a node runs is gone by then
        self._lock = lock
        for pattern in ("*.prom", "*.health", "*.tmp"):
            for file in self._folder.glob(pattern):
                file.unlink(missing_ok=True)

    def disown(self) -> None:
        """Give the lock back and take the status away."""
        self._status.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def write(self, status: NodeStatus) -> None:
        """Write the status, whole or not at all. Raises OSError."""
        aside = self._status.with_suffix(".tmp")
        aside.write_bytes(msgspec.json.encode(status))
        aside.replace(self._status)

    def running(self) -> NodeStatus | None:
        """The node that owns the directory now, or None."""
        try:
            with (self._folder / "node.lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            pass
        except OSError:
            return None
        try:
            status = msgspec.json.decode(self._status.read_bytes(), type=NodeStatus)
            os.kill(status.pid, 0)
        except (OSError, msgspec.DecodeError):
            return None  # not written yet, or left by a node that was killed
        return status


def data_folder(home: Path, store_url: str) -> DataFolder:
    """The data directory of a node: that of the SQLite store, else `.engine` in the project."""
    folder = store_url.removeprefix("sqlite:///")
    return DataFolder(path=Path(folder) if folder != store_url else home / ".engine")


def request_reload(data: DataFolder, timeout_seconds: float = 60.0) -> ReloadStatus | None:
    """Ask the running node to reload and wait for the result; None when no node runs.

    Raises TimeoutError when it does not come to an end.
    """
    files = NodeFiles(data)
    before = files.running()
    if before is None:
        return None
    os.kill(before.pid, signal.SIGHUP)
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        status = files.running()
        if status is None:
            return None
        if status.reload.number > before.reload.number and status.reload.finished:
            return status.reload
        time.sleep(POLL_SECONDS)
    raise TimeoutError("the node did not finish the reload in time")
