"""Pure. Environment files -> the environment in force, or every problem at once with its place.

All files of `environments/` are checked, the one in force with the variables of the process; in
the others a variable may be unset, for its value is known only where they are in force.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from engine.channel import codes
from engine.channel.environment import EnvironmentConfig, TenantConfig
from engine.channel.environment_fields import ENVIRONMENT
from engine.channel.environment_guard import ReadEnvironment, check_credentials, check_guard
from engine.channel.reading import Reading, read_component
from engine.diagnostics import Diagnostic, Place, did_you_mean, has_errors, sort_key
from engine.yamltext import parse_yaml


def environment_names(files: Sequence[str] | Mapping[str, str]) -> list[str]:
    """The environments there are, by file name: `environments/sandbox.yaml` is `sandbox`."""
    return sorted(PurePosixPath(file).stem for file in files)


def in_force(files: Sequence[str] | Mapping[str, str], chosen: str) -> str:
    """The environment in force: the one asked for, else the only one, else none ("")."""
    names = environment_names(files)
    return chosen or (names[0] if len(names) == 1 else "")


def check_environments(
    files: Mapping[str, str], variables: Mapping[str, str], chosen: str = ""
) -> tuple[EnvironmentConfig | None, list[Diagnostic]]:
    """Check all environment files together.

    Args:
        files: file name to text of every file of `environments/`.
        variables: variable name to value, for `${env:NAME}`.
        chosen: the environment asked for; "": the only one, or none.

    Returns:
        The environment in force (None when there is none, or any file has an error) and all
        problems, by file and line.
    """
    name = in_force(files, chosen)
    reads = [
        _read(text, file, variables, demanded=PurePosixPath(file).stem == name)
        for file, text in sorted(files.items())
    ]
    problems = [problem for read in reads for problem in read.reading.problems]
    for read in reads:
        problems.extend(check_guard(read))
    problems.extend(check_credentials(reads))
    if name and name not in environment_names(files):
        problems.append(_unknown(name, environment_names(files)))
    problems.sort(key=sort_key)
    if has_errors(problems):
        return None, problems
    found = [read.config for read in reads if read.config and read.config.name == name]
    return (found[0] if found else None), problems


def _unknown(name: str, known: list[str]) -> Diagnostic:
    listed = f"known: {', '.join(known)}" if known else f"write environments/{name}.yaml"
    near = did_you_mean(name, known)
    return codes.UNKNOWN_ENVIRONMENT(name=name, hint=f"{near} {listed}" if near else listed)


def _read(text: str, file: str, variables: Mapping[str, str], *, demanded: bool) -> ReadEnvironment:
    root, problems = parse_yaml(text, file)
    reading = Reading(environment=variables, problems=problems)
    top = reading.places[""] = Place(file=file, line=1, column=1)
    config = None
    if root is not None:
        config = read_component(root, ENVIRONMENT, "", reading)
    elif not problems:
        hint = "add `environment:`"
        reading.report(
            "",
            codes.MISSING_OPTION(top, owner="the environment", option="environment", hint=hint),
        )
    if not demanded:
        unset = codes.ENVIRONMENT_UNSET.code
        reading.problems = [one for one in reading.problems if one.code != unset]
    if isinstance(config, EnvironmentConfig):
        config = dataclasses.replace(config, file=file)
        stem = PurePosixPath(file).stem
        if config.name != stem:
            place = reading.place("environment")
            reading.report("environment", codes.FILE_NAME(place, name=config.name, file=file))
    return ReadEnvironment(config=config, reading=reading, root=root, file=file)


def find_tenant(
    environment: EnvironmentConfig | None, name: str, *, place: Place, destination: str
) -> tuple[TenantConfig | None, list[Diagnostic]]:
    """The tenant a destination names.

    Args:
        environment: the one in force, if any.
        name: as the destination says it.
        place: of that option, for the problem.
        destination: its name, for the problem.
    """
    if environment is None:
        return None, [codes.NO_ENVIRONMENT(place, destination=destination)]
    tenant = environment.tenants.get(name)
    if tenant is not None:
        return tenant, []
    known = ", ".join(environment.tenants) or "none"
    hint = did_you_mean(name, environment.tenants) or f"its tenants: {known}"
    return None, [codes.UNKNOWN_TENANT(place, tenant=name, environment=environment.name, hint=hint)]
