"""Rim. What every screen has at hand: the desk, the settings, the configuration in force."""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.channel.console import ConsoleConfig, OidcConfig
from engine.runtime.client_keys import PublishedKeys
from engine.runtime.configuration import check_project
from engine.runtime.desk.benches import SharedBenches
from engine.runtime.desk.board import Board
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.masking import SHIPPED, MaskingPolicy
from engine.runtime.desk.message_log import StoreUnavailable
from engine.runtime.desk.open_problems import OpenProblems
from engine.runtime.desk.project_folder import ProjectFolder
from engine.runtime.desk.sessions import SessionLimits
from engine.runtime.desk.warming import warm
from engine.runtime.snapshots import Snapshots
from engine.telemetry.logs import error_caught
from engine.telemetry.recorder import Recorder
from engine.web.looks import Looks
from engine.web.once import Once
from engine.web.previews import Previews

if TYPE_CHECKING:
    from engine.runtime.configuration import Loaded


LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


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
    masking: MaskingPolicy = SHIPPED
    approval_from: int = 1000
    """Messages of a replay that another person has to agree to; 0: none."""
    oidc: OidcConfig | None = None
    url: str = ""
    """How browsers reach it, without a slash at the end."""


def settings_of(config: ConsoleConfig, *, port: int = 0, environment: str = "") -> ConsoleSettings:
    """The settings that a file says.

    Args:
        config: the file.
        port: where it listens, when the command line said so.
        environment: the name of the environment in force, when the file has none.
    """
    secure = config.tls is not None or config.url.startswith("https://")
    loopback = ipaddress.ip_address(config.address).is_loopback
    known = {urlsplit(config.url).hostname or ""} - {""}
    if loopback:
        # a page elsewhere whose name points at this machine must not reach the console
        known |= LOOPBACK_NAMES
    scheme = "https" if config.tls is not None else "http"
    url = config.url.rstrip("/") or f"{scheme}://{config.address}:{port or config.port}"
    return ConsoleSettings(
        environment=config.environment or environment,
        secure=secure,
        hosts=frozenset(known),
        time_zone=config.time_zone,
        limits=SessionLimits(
            idle_seconds=config.idle_seconds,
            whole_seconds=config.session_seconds,
            per_user_max=config.sessions_per_user,
        ),
        masking=SHIPPED.changed(config.masking.show, config.masking.hide),
        approval_from=config.second_approval_from,
        oidc=config.oidc,
        url=url,
    )


class Console:
    """One running console.

    Args:
        desk: the store.
        settings: see `ConsoleSettings`.
        recorder: takes events.
        run_folder: where the node's processes write their health; None: no node here.
        snapshots: checked configurations; None: no configuration here.
        previews: makes previews of replays; None: there are none here.
        folder: of the project the node runs; None: no node here.
        looks: looks for codes no table knows; None: nobody does here.
    """

    def __init__(
        self,
        desk: Desk,
        settings: ConsoleSettings,
        recorder: Recorder,
        *,
        run_folder: Path | None = None,
        snapshots: Snapshots | None = None,
        previews: Previews | None = None,
        folder: ProjectFolder | None = None,
        looks: Looks | None = None,
    ) -> None:
        self.desk = desk
        self.settings = settings
        self.recorder = recorder
        self.run_folder = run_folder
        self.snapshots = snapshots
        self.previews = previews
        self.folder = folder
        self.looks = looks
        self.once = Once()
        self.client_keys = PublishedKeys(time.monotonic)
        self.benches = SharedBenches(snapshots)
        self._loading = Lock()
        self._loaded: Loaded | None = None
        self._prepared = False
        self.board = Board(desk, run_folder)
        self.open_problems = OpenProblems(desk)
        self.on_reload: list[Callable[[], None]] = []

    def loaded(self) -> "Loaded | None":
        """The configuration in force with its maps; read at the first call. Raises OSError."""
        with self._loading:
            if self._loaded is None and self.snapshots is not None:
                self._loaded, _ = check_project(self.snapshots.current(), check_maps=False)
            return self._loaded

    def prepare(self) -> None:
        """Compile the maps in the background: somebody comes and will open a message.

        Those of the messages that came lately. Once for each configuration; a console nobody looks
        at spends neither time nor memory on it.
        """
        with self._loading:
            if self._prepared or self.snapshots is None:
                return
            self._prepared = True
        Thread(target=self._prepare, name="prepare", daemon=True).start()

    def _prepare(self) -> None:
        try:
            loaded = self.loaded()
            if loaded is not None:
                self.benches.give(loaded)
                warm(self.desk, self.benches, loaded.revision)
        except (LookupError, OSError, ValueError, StoreUnavailable) as error:
            self.recorder.record(error_caught(error))

    @property
    def revision(self) -> str:
        """Of the configuration in force; empty before it was read."""
        return self._loaded.revision if self._loaded is not None else ""

    def reload(self) -> None:
        """Forget the configuration, so that the current snapshot is read at the next call."""
        with self._loading:
            self._loaded = None
            self._prepared = False
        self.benches.forget()
        for forget in self.on_reload:
            forget()
