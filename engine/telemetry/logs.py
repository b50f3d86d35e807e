"""Rim. Log lines: JSON or a console form on stderr, one line per event, no values from messages.

Only events are logged (see `events`), so a line holds declared fields and nothing else. Exceptions
are reduced to class and place, because the text of an exception may quote a message.
"""

import sys
import traceback
from contextlib import suppress
from dataclasses import fields
from types import TracebackType
from typing import Any, TextIO

import structlog

from engine.telemetry.events import ErrorCaught, Event, Level


class EventLog:
    """Writes events as lines.

    Args:
        process: name of the process, in every line.
        stream: where lines go; stderr unless told.
        form: `json` or `console`.
        level: quieter events are dropped.
    """

    def __init__(
        self,
        process: str,
        *,
        stream: TextIO | None = None,
        form: str = "json",
        level: Level = Level.INFO,
    ) -> None:
        target = stream if stream is not None else sys.stderr
        renderer: Any = (
            structlog.processors.JSONRenderer()
            if form == "json"
            else structlog.dev.ConsoleRenderer(colors=target.isatty())
        )
        self._level = level
        self._logger = structlog.wrap_logger(
            structlog.PrintLogger(target),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                renderer,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(level.value),
            cache_logger_on_first_use=True,
        ).bind(process=process)

    def write(self, event: Event) -> None:
        """Write the event, unless it is quieter than the level.

        A log that cannot be written (disk full, pipe closed) must not stop the feed: the event's
        counter still tells.
        """
        if event.level < self._level:
            return
        values = {field.name: getattr(event, field.name) for field in fields(event)}
        with suppress(OSError, ValueError):
            getattr(self._logger, event.level.name.lower())(type(event).__name__, **values)


def error_caught(error: BaseException) -> ErrorCaught:
    """The event for an exception: its class and where in the engine it was raised."""
    return ErrorCaught(error=type(error).__name__, place=_place(error.__traceback__))


def _place(trace: TracebackType | None) -> str:
    """`module:line` of the innermost frame that is ours, else of the innermost frame."""
    frames = [
        (frame.f_globals.get("__name__", "?"), line) for frame, line in traceback.walk_tb(trace)
    ]
    ours = [found for found in frames if str(found[0]).startswith("engine.")]
    chosen = (ours or frames or [("?", 0)])[-1]
    return f"{chosen[0]}:{chosen[1]}"
