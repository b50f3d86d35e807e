"""Rim. Everything that can be said of a project's code values, their age included."""

import os
from datetime import UTC, datetime

from engine.channel.environments import check_environments
from engine.codevalues.lint import lint_snapshot
from engine.diagnostics import Diagnostic
from engine.runtime.code_values import check_code_values, read_code_values
from engine.runtime.configuration import ProjectFiles


def lint_project(files: ProjectFiles, *, now: float, stale_days: int) -> list[Diagnostic]:
    """What is wrong with the files, what would hold messages, and which snapshots are old.

    Args:
        files: the project.
        now: Unix seconds.
        stale_days: older snapshots are reported.
    """
    found, problems = read_code_values(files.code_values)
    environment, _ = check_environments(files.environments, os.environ, files.environment)
    problems = problems + check_code_values(found, environment)
    today = datetime.fromtimestamp(now, UTC).date()
    for file, snapshot in found.snapshots.items():
        problems += lint_snapshot(snapshot, file=file, today=today, stale_days=stale_days)
    return list(dict.fromkeys(problems))
