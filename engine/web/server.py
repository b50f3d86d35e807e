"""Rim. The console's process: uvicorn in an asyncio loop; started by the supervisor.

Started as `python -m engine.web.server`. It ends on SIGTERM and when its standard input ends
because the supervisor is gone; SIGHUP makes it read the current configuration. It gives way to the
processes that move messages: it runs at a lower priority, and what blocks runs in a few threads.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence

import uvicorn

from engine.channel.console import ConsoleConfig
from engine.channel.console_fields import read_console
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import StoreUnavailable
from engine.runtime.desk.project_folder import ProjectFolder
from engine.runtime.node.process_setup import ProcessSetup, Pulse, read_arguments
from engine.runtime.parent import listen_to_parent
from engine.runtime.secrets import read_secret
from engine.telemetry.events import (
    AuditHeadNoted,
    ConfigurationApplied,
    ProcessEnded,
    ProcessStarted,
)
from engine.telemetry.health import BEAT_SECONDS, Condition
from engine.web.application import application
from engine.web.connections import ImpatientProtocol
from engine.web.console import Console, settings_of
from engine.web.looks import Looks, LooksApart
from engine.web.previews import Previews

CONNECTIONS_MAX = 200
SWITCH_SECONDS = 0.0005
"""A thread that computes lets others go on so soon: a search gives its turn away at each of some
fifty looks into the store, and would wait Python's usual 5 ms at each while maps are compiled."""
HEAD_SECONDS = 3600.0
END_SECONDS = 3
"""For answers under way when it is told to end."""


class _Server(uvicorn.Server):
    """Signals are ours: the supervisor decides what a Ctrl-C means."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def listening(console: Console, config: ConsoleConfig, port: int = 0) -> uvicorn.Config:
    """How the console listens.

    Args:
        console: what answers.
        config: `console.yaml`; a forwarded address is believed from its `proxies` alone.
        port: of the command line; 0: that of the file.
    """
    tls = config.tls
    return uvicorn.Config(
        application(console),
        http=ImpatientProtocol,
        ws="none",
        host=config.address,
        port=port or config.port,
        ssl_certfile=tls.certificate if tls is not None else None,
        ssl_keyfile=tls.key if tls is not None else None,
        proxy_headers=bool(config.proxies),
        forwarded_allow_ips=list(config.proxies),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=END_SECONDS,
        lifespan="off",
        limit_concurrency=CONNECTIONS_MAX,
    )


class ConsoleProcess:
    """The console process.

    Args:
        setup: what it was started with.
        config: `console.yaml` of the configuration in force.

    Raises:
        OSError, KeyError: the key of the audit trail cannot be read.
    """

    def __init__(self, setup: ProcessSetup, config: ConsoleConfig) -> None:
        self._setup = setup
        self._pulse = Pulse(setup)
        key = read_secret(config.audit_key).encode() if config.audit_key is not None else b""
        self._desk = Desk(setup.store_url, audit_key=key, searches_at_once=config.searches_at_once)
        self._previews = Previews(setup.data.path, setup.store_url)
        folder = ProjectFolder(setup.data)
        apart = LooksApart(folder, setup.store_url)
        self._looks = Looks(apart, apart.end)
        self._console = Console(
            self._desk,
            settings_of(config, port=setup.port),
            self._pulse.recorder,
            run_folder=setup.data.run,
            snapshots=setup.data.snapshots,
            previews=self._previews,
            folder=folder,
            looks=self._looks,
        )
        self._noted = 0
        self._server = _Server(listening(self._console, config, setup.port))

    async def run(self) -> int:
        """Serve until told to stop; the exit code."""
        listen_to_parent(stop=self.stop, reload=self.reload)
        await self._read_configuration()
        tasks = [
            asyncio.create_task(one) for one in (self._beat(), self._note_heads(), self._warm())
        ]
        self._pulse.recorder.record(ProcessStarted(name=self._setup.name, pid=os.getpid()))
        try:
            await self._server.serve()
        except SystemExit:
            return 1  # uvicorn could not open the port
        finally:
            for task in tasks:
                task.cancel()
            self._previews.close()
            self._looks.close()
            self._desk.close()
        self._pulse.recorder.record(ProcessEnded(name=self._setup.name, pid=os.getpid()))
        return 0

    async def _read_configuration(self) -> None:
        try:
            loaded = await asyncio.to_thread(self._console.loaded)
        except (OSError, ValueError) as error:
            # the snapshot was checked by the supervisor: without it there is less to show
            self._pulse.recorder.record_error(error)
            return
        if loaded is not None:
            environment = loaded.configuration.environment
            self._console.settings = settings_of(
                loaded.console,
                port=self._setup.port,
                environment=environment.name if environment is not None else "",
            )
            count = len(loaded.configuration.channels)
            self._pulse.revision = loaded.revision
            self._pulse.recorder.record(
                ConfigurationApplied(revision=loaded.revision, channels=count, changed=count)
            )

    def reload(self) -> None:
        """Read the current configuration."""

        async def load() -> None:
            self._console.reload()
            await self._read_configuration()
            self._beat_once()

        self._reloading = asyncio.create_task(load())

    def stop(self) -> None:
        """Answer what is under way and end."""
        self._server.should_exit = True

    def _beat_once(self) -> None:
        ready = self._server.started and not self._server.should_exit
        self._pulse.beat(Condition.READY if ready else Condition.STARTING)

    async def _warm(self) -> None:
        try:
            await asyncio.to_thread(self._console.board.warm)
        except StoreUnavailable as failure:
            self._pulse.recorder.record_error(failure)

    def _note_head(self) -> None:
        """Say where the audit trail ends, once an hour: who cuts it must cut the log as well."""
        with self._desk.store() as store:
            head = store.audit_head()
        if head.number != self._noted:
            self._noted = head.number
            noted = AuditHeadNoted(number=head.number, digest=head.digest.hex())
            self._pulse.recorder.record(noted)

    async def _note_heads(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._note_head)
            except StoreUnavailable as failure:
                self._pulse.recorder.record_error(failure)
            await asyncio.sleep(HEAD_SECONDS)

    async def _beat(self) -> None:
        while True:
            self._beat_once()
            await asyncio.sleep(BEAT_SECONDS if self._server.started else 0.1)


def main(arguments: Sequence[str]) -> int:
    """Run the process; exit code."""
    setup = read_arguments(arguments)
    config, _ = read_console(setup.data.snapshots.current().console, os.environ)
    if config is None:
        return 2  # the supervisor checked the snapshot; a variable is gone since
    with contextlib.suppress(OSError):
        os.nice(config.niceness)
    sys.setswitchinterval(SWITCH_SECONDS)
    # uvicorn would print tracebacks, whose texts may quote a message: ours are events
    quiet = logging.getLogger("uvicorn")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    return asyncio.run(ConsoleProcess(setup, config).run())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
