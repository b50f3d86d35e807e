"""Rim. Looking for what no index knows: messages are read and parsed, newest first, up to a bound.

The candidates are those that meet the rest of the query; when a bound ends the search, it says how
far it came and where to go on, so that nobody takes "not found so far" for "not there".
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.runtime.desk.field_conditions import meets
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.search_query import Query
from engine.store.interface import MessageRow

MESSAGES_MAX = 20_000
SECONDS_MAX = 2.0
MESSAGES_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What was found, and how far was looked."""

    rows: tuple[MessageRow, ...]
    looked_at: int
    complete: bool
    """False: there are candidates that were not looked at."""
    last: MessageRow | None
    """The last one looked at: go on behind it."""


def scan(log: MessageLog, query: Query, *, clock: Callable[[], float] = time.monotonic) -> Scanned:
    """The messages that meet the whole query, at most `query.search.limit`.

    Args:
        log: where.
        query: what is looked for.
        clock: seconds, for the bound in time.
    """
    end = clock() + SECONDS_MAX
    found: list[MessageRow] = []
    last: MessageRow | None = None
    looked_at = 0
    page = replace(query.search, limit=MESSAGES_AT_ONCE)
    while True:
        rows = log.search(page)
        raw = log.raw([row.message_id for row in rows])
        for row in rows:
            last = row
            looked_at += 1
            own = raw.get(row.message_id)
            if own is not None and meets(own, query.fields, query.texts):
                found.append(row)
                if len(found) == query.search.limit:
                    return _scanned(found, looked_at, last, complete=False)
        if len(rows) < MESSAGES_AT_ONCE:
            return _scanned(found, looked_at, last, complete=True)
        if looked_at >= MESSAGES_MAX or clock() >= end:
            return _scanned(found, looked_at, last, complete=False)
        page = replace(page, before_message_id=rows[-1].message_id)


def _scanned(
    found: list[MessageRow], looked_at: int, last: MessageRow | None, *, complete: bool
) -> Scanned:
    return Scanned(rows=tuple(found), looked_at=looked_at, complete=complete, last=last)
