"""Rim. Adding a row to a table: of aliases, of a standard, or of a map.

One line is put in where the order of codes wants it, and nothing else of the file changes. The file
is read again as the engine would before it takes the place of the old one; what would be ambiguous,
or name nothing in the snapshot, is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.codevalues import aliases
from engine.codevalues.project import CodeValueFiles
from engine.codevalues.resolve import alias_file
from engine.codevalues.snapshot import NUMBER, Snapshot
from engine.codevalues.targets import Target, parse_target
from engine.diagnostics import Diagnostic, has_errors, render
from engine.mapping import terminology
from engine.mapping.library import read_library
from engine.runtime.codetables.lines import Refused, TableShape, insert
from engine.runtime.codetables.writing import write_text
from engine.runtime.configuration import OVERLAYS, TRANSFORMS, ProjectFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """What is to be added."""

    code: str
    target: str
    system: str = ""
    alias_meaning: str = ""
    display: str = ""
    """Of an alias the sender's, of a map's table the target's."""
    target_system: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What was written."""

    file: str
    line: int
    text: str
    """The line."""
    target: str
    """As written: a code value was made portable."""


def add_alias(
    home: Path,
    values: CodeValueFiles,
    table: tuple[str, int],
    row: NewRow,
    *,
    snapshots: Sequence[Snapshot],
    unchecked: bool = False,
) -> Added:
    """Add an alias.

    Args:
        home: the project folder.
        values: its code values, as read.
        table: contributor source and code set.
        row: the alias; the target may be a code value of one of the snapshots.
        snapshots: those in force; the target must name one active value in each.
        unchecked: write the row though a snapshot lacks the target.

    Raises:
        Refused: it would be ambiguous, is there already, or names nothing usable.
        OSError: the file cannot be written.
    """
    source, code_set = table
    file = alias_file(source, code_set)
    if aliases.FILE.fullmatch(file) is None:
        raise Refused(f'"{source}" is no name of a contributor source: letters, digits, _ . -')
    target = _portable(row.target, code_set, snapshots)
    warnings = [] if unchecked else _unusable(target, code_set, snapshots)
    if warnings:
        raise Refused("; ".join(warnings) + " (--unchecked writes it all the same)")
    _not_there(values, table, row, target)
    cells = {
        "alias": row.code,
        "system": row.system,
        "alias_meaning": row.alias_meaning,
        "target": str(target),
        "display": row.display,
        "comment": row.comment,
    }
    known = values.registry

    def problems_of(text: str) -> list[Diagnostic]:
        return aliases.read_aliases(text, file, known)[1]

    shape = TableShape(file, aliases.COLUMNS, "alias")
    return _add(home, shape, cells, problems_of, str(target))


def _portable(text: str, code_set: int, snapshots: Sequence[Snapshot]) -> Target:
    """The target, of a code value its most durable portable name."""
    target = parse_target(text)
    if target is not None:
        return target
    if not NUMBER.fullmatch(text):
        raise Refused(
            f'"{text}" is no target: write cki:, concept_cki:, meaning: or display: and the key, '
            "or a code value of the snapshot"
        )
    for snapshot in snapshots:
        value = snapshot.value(text)
        if value is not None and value.code_set == code_set:
            portable = snapshot.portable(value)
            if portable is None:
                raise Refused(f"the code value {text} is inactive, or shares all its names")
            return portable
    raise Refused(f"no snapshot has the code value {text} in code set {code_set}")


def _unusable(target: Target, code_set: int, snapshots: Sequence[Snapshot]) -> list[str]:
    found: list[str] = []
    for snapshot in snapshots:
        rows = snapshot.named(target, code_set)
        active = sum(one.active for one in rows)
        if active == 1:
            continue
        what = f"{active} active code values" if active else "nothing that is active"
        elsewhere = [one for one in snapshot.code_sets if snapshot.named(target, one)]
        hint = f"; code set {elsewhere[0]} has it" if not rows and elsewhere else ""
        found.append(
            f"{target} names {what} of code set {code_set} in the snapshot {snapshot.name}{hint}"
        )
    return found


def _not_there(values: CodeValueFiles, table: tuple[str, int], row: NewRow, target: Target) -> None:
    found = values.aliases.get(table)
    canonical = values.registry.canonical(row.system)
    for one in found.rows if found is not None else ():
        if one.key != (row.code, canonical, row.alias_meaning):
            continue
        if one.target == target:
            raise Refused(f'"{row.code}" is there already, in line {one.line}')
        raise Refused(
            f'"{row.code}" is mapped already, to {one.target} in line {one.line}: change that row, '
            "or tell the two apart with --system or --meaning"
        )


def add_to_map_table(
    home: Path, files: ProjectFiles, name: str, row: NewRow, *, overlay: str = ""
) -> Added:
    """Add a row to a code table of maps: in the site's own library, or in an overlay.

    Args:
        home: the project folder.
        files: its files, as read.
        name: the table, such as AdministrativeSex.
        row: the code; the target's system is that of the table where it has but one.
        overlay: the overlay folder, such as `north`; needed where the library is not the site's.

    Raises:
        Refused: there is no such table, the code has a row already, or no file may be written.
        OSError: the file cannot be written.
    """
    found = {
        file: text
        for file, text in {**files.transforms, **files.overlays}.items()
        if file.endswith(f"/{name}.csv")
    }
    if not found:
        raise Refused(f'no table is called "{name}"')
    file = _file_of_map_table(home, found, name, overlay)
    tables = [terminology.read_table(text, other)[0] for other, text in found.items()]
    for table in tables:
        known = table.by_code_and_system.get((row.code, row.system))
        if known is not None:
            raise Refused(f'"{row.code}" has a row already, in {known.file}:{known.line}')
    rows = [one for table in tables for one in table.rows if one.target_code]
    alike = [one for one in rows if one.target_code == row.target] or rows
    systems = sorted({one.target_system for one in alike})
    if not row.target_system and len(systems) > 1:
        raise Refused(f"say the target's system with --target-system: {', '.join(systems)}")
    system = row.target_system or next(iter(systems), "")
    cells = {
        "source_code": row.code,
        "source_system": row.system,
        "target_code": row.target,
        "target_system": system,
        "target_display": row.display,
        "comment": row.comment,
    }

    def problems_of(text: str) -> list[Diagnostic]:
        return read_library({file: text})[1]

    shape = TableShape(file, terminology.COLUMNS, "source_code")
    return _add(home, shape, cells, problems_of, row.target)


def _file_of_map_table(home: Path, found: Mapping[str, str], name: str, overlay: str) -> str:
    if overlay:
        folder = overlay.removeprefix(f"{OVERLAYS}/").strip("/")
        if not (home / OVERLAYS / folder).is_dir():
            raise Refused(f"there is no overlay folder {OVERLAYS}/{folder}")
        prefix = f"{OVERLAYS}/{folder}/"
        own = [file for file in found if file.startswith(prefix)]
        of_documents = all("/cda/" in file for file in found)
        return own[0] if own else f"{prefix}{'cda/' if of_documents else ''}tables/{name}.csv"
    own = [file for file in found if file.startswith(f"{TRANSFORMS}/") and (home / file).is_file()]
    if len(own) == 1:
        return own[0]
    if own:
        raise Refused(f"there are {len(own)} tables of that name: {', '.join(own)}")
    raise Refused(
        f"{name} belongs to the library that ships with the engine: name an overlay with --overlay"
    )


def _add(
    home: Path,
    shape: TableShape,
    cells: Mapping[str, str],
    problems_of: Callable[[str], list[Diagnostic]],
    target: str,
) -> Added:
    """Put the line in, read the file again, and write it."""
    made = insert(home, shape, [cells])
    known = {(one.code, one.message) for one in problems_of(made.before)}
    for problem in problems_of(made.text):
        if has_errors((problem,)) and (problem.code, problem.message) not in known:
            raise Refused(render(problem, made.text.split("\n")))
    write_text(home / shape.file, made.written)
    ((line, text),) = made.lines
    return Added(file=shape.file, line=line, text=text, target=target)
