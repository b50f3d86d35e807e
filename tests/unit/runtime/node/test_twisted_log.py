"""Failures inside Twisted become events without their texts."""

from twisted.python.failure import Failure

from engine.runtime.node.twisted_log import FailureObserver
from engine.telemetry.events import ErrorCaught
from engine.telemetry.recorder import MemoryRecorder


def test_a_failure_is_recorded_without_its_text() -> None:
    recorder = MemoryRecorder()
    failure = Failure(ValueError("PID|1||SECRET"))
    FailureObserver(recorder)({"log_failure": failure, "log_format": "Unhandled: SECRET"})
    (event,) = recorder.of(ErrorCaught)
    assert "SECRET" not in str(event)


def test_other_words_of_twisted_are_left_out() -> None:
    recorder = MemoryRecorder()
    FailureObserver(recorder)({"log_format": "starting SECRET"})
    assert recorder.events == []
