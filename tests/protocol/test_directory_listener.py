"""The folder listener: settled files are claimed, answered and moved; nothing is lost or taken
twice."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from engine.channel.model import DirectoryListenerConfig
from engine.listeners.directory import CLAIMED, DirectoryListener
from engine.mllp import FrameFault
from engine.telemetry.events import FileTaken, ListenerFailed
from engine.telemetry.recorder import MemoryRecorder


@dataclass
class Sink:
    answer: Callable[[Any], None]
    payloads: list[bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def receive(self, connection: Any, payload: bytes) -> None:
        self.payloads.append(payload)
        self.answer(connection)

    def receive_fault(self, connection: Any, fault: FrameFault) -> None:
        self.faults.append(fault.code)
        connection.answer([b"AR"], accepted=False)

    def lost(self, connection: Any) -> None:
        raise AssertionError("files do not leave")


class Bench:
    def __init__(self, folder: Path, **changes: Any) -> None:
        self.folder = folder
        self.clock, self.recorder = Clock(), MemoryRecorder()
        self.sink = Sink(lambda connection: connection.answer([b"AA"]))
        config = DirectoryListenerConfig(path=str(folder), **changes)

        def at_once(work: Callable[[], Any]) -> "Deferred[Any]":
            return maybeDeferred(work)

        self.listener = DirectoryListener(config, self.sink, self.clock, self.recorder, at_once)
        self.listener.start()

    def put(self, name: str, content: bytes = b"MSH|", age: float = 0) -> Path:
        file = self.folder / name
        file.write_bytes(content)
        os.utime(file, (1_700_000_000 - age, 1_700_000_000 - age))
        return file

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([0.5] * int(seconds * 2))

    def names(self, part: str = "") -> list[str]:
        return sorted(file.name for file in (self.folder / part).iterdir() if file.is_file())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_settled_file_is_taken_and_moved_to_done(bench: Bench) -> None:
    bench.put("a.hl7", b"MSH|one")
    bench.pass_time(6)
    assert bench.sink.payloads == [b"MSH|one"]
    assert bench.names("done") == ["a.hl7"]
    assert bench.names() == []
    (event,) = bench.recorder.of(FileTaken)
    assert event.outcome == "done"  # type: ignore[attr-defined]


def test_a_file_that_still_grows_is_left_alone(bench: Bench) -> None:
    for size in range(10):
        bench.put("a.hl7", b"x" * size)
        bench.pass_time(2)
    assert bench.sink.payloads == []
    bench.pass_time(6)
    assert bench.sink.payloads == [b"x" * 9]


def test_the_oldest_file_is_taken_first(bench: Bench) -> None:
    bench.put("b.hl7", b"new", age=1)
    bench.put("a.hl7", b"newer", age=0)
    bench.put("c.hl7", b"old", age=100)
    bench.pass_time(8)
    assert bench.sink.payloads == [b"old", b"new", b"newer"]


def test_other_names_are_not_touched(bench: Bench) -> None:
    bench.put("a.txt")
    bench.pass_time(8)
    assert bench.sink.payloads == []
    assert bench.names() == ["a.txt"]


def test_a_refused_file_is_moved_to_failed_with_the_answer_beside_it(bench: Bench) -> None:
    bench.sink.answer = lambda connection: connection.answer([b"AE why"], accepted=False)
    bench.put("a.hl7")
    bench.pass_time(6)
    assert bench.names("failed") == ["a.hl7", "a.hl7.ack"]
    assert (bench.folder / "failed" / "a.hl7.ack").read_bytes() == b"AE why"


def test_a_file_that_could_not_be_stored_is_tried_again(bench: Bench) -> None:
    bench.sink.answer = lambda connection: connection.abandon("store")
    bench.put("a.hl7")
    bench.pass_time(6)
    assert bench.names() == ["a.hl7" + CLAIMED]
    bench.sink.answer = lambda connection: connection.answer([b"AA"])
    bench.pass_time(10)
    assert bench.names("done") == ["a.hl7"]


def test_a_file_claimed_before_a_crash_is_taken_again_first(tmp_path: Path) -> None:
    (tmp_path / ("left.hl7" + CLAIMED)).write_bytes(b"left")
    bench = Bench(tmp_path)
    bench.put("a.hl7", b"new")
    bench.pass_time(8)
    assert bench.sink.payloads == [b"left", b"new"]
    assert bench.names("done") == ["a.hl7", "left.hl7"]


def test_a_name_that_is_taken_in_done_gets_a_number(bench: Bench) -> None:
    for content in (b"1", b"2"):
        bench.put("a.hl7", content)
        bench.pass_time(8)
    assert bench.names("done") == ["a.hl7", "a.hl7.2"]


def test_a_file_that_is_too_large_is_a_fault(tmp_path: Path) -> None:
    bench = Bench(tmp_path, file_bytes_max=10)
    bench.put("a.hl7", b"x" * 11)
    bench.pass_time(8)
    assert bench.sink.faults == ["M151"]
    assert bench.names("failed") == ["a.hl7", "a.hl7.ack"]


def test_one_file_is_under_way_at_a_time(bench: Bench) -> None:
    waiting: list[Any] = []
    bench.sink.answer = waiting.append
    bench.put("a.hl7", b"1", age=2)
    bench.put("b.hl7", b"2", age=1)
    bench.pass_time(20)
    assert bench.sink.payloads == [b"1"]
    waiting[0].answer([b"AA"])
    bench.pass_time(2)
    assert bench.sink.payloads == [b"1", b"2"]


def test_a_folder_that_disappears_is_reported_and_looked_for_again(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    bench = Bench(folder)
    bench.put("a.hl7")
    bench.pass_time(1)
    (folder / "done").rmdir()
    bench.pass_time(6)
    assert bench.recorder.of(ListenerFailed)
    (folder / "done").mkdir()
    bench.pass_time(10)
    assert bench.names("done") == ["a.hl7"]


def test_a_stopped_listener_takes_nothing(bench: Bench) -> None:
    bench.listener.stop("drain")
    bench.put("a.hl7")
    bench.pass_time(10)
    assert bench.sink.payloads == []
    assert bench.names() == ["a.hl7"]


def test_a_folder_that_is_not_there_fails_at_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        Bench(tmp_path / "nowhere")
