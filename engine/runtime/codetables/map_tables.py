"""Rim. Adding a row to a code table of maps: in the site's own library, or in an overlay."""

from collections.abc import Mapping
from pathlib import Path

from engine.diagnostics import Diagnostic
from engine.mapping import terminology
from engine.mapping.library import read_library
from engine.runtime.codetables.adding import Added, NewRow, add_row
from engine.runtime.codetables.lines import Refused, TableShape, text_of
from engine.runtime.codetables.writing import alone
from engine.runtime.configuration import DOCUMENTS, OVERLAYS, TRANSFORMS, ProjectFiles


def add_to_map_table(
    home: Path,
    files: ProjectFiles,
    name: str,
    row: NewRow,
    *,
    overlay: str = "",
    write: bool = True,
) -> Added:
    """Add a row.

    Args:
        home: the project folder.
        files: its files, as read.
        name: the table, such as AdministrativeSex; `cda/Gender` of documents.
        row: the code; the target's system is that of the table where it has but one.
        overlay: the overlay folder, such as `north`; needed where the library is not the site's.
        write: False only says what would be written.

    Raises:
        Refused: there is no such table, the code has a row already, or no file may be written.
        OSError: the file cannot be written.
    """
    shipped = _tables(files.transforms, name)
    folder = overlay.removeprefix(f"{OVERLAYS}/").strip("/")
    inside = _tables(files.overlay(f"{OVERLAYS}/{folder}"), name) if folder else {}
    if not shipped and not inside:
        raise Refused(f'no table is called "{name}"')
    file = _overlay_file(home, inside, folder, name) if folder else _own_file(home, shipped, name)
    with alone(home):
        now = {**shipped, **inside}
        if (home / file).is_file():
            now[file] = text_of(home / file)
        tables = [terminology.read_table(text, other)[0] for other, text in now.items()]
        for table in tables:
            known = table.by_code_and_system.get((row.code, row.system))
            if known is not None:
                raise Refused(f'"{row.code}" has a row already, in {known.file}:{known.line}')
        cells = {
            "source_code": row.code,
            "source_system": row.system,
            "target_code": row.target,
            "target_system": row.target_system or _system_of(tables, row.target),
            "target_display": row.display,
            "comment": row.comment,
        }
        shape = TableShape(file, terminology.COLUMNS, "source_code")
        return add_row(
            home, shape, cells, lambda text: _problems_of(text, file), row.target, write=write
        )


def _tables(files: Mapping[str, str], name: str) -> dict[str, str]:
    """The files of a table; those of documents and of messages share no names."""
    of_documents = name.startswith(f"{DOCUMENTS}/")
    ending = f"/{name.rpartition('/')[2]}.csv"
    return {
        file: text
        for file, text in files.items()
        if file.endswith(ending) and (f"/{DOCUMENTS}/" in file) == of_documents
    }


def _problems_of(text: str, file: str) -> list[Diagnostic]:
    return read_library({file: text})[1]


def _system_of(tables: list[terminology.CodeTable], target: str) -> str:
    """The system of the rows with that target, else of all rows, where it is one."""
    rows = [one for table in tables for one in table.rows if one.target_code]
    alike = [one for one in rows if one.target_code == target] or rows
    systems = sorted({one.target_system for one in alike})
    if len(systems) > 1:
        raise Refused(f"say the target's system with --target-system: {', '.join(systems)}")
    return next(iter(systems), "")


def _overlay_file(home: Path, inside: Mapping[str, str], folder: str, name: str) -> str:
    if Path(folder).name != folder or name.rpartition("/")[0] not in ("", DOCUMENTS):
        raise Refused(f"an overlay is a folder of {OVERLAYS}/, a table has a plain name")
    if not (home / OVERLAYS / folder).is_dir():
        raise Refused(f"there is no overlay folder {OVERLAYS}/{folder}")
    if inside:
        return next(iter(inside))
    kind, _, own = name.rpartition("/")
    return "/".join(part for part in (OVERLAYS, folder, kind, "tables", f"{own}.csv") if part)


def _own_file(home: Path, shipped: Mapping[str, str], name: str) -> str:
    own = [file for file in shipped if (home / file).is_file()]
    if len(own) == 1:
        return own[0]
    if own:
        raise Refused(f"there are {len(own)} tables of that name: {', '.join(own)}")
    raise Refused(
        f"{name} belongs to the library that ships with the engine: name an overlay with --overlay"
        f" (a folder of {OVERLAYS}; {TRANSFORMS} is not the site's)"
    )
