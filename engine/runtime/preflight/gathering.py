"""Rim. From a project's files to what preflight looks at, or what keeps it from looking."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.channel.environment import EnvironmentConfig
from engine.channel.environments import check_environments, environment_names
from engine.destinations.interface import SecretSource
from engine.diagnostics import Diagnostic
from engine.runtime.configuration import ProjectFiles, check_project
from engine.runtime.preflight.findings import Finding
from engine.runtime.preflight.local import guard_findings
from engine.runtime.preflight.subject import Subject, destinations_of
from engine.runtime.secrets import read_secret

FOLDER = "preflight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What to check."""

    subjects: tuple[Subject, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Of the environment guard; then there is nothing else to check."""
    problems: tuple[Diagnostic, ...] = ()
    """Errors of the project that leave nothing to check."""


def gather(
    files: ProjectFiles,
    *,
    data: Path,
    store_url: str,
    secrets: SecretSource = read_secret,
    variables: Mapping[str, str] | None = None,
) -> Gathered:
    """The tenants of the environment in force.

    Args:
        files: what `read_project` gave.
        data: the data directory.
        store_url: of the store.
        secrets: where secrets come from.
        variables: of the process, by default its own.
    """
    known = os.environ if variables is None else variables
    loaded, problems = check_project(files, known, check_maps=False)
    guarded = guard_findings(problems)
    if guarded:
        return Gathered(findings=tuple(guarded))
    if loaded is None:
        return Gathered(problems=tuple(problems))
    environment = loaded.configuration.environment
    if environment is None:
        return Gathered()
    others = _others(files, known, environment)
    return Gathered(
        subjects=tuple(
            Subject(
                environment=environment,
                tenant=tenant,
                destinations=destinations_of(loaded.configuration, name),
                code_values=loaded.code_values,
                others=others,
                folder=data / FOLDER,
                store_url=store_url,
                secrets=secrets,
                variables=known,
                wall_clock=time.time,
            )
            for name, tenant in environment.tenants.items()
        )
    )


def _others(
    files: ProjectFiles, variables: Mapping[str, str], own: EnvironmentConfig
) -> tuple[EnvironmentConfig, ...]:
    """Environments of another class whose variables are set here too."""
    names = (name for name in environment_names(files.environments) if name != own.name)
    read = (check_environments(files.environments, variables, name)[0] for name in names)
    return tuple(one for one in read if one is not None and one.kind is not own.kind)
