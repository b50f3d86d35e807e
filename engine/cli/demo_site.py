"""Rim. What `engine demo` runs on: ports, a project folder of its own, processes and their logs."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shlex import quote
from typing import IO

from engine.cli.terminal import Exit, fail

CHANNELS = Path("channels")
EXAMPLE = Path("examples/millennium")
ENVIRONMENT = "demo"
"""Of the example: the simulator on this machine."""
TENANT = "sandbox"
"""Of the simulator."""
VARIABLES = "try.sh"
"""Sourced by a shell, it makes every command mean the demo."""
START_SECONDS = 30.0
STOP_SECONDS = 20.0

Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """On loopback; the channels read the same variables."""

    mllp: int
    http: int
    fhir: int
    console: int
    chart: int
    millennium: int
    open_engine: int


@dataclass(slots=True, kw_only=True)
class Site:
    """The demo's folder, and what runs on it. `stack` ends the processes and closes their logs."""

    folder: Path
    ports: Ports
    stack: ExitStack
    running: dict[str, Process] = field(default_factory=dict)

    @property
    def store(self) -> str:
        """The URL of the store."""
        return f"sqlite:///{self.folder}/store"

    @property
    def project(self) -> Path:
        """The demo's copy of the channels, environments and code values."""
        return self.folder / "project"

    @property
    def fhir(self) -> str:
        """Root of the plain FHIR server."""
        return f"http://127.0.0.1:{self.ports.fhir}/fhir"

    @property
    def millennium(self) -> str:
        """Address of the simulated Millennium."""
        return f"http://127.0.0.1:{self.ports.millennium}"

    @property
    def variables(self) -> Mapping[str, str]:
        """What the parts are started with, and what commands in another terminal need."""
        from engine.simulator.millennium.options import CLIENT_SECRET

        folder = self.folder.resolve()
        return {
            "ENGINE_HOME": str(folder / "project"),
            "ENGINE_STORE": f"sqlite:///{folder}/store",
            "ENGINE_ENVIRONMENT": ENVIRONMENT,
            "MLLP_PORT": str(self.ports.mllp),
            "HTTP_PORT": str(self.ports.http),
            "CHART_PORT": str(self.ports.chart),
            "OPEN_ENGINE_PORT": str(self.ports.open_engine),
            "MILLENNIUM_PORT": str(self.ports.millennium),
            "MILLENNIUM_SECRET": CLIENT_SECRET,
            "FHIR_URL": self.fhir,
            "ARCHIVE_OUT": str(folder / "outbox"),
        }

    def prepare(self) -> None:
        """Empty the folder and put the project into it; leaves when a port or a file is wanting."""
        for name, port in asdict(self.ports).items():
            if not _free(port):
                fail(Exit.ENVIRONMENT, f"port {port} ({name}) is in use; stop what uses it")
        if not (CHANNELS.is_dir() and EXAMPLE.is_dir()):
            fail(Exit.ENVIRONMENT, f"{CHANNELS} or {EXAMPLE} is not here; run it in the repository")
        if self.folder.exists():
            shutil.rmtree(self.folder)
        shutil.copytree(EXAMPLE, self.project)
        shutil.copytree(CHANNELS, self.project / CHANNELS, dirs_exist_ok=True)
        commands = Path(sys.executable).parent
        lines = [f"export {name}={quote(value)}" for name, value in self.variables.items()]
        lines.append(f'export PATH={quote(str(commands))}:"$PATH"')
        (self.folder / VARIABLES).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(self, name: str, *command: str, ports: tuple[int, ...] = ()) -> None:
        """Start a part, and wait until it answers on its ports."""
        log: IO[bytes] = self.stack.enter_context(
            (self.folder / f"{name.replace(' ', '-')}.log").open("wb")
        )
        process = self.running[name] = subprocess.Popen(  # noqa: S603  our own commands
            [sys.executable, "-m", *command],
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **self.variables},
        )
        self.stack.callback(stop, process)
        for port in ports:
            self._wait(port, process)

    def _wait(self, port: int, process: Process) -> None:
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends and process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(0.5)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        fail(Exit.ENVIRONMENT, f"nothing answers on port {port}; see the logs in {self.folder}")

    def check(self) -> None:
        """Leave when a part has ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                fail(Exit.ENVIRONMENT, f"the {name} ended; see its log in {self.folder}")

    def end(self, *names: str) -> None:
        """End some of the parts, in this order."""
        for name in names:
            stop(self.running.pop(name))


def stop(process: Process) -> None:
    """Tell a process to end; what does not is killed, and its children."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
