"""Rim. Everything that can be said of a project's code values, their age included."""

from datetime import UTC, datetime

from engine.codevalues.lint import lint_snapshot
from engine.codevalues.project import FOLDER
from engine.diagnostics import Diagnostic
from engine.runtime.code_values import read_code_values
from engine.runtime.configuration import ProjectFiles, check_project

_OWN = "V"
"""Begins the diagnostic codes of code values."""


def lint_project(files: ProjectFiles, *, now: float, stale_days: int) -> list[Diagnostic]:
    """What is wrong with the files, what would hold messages, and which snapshots are old.

    Args:
        files: the project.
        now: Unix seconds.
        stale_days: older snapshots are reported.
    """
    _, problems = check_project(files)
    found = [one for one in problems if one.code.startswith(_OWN) or _is_own(one)]
    today = datetime.fromtimestamp(now, UTC).date()
    for file, snapshot in read_code_values(files.code_values)[0].snapshots.items():
        found += lint_snapshot(snapshot, file=file, today=today, stale_days=stale_days)
    return found


def _is_own(problem: Diagnostic) -> bool:
    return (problem.place.file or "").startswith(f"{FOLDER}/")
