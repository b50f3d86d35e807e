"""Rim. The search box: whatever is typed or pasted, the messages it means, a page of them.

What a person may not search by is refused, channels beyond the scope are left out, and every
search is recorded with its terms hashed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from engine.runtime.desk.audit import PATIENT_KEYS, Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.facets import Facet, facets_of
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.pasted import Pasted, is_message_of, recognise
from engine.runtime.desk.result_lines import ResultLine, result_lines
from engine.runtime.desk.rights import Right, Viewer
from engine.runtime.desk.scanning import scan
from engine.runtime.desk.search_query import Query, QueryError, read_query
from engine.store.interface import MessageRow, Search

PAGE_ROWS = 50
WINDOW_ROWS = 500
"""Facets are counted over so many of the newest messages found."""
NOT_BY_PATIENT = (
    "Only control ids and message numbers were looked up: you may not search by patient."
)
BY_CARRIED_ID = "No key is this; an id in what was sent or answered is."
BY_NUMBER = "No key is this; a message has this number."
EXACTLY = "This very message was received."
SAME_CONTROL_ID = "No message is exactly this; these have its control id."
NO_CONTROL_ID = "A pasted message is found by its control id, and this one has none."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for."""

    text: str = field(default="", repr=False)
    """Typed or pasted."""
    filters: Search = field(default_factory=Search)
    """What was chosen beside it: channels, types, states, destinations, codes, origins, times."""
    before: int | None = None
    """The page behind this message."""
    rows: int = PAGE_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of what was found."""

    lines: tuple[ResultLine, ...]
    next_before: int | None
    """Where the next page begins; None: there is none."""
    notes: tuple[str, ...] = ()
    """What has to be said about the search, in order."""
    facets: tuple[Facet, ...] = ()
    counted: int = 0
    """Messages the facets are counted over."""
    is_all: bool = True
    """Those are all there are."""
    only: int | None = None
    """The message, where one thing was asked for and one was found."""


def find(desk: Desk, viewer: Viewer, wanted: Wanted, kinds: Collection[str] | None = None) -> Found:
    """Search.

    Args:
        desk: the store.
        viewer: who asks.
        wanted: what for.
        kinds: the kinds of search keys that the channels declare.

    Raises:
        QueryError: the text cannot be read.
        NotAllowed: it asks for a patient and the viewer may not; or nothing may be seen at all.
        StoreUnavailable: nothing was found out.
    """
    viewer.require(Right.SEE_MESSAGES)
    pasted = recognise(wanted.text)
    if pasted.message and not pasted.control_id:
        raise QueryError(NO_CONTROL_ID)
    query = _query(desk, viewer, wanted, pasted, kinds)
    record_search(desk, viewer, wanted.text, query)
    search = scoped(query.search, viewer)
    if search is None:
        return Found(lines=(), next_before=None)
    query = replace(query, search=search)
    if query.reads_messages:
        page = _scanned_page(desk, query, wanted)
    else:
        with desk.searching() as log:
            page = _page(log, viewer, query, wanted, pasted)
    with desk.log() as log:
        lines = result_lines(desk, log, viewer, page.rows)
    if viewer.unmasked and lines:
        record(desk, viewer, Act.VIEW, subject="search", patients=[one.mrn for one in lines])
    return replace(page.found, lines=tuple(lines))


def neighbours(
    desk: Desk,
    viewer: Viewer,
    wanted: Wanted,
    message_id: int,
    kinds: Collection[str] | None = None,
) -> tuple[int | None, int | None]:
    """The message before and after one in the result of a search: (newer, older).

    Raises:
        QueryError, NotAllowed, StoreUnavailable: as `find`.
    """
    viewer.require(Right.SEE_MESSAGES)
    query = _query(desk, viewer, wanted, recognise(wanted.text), kinds)
    search = scoped(replace(query.search, before_message_id=message_id, limit=1), viewer)
    if search is None:
        return None, None
    newer = _first_id(desk, replace(query, search=replace(search, oldest_first=True)))
    return newer, _first_id(desk, replace(query, search=search))


def _first_id(desk: Desk, query: Query) -> int | None:
    if query.reads_messages:
        found = [row.message_id for row in scan(desk.searching, query).rows]
    else:
        with desk.searching() as log:
            found = log.search_ids(query.search)
    return found[0] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    rows: Sequence[MessageRow]
    found: Found


def _query(
    desk: Desk, viewer: Viewer, wanted: Wanted, pasted: Pasted, kinds: Collection[str] | None
) -> Query:
    """The text and what was chosen beside it as one query that the viewer may ask."""
    if pasted.message:
        query = Query(search=Search(control_id=pasted.control_id))
    elif pasted.carried_id:
        ids = (pasted.carried_id,)
        query = Query(search=Search(carried_ids=ids), resource_ids=ids)
    else:
        query = read_query(wanted.text, now=desk.clock(), kinds=kinds)
    if query.asks_for_person:
        viewer.require(Right.SEARCH_PATIENT)
    return replace(query, search=_both(query.search, wanted.filters))


def _both(asked: Search, chosen: Search) -> Search:
    """What is asked for and what was chosen; of one kind of condition, what was chosen."""
    return replace(
        asked,
        channels=chosen.channels or asked.channels,
        message_types=chosen.message_types or asked.message_types,
        states=chosen.states or asked.states,
        destinations=chosen.destinations or asked.destinations,
        codes=chosen.codes or asked.codes,
        origins=chosen.origins or asked.origins,
        verdicts=chosen.verdicts or asked.verdicts,
        job_id=chosen.job_id if chosen.job_id is not None else asked.job_id,
        since=chosen.since if chosen.since is not None else asked.since,
        until=chosen.until if chosen.until is not None else asked.until,
    )


def scoped(search: Search, viewer: Viewer) -> Search | None:
    """The search within the viewer's channels; None when none of them is asked for."""
    if viewer.channels is None:
        return search
    within = [name for name in search.channels or sorted(viewer.channels) if viewer.sees(name)]
    return replace(search, channels=tuple(within)) if within else None


def record_search(desk: Desk, viewer: Viewer, text: str, query: Query) -> None:
    """Record a search before anything is found; asking for nothing but the newest is none."""
    if not text.strip():
        return
    patients = [value for kind, value in query.search.keys if kind is None or kind in PATIENT_KEYS]
    record(
        desk,
        viewer,
        Act.SEARCH,
        patients=patients,
        details={"search_hash": desk.patient_hash(text)},
    )


def _page(log: MessageLog, viewer: Viewer, query: Query, wanted: Wanted, pasted: Pasted) -> _Page:
    one_thing = bool(pasted.message or pasted.carried_id or len(query.words) == 1)
    query, notes = _as_allowed(query, viewer)
    window = _window(log, query)
    if not window:
        query, window, more = _otherwise(log, query, viewer)
        notes += more
    if pasted.message:
        window, more = _exactly(log, window, pasted)
        notes += more
    rows: Sequence[MessageRow] = window
    if wanted.before is not None:
        rows = log.search(_from(query, wanted.before, wanted.rows + 1).search)
    found = Found(
        lines=(),
        next_before=rows[wanted.rows - 1].message_id if len(rows) > wanted.rows else None,
        notes=tuple(notes),
        facets=facets_of(window),
        counted=len(window),
        is_all=len(window) < WINDOW_ROWS,
        only=window[0].message_id if one_thing and len(window) == 1 else None,
    )
    return _Page(rows=rows[: wanted.rows], found=found)


def _as_allowed(query: Query, viewer: Viewer) -> tuple[Query, list[str]]:
    """Bare words mean any key only to those who may search by patient."""
    words = query.words
    if not words or viewer.may(Right.SEARCH_PATIENT):
        return query, []
    search = replace(query.search, keys=(), control_id=words[0])
    return replace(query, search=search), [NOT_BY_PATIENT]


def _otherwise(
    log: MessageLog, query: Query, viewer: Viewer
) -> tuple[Query, list[MessageRow], list[str]]:
    """What else a single word may be: an id that was sent or answered, a message's number."""
    words = query.words or ((query.search.control_id,) if query.search.control_id else ())
    if len(words) != 1 or not words[0]:
        return query, [], []
    (word,) = words
    plain = replace(query.search, keys=(), control_id=None)
    others: list[tuple[Search, str]] = []
    if viewer.may(Right.SEARCH_PATIENT) and len(word) > 2:
        others.append((replace(plain, carried_ids=(word,)), BY_CARRIED_ID))
    if word.isascii() and word.isdigit() and len(word) < 19:
        others.append((replace(plain, message_ids=(int(word),)), BY_NUMBER))
    for search, note in others:
        other = replace(query, search=search)
        if window := _window(log, other):
            return other, window, [note]
    return query, [], []


def _exactly(
    log: MessageLog, rows: list[MessageRow], pasted: Pasted
) -> tuple[list[MessageRow], list[str]]:
    """Those of some messages that are the pasted one, where any is."""
    raw = log.raw([row.message_id for row in rows])
    same = [
        row
        for row in rows
        if row.message_id in raw and is_message_of(pasted.message, raw[row.message_id])
    ]
    if same:
        return same, [EXACTLY]
    return rows, [SAME_CONTROL_ID] if rows else []


def _window(log: MessageLog, query: Query) -> list[MessageRow]:
    return log.search(_from(query, None, WINDOW_ROWS).search)


def _from(query: Query, before: int | None, limit: int) -> Query:
    return replace(query, search=replace(query.search, before_message_id=before, limit=limit))


def _scanned_page(desk: Desk, query: Query, wanted: Wanted) -> _Page:
    """A page of what only the messages know: how far was looked is said."""
    scanned = scan(desk.searching, _from(query, wanted.before, wanted.rows))
    notes: list[str] = []
    if not scanned.complete:
        notes.append(
            f"{scanned.looked_at:,} messages were looked into, newest first; there are more."
            " Narrow the search by time, channel or type, or go on with the next page."
        )
    found = Found(
        lines=(),
        next_before=None if scanned.complete else scanned.last,
        notes=tuple(notes),
        facets=facets_of(scanned.rows),
        counted=len(scanned.rows),
        is_all=scanned.complete,
    )
    return _Page(rows=scanned.rows, found=found)
