"""Rim. A preview by several processes: each tries a share of the messages, in turn.

What they find comes back in the order of the messages, so that it is counted as one process would
count it, byte for byte. Shares are small and few are given out ahead: memory stays bounded, and a
preview that is ended ends at once. A process whose parent is gone reads the end of its pipe and
ends too.
"""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from engine.runtime.desk.benches import Benches
from engine.runtime.desk.message_log import StoreUnavailable, open_message_log
from engine.runtime.desk.replay_trial import Asked, Trial, Tried
from engine.runtime.snapshots import Snapshots

PROCESSES_MAX = 4
MESSAGES_PER_PROCESS = 500
"""With fewer for each, reading the configuration once more costs more than it saves."""
SHARE = 50
AHEAD = 4
"""Shares that are given out, or done and not yet counted, for each process."""
END_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What each process of a crew is told."""

    store_url: str = field(repr=False)
    snapshots: Snapshots
    revision: str
    """As of `Benches`."""
    asked: Asked


def crew_size(messages: int) -> int:
    """How many processes are worth it for so many messages, on this machine."""
    cores = len(os.sched_getaffinity(0))
    return max(1, min(cores, PROCESSES_MAX, messages // MESSAGES_PER_PROCESS))


class Crew:
    """Some processes with the same errand. Use as a context manager; they end with the block.

    Args:
        errand: what they are told.
        size: how many.
    """

    def __init__(self, errand: Errand, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._processes: list[BaseProcess] = []
        self._idle: list[Connection] = []
        self._busy: dict[Connection, int] = {}
        """To the number of the share it has."""
        for _ in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(errand, theirs), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._idle.append(ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for connection in (*self._idle, *self._busy):
            connection.close()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(END_SECONDS)

    def trials(self, message_ids: Sequence[int]) -> Iterator[Tried]:
        """What became of each message, in this order.

        Raises:
            StoreUnavailable: a process could not read the store.
            ChildProcessError: a process came to an end.
        """
        shares = [message_ids[at : at + SHARE] for at in range(0, len(message_ids), SHARE)]
        done: dict[int, list[Tried]] = {}
        given = 0
        for number in range(len(shares)):
            while number not in done:
                last = min(len(shares), number + AHEAD * len(self._processes))
                while self._idle and given < last:
                    self._give(given, shares[given])
                    given += 1
                self._take(done)
            yield from done.pop(number)

    def _give(self, number: int, share: Sequence[int]) -> None:
        connection = self._idle.pop()
        self._busy[connection] = number
        try:
            connection.send(tuple(share))
        except OSError as failure:
            raise _ended() from failure

    def _take(self, done: dict[int, list[Tried]]) -> None:
        """Wait until at least one share is done."""
        ready = wait(list(self._busy))
        for connection in [one for one in self._busy if one in ready]:
            try:
                found = connection.recv()
            except (EOFError, OSError) as failure:
                raise _ended() from failure
            if isinstance(found, str):
                raise StoreUnavailable(found)
            done[self._busy.pop(connection)] = found
            self._idle.append(connection)


def _ended() -> ChildProcessError:
    return ChildProcessError("a process of the preview came to an end before its time")


def work(errand: Errand, connection: Connection) -> None:
    """Try what comes until nothing comes any more: the whole life of a process of a crew."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the parent too
    try:
        with open_message_log(errand.store_url) as log:
            trial = Trial(log, Benches(errand.snapshots, errand.revision).of, errand.asked)
            while True:
                connection.send([trial.of(one) for one in connection.recv()])
    except StoreUnavailable as failure:
        connection.send(str(failure))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
