"""Rim. `engine serve`: check the project, bring the store up to date, run intake and workers, end
cleanly.

The composition root of a node, and the process that stays in front. It serves `/metrics` and
`/health` for all processes where a port is given, reloads on SIGHUP, ends on SIGTERM and SIGINT.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.error import CannotListenError

from engine.channel.console import ConsoleConfig
from engine.diagnostics import Diagnostic, has_errors, render, without_secrets
from engine.runtime.configuration import Loaded
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.signing_in import new_setup_code
from engine.runtime.node.children import Children, ChildSpec, Spawner
from engine.runtime.node.node import (
    ChildStatus,
    DataInUse,
    NodeFiles,
    NodeStatus,
    ReloadStatus,
    data_folder,
)
from engine.runtime.node.node_http import serve_status
from engine.runtime.node.process_setup import DataFolder, ProcessSetup, Pulse
from engine.runtime.node.recovery import recover_store
from engine.runtime.node.reload import load_project, plan_reload, probe_listeners
from engine.runtime.node.twisted_log import listen_to_twisted
from engine.store.interface import StoreUnavailable
from engine.telemetry.events import ConfigurationApplied, ConfigurationRefused
from engine.telemetry.health import BEAT_SECONDS, Condition, read_health

INTAKE_MODULE = "engine.runtime.intake.intake_process"
WORKER_MODULE = "engine.runtime.worker.worker_process"
CONSOLE_MODULE = "engine.web.server"
WATCH_MODULE = "engine.runtime.watch.watch_process"
INTAKE_END_SECONDS = 20.0
CONSOLE_END_SECONDS = 10.0
WATCH_END_SECONDS = 10.0
WORKER_END_SECONDS = 45.0
"""Longer than the timeout of a request under way."""
RELOAD_SECONDS = 30.0
"""So long for all processes to take a configuration."""
_END_SECONDS = {
    INTAKE_MODULE: INTAKE_END_SECONDS,
    CONSOLE_MODULE: CONSOLE_END_SECONDS,
    WATCH_MODULE: WATCH_END_SECONDS,
}
EXIT_CONFIGURATION = 2
EXIT_ENVIRONMENT = 3


def serve(
    home: Path,
    store_url: str,
    workers: int,
    metrics_port: int,
    log_format: str,
    environment: str = "",
    console_port: int | None = None,
) -> int:
    """Run a node until it is told to stop; the exit code.

    Args:
        home: the project folder.
        store_url: of the store; a relative SQLite folder is below the working directory.
        workers: how many; 0: one per core left, at least one.
        metrics_port: on loopback; 0: none.
        log_format: `json` or `console`.
        environment: the name of the one in force; "": the only one, or none.
        console_port: of the console; 0: as `console.yaml` says; None: no console.
    """
    home = home.resolve()
    store_url = _absolute(store_url)
    data = data_folder(home, store_url)
    files = NodeFiles(data)
    try:
        files.own()
    except DataInUse:
        return _refuse(f"an engine runs already on {data.path}")
    except OSError as error:
        return _refuse(f"the data directory cannot be used: {error.strerror}")
    try:
        loaded, problems = load_project(home, environment)
        _show(problems, home)
        if loaded is None:
            return EXIT_CONFIGURATION
        try:
            recover_store(store_url, lambda count: _note(f"catching up with the log: {count}"))
            data.snapshots.write(loaded.files)
        except (StoreUnavailable, OSError) as error:
            return _refuse(f"the store cannot be opened: {error}")
        count = workers or max(1, (os.cpu_count() or 1) - 1)
        setups = _setups(data, store_url, log_format, count)
        if console_port is not None:
            port = console_port or loaded.console.port
            if not _is_free(loaded.console.address, port):
                return _refuse(
                    f"port {port} of the console is in use: name another with --console-port,"
                    " or run --no-console"
                )
            setups.append(_console_setup(data, store_url, log_format, port))
            _invite(store_url, loaded.console, port)
        return Supervisor(home, data, files, loaded, setups, metrics_port, log_format).run()
    finally:
        files.disown()


def _setups(
    data: DataFolder, store_url: str, log_form: str, workers: int
) -> list[tuple[str, ProcessSetup]]:
    """(module, setup) of every process."""
    share = 1.0 / workers
    names = [(INTAKE_MODULE, "intake", 1.0), (WATCH_MODULE, "watch", 0.0)]
    names += [(WORKER_MODULE, f"worker-{number}", share) for number in range(1, workers + 1)]
    return [
        (
            module,
            ProcessSetup(name=name, data=data, store_url=store_url, log_form=log_form, share=part),
        )
        for module, name, part in names
    ]


def _console_setup(
    data: DataFolder, store_url: str, log_form: str, port: int
) -> tuple[str, ProcessSetup]:
    setup = ProcessSetup(
        name="console", data=data, store_url=store_url, log_form=log_form, share=0.0, port=port
    )
    return CONSOLE_MODULE, setup


def _is_free(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _invite(store_url: str, config: ConsoleConfig, port: int) -> None:
    """Say where the console is, and to whom it belongs while nobody can sign in. Raises
    StoreUnavailable."""
    desk = Desk(store_url)
    try:
        code = new_setup_code(desk)
    finally:
        desk.close()
    scheme = "https" if config.tls is not None else "http"
    address = f"[{config.address}]" if ":" in config.address else config.address
    _note(f"console: {config.url or f'{scheme}://{address}:{port}/'}")
    if code is not None:
        _note(f"nobody can sign in yet; the setup code for the first administrator is {code}")


class Supervisor:
    """A running node.

    Args:
        home: the project folder.
        data: the data directory.
        files: its status file.
        loaded: the configuration to begin with.
        setups: (module, setup) of the processes.
        metrics_port: of `/metrics` and `/health`; 0: none.
        log_format: `json` or `console`.
    """

    def __init__(
        self,
        home: Path,
        data: DataFolder,
        files: NodeFiles,
        loaded: Loaded,
        setups: Sequence[tuple[str, ProcessSetup]],
        metrics_port: int,
        log_format: str,
    ) -> None:
        from twisted.internet import reactor  # installs it: only a process that runs one may

        self._reactor: Any = reactor
        self._home = home
        self._data = data
        self._files = files
        self._loaded = loaded
        self._metrics_port = metrics_port
        own = ProcessSetup(
            name="supervisor", data=data, store_url="", log_form=log_format, share=0.0
        )
        self._pulse = Pulse(own)
        self._recorder = self._pulse.recorder
        listen_to_twisted(self._recorder)
        self._started_at = time.time()
        self._reload = ReloadStatus()
        self._condition = Condition.READY
        self._exit_code = 0
        specs = [
            ChildSpec(
                name=setup.name,
                arguments=tuple(setup.arguments(module)),
                group=1 if module == WORKER_MODULE else 0,
                end_seconds=_END_SECONDS.get(module, WORKER_END_SECONDS),
            )
            for module, setup in setups
        ]
        self._children = Children(
            specs, self._reactor, Spawner(self._reactor, str(home)), self._recorder, self._ended
        )

    def run(self) -> int:
        """Run until the end; the exit code."""
        self._reactor.callWhenRunning(self._begin)
        self._reactor.run()
        return self._exit_code

    def _begin(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._reactor.callFromThread(self.stop))
        signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self.reload))
        if self._metrics_port:
            try:
                serve_status(
                    self._reactor, self._metrics_port, self._data.run, self._children.running
                )
            except CannotListenError:
                self._exit_code = _refuse(f"metrics port {self._metrics_port} cannot be opened")
                self._reactor.stop()
                return
        self._applied(len(self._loaded.configuration.channels))
        self._children.start()
        self._beat()

    def _beat(self) -> None:
        self._reactor.callLater(BEAT_SECONDS, self._beat)
        self._write()

    def _write(self) -> None:
        self._pulse.beat(self._condition)
        status = NodeStatus(
            pid=os.getpid(),
            started_at=self._started_at,
            home=str(self._home),
            revision=self._loaded.revision,
            metrics_port=self._metrics_port,
            reload=self._reload,
            children=tuple(
                ChildStatus(
                    name=child.spec.name, pid=child.pid, running=child.running, deaths=child.deaths
                )
                for child in self._children.all
            ),
        )
        try:
            self._files.write(status)
        except OSError as error:
            self._recorder.record_error(error)

    def _applied(self, changed: int) -> None:
        self._pulse.revision = self._loaded.revision
        self._recorder.record(
            ConfigurationApplied(
                revision=self._loaded.revision,
                channels=len(self._loaded.configuration.channels),
                changed=changed,
            )
        )

    # -- reload --

    def reload(self) -> None:
        """Check the project; when it is good, bring every process to it."""
        if self._condition is Condition.STOPPING:
            return
        number = self._reload.number + 1
        loaded, problems = load_project(self._home, self._loaded.files.environment)
        if loaded is not None:
            problems += probe_listeners(
                self._loaded.configuration, loaded.configuration, self._home
            )
        dicts = tuple(problem.as_dict() for problem in problems)
        if loaded is None or has_errors(problems):
            self._refused(problems)
            self._reload = ReloadStatus(
                number=number, accepted=False, at=time.time(), problems=dicts
            )
            self._write()
            return
        plan = plan_reload(self._loaded, loaded)
        changed = (*plan.added, *plan.changed, *plan.removed)
        self._loaded = loaded
        self._data.snapshots.write(loaded.files)
        self._applied(len(changed))
        self._reload = ReloadStatus(
            number=number, finished=False, at=time.time(), problems=dicts, changed=changed
        )
        self._children.signal("HUP")
        self._await_reload(self._reactor.seconds() + RELOAD_SECONDS)

    def _refused(self, problems: Sequence[Diagnostic]) -> None:
        errors = [problem for problem in problems if has_errors((problem,))]
        self._recorder.record(
            ConfigurationRefused(
                errors=len(errors), first_code=errors[0].code, first_place=str(errors[0].place)
            )
        )

    def _await_reload(self, deadline: float) -> None:
        """Finished when every process says that it runs on the new revision."""
        running = {child.spec.name for child in self._children.all if child.running}
        revision = self._loaded.revision
        there = {
            health.process
            for health in read_health(self._data.run)
            if health.revision == revision and health.process in running
        }
        if there == running or self._reactor.seconds() > deadline:
            self._reload = ReloadStatus(
                number=self._reload.number,
                accepted=there == running,
                at=time.time(),
                problems=self._reload.problems,
                changed=self._reload.changed,
            )
        else:
            self._reactor.callLater(0.1, self._await_reload, deadline)
        self._write()

    # -- the end --

    def stop(self) -> None:
        """End intake, then the workers, then itself."""
        self._condition = Condition.STOPPING
        self._write()
        self._children.stop()

    def _ended(self) -> None:
        self._reactor.callLater(0, self._reactor.stop)


def _absolute(store_url: str) -> str:
    folder = store_url.removeprefix("sqlite:///")
    return store_url if folder == store_url else f"sqlite:///{Path(folder).resolve()}"


def _refuse(text: str) -> int:
    _note(text)
    return EXIT_ENVIRONMENT


def _note(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _show(problems: Sequence[Diagnostic], home: Path) -> None:
    """Print problems as `engine check` does, with the lines they are in, without secrets."""
    for problem in problems:
        source = None
        name = problem.place.file
        if name and (home / name).is_file():
            lines = (home / name).read_text("utf-8", "replace").splitlines()
            source = without_secrets(lines, problems, name)
        _note(render(problem, source))
