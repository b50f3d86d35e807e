"""Rim. How a process tells that it lives and works: a small file it writes again every few seconds.

The supervisor and the commands read it. A beat that is too old means a hanging process, whatever
the file says.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec

BEAT_SECONDS = 2.0
"""How often a process writes its health."""
STALE_SECONDS = 15.0
"""A beat older than this means that the process hangs."""


class Condition(StrEnum):
    """How a process is."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    """Works, but something it needs does not, such as the store."""
    STOPPING = "stopping"
    STALE = "stale"
    """No beat for too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One beat of a process."""

    process: str
    pid: int
    condition: Condition
    beat_at: float
    """Unix seconds."""
    revision: str = ""
    """Configuration revision in force in this process."""
    details: dict[str, str] = field(default_factory=dict)
    """Names from the configuration and states, such as `mllp 0.0.0.0:2575` -> `listening`."""

    def seen_at(self, now: float) -> Condition:
        """The condition as a reader has to take it: STALE when the beat is old."""
        return Condition.STALE if now - self.beat_at > STALE_SECONDS else self.condition


def write_health(folder: Path, health: Health) -> None:
    """Write the beat, whole or not at all. Raises OSError."""
    aside = folder / f"{health.process}.health.tmp"
    aside.write_bytes(msgspec.json.encode(health))
    aside.replace(folder / f"{health.process}.health")


def read_health(folder: Path) -> list[Health]:
    """The last beat of every process that wrote one, by name; unreadable files are left out."""
    found: list[Health] = []
    for file in sorted(folder.glob("*.health")):
        try:
            found.append(msgspec.json.decode(file.read_bytes(), type=Health))
        except (OSError, msgspec.DecodeError):
            continue
    return found
