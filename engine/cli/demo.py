"""Rim. `engine demo`: the engine, a simulated FHIR server and a live feed, on an embedded store.

Real processes and real sockets on loopback. Ends on Ctrl-C or after DEMO_SECONDS with a summary.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from engine.cli.terminal import Exit, fail, note
from engine.pipeline.states import State

DOCUMENTS = "documents"
"""The channel that takes documents in."""
START_SECONDS = 30.0
STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ports:
    """On loopback; the sample channels read the same variables."""

    mllp: int
    http: int
    fhir: int
    console: int

    @property
    def environment(self) -> dict[str, str]:
        """What the parts are started with."""
        return {
            **os.environ,
            "MLLP_PORT": str(self.mllp),
            "HTTP_PORT": str(self.http),
            "FHIR_URL": f"http://127.0.0.1:{self.fhir}/fhir",
        }


def demo(
    seconds: Annotated[
        float, typer.Option(envvar="DEMO_SECONDS", help="End after this long; 0: on Ctrl-C.", min=0)
    ] = 0.0,
    rate: Annotated[float, typer.Option(help="Messages a second.", min=0.1)] = 8.0,
    folder: Annotated[Path, typer.Option(help="Where store and logs go; emptied first.")] = Path(
        ".demo"
    ),
    mllp_port: Annotated[int, typer.Option(envvar="MLLP_PORT", help="Takes messages.")] = 2575,
    http_port: Annotated[int, typer.Option(envvar="HTTP_PORT", help="Takes documents.")] = 2580,
    fhir_port: Annotated[
        int, typer.Option(envvar="FHIR_PORT", help="Of the simulated server.")
    ] = 8090,
    console_port: Annotated[
        int, typer.Option(envvar="CONSOLE_PORT", help="Of the console.")
    ] = 8088,
) -> None:
    """Run everything: messages over MLLP, documents over HTTP, a simulated FHIR R4 server."""
    ports = _Ports(mllp=mllp_port, http=http_port, fhir=fhir_port, console=console_port)
    for port in (ports.fhir, ports.mllp, ports.http, ports.console):
        if not _free(port):
            fail(Exit.ENVIRONMENT, f"port {port} is in use; stop what uses it")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    store = f"sqlite:///{folder}/store"
    note("starting a simulated FHIR R4 server, the engine and a hospital's feed ...")
    with ExitStack() as stack:
        parts = _start(stack, folder, store, rate, ports)
        _introduce(store, ports)
        try:
            _watch(store, parts, seconds)
        except KeyboardInterrupt:
            note("")
        for name in ("feed", "engine", "fhir server"):
            _stop(parts[name])
    _summary(store, ports.fhir)


def _start(
    stack: ExitStack, folder: Path, store: str, rate: float, ports: _Ports
) -> dict[str, "subprocess.Popen[bytes]"]:
    def run(name: str, *command: str) -> "subprocess.Popen[bytes]":
        log: IO[bytes] = stack.enter_context((folder / f"{name.replace(' ', '-')}.log").open("wb"))
        process = subprocess.Popen(  # noqa: S603  our own commands
            [sys.executable, "-m", *command],
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=ports.environment,
        )
        stack.callback(_stop, process)
        return process

    parts = {
        "fhir server": run(
            "fhir server", "engine.simulator.fhir_server", "--port", str(ports.fhir),
            "--refuse-future-births",
        )
    }  # fmt: skip
    _wait(ports.fhir, parts["fhir server"], folder)
    parts["engine"] = run(
        "engine", "engine", "serve", "--store", store, "--console-port", str(ports.console)
    )
    for port in (ports.mllp, ports.http, ports.console):
        _wait(port, parts["engine"], folder)
    parts["feed"] = run(
        "feed", "engine.simulator.feed", "--port", str(ports.mllp), "--rate", str(rate),
        "--documents", f"http://127.0.0.1:{ports.http}/documents",
    )  # fmt: skip
    return parts


def _introduce(store: str, ports: _Ports) -> None:
    from engine.runtime.desk.accounts import new_setup_code
    from engine.runtime.desk.desk import Desk

    desk = Desk(store)
    code = new_setup_code(desk)
    desk.close()
    note(f"""
  MLLP in     mllp://127.0.0.1:{ports.mllp}   (channels/adt.yaml, oru.yaml, care.yaml)
  C-CDA in    http://127.0.0.1:{ports.http}/documents   (channels/documents.yaml)
  FHIR out    http://127.0.0.1:{ports.fhir}/fhir   open it in a browser: /fhir/Patient
  console     http://127.0.0.1:{ports.console}/   the first visit asks for this code: {code}
  store       {store}
  Some messages and documents are sent with real mistakes. Ctrl-C ends the demo.
""")


def _watch(store: str, parts: dict[str, "subprocess.Popen[bytes]"], seconds: float) -> None:
    from rich.console import Console
    from rich.live import Live

    from engine.cli.board import board
    from engine.runtime.desk.message_log import open_message_log

    console = Console(stderr=True)
    ends = time.monotonic() + seconds if seconds else float("inf")
    with open_message_log(store) as log, Live(console=console, auto_refresh=False) as live:
        while time.monotonic() < ends:
            for name, process in parts.items():
                if process.poll() is not None:
                    fail(Exit.ENVIRONMENT, f"the {name} ended; see its log in the demo's folder")
            live.update(board(log.stats()), refresh=True)
            time.sleep(min(1.0, max(0.0, ends - time.monotonic())))


def _summary(store: str, fhir_port: int) -> None:
    from rich.console import Console

    from engine.cli.board import board
    from engine.runtime.desk.message_log import open_message_log
    from engine.runtime.desk.search_query import parse_query

    now = time.time()
    with open_message_log(store) as log:
        Console(stderr=True).print(board(log.stats()))
        failed = [
            one
            for one in log.search(parse_query("status:ERROR", now=now, limit=20))
            if one.channel != DOCUMENTS
        ]
        documents = log.search(parse_query(f"channel:{DOCUMENTS}", now=now, limit=10_000))
    engine = os.path.relpath(Path(sys.executable).parent / "engine")
    given = f"--store {store}"
    _tell_documents(documents, engine, given)
    failed.sort(key=lambda one: not one.deliveries)  # what the server refused can be replayed
    if failed:
        _tell_failed(failed[0], engine, given, fhir_port)
    else:
        note("no message failed this time; let the demo run a little longer")


def _tell_documents(found: Sequence[Any], engine: str, given: str) -> None:
    """How many documents came, and what to ask about one."""
    sent = [one for one in found if one.state == State.SENT]
    mended = [one for one in sent if one.codes]
    refused = [one for one in found if one.state == State.ERROR]
    if not sent:
        note("no document was delivered this time; let the demo run a little longer")
        return
    note(f"""
{len(found)} C-CDA documents: {len(sent)} delivered, {len(mended)} of them with a warning; \
{len(refused)} refused. {sent[0].message_id} is a good one, in which diabetes is denied:
  see      {engine} log show {sent[0].message_id} {given}
  explain  {engine} explain {sent[0].message_id} "Condition[1].verificationStatus" {given}
  find     {engine} log search "channel:{DOCUMENTS} code:D321" {given}   # a dangling reference
           {engine} log search "channel:{DOCUMENTS} status:ERROR" {given}   # not well-formed""")


def _tell_failed(example: Any, engine: str, given: str, fhir_port: int) -> None:
    note(f"""
One of the failed messages is {example.message_id}: {example.message_type} {" ".join(example.codes)}
  find     {engine} log search status:ERROR {given}
  see      {engine} log show {example.message_id} {given}
  explain  {engine} explain {example.message_id} --from PID-7 {given}
  prove    {engine} replay id:{example.message_id} --dry-run {given}
To replay it, start a server that no longer refuses it, and the engine, each in a terminal:
           {os.path.relpath(sys.executable)} -m engine.simulator.fhir_server --port {fhir_port}
           {engine} serve {given}
  replay   {engine} replay id:{example.message_id} --yes --reason "server mended" {given}
""")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _wait(port: int, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    fail(Exit.ENVIRONMENT, f"nothing answers on port {port}; see the logs in {folder}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
