"""Rim. The times of a search as message ids: `minutes` knows the first and last of each minute."""

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, select

from engine.store.database import Transaction
from engine.store.interface import Search
from engine.store.schema import MESSAGES, MINUTES
from engine.store.state.id_carriers import HIGHEST_ID
from engine.store.state.tally import SECONDS_PER_MINUTE

_M = MESSAGES.c


def time_conditions(transaction: Transaction, query: Search) -> list[ColumnElement[bool]]:
    """The times themselves, and the ids that `minutes` knows for them, which bound the read.

    The ids are read once, not by every branch of the search.
    """
    if query.since is None and query.until is None:
        return []
    found: list[ColumnElement[bool]] = []
    first, last = id_bounds(transaction, query)
    if query.since is not None:
        found += [_M.received_at >= query.since, _M.message_id >= first]
    if query.until is not None:
        found += [_M.received_at < query.until, _M.message_id <= last]
    return found


def id_bounds(transaction: Transaction, query: Search) -> tuple[int, int]:
    """The lowest and highest id that messages of the query's time and page can have."""
    lowest, highest = 0, HIGHEST_ID
    bounds = _minute_bounds(query)
    if query.since is not None:
        ((first,),) = transaction.prepare(select(bounds[0]))({})
        lowest = HIGHEST_ID if first is None else first
    if query.until is not None:
        ((last,),) = transaction.prepare(select(bounds[1]))({})
        highest = 0 if last is None else last
    if query.before_message_id is not None and query.oldest_first:
        lowest = max(lowest, query.before_message_id + 1)
    elif query.before_message_id is not None:
        highest = min(highest, query.before_message_id - 1)
    return lowest, highest


def _minute_bounds(query: Search) -> tuple[ScalarSelect[Any], ScalarSelect[Any]]:
    """The first message of the minute of `since`, the last of that of `until`."""
    first = select(func.min(MINUTES.c.first_message_id))
    last = select(func.max(MINUTES.c.last_message_id))
    return (
        first.where(MINUTES.c.minute >= _minute(query.since or 0.0)).scalar_subquery(),
        last.where(MINUTES.c.minute <= _minute(query.until or 0.0)).scalar_subquery(),
    )


def _minute(at: float) -> int:
    return int(at) // SECONDS_PER_MINUTE * SECONDS_PER_MINUTE
