"""Rim. `engine log bundle`: a message in one file, for a colleague or a vendor without access."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.access import ReasonOption, SignInOption, opened
from engine.cli.options import DEFAULT_STORE, HomeOption, StoreOption
from engine.cli.terminal import Exit, fail, note
from engine.runtime.desk.rights import Right


def bundle(
    message_id: Annotated[int, typer.Argument(help="The number in the first column of a search.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; default: message-ID.html here.")
    ] = None,
    unmask: Annotated[bool, typer.Option(help="With the values of patients.")] = False,
    home: HomeOption = Path(),
    store: StoreOption = "",
    reason: ReasonOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Write everything about a message into one HTML file that opens anywhere.

    The message, its diagnostics, each element with its rule and source, what was sent, each attempt
    with its answer, and the same as JSON. Masked, unless `--unmask` says otherwise.
    """
    from engine.runtime.desk.benches import SharedBenches
    from engine.runtime.desk.bundle import make_bundle
    from engine.runtime.node.node import data_folder

    file = output or Path(f"message-{message_id}.html")
    with opened(store, sign_in, Right.SEE_BODIES, Right.EXPORT, home=home) as access:
        if file.exists():
            fail(Exit.USAGE, f"{file} is there already; name another with --output")
        viewer = replace(access.viewer, unmasked=False)
        if unmask:
            access.require(Right.UNMASK)
            if access.restricted and not reason.strip():
                fail(Exit.USAGE, "say why values are shown: --reason TEXT")
            viewer = replace(viewer, unmasked=True, reason=reason)
        snapshots = data_folder(home.resolve(), store or DEFAULT_STORE).snapshots
        benches = SharedBenches(snapshots)
        found = make_bundle(access.desk, viewer, access.policy, benches, message_id)
    if found is None:
        fail(Exit.FINDINGS, f"there is no message {message_id}")
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(found.content)
    except OSError as problem:
        fail(Exit.ENVIRONMENT, f"{file} cannot be written: {problem.strerror}")
    masks = "values masked" if found.masked else "with the values of the patient"
    note(f"{file}: {len(found.content):,} bytes, {masks}")
