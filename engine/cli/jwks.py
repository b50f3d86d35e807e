"""Rim. `engine jwks`: the public keys of an environment's clients, to be registered or served."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import EnvironmentOption, HomeOption
from engine.cli.project import open_environment
from engine.cli.terminal import Exit, data_json, fail


def jwks(
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    tenant: Annotated[str, typer.Option(help="Only of this tenant; default: of all.")] = "",
) -> None:
    """Print the public JWK Set of the clients that sign (private_key_jwt)."""
    from engine.destinations.authorization.assertion import key_set
    from engine.destinations.interface import AuthorizationFailed
    from engine.runtime.client_keys import signing_clients
    from engine.runtime.secrets import read_secret

    found = open_environment(home, environment)
    if tenant and tenant not in found.tenants:
        fail(Exit.USAGE, f'{found.name} has no tenant "{tenant}": {", ".join(found.tenants)}')
    chosen = {name: one for name, one in found.tenants.items() if tenant in ("", name)}
    try:
        keys = key_set(signing_clients(replace(found, tenants=chosen)), read_secret)
    except AuthorizationFailed as problem:
        fail(Exit.ENVIRONMENT, f"{problem.explanation.message}; {problem.explanation.hint}")
    if not keys["keys"]:
        fail(Exit.FINDINGS, "no client of this environment signs with a key")
    data_json(keys, indent=True)
