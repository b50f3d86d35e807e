"""Rim. What the commands on tables share: the project, its tenant, numbers of code sets."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.terminal import Exit, fail

if TYPE_CHECKING:
    from engine.channel.environment import TenantConfig
    from engine.runtime.configuration import Loaded


def project(home: Path, environment: str) -> "Loaded":
    """The checked project; leaves with its problems when it is not in order."""
    from engine.cli.project import open_project

    return open_project(home, environment).loaded


def snapshot_project(home: Path, environment: str) -> "Loaded":
    """The project for taking a snapshot anew: one that is damaged stands in nobody's way."""
    from engine.cli.project import open_project
    from engine.codevalues.snapshot import FILE
    from engine.diagnostics import Severity
    from engine.runtime.configuration import check_project, read_project

    try:
        files = read_project(home, environment)
    except (OSError, ValueError) as problem:
        fail(Exit.ENVIRONMENT, str(problem))
    loaded, problems = check_project(files)
    broken = {one.place.file or "" for one in problems if one.severity is Severity.ERROR}
    if loaded is None and broken and all(FILE.fullmatch(file) for file in broken):
        kept = {file: text for file, text in files.code_values.items() if file not in broken}
        loaded, _ = check_project(replace(files, code_values=kept))
    return loaded if loaded is not None else open_project(home, environment).loaded


def tenant_of(loaded: "Loaded", name: str) -> "TenantConfig":
    """The tenant named, or the only one of the environment; leaves when it is not clear."""
    environment = loaded.configuration.environment
    if environment is None:
        fail(Exit.USAGE, "there is no environment: write environments/NAME.yaml")
    tenants = environment.tenants
    if not name and len(tenants) == 1:
        return next(iter(tenants.values()))
    if name not in tenants:
        fail(Exit.USAGE, f"name one with --tenant: {', '.join(tenants)}")
    return tenants[name]


def numbers(text: str) -> tuple[int, ...]:
    """`72,71` as numbers; leaves when it is none."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    wrong = [part for part in parts if not (part.isascii() and part.isdigit() and len(part) < 10)]
    if wrong:
        fail(Exit.USAGE, f"{wrong[0]} is no number of a code set")
    return tuple(sorted({int(part) for part in parts}))


def alias_table(text: str) -> tuple[str, int]:
    """Contributor source and code set of `LAB_A/72`; leaves when it is none."""
    source, _, number = text.rpartition("/")
    if not source or not number.isascii() or not number.isdigit():
        fail(Exit.USAGE, f"{text} is not CONTRIBUTOR_SOURCE/CODE_SET")
    return source, int(number)
