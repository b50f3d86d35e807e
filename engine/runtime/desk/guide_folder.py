"""Rim. The tables of HL7's v2-to-FHIR guide in a folder."""

from pathlib import Path

from engine.diagnostics import Diagnostic, Place
from engine.mapping.codes import GUIDE_FILE, GUIDE_FOLDER
from engine.mapping.guide.guide_tables import FOLDERS, GuideMap, read_guide_map

FILES_MAX = 2_000
FILE_BYTES_MAX = 5_000_000


def read_guide(folder: Path) -> tuple[list[GuideMap], list[Diagnostic]]:
    """Read all tables below a folder.

    Args:
        folder: the guide's `mappings`, with `messages`, `segments`, `datatypes` and `codesystems`;
            some of them may be absent.

    Returns:
        The guide's maps by kind and name, and what could not be read. Raises OSError.
    """
    found: list[GuideMap] = []
    problems: list[Diagnostic] = []
    present = [name for name in FOLDERS if (folder / name).is_dir()]
    if not present:
        problem = f"it has none of the folders {', '.join(FOLDERS)}"
        return [], [GUIDE_FOLDER(Place(file=str(folder)), problem=problem)]
    for name in present:
        files = sorted((folder / name).glob("*.csv"))
        if len(files) > FILES_MAX:
            problem = f"{name} has more than {FILES_MAX} files"
            return [], [GUIDE_FOLDER(Place(file=str(folder)), problem=problem)]
        for file in files:
            text = _text(file, problems)
            if text is not None:
                made, faults = read_guide_map(text, str(file), FOLDERS[name])
                problems.extend(faults)
                found += [made] if made is not None else []
    return found, problems


def _text(file: Path, problems: list[Diagnostic]) -> str | None:
    if file.stat().st_size > FILE_BYTES_MAX:
        problem = f"it is larger than {FILE_BYTES_MAX} bytes"
        problems.append(GUIDE_FILE(Place(file=str(file)), problem=problem))
        return None
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        problem = f"it is not UTF-8 at byte {fault.start}"
        problems.append(GUIDE_FILE(Place(file=str(file)), problem=problem))
        return None
