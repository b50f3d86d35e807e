"""Rim. A thread: all messages of one patient, visit or order, across channels and destinations, in
the order in which things happened.

A message is *late* when something that happened after it was received before it. It is *superseded*
when a later message of its kind tells the same again: an order's or document's next version, the
next update of a person or visit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.runtime.desk.audit import PATIENT_KEYS, Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.result_lines import ResultLine, result_lines
from engine.runtime.desk.rights import Right, Viewer
from engine.store.interface import MessageFacts, MessageRow, Search

MESSAGES_MAX = 500
KEYS_MAX = 20
SUBJECTS: Mapping[str, frozenset[str]] = {
    "patient": PATIENT_KEYS,
    "visit": frozenset({"visit", "account"}),
    "order": frozenset({"order", "accession", "document", "set", "related"}),
}
"""What a thread is about, and the kinds of search keys that say so."""
_SNAPSHOT_EVENTS = frozenset({"ADT^A08", "ADT^A31", "ADT^A28", "ADT^A05"})
"""They tell the present state of a person or visit as a whole."""
_OF_ORDERS = SUBJECTS["order"] - {"related"}

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadLine:
    """One message of a thread."""

    line: ResultLine
    happened_at: float
    """By the message; when received, where it does not say."""
    is_late: bool
    superseded_by: int | None
    """The first message that tells the same again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """Messages in the order in which things happened."""

    subject: str
    lines: tuple[ThreadLine, ...]
    is_all: bool
    """False: there are more; the newest are shown."""
    keys: tuple[Key, ...] = field(repr=False, default=())


def thread(desk: Desk, viewer: Viewer, message_id: int, subject: str) -> Thread | None:
    """The thread that a message belongs to.

    Args:
        desk: the store.
        viewer: who asks. Raises NotAllowed without SEARCH_PATIENT.
        message_id: the message.
        subject: `patient`, `visit` or `order`.

    Returns:
        None when there is no such message within the viewer's channels. A thread without keys when
        the message names none.

    Raises:
        KeyError: there is no such subject.
    """
    viewer.require(Right.SEE_MESSAGES, Right.SEARCH_PATIENT)
    kinds = SUBJECTS[subject]
    with desk.log() as log:
        own = log.search(Search(message_ids=(message_id,)))
        if not own or not viewer.sees(own[0].channel):
            return None
        facts = log.facts([message_id]).get(message_id)
    keys = tuple(key for key in (facts.search_keys if facts else ()) if key[0] in kinds)[:KEYS_MAX]
    patients = [value for kind, value in keys if kind in PATIENT_KEYS]
    record(desk, viewer, Act.SEARCH, message_id=message_id, patients=patients, subject=subject)
    with desk.searching() as log:
        rows, is_all = _rows(log.search, viewer, keys, own[0])
        known = log.facts([row.message_id for row in rows])
        lines = result_lines(desk, log, viewer, rows)
    return Thread(subject=subject, lines=_in_order(lines, known), is_all=is_all, keys=keys)


def _rows(
    search: Callable[[Search], list[MessageRow]],
    viewer: Viewer,
    keys: Sequence[Key],
    own: MessageRow,
) -> tuple[list[MessageRow], bool]:
    """The newest messages with any of the keys, and whether those are all."""
    found = {own.message_id: own}
    is_all = True
    for key in keys:
        scope = tuple(sorted(viewer.channels)) if viewer.channels is not None else ()
        rows = search(Search(keys=(key,), channels=scope, limit=MESSAGES_MAX))
        is_all = is_all and len(rows) < MESSAGES_MAX
        found.update((row.message_id, row) for row in rows)
    newest = sorted(found.values(), key=lambda row: -row.message_id)[:MESSAGES_MAX]
    return newest, is_all and len(found) <= MESSAGES_MAX


def _in_order(
    lines: Sequence[ResultLine], facts: Mapping[int, MessageFacts]
) -> tuple[ThreadLine, ...]:
    """The lines by when things happened, with what is late and what was told again."""
    ordered = sorted(lines, key=lambda line: (_happened(line.row, facts), line.row.message_id))
    told = _told_again(ordered, facts)
    received_before = _first_received_after(ordered)
    return tuple(
        ThreadLine(
            line=line,
            happened_at=_happened(line.row, facts),
            is_late=received_before[at] < line.row.message_id,
            superseded_by=told.get(line.row.message_id),
        )
        for at, line in enumerate(ordered)
    )


def _happened(row: MessageRow, facts: Mapping[int, MessageFacts]) -> float:
    known = facts.get(row.message_id)
    at = known.event_at if known is not None else None
    return row.received_at if at is None else at


def _first_received_after(ordered: Sequence[ResultLine]) -> list[int]:
    """For each line, the lowest message id among those that happened after it."""
    found: list[int] = []
    lowest = 1 << 62
    for line in reversed(ordered):
        found.append(lowest)
        lowest = min(lowest, line.row.message_id)
    return found[::-1]


def _told_again(ordered: Sequence[ResultLine], facts: Mapping[int, MessageFacts]) -> dict[int, int]:
    """Message id to the first later message that tells the same again."""
    found: dict[int, int] = {}
    newest: dict[tuple[str, str, Key], int] = {}
    for line in reversed(ordered):
        row = line.row
        about = [(row.channel, kind, key) for kind, key in _about(row, facts.get(row.message_id))]
        if row.state is None:
            continue
        later = [newest.get(one) for one in about]
        if about and all(one is not None for one in later):
            found[row.message_id] = min(one for one in later if one is not None)
        newest.update((one, row.message_id) for one in about)
    return found


def _about(row: MessageRow, facts: MessageFacts | None) -> list[tuple[str, Key]]:
    """(kind of message, key) of everything that a message tells as a whole."""
    keys = facts.search_keys if facts is not None else ()
    if row.message_type in _SNAPSHOT_EVENTS:
        visits = [key for key in keys if key[0] == "visit"]
        patients = [key for key in keys if key[0] in PATIENT_KEYS]
        return [(row.message_type, key) for key in visits or patients[:1]]
    kind = row.message_type.partition("^")[0]
    return [(kind, key) for key in keys if key[0] in _OF_ORDERS] if kind != "ADT" else []
