"""Rim. Adding a row to a table of aliases; what adding to other tables shares.

One line is put in where the order of codes wants it, and nothing else of the file changes. The file
is read again as the engine would before it takes the place of the old one; what would be ambiguous,
or name nothing in the snapshot, is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.codevalues import aliases
from engine.codevalues.project import CodeValueFiles
from engine.codevalues.resolve import alias_file
from engine.codevalues.snapshot import NUMBER, Snapshot
from engine.codevalues.targets import Target, parse_target
from engine.diagnostics import Diagnostic, has_errors, render
from engine.runtime.codetables.lines import Refused, TableShape, insert, text_of
from engine.runtime.codetables.writing import alone, write_text


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
    before: str = field(default="", repr=False)
    """The file as it was, and as it is, line ends as \\n; empty before: it is begun."""
    after: str = field(default="", repr=False)


def add_alias(
    home: Path,
    values: CodeValueFiles,
    table: tuple[str, int],
    row: NewRow,
    *,
    snapshots: Sequence[Snapshot],
    unchecked: bool = False,
    write: bool = True,
) -> Added:
    """Add an alias.

    Args:
        home: the project folder.
        values: its code values, as read.
        table: contributor source and code set.
        row: the alias; the target may be a code value of one of the snapshots.
        snapshots: those in force; the target must name one active value in each.
        unchecked: write the row though a snapshot lacks the target.
        write: False only says what would be written.

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
    with alone(home):
        now, _ = aliases.read_aliases(text_of(home / file), file, known)
        _not_there(now, row, known.canonical(row.system), target)
        return add_row(home, shape, cells, problems_of, str(target), write=write)


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


def _not_there(
    table: aliases.AliasTable | None, row: NewRow, canonical: str, target: Target
) -> None:
    for one in table.rows if table is not None else ():
        if one.key != (row.code, canonical, row.alias_meaning):
            continue
        if one.target == target:
            raise Refused(f'"{row.code}" is there already, in line {one.line}')
        raise Refused(
            f'"{row.code}" is mapped already, to {one.target} in line {one.line}: change that row, '
            "or tell the two apart with --system or --meaning"
        )


def add_row(
    home: Path,
    shape: TableShape,
    cells: Mapping[str, str],
    problems_of: Callable[[str], list[Diagnostic]],
    target: str,
    *,
    write: bool = True,
) -> Added:
    """Put the line in, read the file again, and write it; the caller is `alone`.

    Raises Refused when the file then has an error it had not before, and OSError.
    """
    made = insert(home, shape, [cells])
    known = {(one.code, one.message) for one in problems_of(made.before)}
    for problem in problems_of(made.text):
        if has_errors((problem,)) and (problem.code, problem.message) not in known:
            raise Refused(render(problem, made.text.split("\n")))
    began = not (home / shape.file).exists()
    if write:
        write_text(home / shape.file, made.written)
    ((line, text),) = made.lines
    return Added(
        file=shape.file,
        line=line,
        text=text,
        target=target,
        before="" if began else made.before,
        after=made.text,
    )
