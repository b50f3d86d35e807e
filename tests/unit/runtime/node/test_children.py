"""Processes are kept running and ended in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.error import ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from engine.runtime.node.children import Children, ChildSpec
from engine.telemetry.events import ProcessDied
from engine.telemetry.recorder import MemoryRecorder


@dataclass
class Process:
    name: str
    ended: Callable[[Any], None]
    pid: int
    signals: list[str] = field(default_factory=list)

    def signalProcess(self, name: str) -> None:
        self.signals.append(name)

    def end(self, exit_code: int | None = 0, signal: int | None = None) -> None:
        self.ended(Failure(ProcessTerminated(exit_code, signal)))


class Bench:
    def __init__(self, *groups: int) -> None:
        self.clock, self.recorder = Clock(), MemoryRecorder()
        self.processes: list[Process] = []
        self.all_ended = False
        specs = [
            ChildSpec(name=f"p{number}", arguments=(f"p{number}",), group=group, end_seconds=10)
            for number, group in enumerate(groups)
        ]
        self.children = Children(specs, self.clock, self.spawn, self.recorder, self.ended)
        self.children.start()

    def spawn(self, arguments: Sequence[str], ended: Callable[[Any], None]) -> Process:
        self.processes.append(Process(arguments[0], ended, 100 + len(self.processes)))
        return self.processes[-1]

    def ended(self) -> None:
        self.all_ended = True


def test_all_processes_are_started() -> None:
    bench = Bench(0, 1)
    assert [process.name for process in bench.processes] == ["p0", "p1"]
    assert bench.children.running() == {"p0": True, "p1": True}


def test_a_process_that_dies_is_started_again_after_pauses_that_grow() -> None:
    bench = Bench(0)
    for pause in (0.5, 1.0, 2.0):
        bench.processes[-1].end(1)
        assert bench.children.running() == {"p0": False}
        count = len(bench.processes)
        bench.clock.advance(pause - 0.1)
        assert len(bench.processes) == count
        bench.clock.advance(0.1)
        assert len(bench.processes) == count + 1


def test_a_process_that_ran_long_is_started_again_soon() -> None:
    bench = Bench(0)
    for _ in range(5):
        bench.processes[-1].end(1)
        bench.clock.advance(60)
    bench.clock.advance(60)
    bench.processes[-1].end(1)
    count = len(bench.processes)
    bench.clock.advance(0.5)
    assert len(bench.processes) == count + 1


def test_how_a_process_died_is_recorded() -> None:
    bench = Bench(0)
    bench.processes[0].end(None, 9)
    (event,) = bench.recorder.of(ProcessDied)
    assert event.status == "SIGKILL"  # type: ignore[attr-defined]


def test_groups_are_ended_one_after_the_other() -> None:
    bench = Bench(0, 1, 1)
    bench.children.stop()
    assert [process.signals for process in bench.processes] == [["TERM"], [], []]
    bench.processes[0].end()
    assert [process.signals for process in bench.processes] == [["TERM"], ["TERM"], ["TERM"]]
    bench.processes[1].end()
    assert not bench.all_ended
    bench.processes[2].end()
    assert bench.all_ended


def test_a_process_that_does_not_end_in_time_is_killed() -> None:
    bench = Bench(0)
    bench.children.stop()
    bench.clock.advance(10)
    assert bench.processes[0].signals == ["TERM", "KILL"]
    bench.processes[0].end(None, 9)
    assert bench.all_ended


def test_nothing_is_started_again_while_ending() -> None:
    bench = Bench(0, 1)
    bench.processes[1].end(1)
    bench.children.stop()
    bench.processes[0].end()
    assert bench.all_ended
    bench.clock.advance(60)
    assert len(bench.processes) == 2


def test_a_process_that_cannot_be_started_is_tried_again() -> None:
    bench = Bench(0)
    bench.processes[0].end(1)
    spawn = bench.children._spawn

    def failing(arguments: Sequence[str], ended: Callable[[Any], None]) -> Process:
        raise OSError("no memory")

    bench.children._spawn = failing
    bench.clock.advance(0.5)
    bench.children._spawn = spawn
    bench.clock.advance(1.0)
    assert bench.children.running() == {"p0": True}


def test_signals_reach_all_that_run() -> None:
    bench = Bench(0, 1)
    bench.processes[1].end(1)
    bench.children.signal("HUP")
    assert [process.signals for process in bench.processes] == [["HUP"], []]
