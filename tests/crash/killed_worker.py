"""A worker process that kills itself at its N-th store call; run by the crash tests.

`python killed_worker.py N before|after|never ...`: the rest are the worker's own arguments. The
kill is SIGKILL to itself: nothing is flushed, closed or caught.
"""

import os
import signal
import sys
from typing import Any

from engine.runtime.worker import worker_process
from engine.store.interface import StateStore
from engine.store.open_store import open_state


class Killing:
    """A state store that counts calls."""

    def __init__(self, inner: StateStore, at: int, when: str) -> None:
        self._inner = inner
        self._left = at
        self._when = when

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found) or name == "close":
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = found(*arguments, **named)
            if self._left == 0 and self._when == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return call


def main() -> int:
    at, when = int(sys.argv[1]), sys.argv[2]
    worker_process.open_state = lambda url: Killing(open_state(url), at, when)  # type: ignore
    return worker_process.main(sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
