"""Rim. The project folder of the running node: what differs from what is in force, and reloading.

The folder belongs to the analysts. A console writes rows of tables into it, as `engine tables add`
does, and brings the whole folder into force, as `engine reload` does; it shows before what that is.
"""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.runtime.code_values import read_code_values
from engine.runtime.codetables.any_table import Tables
from engine.runtime.configuration import ProjectFiles, read_environment, read_project
from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import Right, Viewer
from engine.runtime.node.node import NodeFiles, ReloadStatus, request_reload
from engine.runtime.node.process_setup import DataFolder
from engine.runtime.snapshots import differences

LINES_SHOWN = 100
"""Of the difference of one file."""
RELOAD_SECONDS = 60.0


class FolderUnknown(Exception):  # noqa: N818  said to the user in these words
    """No node runs here whose project folder could be read or written; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """A file of the folder that differs from what is in force."""

    name: str
    lines: tuple[str, ...]
    """Of a table what differs; of other files nothing: who changed them knows."""


@dataclass(frozen=True, slots=True)
class ProjectFolder:
    """The project folder of the node on a data folder."""

    data: DataFolder

    def home(self) -> Path:
        """Where it is. Raises FolderUnknown when no node runs."""
        status = NodeFiles(self.data).running()
        if status is None or not Path(status.home).is_dir():
            raise FolderUnknown("no engine runs here whose project folder is known")
        return Path(status.home)

    def read(self) -> tuple[Path, ProjectFiles]:
        """The folder and its files, under the environment in force. Raises FolderUnknown."""
        home = self.home()
        try:
            return home, read_project(home, self.data.snapshots.current().environment)
        except (OSError, ValueError) as problem:
            raise FolderUnknown(f"the project folder cannot be read: {problem}") from None

    def tables(self) -> Tables:
        """What adding a row needs. Raises FolderUnknown."""
        home, files = self.read()
        values, _ = read_code_values(files.code_values)
        environment, _ = read_environment(files, os.environ)
        return Tables(home=home, files=files, values=values, environment=environment)

    def changes(self) -> list[FileChange]:
        """What a reload would bring into force. Raises FolderUnknown."""
        _, files = self.read()
        try:
            in_force = self.data.snapshots.current()
        except OSError:
            raise FolderUnknown("no configuration is in force") from None
        old, new = _texts(in_force), _texts(files)
        return [
            FileChange(
                name=name,
                lines=table_difference(old.get(name, ""), new.get(name, ""))
                if name.endswith(".csv")
                else (),
            )
            for name in differences(in_force, files)
        ]

    def propose(self) -> str:
        """Keep the folder as it is for a dry run, without bringing it into force; its revision.

        Raises FolderUnknown, OSError.
        """
        _, files = self.read()
        return self.data.snapshots.propose(files)

    def reload(self, desk: Desk, viewer: Viewer) -> ReloadStatus:
        """Bring the folder into force, as `engine reload` does; a broken one changes nothing.

        Held runs are then processed again by the workers.

        Raises:
            NotAllowed: without DEPLOY.
            FolderUnknown: no node runs.
            TimeoutError: it does not come to an end.
        """
        viewer.require(Right.DEPLOY)
        names = ", ".join(one.name for one in self.changes())
        record(desk, viewer, Act.DEPLOY, subject="reload", details={"files": names[:500]})
        found = request_reload(self.data, RELOAD_SECONDS)
        if found is None:
            raise FolderUnknown("the engine has ended meanwhile")
        return found


def table_difference(before: str, after: str) -> tuple[str, ...]:
    """The lines that differ, with one around them, as a unified difference without its head."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1))[
        2:
    ]
    if len(lines) > LINES_SHOWN:
        lines = [*lines[:LINES_SHOWN], f"… {len(lines) - LINES_SHOWN:,} more lines"]
    return tuple(lines)


def _texts(files: ProjectFiles) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ProjectFiles.__slots__:
        texts = getattr(files, name)
        if isinstance(texts, Mapping):
            found.update(texts)
    return found
