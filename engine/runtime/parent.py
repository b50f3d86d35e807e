"""Rim. What a process of the engine hears of the supervisor: signals, and that it is gone."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

_STANDARD_INPUT = 0


def listen_to_parent(*, stop: Callable[[], None], reload: Callable[[], None]) -> None:
    """Call these from the running event loop when the supervisor asks for it.

    Args:
        stop: on SIGTERM, and when the supervisor has ended: it holds the other end of standard
            input, and never writes to it.
        reload: on SIGHUP.
    """
    loop = asyncio.get_running_loop()

    def speaks() -> None:
        if os.read(_STANDARD_INPUT, 1024) == b"":
            loop.remove_reader(_STANDARD_INPUT)
            stop()

    # A Ctrl-C on the terminal reaches every process; the supervisor decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
    with contextlib.suppress(PermissionError):  # standard input is a file: nobody holds it
        loop.add_reader(_STANDARD_INPUT, speaks)
