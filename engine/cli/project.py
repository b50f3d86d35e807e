"""Rim. What convert, explain, test and replay share: the project, and the messages of files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.terminal import Exit, fail, note, show_diagnostics

if TYPE_CHECKING:
    from engine.channel.environment import EnvironmentConfig
    from engine.runtime.desk.workbench import Workbench

MESSAGE_SUFFIXES = frozenset({".hl7", ".txt", ".er7", ".msg", ".dat", ".v2", ".xml"})
FILE_BYTES_MAX = 500_000_000


def open_project(home: Path, environment: str = "") -> "Workbench":
    """The checked project; leaves with its problems on stderr when it is not in order."""
    from engine.runtime.desk.workbench import NotInOrder, open_workbench

    try:
        return open_workbench(home, environment)
    except NotInOrder as problem:
        show_diagnostics(problem.diagnostics)
        fail(Exit.USAGE, "the configuration has errors; see engine check")
    except (OSError, ValueError) as problem:
        fail(Exit.ENVIRONMENT, str(problem))


def open_environment(home: Path, name: str) -> "EnvironmentConfig":
    """The checked environment in force; leaves with what is wrong when there is none."""
    from engine.diagnostics import has_errors
    from engine.runtime.configuration import read_environment, read_project

    try:
        files = read_project(home, name)
    except (OSError, ValueError) as problem:
        fail(Exit.ENVIRONMENT, str(problem))
    found, problems = read_environment(files)
    if has_errors(problems):
        show_diagnostics(problems)
        fail(Exit.USAGE, "the environment has errors; see engine check")
    if found is None:
        known = ", ".join(sorted(Path(file).stem for file in files.environments))
        fail(Exit.USAGE, f"name an environment with --env: {known or 'there is none'}")
    return found


def message_files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and those below the folders named, in order of name."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (file for file in sorted(path.rglob("*")) if file.is_file())
            found += [file for file in inside if file.suffix.lower() in MESSAGE_SUFFIXES]
        elif path.is_file():
            found.append(path)
        else:
            fail(Exit.ENVIRONMENT, f"{path} is neither a file nor a folder")
    return found


def kind_of(raw: bytes) -> str:
    """`ADT^A01` of a message, `CDA` of a document."""
    from engine.cda.reader import is_document
    from engine.hl7v2.header import peek

    return "CDA" if is_document(raw) else peek(raw).message_type


def messages_of(file: Path) -> Iterator[bytes]:
    """The messages or the document of a file; without any its bytes, to be diagnosed."""
    from engine.cda.reader import is_document
    from engine.hl7v2.batch import split

    if file.stat().st_size > FILE_BYTES_MAX:
        note(f"{file} is larger than {FILE_BYTES_MAX} bytes and was left out")
        return
    raw = file.read_bytes()
    if is_document(raw):
        yield raw
        return
    yield from split(raw).messages or (raw,)
