"""Rim. What every process that `engine serve` starts has in common: arguments, files, telemetry.

A process is given its name and the data directory; the configuration comes from the current
snapshot, so that all processes run the same one. SIGTERM ends it cleanly, SIGHUP makes it load the
snapshot again. Its standard input is a pipe held by the supervisor: at end of file the supervisor
is gone, and the process ends too.
"""

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.runtime.snapshots import Snapshots
from engine.telemetry.health import Condition, Health, write_health
from engine.telemetry.logs import EventLog
from engine.telemetry.metrics import Meter
from engine.telemetry.recorder import ProcessRecorder

METRICS_SECONDS = 5.0
"""How often metrics are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFolder:
    """The data directory's own files, beside those of the store."""

    path: Path

    @property
    def run(self) -> Path:
        """Health, metrics and status of the running node."""
        return self.path / "run"

    @property
    def snapshots(self) -> Snapshots:
        """Checked configurations."""
        return Snapshots(self.path / "configuration")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSetup:
    """What a process was started with."""

    name: str
    """`intake`, `worker-1`, ..."""
    data: DataFolder
    store_url: str
    log_form: str
    share: float
    """Of a worker: which part of the lanes it asks for, 0 to 1."""
    port: int = 0
    """Of the console: where it listens."""

    def arguments(self, module: str) -> list[str]:
        """The command line, after the interpreter, that starts the process."""
        return [
            *("-m", module),
            *("--name", self.name),
            *("--data", str(self.data.path)),
            *("--store", self.store_url),
            *("--log-form", self.log_form),
            *("--share", str(self.share)),
            *("--port", str(self.port)),
        ]


def read_arguments(arguments: Sequence[str]) -> ProcessSetup:
    """The reverse of `ProcessSetup.arguments`. Raises SystemExit on wrong ones."""
    parser = argparse.ArgumentParser(description="A process of engine serve, which starts it.")
    parser.add_argument("--name", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--log-form", choices=("json", "console"), default="json")
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--port", type=int, default=0)
    found = parser.parse_args(arguments)
    return ProcessSetup(
        name=found.name,
        data=DataFolder(path=found.data),
        store_url=found.store,
        log_form=found.log_form,
        share=found.share,
        port=found.port,
    )


class Pulse:
    """Writes health and metrics of a process; call `beat` every `BEAT_SECONDS`.

    Args:
        setup: what the process was started with.
    """

    def __init__(self, setup: ProcessSetup) -> None:
        self.recorder = ProcessRecorder(EventLog(setup.name, form=setup.log_form), Meter())
        self.revision = ""
        self._name = setup.name
        self._folder = setup.data.run
        self._metrics_at = 0.0
        self._folder.mkdir(parents=True, exist_ok=True)

    def beat(self, condition: Condition, details: Mapping[str, str] | None = None) -> None:
        """Say how the process is. A full disk must not end it: what cannot be written is left."""
        now = time.time()
        health = Health(
            process=self._name,
            pid=os.getpid(),
            condition=condition,
            beat_at=now,
            revision=self.revision,
            details=dict(details or {}),
        )
        try:
            write_health(self._folder, health)
            if now - self._metrics_at >= METRICS_SECONDS:
                self._metrics_at = now
                self.recorder.meter.write_snapshot(self._folder / f"{self._name}.prom")
        except OSError as error:
            self.recorder.record_error(error)
