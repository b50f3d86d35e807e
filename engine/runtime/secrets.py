"""Rim. Secret references to values, when a connection is made and never before.

The value is returned, not kept: no model, log line or diagnostic can hold it.
"""

import os
from pathlib import Path

from engine.channel.connection import SecretReference

SECRET_BYTES_MAX = 65_536


def read_secret(reference: SecretReference) -> str:
    """The secret, without the line end a file may have.

    Raises:
        KeyError: the environment variable is not set.
        OSError: the file cannot be read, or is too large to be a secret.
    """
    if reference.kind == "env":
        return os.environ[reference.name]
    with Path(reference.name).open("rb") as file:
        content = file.read(SECRET_BYTES_MAX + 1)
    if len(content) > SECRET_BYTES_MAX:
        raise OSError(f"{reference} is too large to be a secret")
    return content.decode("utf-8").rstrip("\r\n")
