"""Rim. Finding messages: every query is driven by an index and stops at its page.

A search becomes one or more *branches*. A branch starts from the rarest condition given (a key, a
state that is rarely so, a code, a job, a channel and type) through an index that yields message
ids in order, checks the other conditions message by message, and stops at the page's size. The
branches' pages are merged. Without any rare condition the newest messages are read until the page
is full.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    text,
)

from engine.pipeline.states import Origin, State, Verdict
from engine.store.compression import Compression
from engine.store.database import Database, Transaction
from engine.store.interface import MessageRow, Search
from engine.store.ledger_schema import LEDGER_WAITS
from engine.store.schema import (
    DELIVERIES,
    DELIVERIES_PER_RUN,
    MESSAGES,
    NOTABLE_MESSAGE,
    RARE_DELIVERY,
    RARE_RUN,
    RUNS,
    SEARCH_KEYS,
)
from engine.store.state.id_carriers import CANDIDATES_MAX, HIGHEST_ID, carriers
from engine.store.state.search_keys import (
    CODE,
    CONTROL_ID,
    GENERATIONS_AT_ONCE,
    Generation,
    generations,
    has_key,
    in_generations,
    is_fresh,
    some_generations,
)
from engine.store.state.search_pairs import pairs
from engine.store.state.search_rows import message_rows
from engine.store.state.search_times import id_bounds, time_conditions

LIMIT_MAX = 10_000
IDS_AT_ONCE = 16
"""Of one part of a branch, at least."""

_M = MESSAGES.c
_RARE_RUN = text(f"runs.{RARE_RUN}")
_NOTABLE_MESSAGE = text(f"messages.{NOTABLE_MESSAGE}")
_RARE_DELIVERY = text(f"deliveries.{RARE_DELIVERY}")
_RARE_RUN_STATES = frozenset(
    {State.FILTERED, State.ERROR, State.HELD, State.CANCELLED, State.PARKED}
)
_RARE_DELIVERY_STATES = frozenset({State.ERROR, State.HELD, State.UNKNOWN, State.CANCELLED})
_OPEN_STATES = frozenset({State.RECEIVED, State.TRANSFORMED, State.QUEUED, State.PENDING})
_Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """Where a branch begins."""

    where: _Condition
    order: ColumnElement[Any]
    """What yields message ids, in order."""
    each: Sequence[Mapping[str, Any]] = ({},)
    """What `where` leaves open: the branch is asked once with each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeyStart:
    """A branch that begins at a search key: one part per generation of keys."""

    values: tuple[str, ...]
    kind: str | None


def search(database: Database, compression: Compression, query: Search) -> list[MessageRow]:
    """The messages that meet every condition, a page of them; see `interface.Search`."""
    with database.reading() as transaction:
        return message_rows(transaction, _found(transaction, compression, query))


def search_ids(database: Database, compression: Compression, query: Search) -> list[int]:
    """Their ids alone."""
    with database.reading() as transaction:
        return _found(transaction, compression, query)


def _found(transaction: Transaction, compression: Compression, query: Search) -> list[int]:
    found: set[int] = set()
    if query.carried_ids:
        query = _with_carriers(transaction, compression, query)
        if not query.message_ids:
            return []
    plain = _plain_conditions(transaction, query)
    keys = _key_conditions(query)
    for start in _starts(transaction, query):
        if isinstance(start, _KeyStart):
            others = [condition for key, condition in keys.items() if key != start]
            found |= _ids_of_key(transaction, query, start, [*plain, *others])
        else:
            found |= _ids(transaction, query, start, [*plain, *keys.values()])
    return _first(query, found)


def _with_carriers(transaction: Transaction, compression: Compression, query: Search) -> Search:
    """The query with the messages that carry every id in place of the ids."""
    bounds = id_bounds(transaction, query)
    wanted = set(query.message_ids)
    for wanted_id in query.carried_ids:
        found = set(carriers(transaction, compression, wanted_id, bounds, CANDIDATES_MAX))
        wanted = wanted & found if wanted else found
        if not wanted:
            break
    return replace(query, message_ids=tuple(sorted(wanted)), carried_ids=())


def _key_conditions(query: Search) -> dict[_KeyStart, _Condition]:
    """The conditions on keys, by the start that makes each needless."""
    keys = [_KeyStart(values=(value,), kind=kind) for kind, value in _keys(query)]
    if query.codes:
        keys.append(_KeyStart(values=query.codes, kind=CODE))
    return {key: has_key(key.values, key.kind) for key in keys}


def _first(query: Search, found: set[int]) -> list[int]:
    """The page's ids among those found, in order."""
    return sorted(found, reverse=not query.oldest_first)[: _limit(query)]


def _ids(
    transaction: Transaction, query: Search, start: _Start, conditions: list[_Condition]
) -> set[int]:
    """A page of a branch.

    Where it is asked in parts, each part gives a few ids at a time, and goes on only while it can
    add to the page: ten thousand ids would be read for five hundred of twenty channels else.
    """
    ask = transaction.prepare(_page(query, start, conditions))
    limit = _limit(query)
    step = limit if len(start.each) == 1 else max(IDS_AT_ONCE, 2 * limit // len(start.each))
    found: set[int] = set()
    left = [({**part, "id_limit": step}, _beginning(query)) for part in start.each]
    while left:
        going_on = []
        for values, behind in left:
            rows = ask({**values, "id_behind": behind})
            found.update(row[0] for row in rows)
            if len(rows) == step:
                going_on.append((values, rows[-1][0]))
        page = _first(query, found)
        end = _rank(query, page[-1]) if len(page) == limit else None
        left = [one for one in going_on if end is None or _rank(query, one[1]) < end]
    return found


def _ids_of_key(
    transaction: Transaction, query: Search, key: _KeyStart, conditions: list[_Condition]
) -> set[int]:
    """A page of messages with a key: fresh keys, then generations in the order of the page.

    More generations are asked at each step, until those left cannot add to the page: a key that
    every message has ends the search at once, a rare one takes a few steps.
    """
    fresh = _Start(where=is_fresh(key.values, key.kind), order=_M.message_id)
    found = _ids(transaction, query, fresh, conditions)
    left = sorted(generations(transaction), key=lambda found: _nearest(query, found))
    start = _start_at(SEARCH_KEYS.c.message_id, in_generations(key.values, key.kind))
    ask = transaction.prepare(_page(query, start, conditions)) if left else None
    step = 1
    while left and ask is not None:
        page = _first(query, found)
        if len(page) == _limit(query) and _rank(query, page[-1]) <= _nearest(query, left[0]):
            break
        numbers = [generation for generation, _, _ in left[:step]]
        found.update(row[0] for row in ask(some_generations(numbers)))
        left, step = left[step:], min(step * 4, GENERATIONS_AT_ONCE)
    return found


def _rank(query: Search, message_id: int) -> int:
    """Lower comes first on the page."""
    return message_id if query.oldest_first else -message_id


def _nearest(query: Search, generation: Generation) -> int:
    """The best rank that a message of the generation can have."""
    _, first, last = generation
    return _rank(query, first if query.oldest_first else last)


def _limit(query: Search) -> int:
    return max(0, min(query.limit, LIMIT_MAX))


def _beginning(query: Search) -> int:
    """What the ids of the page come behind."""
    if query.before_message_id is not None:
        return query.before_message_id
    return -1 if query.oldest_first else HIGHEST_ID


def _page(query: Search, start: _Start, conditions: list[_Condition]) -> Select[Any]:
    order = start.order
    behind: BindParameter[int] = bindparam("id_behind", _beginning(query))
    is_behind = order > behind if query.oldest_first else order < behind
    ordered = order.asc() if query.oldest_first else order.desc()
    page = select(order).where(and_(start.where, *conditions, is_behind)).distinct()
    return page.order_by(ordered).limit(bindparam("id_limit", _limit(query)))


def _starts(transaction: Transaction, query: Search) -> list[_Start | _KeyStart]:
    """One start per branch, from the rarest condition that the query has."""
    keys = _keys(query)
    if query.message_ids:
        return [_Start(where=_M.message_id.in_(query.message_ids), order=_M.message_id)]
    if keys:
        kind, value = keys[0]
        return [_KeyStart(values=(value,), kind=kind)]
    if query.job_id is not None:
        return [_start_at(RUNS.c.message_id, RUNS.c.job_id == query.job_id)]
    if query.origins and Origin.RECEIVED not in query.origins:
        return [_start_at(RUNS.c.message_id, RUNS.c.job_id.is_not(None))]
    rare = State.SENT not in query.states and Verdict.NEW not in query.verdicts
    if rare and (query.states or query.verdicts):
        return [*_starts_at_states(query.states), *_starts_at_verdicts(query.verdicts)]
    if query.codes:
        return [_KeyStart(values=query.codes, kind=CODE)]
    known_pairs = pairs(transaction, query)
    if known_pairs is None:
        return [_Start(where=_M.message_id > 0, order=_M.message_id)]
    own = and_(
        _M.channel == bindparam("own_channel", ""), _M.message_type == bindparam("own_type", "")
    )
    each = [{"own_channel": channel, "own_type": kind} for channel, kind in known_pairs]
    return [_Start(where=own, order=_M.message_id, each=each)] if each else []


def _start_at(column: ColumnElement[Any], where: _Condition) -> _Start:
    return _Start(where=and_(column == _M.message_id, where), order=column)


def _starts_at_states(states: Sequence[State]) -> list[_Start | _KeyStart]:
    starts: list[_Start | _KeyStart] = [
        _start_at(RUNS.c.message_id, and_(RUNS.c.state == state.value, _RARE_RUN))
        for state in states
        if state in _RARE_RUN_STATES
    ]
    starts += [
        _start_at(DELIVERIES.c.message_id, and_(DELIVERIES.c.state == state.value, _RARE_DELIVERY))
        for state in states
        if state in _RARE_DELIVERY_STATES
    ]
    if State.PARKED in states:
        starts.append(_start_at(LEDGER_WAITS.c.message_id, LEDGER_WAITS.c.message_id > 0))
    if any(state in _OPEN_STATES for state in states):
        # runs in work are few; without the sum SQLite reads all runs, because they come in order
        found = and_(RUNS.c.message_id == _M.message_id, RUNS.c.open == 1)
        starts.append(_Start(where=found, order=RUNS.c.message_id + 0))
    return starts


def _starts_at_verdicts(verdicts: Sequence[Verdict]) -> list[_Start]:
    return [
        _Start(where=and_(_M.verdict == verdict.value, _NOTABLE_MESSAGE), order=_M.message_id)
        for verdict in verdicts
    ]


def _keys(query: Search) -> list[tuple[str | None, str]]:
    control_id: list[tuple[str | None, str]] = []
    if query.control_id is not None:
        control_id.append((CONTROL_ID, query.control_id))
    return [*control_id, *query.keys]


def _is_in_job(job_id: int) -> _Condition:
    run = RUNS.alias()
    return exists().where(run.c.job_id == job_id, run.c.message_id == _M.message_id)


def _plain_conditions(transaction: Transaction, query: Search) -> list[_Condition]:
    found = [*time_conditions(transaction, query), *_state_conditions(query)]
    if query.job_id is not None:
        found.append(_is_in_job(query.job_id))
    if query.channels:
        found.append(_M.channel.in_(query.channels))
    if query.message_types:
        found.append(or_(*(_is_type(kind) for kind in query.message_types)))
    if query.message_ids:
        found.append(_M.message_id.in_(query.message_ids))
    return found


def _is_type(kind: str) -> _Condition:
    """`ADT^A01` exactly; `ADT` with any event."""
    if "^" in kind:
        return _M.message_type == kind
    begin = f"{kind}^"
    return or_(_M.message_type == kind, func.substr(_M.message_type, 1, len(begin)) == begin)


def _state_conditions(query: Search) -> list[_Condition]:
    """Conditions on the latest run of the message, on that run's deliveries, and the verdict."""
    verdict = _M.verdict.in_([verdict.value for verdict in query.verdicts])
    if not query.states and not query.destinations and not query.origins:
        return [verdict] if query.verdicts else []
    run, other = RUNS.alias(), RUNS.alias()
    latest = (
        select(func.max(other.c.run_id))
        .where(other.c.message_id == _M.message_id)
        .correlate(MESSAGES)
        .scalar_subquery()
    )
    first = run.c.run_id * DELIVERIES_PER_RUN
    delivery = [
        DELIVERIES_OF_RUN.c.delivery_id >= first,
        DELIVERIES_OF_RUN.c.delivery_id < first + DELIVERIES_PER_RUN,
    ]
    states = [state.value for state in query.states]
    if query.destinations:
        delivery.append(DELIVERIES_OF_RUN.c.destination.in_(query.destinations))
    if states:
        delivery.append(DELIVERIES_OF_RUN.c.state.in_(states))
    of_run: list[_Condition] = [run.c.run_id == latest]
    if query.origins:
        of_run.append(run.c.origin.in_([origin.value for origin in query.origins]))
    if states and not query.destinations:
        of_run.append(or_(run.c.state.in_(states), exists().where(*delivery)))
    elif states or query.destinations:
        of_run.append(exists().where(*delivery))
    by_run: _Condition = exists().where(*of_run)
    if not query.verdicts:
        return [by_run]
    return [or_(by_run, verdict)] if states else [by_run, verdict]


DELIVERIES_OF_RUN = DELIVERIES.alias("own")
