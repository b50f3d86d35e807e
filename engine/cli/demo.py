"""Rim. `engine demo`: the engine, two simulated receivers and two live feeds, on an embedded store.

A hospital's feed goes to a plain FHIR R4 server, a clinic's to a simulated Oracle Health
Millennium and, by MLLP, to what stands for Open Engine. Real processes and real sockets on
loopback, on a copy of the channels. Ends on Ctrl-C or after DEMO_SECONDS with a summary.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.demo_code import Analyst
from engine.cli.demo_site import ENVIRONMENT, VARIABLES, Ports, Site
from engine.cli.demo_summary import ask_millennium, summary
from engine.cli.terminal import note

CLINIC_RATE = 4.0
"""Messages a second, at most: each is several calls."""
SETTLE_SECONDS = 45.0
"""So long the engine may take, once nothing more is sent, to deliver what it has."""
LOOK_SECONDS = 1.0


def demo(
    seconds: Annotated[
        float, typer.Option(envvar="DEMO_SECONDS", help="End after this long; 0: on Ctrl-C.", min=0)
    ] = 0.0,
    rate: Annotated[float, typer.Option(help="Messages a second of the hospital.", min=0.1)] = 8.0,
    folder: Annotated[
        Path, typer.Option(help="Where project, store and logs go; emptied first.")
    ] = Path(".demo"),
    mllp_port: Annotated[int, typer.Option(envvar="MLLP_PORT", help="Takes messages.")] = 2575,
    http_port: Annotated[int, typer.Option(envvar="HTTP_PORT", help="Takes documents.")] = 2580,
    fhir_port: Annotated[
        int, typer.Option(envvar="FHIR_PORT", help="Of the simulated FHIR server.")
    ] = 8090,
    console_port: Annotated[
        int, typer.Option(envvar="CONSOLE_PORT", help="Of the console.")
    ] = 8088,
    chart_port: Annotated[
        int, typer.Option(envvar="CHART_PORT", help="Takes messages for Millennium.")
    ] = 2576,
    millennium_port: Annotated[
        int, typer.Option(envvar="MILLENNIUM_PORT", help="Of the simulated Millennium.")
    ] = 9000,
    open_engine_port: Annotated[
        int, typer.Option(envvar="OPEN_ENGINE_PORT", help="Of the simulated Open Engine.")
    ] = 2577,
) -> None:
    """Run everything: two feeds, a simulated FHIR R4 server, a simulated Millennium."""
    ports = Ports(
        mllp=mllp_port,
        http=http_port,
        fhir=fhir_port,
        console=console_port,
        chart=chart_port,
        millennium=millennium_port,
        open_engine=open_engine_port,
    )
    with ExitStack() as stack:
        site = Site(folder=folder, ports=ports, stack=stack)
        site.prepare()
        analyst = Analyst(site)
        note("starting simulated receivers, the engine and two feeds ...")
        try:
            _start(site, rate)
            _introduce(site)
            _watch(site, analyst, seconds)
            site.end("hospital", "clinic")
            _settle(site, analyst)
        except KeyboardInterrupt:
            note("")
        site.end(*(name for name in ("hospital", "clinic", "engine") if name in site.running))
        told = ask_millennium(site)
        site.end(*site.running)
    summary(site, analyst, told)


def _start(site: Site, rate: float) -> None:
    ports = site.ports
    site.run(
        "fhir server", "engine.simulator.fhir_server", "--port", str(ports.fhir),
        "--refuse-future-births", ports=(ports.fhir,),
    )  # fmt: skip
    site.run(
        "millennium", "engine", "simulate", "millennium", "--port", str(ports.millennium),
        ports=(ports.millennium,),
    )  # fmt: skip
    site.run(
        "open engine", "engine", "simulate", "mllp", "--port", str(ports.open_engine),
        ports=(ports.open_engine,),
    )  # fmt: skip
    site.run(
        "engine", "engine", "serve", "--console-port", str(ports.console),
        ports=(ports.mllp, ports.chart, ports.http, ports.console),
    )  # fmt: skip
    documents = f"http://127.0.0.1:{ports.http}"
    feed = "engine.simulator.feed"
    site.run(
        "hospital", feed, "--port", str(ports.mllp), "--rate", str(rate),
        "--documents", f"{documents}/documents",
    )  # fmt: skip
    site.run(
        "clinic", feed, "--clinic", "--port", str(ports.chart),
        "--rate", str(min(rate, CLINIC_RATE)), "--documents", f"{documents}/chart",
    )  # fmt: skip


def _introduce(site: Site) -> None:
    from engine.runtime.desk.desk import Desk
    from engine.runtime.desk.signing_in import new_setup_code

    desk = Desk(site.store)
    code = new_setup_code(desk)
    desk.close()
    ports = site.ports
    note(f"""
  a hospital   mllp://127.0.0.1:{ports.mllp} and http://127.0.0.1:{ports.http}/documents (C-CDA)
  goes to      {site.fhir}   a plain FHIR R4 server; open /fhir/Patient in a browser

  a clinic     mllp://127.0.0.1:{ports.chart} and http://127.0.0.1:{ports.http}/chart (C-CDA)
  goes to      {site.millennium}   a simulated Oracle Health Millennium, environment {ENVIRONMENT}
  and          mllp://127.0.0.1:{ports.open_engine}   what has no API: merges, transfers ...

  console      http://127.0.0.1:{ports.console}/   the first visit asks for this code: {code}
  project      {site.project}   a copy of channels/ and examples/millennium/

  Some messages are sent with real mistakes, and one code is known to no table: it will be mapped.
  In a second terminal: . {site.folder}/{VARIABLES}; engine preflight; engine tables missing
  Ctrl-C ends the demo.
""")


def _watch(site: Site, analyst: Analyst, seconds: float) -> None:
    from rich.console import Console, Group
    from rich.live import Live

    from engine.cli.board import board
    from engine.runtime.desk.message_log import open_message_log

    console = Console(stderr=True)
    ends = time.monotonic() + seconds if seconds else float("inf")
    with (
        open_message_log(site.store) as log,
        Live(console=console, auto_refresh=False, transient=True) as live,
    ):
        while time.monotonic() < ends:
            site.check()
            analyst.look(log)
            live.update(Group(board(log.stats()), analyst.told()), refresh=True)
            time.sleep(min(LOOK_SECONDS, max(0.0, ends - time.monotonic())))


def _settle(site: Site, analyst: Analyst) -> None:
    """Nothing more is sent: deliver what there is, and see the held code through."""
    from engine.runtime.desk.message_log import open_message_log

    ends = time.monotonic() + SETTLE_SECONDS
    with open_message_log(site.store) as log:
        while time.monotonic() < ends:
            site.check()
            analyst.look(log, hurried=True)
            waiting = sum(row.queued + row.held for row in log.stats())
            if not waiting and (analyst.done or not analyst.message_id):
                return
            time.sleep(LOOK_SECONDS / 4)
