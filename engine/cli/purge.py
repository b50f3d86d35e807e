"""Rim. `engine purge --older-than 90d`: forget old messages and give their disk back."""

import time
from typing import Annotated

import typer

from engine.cli.access import SignInOption, opened
from engine.cli.options import StoreOption
from engine.cli.terminal import Exit, data, fail, note
from engine.runtime.desk.rights import Right


def purge(
    older_than: Annotated[
        str, typer.Option("--older-than", help="Age, such as 90d or 12w; received before then.")
    ],
    store: StoreOption = "",
    errors_too: Annotated[
        bool, typer.Option("--errors-too", help="Also messages in ERROR, HELD or UNKNOWN.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    sign_in: SignInOption = "",
) -> None:
    """Forget messages by age; those that wait for a person stay unless told otherwise.

    Run it from a timer. Intake never waits for it, and what is still on its way always stays.
    """
    from engine.runtime.desk.audit import Act, record
    from engine.runtime.desk.search_query import QueryError, parse_query

    now = time.time()
    try:
        before = parse_query(f"until:{older_than}", now=now).until
    except QueryError as problem:
        fail(Exit.USAGE, str(problem))
    if before is None or before >= now:
        fail(Exit.USAGE, "--older-than wants an age such as 90d")
    with opened(store, sign_in, Right.CONTROL, Right.BULK) as access:
        if access.viewer.channels is not None:
            fail(Exit.ENVIRONMENT, "this forgets messages of all channels, and you see some only")
        if not yes and not typer.confirm(f"forget messages older than {older_than}?", err=True):
            raise typer.Exit(int(Exit.FINDINGS))
        details = {"before": str(int(before)), "errors": "too" if errors_too else "kept"}
        record(access.desk, access.viewer, Act.PURGE, subject=older_than, details=details)
        count = access.log.purge(before, errors_too=errors_too)
    data(str(count))
    note(f"{count:,} messages forgotten")
