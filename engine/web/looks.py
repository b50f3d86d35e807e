"""Rim. Looks at what no table knows: one at a time, the last one kept for everybody."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock, Thread

import msgspec

from engine.runtime.codetables.look import Look
from engine.runtime.desk.project_folder import FolderUnknown, ProjectFolder

LOOK_BYTES_MAX = 100_000_000
END_SECONDS = 5.0


class LookFailed(Exception):  # noqa: N818  said to the user in these words
    """The look gave nothing; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A row that was written since the last look."""

    file: str
    line: int
    by: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LookState:
    """How the list stands."""

    running: bool = False
    look: Look | None = None
    """The last one that came to its end."""
    failure: str = ""


class Looks:
    """Looks of one console.

    Args:
        make: looks, for as long as it takes. Raises LookFailed.
        end: ends a look under way.
    """

    def __init__(self, make: Callable[[], Look], end: Callable[[], None] = lambda: None) -> None:
        self._make = make
        self._end = end
        self._lock = Lock()
        self._state = LookState()
        self._written: dict[tuple[str, str, str], Written] = {}

    @property
    def state(self) -> LookState:
        """How it stands now."""
        return self._state

    def start(self) -> bool:
        """Begin a look; False when one is under way."""
        with self._lock:
            if self._state.running:
                return False
            self._state = replace(self._state, running=True, failure="")
            self._written.clear()
        Thread(target=self._run, name="look", daemon=True).start()
        return True

    def _run(self) -> None:
        try:
            found = LookState(look=self._make())
        except LookFailed as problem:
            found = replace(self._state, running=False, failure=str(problem))
        with self._lock:
            self._state = found

    def note(self, row: tuple[str, str, str], written: Written) -> None:
        """Remember until the next look that a row was written.

        Args:
            row: table, code and system.
            written: where, by whom.
        """
        with self._lock:
            self._written[row] = written

    def written(self, row: tuple[str, str, str]) -> Written | None:
        """The row of a table, code and system that was written since the last look."""
        with self._lock:
            return self._written.get(row)

    def close(self) -> None:
        """End a look under way."""
        self._end()


class LooksApart:
    """Looks in a process of its own.

    Args:
        folder: of the project.
        store_url: of the store.
    """

    def __init__(self, folder: ProjectFolder, store_url: str) -> None:
        self._folder = folder
        self._store_url = store_url
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> Look:
        """One look. Raises LookFailed."""
        arguments = ["--data", str(self._folder.data.path)]
        with suppress(FolderUnknown):  # then by the configuration in force
            arguments += ["--home", str(self._folder.home())]
        self._process = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", "engine.runtime.codetables.look", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "ENGINE_STORE": self._store_url},
        )
        assert self._process.stdout is not None  # noqa: S101  asked for above
        with self._process.stdout as output:
            content = output.read(LOOK_BYTES_MAX)
        code = self._process.wait()
        try:
            return msgspec.json.decode(content, type=Look)
        except msgspec.DecodeError:
            raise LookFailed(f"the look ended without a result (exit code {code})") from None

    def end(self) -> None:
        """End the process."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(END_SECONDS)
