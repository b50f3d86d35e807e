"""Rim. The analyst's work list: codes of messages that no table knows.

Diagnostics name no value of a message, so the messages they belong to are processed again here,
by the configuration of now: a code that was mapped since is not listed any more. Two kinds of
tables are looked at: aliases of code values, and the code tables of maps.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from engine.cda.document import elements_at
from engine.cda.nodes import node_code
from engine.codevalues import codes as value_codes
from engine.codevalues.project import CodeValueFiles
from engine.codevalues.resolve import Missing, Outcome
from engine.codevalues.snapshot import Snapshot
from engine.codevalues.targets import fold
from engine.diagnostics import Code, Diagnostic
from engine.hl7v2.path import find, parse_path
from engine.mapping import codes as map_codes
from engine.millennium import codes as call_codes
from engine.pipeline.result import ProcessResult
from engine.pipeline.states import State
from engine.runtime.configuration import DOCUMENTS, Loaded
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.workbench import Workbench
from engine.runtime.intake.document_header import header_of
from engine.store.interface import MessageRow, Search

MESSAGES_MAX = 10_000
MESSAGES_AT_ONCE = 100
ENTRIES_MAX = 5_000
"""Codes told apart; a sender that makes up a code per message must not fill the memory."""
WAITING = frozenset({State.HELD, State.ERROR})
TABLE_CODES: tuple[Code, ...] = (
    map_codes.UNMAPPED_CODE,
    map_codes.HELD_CODE,
    map_codes.STOOD_IN,
)
VALUE_CODES: tuple[Code, ...] = (
    value_codes.CODE_UNMAPPED,
    value_codes.CODE_AMBIGUOUS,
    value_codes.CODE_INACTIVE,
    value_codes.CODE_UNBOUND,
    call_codes.CODE_STOOD_IN,
    call_codes.NO_STANDARD,
)
"""Diagnostics of codes that no table knows."""
_TABLE_NAME = re.compile(r"in table (\S+?);")


@dataclass(frozen=True, slots=True)
class CodeKey:
    """What makes two findings one entry."""

    sender: str
    """MSH-3 and MSH-4."""
    where: str
    """The element or field."""
    table: str
    """`LAB_A/72`, or the name of a map's table; where a row is to be added."""
    code: str
    system: str
    channel: str = ""


@dataclass(slots=True, kw_only=True)
class MissingCode:
    """An entry of the work list."""

    key: CodeKey
    display: str = ""
    outcome: str = Outcome.UNMAPPED.value
    code_set: int = 0
    """0 for a map's table, and where a standard is wanted."""
    count: int = 0
    """Messages."""
    first_seen: float = 0.0
    last_seen: float = 0.0
    last_message_id: int = 0
    message_ids: list[int] = field(default_factory=list)
    """Newest first."""
    waiting_ids: list[int] = field(default_factory=list)
    """Those that did not go through: held, or ended in an error."""
    suggestion: str = ""
    """A target that another sender's table or the snapshot has for the same display."""


@dataclass(slots=True)
class WorkList:
    """All entries, and how far was looked."""

    entries: dict[CodeKey, MissingCode] = field(default_factory=dict)
    looked_at: int = 0
    truncated: bool = False
    """There are messages, or codes, that were not looked at."""

    def in_order(self) -> list[MissingCode]:
        """The most frequent first."""
        return sorted(
            self.entries.values(), key=lambda one: (-one.count, one.key.table, one.key.code)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One code of one message."""

    where: str
    table: str
    code: str
    system: str
    display: str
    outcome: str
    code_set: int = 0


def missing_codes(
    log: MessageLog,
    loaded: Loaded,
    *,
    since: float,
    messages_max: int = MESSAGES_MAX,
    goes_on: Callable[[], bool] = lambda: True,
) -> WorkList:
    """Look through the messages that met a code nobody knows.

    Args:
        log: the message log.
        loaded: the project as it is now.
        since: Unix seconds.
        messages_max: newest first, no more than these.
        goes_on: False ends the look early, asked every hundred messages.
    """
    noted: list[Missing] = []
    bench = Workbench(replace(loaded, code_values=replace(loaded.code_values, noted=noted)))
    found = WorkList()
    wanted = [code.code for code in (*TABLE_CODES, *VALUE_CODES)]
    for rows in _pages(log, Search(codes=tuple(wanted), since=since), messages_max, found):
        if not goes_on():
            found.truncated = True
            break
        raws = log.raw([row.message_id for row in rows])
        for row in rows:
            raw = raws.get(row.message_id)
            if raw is None or row.state is None:
                continue
            noted.clear()
            channel = loaded.configuration.channel(row.channel)
            result = bench.convert(raw, channel.name if channel is not None else None).result
            header = header_of(raw)
            sender = "|".join(name for name in (header.field(3), header.field(4)) if name)
            listed = [*map(_of_value, noted), *_of_tables(result)]
            _add(found, row, sender, dict.fromkeys(listed))
    _suggest(found, loaded.code_values)
    return found


def _pages(
    log: MessageLog, query: Search, messages_max: int, found: WorkList
) -> Iterator[list[MessageRow]]:
    before: int | None = None
    while found.looked_at < messages_max:
        limit = min(MESSAGES_AT_ONCE, messages_max - found.looked_at)
        rows = log.search(replace(query, limit=limit, before_message_id=before))
        if rows:
            found.looked_at += len(rows)
            before = rows[-1].message_id
            yield rows
        if len(rows) < limit:
            return
    found.truncated = True


def _of_value(missing: Missing) -> _Found:
    table = f"{missing.contributor_source}/{missing.code_set}"
    if not missing.code_set:
        table = f"standard ({', '.join(missing.targets)})"
    return _Found(
        where=missing.element,
        table=table,
        code=missing.code,
        system=missing.system,
        display=missing.display,
        outcome=missing.outcome.value,
        code_set=missing.code_set,
    )


def _of_tables(result: ProcessResult) -> Iterator[_Found]:
    """Codes without a row in the tables of maps: read where the diagnostic points."""
    known = {code.code for code in TABLE_CODES}
    for problem in result.diagnostics:
        match = _TABLE_NAME.search(problem.message) if problem.code in known else None
        if match is None:
            continue
        code, display, system = _coding_at(result, problem)
        yield _Found(
            where=_field(problem.place.path or ""),
            table=match[1] if result.document is None else f"{DOCUMENTS}/{match[1]}",
            code=code,
            system=system,
            display=display,
            outcome=Outcome.UNMAPPED.value,
        )


def _coding_at(result: ProcessResult, problem: Diagnostic) -> tuple[str, str, str]:
    """Code, display and system at the place of a problem, empty where it cannot be read."""
    where = problem.place.path or ""
    if result.document is not None:
        nodes = elements_at(result.document, where)
        parts = node_code(nodes[0]) if nodes else []
        return (*parts, "", "", "")[0], (*parts, "", "", "")[1], (*parts, "", "", "")[2]
    path, _ = parse_path(where)
    if path is None or result.message is None:
        return "", "", ""
    leaves = [leaf for leaf in find(result.message, path) if leaf.subcomponent == 1]
    texts = {leaf.component: leaf.text for leaf in reversed(leaves)}
    if path.component is not None:
        return texts.get(path.component, ""), "", ""
    if texts.get(1):
        return texts[1], texts.get(2, ""), texts.get(3, "")
    return texts.get(4, ""), texts.get(5, ""), texts.get(6, "")


def _field(path: str) -> str:
    """A field without the numbers of segments and repetitions: `OBX-3`."""
    return re.sub(r"\[[^\]]*\]", "", path)


def _add(found: WorkList, row: MessageRow, sender: str, listed: Iterable[_Found]) -> None:
    for one in listed:
        key = CodeKey(sender, one.where, one.table, one.code, one.system, row.channel)
        entry = found.entries.get(key)
        if entry is None:
            if len(found.entries) >= ENTRIES_MAX:
                found.truncated = True
                continue
            entry = found.entries[key] = MissingCode(key=key, first_seen=row.received_at)
            entry.code_set, entry.outcome = one.code_set, one.outcome
        entry.count += 1
        entry.message_ids.append(row.message_id)
        if row.state in WAITING or any(state in WAITING for _, state in row.deliveries):
            entry.waiting_ids.append(row.message_id)
        entry.display = entry.display or one.display
        entry.first_seen = min(entry.first_seen, row.received_at)
        if row.received_at >= entry.last_seen:
            entry.last_seen, entry.last_message_id = row.received_at, row.message_id


def _suggest(found: WorkList, values: CodeValueFiles) -> None:
    by_display = _targets_by_display(values)
    for entry in found.entries.values():
        if entry.code_set and entry.outcome == Outcome.UNMAPPED:
            entry.suggestion = _suggestion(entry, values, by_display)


def _targets_by_display(values: CodeValueFiles) -> Mapping[tuple[int, str], set[str]]:
    """(code set, display folded) -> the targets that the site's tables give it."""
    known: dict[tuple[int, str], set[str]] = {}
    for table in values.aliases.values():
        for row in table.rows:
            if row.display:
                known.setdefault((table.code_set, fold(row.display)), set()).add(str(row.target))
    return known


def _suggestion(
    entry: MissingCode,
    values: CodeValueFiles,
    by_display: Mapping[tuple[int, str], set[str]],
) -> str:
    """The one target that another table or a snapshot has for the display; "" when not one."""
    if not entry.display:
        return ""
    known = by_display.get((entry.code_set, fold(entry.display)), set())
    if len(known) == 1:
        return next(iter(known))
    if known:
        return ""
    named = {_named(snapshot, entry) for snapshot in values.snapshots.values()} - {""}
    return next(iter(named)) if len(named) == 1 else ""


def _named(snapshot: Snapshot, entry: MissingCode) -> str:
    found = snapshot.called(entry.display, entry.code_set)
    target = snapshot.portable(found[0]) if len(found) == 1 else None
    return str(target) if target is not None else ""
