"""Rim. How the rest of the engine says that something happened: one call, a log line and a metric.

Passed in, never global, so that tests look at what was recorded.
"""

from dataclasses import dataclass, field
from typing import Protocol

from engine.telemetry.events import Event
from engine.telemetry.logs import EventLog, error_caught
from engine.telemetry.metrics import Meter


class Recorder(Protocol):
    """Takes events."""

    def record(self, event: Event) -> None:
        """Something happened."""
        ...

    def duration(self, name: str, description: str, seconds: float) -> None:
        """Something took so long; a metric only, such as `commit_seconds`."""
        ...


class ProcessRecorder:
    """Logs and counts the events of a process."""

    def __init__(self, log: EventLog, meter: Meter) -> None:
        self._log = log
        self.meter = meter

    def record(self, event: Event) -> None:
        """Count the event and write its line."""
        self.meter.count(event)
        self._log.write(event)

    def duration(self, name: str, description: str, seconds: float) -> None:
        """Observe a duration."""
        self.meter.duration(name, description, seconds)

    def record_error(self, error: BaseException) -> None:
        """Record an exception by class and place, without its text."""
        self.record(error_caught(error))


@dataclass(slots=True)
class MemoryRecorder:
    """Keeps events in a list, for tests and for commands that show them themselves."""

    events: list[Event] = field(default_factory=list)

    def record(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event)

    def duration(self, name: str, description: str, seconds: float) -> None:
        """Durations are not kept."""

    def of(self, kind: type[Event]) -> list[Event]:
        """The events of one class, in order."""
        return [event for event in self.events if isinstance(event, kind)]
