"""Rim. Looking for what no index knows: messages are read and parsed, newest first, up to a bound.

The candidates are those that meet the rest of the query; when a bound ends the search, it says how
far it came and where to go on, so that nobody takes "not found so far" for "not there".
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from engine.runtime.desk.field_conditions import meets
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.search_query import Query
from engine.store.interface import MessageRow, Search

MESSAGES_MAX = 20_000
SECONDS_MAX = 2.0
MESSAGES_AT_ONCE = 100
"""At first; each further part is twice as large, up to eight times."""
PART_GROWTH_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What was found, and how far was looked."""

    rows: tuple[MessageRow, ...]
    looked_at: int
    complete: bool
    """False: there are candidates that were not looked at."""
    last: int | None
    """The last one looked at: go on behind it."""


def scan(
    turn: Callable[[], AbstractContextManager[MessageLog]],
    query: Query,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Scanned:
    """The messages that meet the whole query, at most `query.search.limit`.

    Args:
        turn: lends the message log for one part of the search; in between others have theirs.
        query: what is looked for.
        clock: seconds, for the bound in time.
    """
    end = clock() + SECONDS_MAX
    wanted = query.search.limit
    found: list[int] = []
    rows: list[MessageRow] = []
    last: int | None = None
    looked_at = 0
    part = replace(query.search, limit=MESSAGES_AT_ONCE)
    while True:
        with turn() as log:
            ids = log.search_ids(part)
            raw = log.raw(ids)
            here: list[int] = []
            for message_id in ids:
                last = message_id
                looked_at += 1
                own = raw.get(message_id)
                if own is not None and meets(own, query.fields, query.texts):
                    here.append(message_id)
                    if len(found) + len(here) == wanted:
                        break
            found += here
            rows += _rows(log, query.search, here)
        complete = len(ids) < part.limit and len(found) < wanted
        enough = len(found) == wanted or looked_at >= MESSAGES_MAX or clock() >= end
        if complete or enough:
            return Scanned(rows=tuple(rows), looked_at=looked_at, complete=complete, last=last)
        limit = min(part.limit * 2, MESSAGES_AT_ONCE * PART_GROWTH_MAX, MESSAGES_MAX - looked_at)
        part = replace(part, before_message_id=last, limit=limit)


def _rows(log: MessageLog, search: Search, message_ids: list[int]) -> list[MessageRow]:
    """The rows of what was found in one part."""
    if not message_ids:
        return []
    return log.search(
        Search(
            message_ids=tuple(message_ids),
            oldest_first=search.oldest_first,
            limit=len(message_ids),
        )
    )
