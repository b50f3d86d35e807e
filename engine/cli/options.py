"""Rim. Options several commands share, and what they open."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.terminal import Exit, fail

if TYPE_CHECKING:
    from engine.runtime.desk.message_log import MessageLog

DEFAULT_STORE = "sqlite:///.engine"

StoreOption = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="ENGINE_STORE",
        help="sqlite:///directory or postgresql://... (default sqlite:///.engine).",
    ),
]

HomeOption = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="ENGINE_HOME",
        help="The folder that holds channels/, and overlays/ and transforms/ where you have them.",
    ),
]

EnvironmentOption = Annotated[
    str,
    typer.Option(
        "--env",
        envvar="ENGINE_ENVIRONMENT",
        help="The environment in force, a file of environments/; default: the only one.",
    ),
]


def open_log(store: str) -> "MessageLog":
    """Open the message log of `--store`; leaves with exit code 3 when there is none."""
    from engine.runtime.desk.message_log import StoreUnavailable, open_message_log

    url = store or DEFAULT_STORE
    folder = url.removeprefix("sqlite:///")
    if url != folder and not (Path(folder) / "state.db").is_file():
        fail(
            Exit.ENVIRONMENT,
            f"there is no store in {folder}; start the engine or name one with --store",
        )
    try:
        return open_message_log(url)
    except StoreUnavailable as failure:
        fail(Exit.ENVIRONMENT, f"the store cannot be opened: {failure}")


def operator() -> str:
    """Who asks, for the record: the login name."""
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "unknown"
