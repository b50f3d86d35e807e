"""Rim. Options several commands share."""

from pathlib import Path
from typing import Annotated

import typer

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
