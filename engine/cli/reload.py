"""Rim. `engine reload`: tell a running engine to take the changed configuration, and say how it
went."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.access import SignInOption, opened
from engine.cli.options import DEFAULT_STORE, HomeOption, StoreOption
from engine.cli.terminal import Exit, data, fail, note
from engine.runtime.desk.rights import Right


def reload(
    home: HomeOption = Path(),
    store: StoreOption = "",
    timeout_seconds: Annotated[
        float, typer.Option("--timeout-seconds", help="How long to wait for the result.", min=1)
    ] = 60.0,
    sign_in: SignInOption = "",
) -> None:
    """Check the project and bring the running engine to it; a broken one changes nothing."""
    from engine.runtime.desk.audit import Act, record
    from engine.runtime.node.node import data_folder, request_reload

    folder = data_folder(home.resolve(), store or DEFAULT_STORE)
    with opened(store, sign_in, Right.DEPLOY, home=home) as access:
        record(access.desk, access.viewer, Act.DEPLOY, subject="reload")
    try:
        result = request_reload(folder, timeout_seconds)
    except TimeoutError as late:
        fail(Exit.ENVIRONMENT, str(late))
    if result is None:
        fail(Exit.ENVIRONMENT, f"no engine runs on {folder.path}")
    for problem in result.problems:
        place = ":".join(str(problem[part]) for part in ("file", "line") if part in problem)
        note(f"{place}: {problem['severity']}[{problem['code']}] {problem['message']}")
    if not result.accepted:
        fail(Exit.USAGE, "the configuration was refused; the earlier one runs on")
    data(", ".join(result.changed) if result.changed else "in force; no channel changed")
