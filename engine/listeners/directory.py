"""Rim. The folder listener: files with a message or a batch each, taken one after the other.

A file is taken when its size has not changed for a while, and claimed by a rename, so that two
engines on one folder never take it both. It goes to `done` after its messages are stored, to
`failed` (with the answer beside it) when one of them was refused. After a crash a claimed file is
taken again: what was stored already is found to be a duplicate. All file work is done in a thread,
because a folder on a network share can hang.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from engine.channel.model import DirectoryListenerConfig
from engine.listeners.codes import file_fault
from engine.listeners.interface import ListenerStatus, Sink
from engine.listeners.reactor import Clock, DelayedCall
from engine.telemetry.events import FileTaken, ListenerFailed, ListenerStarted, ListenerStopped
from engine.telemetry.logs import error_caught
from engine.telemetry.recorder import Recorder

CLAIMED = ".taking"
"""Suffix of a claimed file."""
KEPT_BYTES_MAX = 65_536
"""Of a file that is too large this much is kept with the fault."""
RETRY_SECONDS = 5.0
"""After a file could not be stored, or the folder not be read."""


class InThread(Protocol):
    """Runs blocking work elsewhere; tests run it at once."""

    def __call__(self, work: Callable[[], Any]) -> "Deferred[Any]":
        """The result to come."""
        ...


@dataclass(frozen=True, slots=True)
class Claimed:
    """A file that is ours, and its content."""

    file: Path
    """Where it is now, with the suffix."""
    name: str
    """What it was called."""
    content: bytes
    too_large: bool


class FolderFiles:
    """The blocking side: looks, claims, reads, moves. Remembers sizes between two looks.

    Args:
        config: the folder, its pattern and limits.
        seconds: the time, for the settling of files.
    """

    def __init__(self, config: DirectoryListenerConfig, seconds: Callable[[], float]) -> None:
        self._config = config
        self._seconds = seconds
        self._folder = Path(config.path)
        self._sizes: dict[str, tuple[int, float]] = {}
        """Name to size and the time it was first seen with it."""

    def prepare(self) -> None:
        """Make the sub-folders. Raises OSError when the folder is not there or not writable."""
        self._folder.stat()
        for name in (self._config.done, self._config.failed):
            (self._folder / name).mkdir(exist_ok=True)

    def claim(self) -> Claimed | None:
        """The next file: first one claimed before a crash, then the oldest that has settled."""
        left = sorted(self._folder.glob("*" + CLAIMED))
        if left:
            return self._read(left[0], left[0].name.removesuffix(CLAIMED))
        for file in self._settled():
            claimed = file.with_name(file.name + CLAIMED)
            try:
                file.rename(claimed)
            except FileNotFoundError:  # another engine was faster
                continue
            self._sizes.pop(file.name, None)
            return self._read(claimed, file.name)
        return None

    def _settled(self) -> list[Path]:
        now = self._seconds()
        seen: dict[str, tuple[int, float]] = {}
        ready: list[tuple[float, str, Path]] = []
        patterns = [text.strip() for text in self._config.pattern.split(",")]
        for file in self._folder.iterdir():
            wanted = any(file.match(pattern) for pattern in patterns if pattern)
            if not wanted or file.name.endswith(CLAIMED) or not file.is_file():
                continue
            stat = file.stat()
            size, since = self._sizes.get(file.name, (-1, now))
            since = since if size == stat.st_size else now
            seen[file.name] = (stat.st_size, since)
            if now - since >= self._config.settle_seconds:
                ready.append((stat.st_mtime, file.name, file))
        self._sizes = seen
        return [file for _, _, file in sorted(ready)]

    def _read(self, file: Path, name: str) -> Claimed:
        limit = self._config.file_bytes_max
        with file.open("rb") as opened:
            too_large = file.stat().st_size > limit
            content = opened.read(KEPT_BYTES_MAX if too_large else limit)
        return Claimed(file, name, content, too_large)

    def settle(self, claimed: Claimed, answer: bytes, *, accepted: bool) -> None:
        """Move the file to `done`, or to `failed` with the answer beside it."""
        target = self._free_name(claimed.name, accepted=accepted)
        if not accepted:
            target.with_name(target.name + ".ack").write_bytes(answer)
        claimed.file.rename(target)

    def _free_name(self, name: str, *, accepted: bool) -> Path:
        folder = self._folder / (self._config.done if accepted else self._config.failed)
        target, number = folder / name, 1
        while target.exists():
            number += 1
            target = folder / f"{name}.{number}"
        return target


class FileExchange:
    """One file as a connection: answered once, then moved."""

    def __init__(self, source: str, settle: Callable[[bytes, bool | None], None]) -> None:
        self.source = source
        self._settle = settle

    def answer(self, payloads: Sequence[bytes], *, accepted: bool = True) -> bool:
        """The file's messages are stored, or refused."""
        self._settle(b"".join(payloads), accepted)
        return True

    def skip(self) -> None:
        """What becomes of its messages is not known in time: a person looks."""
        self._settle(b"", False)

    def abandon(self, reason: str) -> None:
        """Take the file again later."""
        del reason
        self._settle(b"", None)

    def push(self, payload: bytes) -> bool:
        """A file is answered once."""
        del payload
        return False

    def hold(self, reason: str) -> None:
        """Files are taken one at a time anyway."""

    def release(self, reason: str) -> None:
        """See `hold`."""


class DirectoryListener:
    """A folder that is polled.

    Args:
        config: the folder and how it is taken.
        sink: takes payloads and faults.
        clock: for polling.
        recorder: takes the events.
        in_thread: runs the file work.
    """

    def __init__(
        self,
        config: DirectoryListenerConfig,
        sink: Sink,
        clock: Clock,
        recorder: Recorder,
        in_thread: InThread,
    ) -> None:
        self.name = f"directory {config.path}"
        self._config = config
        self._sink = sink
        self._clock = clock
        self._recorder = recorder
        self._in_thread = in_thread
        self._files = FolderFiles(config, clock.seconds)
        self._state = "stopped"
        self._busy = False
        self._call: DelayedCall | None = None

    def start(self) -> None:
        """Make the sub-folders and begin to look. Raises OSError."""
        self._files.prepare()
        self._state = "listening"
        self._recorder.record(ListenerStarted(listener=self.name))
        self._later(0)

    def update(self, config: DirectoryListenerConfig) -> None:
        """New settings, from the next look on; the folder stays."""
        self._config = config
        self._files = FolderFiles(config, self._clock.seconds)
        self._files.prepare()

    def refuse(self, reason: str | None) -> None:
        """Files wait where they are; what is abandoned is tried again by itself."""

    def stop(self, reason: str) -> None:
        """Look no more; the file under way is finished."""
        if self._state != "listening":
            return
        self._state = "stopped"
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._recorder.record(ListenerStopped(listener=self.name, reason=reason))

    def close(self, reason: str) -> None:
        """The same as `stop`: a file without an answer is taken again after the next start."""
        self.stop(reason)

    def status(self) -> ListenerStatus:
        """State; a file under way counts as a connection."""
        return ListenerStatus(name=self.name, state=self._state, connections=int(self._busy))

    def _later(self, seconds: float) -> None:
        if self._state == "listening":
            self._call = self._clock.callLater(seconds, self._look)

    def _look(self) -> None:
        self._in_thread(self._files.claim).addCallbacks(self._take, self._failed)

    def _take(self, claimed: Claimed | None) -> None:
        if claimed is None:
            self._later(self._config.poll_seconds)
            return
        self._busy = True
        source = f"directory {self._config.path}/{claimed.name}"
        exchange = FileExchange(source, lambda answer, ok: self._settle(claimed, answer, ok))
        if claimed.too_large:
            fault = file_fault(claimed.content, self._config.file_bytes_max)
            self._sink.receive_fault(exchange, fault)
        else:
            self._sink.receive(exchange, claimed.content)

    def _settle(self, claimed: Claimed, answer: bytes, accepted: bool | None) -> None:
        self._busy = False
        if accepted is None:
            self._later(RETRY_SECONDS)
            return
        size = len(claimed.content)
        outcome = "done" if accepted else "failed"
        event = FileTaken(listener=self.name, outcome=outcome, size_bytes=size)
        self._recorder.record(event)
        files = self._files
        moved = self._in_thread(lambda: files.settle(claimed, answer, accepted=accepted))
        moved.addCallbacks(lambda _: self._later(0), self._failed)

    def _failed(self, failure: Any) -> None:
        """The folder is not there, full or not ours: said, and tried again."""
        error = error_caught(failure.value).error
        self._recorder.record(
            ListenerFailed(listener=self.name, error=error, retry_seconds=RETRY_SECONDS)
        )
        self._later(RETRY_SECONDS)
