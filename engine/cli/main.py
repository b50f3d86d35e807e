"""Rim. The `engine` command: its verbs, one file each. Heavy imports wait until a verb runs."""

import sys
from typing import Annotated

import typer

from engine import __version__
from engine.cli import audit, log, problems, simulate, tables, users
from engine.cli.approve import approve
from engine.cli.check import check
from engine.cli.control import drain, pause, resume, stats
from engine.cli.convert import convert
from engine.cli.coverage import coverage
from engine.cli.demo import demo
from engine.cli.docs import docs
from engine.cli.explain import explain
from engine.cli.jwks import jwks
from engine.cli.preflight import preflight
from engine.cli.purge import purge
from engine.cli.reload import reload
from engine.cli.replay import replay
from engine.cli.send import send
from engine.cli.serve import serve
from engine.cli.settle import settle
from engine.cli.spec import spec
from engine.cli.test import test

app = typer.Typer(
    name="engine",
    help="HL7 v2 and C-CDA in, FHIR R4 and Oracle Health out. "
    "stdout is data, stderr is notes; exit code 0 fine, 1 findings, 2 usage, 3 environment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for verb in (
    serve, reload, check, convert, explain, test, send, replay, approve, settle, stats, pause,
    resume, drain, purge, docs, demo, spec, coverage, jwks, preflight,
):  # fmt: skip
    app.command()(verb)
app.add_typer(log.app, name="log")
app.add_typer(audit.app, name="audit")
app.add_typer(users.app, name="users")
app.add_typer(simulate.app, name="simulate")
app.add_typer(tables.app, name="tables")
app.add_typer(problems.app, name="problems")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; Ctrl-C and a closed pipe end it quietly."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
