"""Rim. `engine serve`: run intake, workers and supervisor until told to stop."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import DEFAULT_STORE, EnvironmentOption, HomeOption, StoreOption


def serve(
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    store: StoreOption = "",
    workers: Annotated[
        int, typer.Option(help="Worker processes; 0: one per core left.", min=0, max=256)
    ] = 0,
    metrics_port: Annotated[
        int, typer.Option(help="Port of /metrics and /health on loopback; 0: none.", min=0)
    ] = 0,
    console_port: Annotated[
        int, typer.Option(help="Port of the console; 0: that of console.yaml, or 8088.", min=0)
    ] = 0,
    no_console: Annotated[bool, typer.Option("--no-console", help="Run without it.")] = False,
    log_format: Annotated[str, typer.Option(help="console or json, to stderr.")] = "console",
) -> None:
    """Run the engine. SIGHUP reloads the configuration, SIGTERM or Ctrl-C ends it cleanly."""
    from engine.runtime.node.supervisor import serve as run

    code = run(
        home=home,
        store_url=store or DEFAULT_STORE,
        workers=workers,
        metrics_port=metrics_port,
        log_format=log_format,
        environment=environment,
        console_port=None if no_console else console_port,
    )
    raise typer.Exit(code)
