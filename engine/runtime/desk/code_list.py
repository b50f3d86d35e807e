"""Rim. The work list of codes for a person: what no table knows, masked, and the rows that end it.

A code may be a patient's (an answer in OBX-5), so it stands in no address: a line is known by a
keyed hash. Codes of code sets and of fields that the policy shows are seen by everybody who may see
contents; others only without masks.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from engine.runtime.codetables.adding import Added, NewRow
from engine.runtime.codetables.any_table import add_to_table, is_alias_table
from engine.runtime.codetables.lines import Refused
from engine.runtime.codetables.look import Look
from engine.runtime.codetables.missing import MissingCode
from engine.runtime.codetables.unread import UnreadField
from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.masking import HIDDEN, MaskingPolicy
from engine.runtime.desk.project_folder import FolderUnknown, ProjectFolder, table_difference
from engine.runtime.desk.replays import ReplayOptions, draft, set_options
from engine.runtime.desk.rights import Right, Viewer

STANDARD = "standard ("
"""How the table of a code begins that wants a standard, not a row of the site's tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLine:
    """A code of a sender that no table knows."""

    line_id: str
    """In its address."""
    entry: MissingCode
    code: str
    """Hidden where the viewer may not see it."""
    display: str
    hidden: bool
    kind: str
    """alias, table, or standard: no row of a table ends it."""
    related: tuple[int, ...]
    """Messages, of all senders, that the same row ends it for."""
    waiting: tuple[int, ...]
    """Those of them that did not go through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkListView:
    """What the page shows of a look."""

    codes: tuple[CodeLine, ...] = ()
    fields: tuple[UnreadField, ...] = ()
    looked_at: int | None = None
    """Messages, of all channels: not told to who is kept to some."""
    fields_looked_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWish:
    """What a person wants written."""

    target: str
    alias_meaning: str = ""
    any_system: bool = False
    """The row is for the code whatever its system says."""
    display: str = ""
    target_system: str = ""
    comment: str = ""
    overlay: str = ""
    unchecked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRow:
    """What would be written."""

    added: Added
    lines: tuple[str, ...]
    """The difference of the file."""
    digest: str
    """Of what was shown: writing asks for it again."""


def work_list(desk: Desk, viewer: Viewer, look: Look, policy: MaskingPolicy) -> WorkListView:
    """The codes and fields of a look within the viewer's channels, the most frequent first.

    Args:
        desk: the store; that values were shown without masks is recorded.
        viewer: who asks. Raises NotAllowed without SEE_MESSAGES.
        look: what was found.
        policy: which fields are shown.
    """
    viewer.require(Right.SEE_MESSAGES)
    seen = [one for one in look.codes if viewer.sees(one.key.channel)]
    related: dict[tuple[str, str, str], list[MissingCode]] = {}
    for one in seen:
        related.setdefault(_row_key(one), []).append(one)
    key = desk.key()
    lines = tuple(_line(one, related[_row_key(one)], viewer, policy, key) for one in seen)
    if viewer.unmasked and any(not _is_shown(one, policy) for one in seen):
        record(desk, viewer, Act.VIEW, subject="codes without a row")
    whole = viewer.channels is None
    return WorkListView(
        codes=lines,
        fields=tuple(one for one in look.fields if viewer.sees(one.channel)),
        looked_at=look.looked_at if whole else None,
        fields_looked_at=look.fields_looked_at if whole else None,
    )


def _row_key(one: MissingCode) -> tuple[str, str, str]:
    return one.key.table, one.key.code, one.key.system


def _line(
    one: MissingCode,
    related: Sequence[MissingCode],
    viewer: Viewer,
    policy: MaskingPolicy,
    key: bytes,
) -> CodeLine:
    shown = viewer.unmasked or (viewer.may(Right.SEE_BODIES) and _is_shown(one, policy))
    parts = (one.key.sender, one.key.where, *_row_key(one), one.key.channel)
    known = hmac.digest(key, b"code " + "\0".join(parts).encode("utf-8", "replace"), "sha256")
    kind = "alias" if is_alias_table(one.key.table) else "table"
    if one.key.table.startswith(STANDARD) or not one.key.code:
        kind = "standard"
    return CodeLine(
        line_id=known.hex()[:20],
        entry=one,
        code=one.key.code if shown else HIDDEN,
        display=one.display if shown else HIDDEN if one.display else "",
        hidden=not shown,
        kind=kind,
        related=tuple(sorted({number for each in related for number in each.message_ids})),
        waiting=tuple(sorted({number for each in related for number in each.waiting_ids})),
    )


def _is_shown(one: MissingCode, policy: MaskingPolicy) -> bool:
    return bool(one.code_set) or policy.shows(one.key.where)


def code_line(view: WorkListView, line_id: str) -> CodeLine | None:
    """The line of an address, or None when it is not on the list any more."""
    return next((one for one in view.codes if one.line_id == line_id), None)


def plan_row(viewer: Viewer, folder: ProjectFolder, line: CodeLine, wish: RowWish) -> PlannedRow:
    """What writing a row would change; nothing is written.

    Raises:
        NotAllowed: without DEPLOY.
        Refused: the row may not be so, or the viewer does not see the code.
        FolderUnknown: no node runs here.
    """
    viewer.require(Right.DEPLOY)
    added = _add(folder, line, wish, write=False)
    lines = table_difference(added.before, added.after)
    return PlannedRow(added=added, lines=lines, digest=_digest(added))


def write_row(
    desk: Desk,
    viewer: Viewer,
    folder: ProjectFolder,
    line: CodeLine,
    wish: RowWish,
    expected: str,
) -> Added:
    """Write the row that was shown into the project folder; it is not in force by that.

    Args:
        desk: where it is recorded, before it is written.
        viewer: who writes.
        folder: of the project.
        line: the code.
        wish: the row.
        expected: digest of what was shown.

    Raises:
        NotAllowed: without DEPLOY.
        Refused: it may not be so, or something else than was shown would be written.
        FolderUnknown: no node runs here.
        OSError: the file cannot be written.
    """
    planned = plan_row(viewer, folder, line, wish)
    if planned.digest != expected:
        raise Refused("something else would be written than was shown: look at it again")
    added = planned.added
    details = {"file": added.file, "target": added.target, "table": line.entry.key.table}
    record(desk, viewer, Act.DEPLOY, subject="row of a table", details=details)
    return _add(folder, line, wish, write=True)


def _add(folder: ProjectFolder, line: CodeLine, wish: RowWish, *, write: bool) -> Added:
    if line.hidden:
        raise Refused("the code is hidden: show values of patients first, with a reason")
    if line.kind == "standard":
        raise Refused("no row of a table ends this one")
    row = NewRow(
        code=line.entry.key.code,
        target=wish.target.strip(),
        system="" if wish.any_system else line.entry.key.system,
        alias_meaning=wish.alias_meaning.strip(),
        display=wish.display.strip(),
        target_system=wish.target_system.strip(),
        comment=wish.comment.strip(),
    )
    try:
        return add_to_table(
            folder.tables(),
            line.entry.key.table,
            row,
            overlay=wish.overlay.strip(),
            unchecked=wish.unchecked,
            write=write,
        )
    except OSError as problem:
        raise FolderUnknown(f"the table cannot be used: {problem.strerror}") from None


def _digest(added: Added) -> str:
    return hashlib.sha256(f"{added.file}\0{added.text}".encode()).hexdigest()[:20]


def dry_run(
    desk: Desk, viewer: Viewer, folder: ProjectFolder, line: CodeLine, *, every: bool
) -> int:
    """Draft a replay of a code's messages under the project folder as it is; its number.

    Args:
        desk: the store.
        viewer: who asks.
        folder: of the project; kept as a proposed configuration for the preview.
        line: the code.
        every: all its messages; False: those that did not go through.

    Raises:
        NotAllowed: without REPLAY, or BULK for many.
        ReplayRefused: there is none.
        FolderUnknown: no node runs here.
    """
    viewer.require(Right.REPLAY)
    ids = line.related if every else line.waiting
    job_id = draft(desk, viewer, ids, source="codes without a row")
    try:
        revision = folder.propose()
    except OSError as problem:
        raise FolderUnknown(f"the configuration cannot be kept: {problem.strerror}") from None
    set_options(desk, viewer, job_id, ReplayOptions(configuration=revision))
    return job_id
