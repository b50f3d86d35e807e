"""Rim. The Millennium calls of a project: those that ship, and a site's overlays on top of them."""

from collections.abc import Mapping, Sequence

from engine.diagnostics import Diagnostic
from engine.millennium.calls.model import Presets
from engine.millennium.calls.reader import read_presets

FOLDER = "millennium"
"""In `transforms` and in every overlay."""


def is_of_millennium(file: str) -> bool:
    """`transforms/millennium/...` and `overlays/north/millennium/...`."""
    return FOLDER in file.split("/")[1:3]


class CallLibrary:
    """The calls for each set of overlays, read once when they are first asked for.

    Args:
        transforms: file name to text of the library.
        overlays: the same of all overlays.
    """

    def __init__(self, transforms: Mapping[str, str], overlays: Mapping[str, str]) -> None:
        self.problems: list[Diagnostic] = []
        self._transforms = transforms
        self._overlays = overlays
        self._read: dict[tuple[str, ...], Presets] = {}

    def presets(self, overlays: Sequence[str] = ()) -> Presets:
        """The calls under these overlays; what is wrong in them is added to `problems`."""
        names = tuple(overlays)
        found = self._read.get(names)
        if found is None:
            base = self.presets(names[:-1]) if names else None
            listed = self._of_overlay(names[-1]) if names else self._transforms
            files = {file: text for file, text in listed.items() if is_of_millennium(file)}
            found, problems = read_presets(files, base)
            self.problems.extend(problems)
            self._read[names] = found
        return found

    def _of_overlay(self, name: str) -> dict[str, str]:
        start = f"{name.rstrip('/')}/"
        return {file: text for file, text in self._overlays.items() if file.startswith(start)}
