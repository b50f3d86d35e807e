"""Rim. What Twisted has to say, as events of ours.

Twisted prints unhandled failures with their texts, and a text may quote a message. Here a failure
becomes an `ErrorCaught` with class and place, and everything else Twisted says is left out.
"""

from typing import Any

from twisted.logger import ILogObserver, globalLogBeginner
from zope.interface import implementer

from engine.telemetry.logs import error_caught
from engine.telemetry.recorder import Recorder


@implementer(ILogObserver)
class FailureObserver:
    """Records failures.

    Args:
        recorder: takes the events.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __call__(self, event: dict[str, Any]) -> None:
        """One event of Twisted's log."""
        failure = event.get("log_failure")
        error = getattr(failure, "value", None)
        if isinstance(error, BaseException):
            self._recorder.record(error_caught(error))


def listen_to_twisted(recorder: Recorder) -> None:
    """Take over Twisted's log in this process."""
    observer: Any = FailureObserver(recorder)
    globalLogBeginner.beginLoggingTo([observer], discardBuffer=True, redirectStandardIO=False)
