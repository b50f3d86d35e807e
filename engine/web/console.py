"""Rim. What every screen has at hand: the desk, the settings, the configuration in force."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from engine.runtime.configuration import Snapshots, check_project
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.sessions import SessionLimits
from engine.telemetry.recorder import Recorder

if TYPE_CHECKING:
    from engine.runtime.configuration import Loaded
    from engine.runtime.desk.workbench import Workbench


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """How the console is reached and how long people stay signed in."""

    environment: str = ""
    """What the site calls this engine: `production`. Shown on every page."""
    secure: bool = False
    """Browsers reach it over TLS, here or at a proxy: the cookie is for TLS only."""
    hosts: frozenset[str] = frozenset()
    """Names it may be asked by; empty: any."""
    time_zone: str = "UTC"
    limits: SessionLimits = field(default_factory=SessionLimits)


class Console:
    """One running console.

    Args:
        desk: the store.
        settings: see `ConsoleSettings`.
        recorder: takes events.
        run_folder: where the node's processes write their health; None: no node here.
        snapshots: checked configurations; None: no configuration here.
    """

    def __init__(
        self,
        desk: Desk,
        settings: ConsoleSettings,
        recorder: Recorder,
        *,
        run_folder: Path | None = None,
        snapshots: Snapshots | None = None,
    ) -> None:
        self.desk = desk
        self.settings = settings
        self.recorder = recorder
        self.run_folder = run_folder
        self._snapshots = snapshots
        self._loading = Lock()
        self._loaded: Loaded | None = None
        self.on_reload: list[Callable[[], None]] = []

    def loaded(self) -> "Loaded | None":
        """The configuration in force with its maps; read at the first call. Raises OSError."""
        with self._loading:
            if self._loaded is None and self._snapshots is not None:
                self._loaded, _ = check_project(self._snapshots.current(), check_maps=False)
            return self._loaded

    def workbench(self) -> "Workbench | None":
        """The workbench on the configuration in force; compiles maps as they are asked for."""
        from engine.runtime.desk.workbench import Workbench

        loaded = self.loaded()
        return Workbench(loaded) if loaded is not None else None

    @property
    def revision(self) -> str:
        """Of the configuration in force; empty before it was read."""
        return self._loaded.revision if self._loaded is not None else ""

    def reload(self) -> None:
        """Forget the configuration, so that the current snapshot is read at the next call."""
        with self._loading:
            self._loaded = None
        for forget in self.on_reload:
            forget()
