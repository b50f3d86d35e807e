"""Rim. The files of a project, read from disk and checked whole; used by every process and command.

A project folder holds `channels/*.yaml`, and where a site has them `environments/*.yaml`,
`codevalues/**`, `overlays/<name>/**` and its own `transforms/**`; without the latter the library
that ships with the engine is used. Secrets are not touched here.

`engine serve` checks once and keeps what it checked, see `runtime.snapshots`.
"""

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.channel.console import ConsoleConfig
from engine.channel.console_fields import CONSOLE_FILE, read_console
from engine.channel.environment import EnvironmentConfig
from engine.channel.environment_guard import check_channels, production_credentials
from engine.channel.environments import check_environments, in_force
from engine.channel.going_live import in_environment
from engine.channel.lint import check_configuration, revision_of
from engine.channel.millennium import KnownCalls
from engine.channel.model import ChannelConfig, Configuration
from engine.codevalues.project import FOLDER as CODE_VALUES
from engine.codevalues.project import SUFFIXES as CODE_VALUE_SUFFIXES
from engine.codevalues.project import CodeValueFiles
from engine.diagnostics import Diagnostic, has_errors, sort_key
from engine.mapping.checker.checker import check_library
from engine.mapping.library import Library, read_library, with_overlays
from engine.runtime.call_library import CallLibrary, is_of_millennium
from engine.runtime.code_values import (
    check_code_values,
    check_destinations,
    read_code_values,
)
from engine.runtime.listed_scopes import check_listed_scopes

if TYPE_CHECKING:
    from engine.mapping.compiler.compiler import Program
    from engine.mapping.compiler.documents import DocumentProgram

CHANNELS = "channels"
TRANSFORMS = "transforms"
OVERLAYS = "overlays"
ENVIRONMENTS = "environments"
DOCUMENTS = "cda"
"""Folder of the maps of documents, in `transforms` and in every overlay."""
FILE_BYTES_MAX = 2_000_000
CODE_VALUE_BYTES_MAX = 50_000_000
"""A snapshot of the event codes of a large site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFiles:
    """Texts by file name, relative to the project: `channels/adt.yaml`."""

    channels: Mapping[str, str]
    transforms: Mapping[str, str]
    overlays: Mapping[str, str]
    environments: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    """The name of the one asked for; "": the only one, or none."""
    code_values: Mapping[str, str] = field(default_factory=dict)
    console: str = ""
    """The text of `console.yaml`; not part of the revision: it changes no message."""

    @property
    def revision(self) -> str:
        """SHA-256 over all that is in force, 12 hex digits: of environments that is one."""
        name = f"{ENVIRONMENTS}/{in_force(self.environments, self.environment)}.yaml"
        chosen = {file: text for file, text in self.environments.items() if file == name}
        maps = {**self.transforms, **self.overlays, **self.code_values}
        return revision_of({**maps, **self.channels, **chosen})

    def overlay_names(self) -> frozenset[str]:
        """The overlay folders there are, such as `overlays/north`."""
        return frozenset("/".join(name.split("/")[:2]) for name in self.overlays)

    def overlay(self, name: str) -> dict[str, str]:
        """The files of one overlay folder."""
        return {file: text for file, text in self.overlays.items() if file.startswith(f"{name}/")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A checked configuration with the libraries its channels use."""

    files: ProjectFiles
    configuration: Configuration
    libraries: Mapping[tuple[str, ...], Library]
    """By the overlays on top of the shipped library; that without overlays is always there."""
    code_values: CodeValueFiles = field(default_factory=CodeValueFiles)
    console: ConsoleConfig = field(default_factory=ConsoleConfig)
    _programs: dict[tuple[str, ...], "Program"] = field(default_factory=dict)
    _documents: dict[tuple[str, ...], "DocumentProgram"] = field(default_factory=dict)

    @property
    def revision(self) -> str:
        """What `Receipt.revision` says."""
        return self.configuration.revision

    def program(self, channel: ChannelConfig) -> "Program":
        """The compiled maps of a channel."""
        return self.program_with(channel.transform.overlays)

    def program_with(self, overlays: tuple[str, ...]) -> "Program":
        """The compiled maps under these overlays; compiled once."""
        from engine.mapping.compiler.compiler import compile_library  # intake never compiles

        program = self._programs.get(overlays)
        if program is None:
            program = self._programs[overlays] = compile_library(self.libraries[overlays])
        return program

    def documents(self, channel: ChannelConfig) -> "DocumentProgram":
        """The compiled maps of documents of a channel."""
        return self.documents_with(channel.transform.overlays)

    def documents_with(self, overlays: tuple[str, ...]) -> "DocumentProgram":
        """The compiled maps of documents under these overlays; read and compiled once."""
        from engine.mapping.compiler.documents import compile_documents  # few channels need them

        program = self._documents.get(overlays)
        if program is None:
            library, _ = document_library(self.files, overlays)
            program = self._documents[overlays] = compile_documents(library)
        return program


def read_project(home: Path, environment: str = "") -> ProjectFiles:
    """Read all files of a project.

    Args:
        home: the folder.
        environment: the name of the environment to be in force; "": the only one, or none.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is too large or not UTF-8.
    """
    own = home / TRANSFORMS
    library = own if own.is_dir() else shipped_transforms()
    return ProjectFiles(
        channels=_read_folder(home / CHANNELS, CHANNELS, (".yaml",)),
        transforms=_read_folder(library, TRANSFORMS, (".yaml", ".csv")),
        overlays=_read_folder(home / OVERLAYS, OVERLAYS, (".yaml", ".csv")),
        environments=_read_folder(home / ENVIRONMENTS, ENVIRONMENTS, (".yaml",)),
        console=_read_file(home / CONSOLE_FILE, CONSOLE_FILE),
        environment=environment,
        code_values=_read_folder(
            home / CODE_VALUES, CODE_VALUES, CODE_VALUE_SUFFIXES, CODE_VALUE_BYTES_MAX
        ),
    )


def shipped_transforms() -> Path:
    """The mapping library that comes with the engine: in the wheel, or beside the package."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "library" / TRANSFORMS
    return inside if inside.is_dir() else package.parent / TRANSFORMS


def _read_folder(
    folder: Path, name: str, suffixes: tuple[str, ...], bytes_max: int = FILE_BYTES_MAX
) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix not in suffixes or not file.is_file():
            continue
        relative = f"{name}/{file.relative_to(folder).as_posix()}"
        if file.stat().st_size > bytes_max:
            raise ValueError(f"{relative} is larger than {bytes_max} bytes")
        try:
            found[relative] = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{relative} is not UTF-8 at byte {error.start}") from None
    return found


def _read_file(file: Path, name: str) -> str:
    """The text of a file that need not be there."""
    if not file.is_file():
        return ""
    if file.stat().st_size > FILE_BYTES_MAX:
        raise ValueError(f"{name} is larger than {FILE_BYTES_MAX} bytes")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8 at byte {error.start}") from None


@contextmanager
def uncollected() -> Iterator[None]:
    """Reading maps makes a million objects and no garbage: to look for it costs a quarter.

    What was made is frozen, so that it is not looked through later either; it goes by counts.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()


def check_project(
    files: ProjectFiles, variables: Mapping[str, str] | None = None, *, check_maps: bool = True
) -> tuple[Loaded | None, list[Diagnostic]]:
    """Check everything together.

    Args:
        files: what `read_project` gave.
        variables: variable name to value, for `${env:NAME}`; the process's own by default.
        check_maps: False for a snapshot, whose maps were checked before it was written.

    Returns:
        The configuration (None when anything has an error) and all problems, by file and line.
    """
    with uncollected():
        library, problems = message_library(files)
        if check_maps:
            problems = problems + check_library(library) + _check_documents(files, ())
        code_values, more = read_code_values(files.code_values)
    problems = problems + more
    calls = CallLibrary(files.transforms, files.overlays)
    if check_maps:
        calls.presets()
    libraries: dict[tuple[str, ...], Library] = {(): library}

    def maps_with(overlays: tuple[str, ...]) -> list[str]:
        if overlays not in libraries:
            made, more = _overlaid(library, files, overlays, check_maps=check_maps)
            libraries[overlays] = made
            problems.extend(more)
            if check_maps:
                problems.extend(_check_documents(files, overlays))
        return [one.name for one in libraries[overlays].message_maps()]

    variables = os.environ if variables is None else variables
    environment, more = check_environments(files.environments, variables, files.environment)
    problems = problems + more
    known_calls = (
        None if has_errors(more) else KnownCalls(presets=calls.presets, environment=environment)
    )
    if check_maps:
        problems = problems + check_code_values(code_values, environment)
    configuration, found = check_configuration(
        files.channels,
        variables,
        known_maps=maps_with,
        known_overlays=files.overlay_names(),
        known_calls=known_calls,
    )
    if configuration is not None:
        real = production_credentials(files.environments)
        problems = problems + check_channels(configuration.channels, environment, real)
        problems.extend(check_listed_scopes(configuration.channels, environment))
    if check_maps and configuration is not None:
        problems = problems + check_destinations(code_values, configuration.channels)
    console, more = read_console(files.console, variables)
    problems = problems + calls.problems + found + more
    problems = sorted(dict.fromkeys(problems), key=sort_key)
    if configuration is None or console is None or has_errors(problems):
        return None, problems
    loaded = Loaded(
        files=files,
        configuration=_in_force(configuration, environment, files.revision),
        libraries=libraries,
        code_values=code_values,
        console=console,
    )
    return loaded, problems


def _in_force(
    configuration: Configuration, environment: EnvironmentConfig | None, revision: str
) -> Configuration:
    """The channels as they run in an environment."""
    return Configuration(
        channels=tuple(in_environment(one, environment) for one in configuration.channels),
        revision=revision,
        environment=environment,
    )


def read_channels(
    files: ProjectFiles, variables: Mapping[str, str] | None = None
) -> tuple[Configuration | None, list[Diagnostic]]:
    """The channels alone, for a process that needs no maps; see `check_project`."""
    variables = os.environ if variables is None else variables
    environment, problems = check_environments(files.environments, variables, files.environment)
    configuration, found = check_configuration(files.channels, variables)
    problems = sorted([*problems, *found], key=sort_key)
    if configuration is None or has_errors(problems):
        return None, problems
    whole = Configuration(
        channels=configuration.channels, revision=files.revision, environment=environment
    )
    return whole, problems


def read_environment(
    files: ProjectFiles, variables: Mapping[str, str] | None = None
) -> tuple[EnvironmentConfig | None, list[Diagnostic]]:
    """The environment in force alone; see `check_project`."""
    variables = os.environ if variables is None else variables
    return check_environments(files.environments, variables, files.environment)


def _overlaid(
    library: Library, files: ProjectFiles, names: tuple[str, ...], *, check_maps: bool
) -> tuple[Library, list[Diagnostic]]:
    problems: list[Diagnostic] = []
    for name in names:
        library, more = with_overlays(library, _of_messages(files.overlay(name)))
        problems += more
    if names and check_maps:
        problems += check_library(library)
    return library, problems


def message_library(files: ProjectFiles) -> tuple[Library, list[Diagnostic]]:
    """The maps of messages without overlays, not checked, and what was wrong in reading them."""
    return read_library(_of_messages(files.transforms))


def _is_of_documents(file: str) -> bool:
    """`transforms/cda/...` and `overlays/north/cda/...`: maps and tables of documents."""
    return DOCUMENTS in file.split("/")[1:3]


def _of_messages(files: Mapping[str, str]) -> dict[str, str]:
    return {
        file: text
        for file, text in files.items()
        if not _is_of_documents(file) and not is_of_millennium(file)
    }


def document_library(
    files: ProjectFiles, overlays: tuple[str, ...]
) -> tuple[Library, list[Diagnostic]]:
    """The maps of documents, which share no names with those of messages."""
    own = {file: text for file, text in files.transforms.items() if _is_of_documents(file)}
    library, problems = read_library(own)
    for name in overlays:
        found = {f: text for f, text in files.overlay(name).items() if _is_of_documents(f)}
        library, more = with_overlays(library, found)
        problems = problems + more
    return library, problems


def _check_documents(files: ProjectFiles, overlays: tuple[str, ...]) -> list[Diagnostic]:
    library, problems = document_library(files, overlays)
    return problems + check_library(library)
