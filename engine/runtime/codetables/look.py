"""Rim. One look at what no table and no rule knows, in a process of its own.

Thousands of messages are processed again for it, which would hold up the console. Started as
`python -m engine.runtime.codetables.look --data FOLDER [--home FOLDER]`, the store's URL in
ENGINE_STORE because it may hold a password. What was found goes to standard output as JSON; it ends
early when its parent is gone.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.runtime.codetables.missing import MissingCode, missing_codes
from engine.runtime.codetables.unread import UnreadField, unread_fields
from engine.runtime.configuration import Loaded, ProjectFiles, check_project, read_project
from engine.runtime.desk.message_log import MessageLog, open_message_log
from engine.runtime.desk.workbench import Workbench
from engine.runtime.node.process_setup import DataFolder
from engine.runtime.snapshots import Snapshots

NICENESS = 10
SINCE_SECONDS = 30 * 86_400.0
MESSAGES_MAX = 10_000
FIELDS_MESSAGES_MAX = 200
"""Of the sample in which fields nobody reads are looked for: each costs a trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found."""

    at: float
    """Unix seconds, as the others."""
    since: float
    revision: str
    """Of the configuration that was asked."""
    of_project: bool
    """That is the project folder as it is; False: the configuration in force."""
    looked_at: int
    """Messages that met a code nobody knew."""
    truncated: bool
    codes: tuple[MissingCode, ...] = ()
    """The most frequent first."""
    fields: tuple[UnreadField, ...] = ()
    fields_looked_at: int = 0


def look(
    log: MessageLog,
    loaded: Loaded,
    *,
    now: float,
    of_project: bool,
    goes_on: Callable[[], bool] = lambda: True,
) -> Look:
    """Look through the last thirty days, by a configuration."""
    since = now - SINCE_SECONDS
    codes = missing_codes(log, loaded, since=since, messages_max=MESSAGES_MAX, goes_on=goes_on)
    fields = unread_fields(
        log,
        Workbench(loaded),
        since=since,
        messages_max=FIELDS_MESSAGES_MAX,
        goes_on=goes_on,
    )
    return Look(
        at=now,
        since=since,
        revision=loaded.revision,
        of_project=of_project,
        looked_at=codes.looked_at,
        truncated=codes.truncated,
        codes=tuple(codes.in_order()),
        fields=fields.fields,
        fields_looked_at=fields.looked_at,
    )


def configuration(snapshots: Snapshots, home: Path | None) -> tuple[Loaded, bool]:
    """The project folder as it is, when it is known and in order; else what is in force.

    Returns it, and whether it is that of the folder.

    Raises:
        OSError, ValueError: nothing is in force either.
    """
    in_force = snapshots.current()
    files: ProjectFiles | None = None
    if home is not None:
        try:
            files = read_project(home, in_force.environment)
        except (OSError, ValueError):
            files = None
    if files is not None:
        loaded, _ = check_project(files, check_maps=files.revision != in_force.revision)
        if loaded is not None:
            return loaded, True
    loaded, _ = check_project(in_force, check_maps=False)
    if loaded is None:
        raise ValueError("the configuration in force cannot be read here")
    return loaded, False


def main(arguments: Sequence[str]) -> int:
    """Run the process; exit code."""
    parser = argparse.ArgumentParser(description="A look at what no table and no rule knows.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--home", type=Path)
    given = parser.parse_args(arguments)
    os.nice(NICENESS)
    parent = os.getppid()
    loaded, of_project = configuration(DataFolder(path=given.data).snapshots, given.home)
    with open_message_log(os.environ["ENGINE_STORE"]) as log:
        found = look(
            log,
            loaded,
            now=time.time(),
            of_project=of_project,
            goes_on=lambda: os.getppid() == parent,
        )
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
