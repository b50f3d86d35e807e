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
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated

import typer

from engine.cli.terminal import Exit, fail, note

FHIR_PORT = 8090
MLLP_PORT = 2575
START_SECONDS = 30.0
STOP_SECONDS = 20.0


def demo(
    seconds: Annotated[
        float, typer.Option(envvar="DEMO_SECONDS", help="End after this long; 0: on Ctrl-C.", min=0)
    ] = 0.0,
    rate: Annotated[float, typer.Option(help="Messages a second.", min=0.1)] = 8.0,
    folder: Annotated[Path, typer.Option(help="Where store and logs go; emptied first.")] = Path(
        ".demo"
    ),
) -> None:
    """Run everything: a live feed over MLLP into a simulated FHIR R4 server."""
    for port in (FHIR_PORT, MLLP_PORT):
        if not _free(port):
            fail(Exit.ENVIRONMENT, f"port {port} is in use; stop what uses it")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    store = f"sqlite:///{folder}/store"
    note("starting a simulated FHIR R4 server, the engine and a hospital's feed ...")
    with ExitStack() as stack:
        parts = _start(stack, folder, store, rate)
        _introduce(store)
        try:
            _watch(store, parts, seconds)
        except KeyboardInterrupt:
            note("")
        for name in ("feed", "engine", "fhir server"):
            _stop(parts[name])
    _summary(store)


def _start(
    stack: ExitStack, folder: Path, store: str, rate: float
) -> dict[str, "subprocess.Popen[bytes]"]:
    def run(name: str, *command: str) -> "subprocess.Popen[bytes]":
        log: IO[bytes] = stack.enter_context((folder / f"{name.replace(' ', '-')}.log").open("wb"))
        process = subprocess.Popen(  # noqa: S603  our own commands
            [sys.executable, "-m", *command], stdout=log, stderr=log, start_new_session=True
        )
        stack.callback(_stop, process)
        return process

    parts = {
        "fhir server": run(
            "fhir server", "engine.simulator.fhir_server", "--port", str(FHIR_PORT),
            "--refuse-future-births",
        )
    }  # fmt: skip
    _wait(FHIR_PORT, parts["fhir server"], folder)
    parts["engine"] = run("engine", "engine", "serve", "--store", store)
    _wait(MLLP_PORT, parts["engine"], folder)
    parts["feed"] = run(
        "feed", "engine.simulator.feed", "--port", str(MLLP_PORT), "--rate", str(rate)
    )
    return parts


def _introduce(store: str) -> None:
    note(f"""
  MLLP in     mllp://127.0.0.1:{MLLP_PORT}   (channels/adt.yaml, channels/oru.yaml)
  FHIR out    http://127.0.0.1:{FHIR_PORT}/fhir   open it in a browser: /fhir/Patient
  store       {store}
  Some messages are sent with real mistakes. Ctrl-C ends the demo.
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


def _summary(store: str) -> None:
    from rich.console import Console

    from engine.cli.board import board
    from engine.runtime.desk.message_log import open_message_log
    from engine.runtime.desk.search_query import parse_query

    with open_message_log(store) as log:
        Console(stderr=True).print(board(log.stats()))
        failed = log.search(parse_query("status:ERROR", now=time.time(), limit=5))
    if not failed:
        note("no message failed this time; let the demo run a little longer")
        return
    example = failed[0]
    engine = f"{Path(sys.executable).parent / 'engine'}"
    engine = os.path.relpath(engine)
    given = f"--store {store}"
    note(f"""
One of the failed messages is {example.message_id}: {example.message_type} {" ".join(example.codes)}
  find     {engine} log search status:ERROR {given}
  see      {engine} log show {example.message_id} {given}
  explain  {engine} explain {example.message_id} --from PID-7 {given}
  prove    {engine} replay id:{example.message_id} --dry-run {given}
To replay it, start a server that no longer refuses it, and the engine, each in a terminal:
           {os.path.relpath(sys.executable)} -m engine.simulator.fhir_server --port {FHIR_PORT}
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
