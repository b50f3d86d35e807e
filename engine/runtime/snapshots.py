"""Rim. Checked configurations kept in the data directory.

`engine serve` checks once and writes what it checked here; every process loads it from here. So all
run the same configuration, and a process that is started again does not pick up a half-edited file.

```
configuration/
  current                      the revision in force
  <revision>.json              the texts of a revision, code values apart
  <revision>.texts             SHA-256 of each file of code values
  proposed/<revision>.json     for dry runs, and its .texts
  texts/<SHA-256>              a file of code values, once for all revisions that have it
```
A table of code values may have 50 MB and seldom changes, while configurations do every day.
"""

import hashlib
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from engine.runtime.configuration import ProjectFiles

SNAPSHOTS_KEPT = 50
"""Of earlier configurations, for looking up what a message ran on."""
PROPOSED_KEPT = 5
UNUSED_SECONDS = 3600.0
"""A text that nothing names stays so long: another process may be about to name it."""
_CURRENT = "current"
_PROPOSED = "proposed"
_TEXTS = "texts"
_REVISION = re.compile(r"[0-9a-f]{12}")


class Snapshots:
    """Checked configurations in the data directory.

    Args:
        folder: where they are, such as `.engine/configuration`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, files: ProjectFiles) -> str:
        """Keep a checked configuration and make it the current one; its revision. Raises
        OSError."""
        self._keep(self._folder, files, SNAPSHOTS_KEPT)
        _write(self._folder / _CURRENT, files.revision.encode("ascii"))
        return files.revision

    def history(self) -> list[tuple[str, float]]:
        """(revision, Unix time it was last brought into force), the newest first."""
        files = [(file.stem, file.stat().st_mtime) for file in self._folder.glob("*.json")]
        return sorted(files, key=lambda one: one[1], reverse=True)

    def difference(self, before: str, after: str) -> list[str]:
        """Names of the files that differ between two revisions. Raises OSError."""
        return differences(self.read(before), self.read(after))

    def current(self) -> ProjectFiles:
        """The configuration in force. Raises OSError when there is none."""
        return self.read((self._folder / _CURRENT).read_text(encoding="ascii"))

    def read(self, revision: str) -> ProjectFiles:
        """The files of a revision that was in force. Raises OSError when it is not kept."""
        return self._read(self._folder, revision)

    def holds(self, revision: str) -> bool:
        """True when a revision that was in force is kept."""
        return any(revision == known for known, _ in self.history())

    def propose(self, files: ProjectFiles) -> str:
        """Keep a configuration for dry runs, apart from those in force; its revision.

        Raises OSError.
        """
        self._keep(self._folder / _PROPOSED, files, PROPOSED_KEPT)
        return files.revision

    def for_dry_run(self, revision: str) -> ProjectFiles:
        """The files of a revision that was in force or proposed. Raises OSError."""
        try:
            return self.read(revision)
        except FileNotFoundError:
            return self._read(self._folder / _PROPOSED, revision)

    def _keep(self, folder: Path, files: ProjectFiles, count: int) -> None:
        """Keep a configuration in a folder, and the newest `count` there."""
        folder.mkdir(parents=True, exist_ok=True)
        texts = {name: text.encode() for name, text in files.code_values.items()}
        named = {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
        # What is named is not thrown away; only what is whole is found.
        _write(folder / f"{files.revision}.texts", msgspec.json.encode(named))
        for name, digest in named.items():
            self._keep_text(digest, texts[name])
        content = msgspec.json.encode(replace(files, code_values={}))
        _write(folder / f"{files.revision}.json", content)
        kept = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in kept[:-count]:
            file.unlink(missing_ok=True)
            file.with_suffix(".texts").unlink(missing_ok=True)
        self._forget_texts()

    def _keep_text(self, digest: str, text: bytes) -> None:
        file = self._folder / _TEXTS / digest
        if file.is_file() and file.stat().st_size == len(text):
            file.touch()
            return
        file.parent.mkdir(exist_ok=True, parents=True)
        _write(file, text)

    def _forget_texts(self) -> None:
        """Throw away what no kept configuration names."""
        named: set[str] = set()
        for folder in (self._folder, self._folder / _PROPOSED):
            for file in folder.glob("*.texts"):
                with suppress(FileNotFoundError):
                    named.update(_named(file).values())
        young = time.time() - UNUSED_SECONDS
        for file in (self._folder / _TEXTS).glob("*"):
            with suppress(FileNotFoundError):
                if file.name not in named and file.stat().st_mtime < young:
                    file.unlink()

    def _read(self, folder: Path, revision: str) -> ProjectFiles:
        if _REVISION.fullmatch(revision) is None:
            raise FileNotFoundError(f"{revision[:40]!r} is no revision")  # nor a way elsewhere
        content = (folder / f"{revision}.json").read_bytes()
        found = msgspec.json.decode(content, type=ProjectFiles)
        apart = folder / f"{revision}.texts"
        if not apart.is_file():
            return found  # kept by an engine that had all in one file
        texts = {
            name: (self._folder / _TEXTS / digest).read_bytes().decode()
            for name, digest in _named(apart).items()
        }
        return replace(found, code_values=texts)


def differences(old: ProjectFiles, new: ProjectFiles) -> list[str]:
    """Names of the files that differ."""
    names: list[str] = []
    for field_name in ProjectFiles.__slots__:
        one, other = getattr(old, field_name), getattr(new, field_name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            names += [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return sorted(names)


def _named(file: Path) -> dict[str, str]:
    """File name to SHA-256 of its text."""
    return msgspec.json.decode(file.read_bytes(), type=dict[str, str])


def _write(file: Path, content: bytes) -> None:
    aside = file.with_name(file.name + ".tmp")
    aside.write_bytes(content)
    aside.replace(file)
