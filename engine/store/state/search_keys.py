"""Rim. The index of search keys, kept so that writing it costs the same at any size.

Keys are random: put into one big index, each dirties a page of its own, and a turn of 50 messages
writes more than a megabyte. So new keys are appended to `fresh_keys`, and now and then all of them
are moved, sorted, into `search_keys` as a new *generation*: an append at the end of the tree. A
search looks once into each generation and reads the fresh keys, of which there are few.
"""

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, exists, or_, select

from engine.store.database import AMONG, Database, Ids, Row, Transaction
from engine.store.interface import StoreUnavailable
from engine.store.schema import FRESH_KEYS, FRESH_MARKS, KEY_GENERATIONS, MESSAGES, SEARCH_KEYS
from engine.store.state.id_marks import move_marks
from engine.store.state.statements import INSERT_KEY

CONTROL_ID = "control id"
"""The kind of the search key that every message with a control id has."""
CODE = "code"
"""The kind of the search key of a diagnostic or failure code."""
KEY_MAX = 200
"""Characters of a search key's value: PostgreSQL cannot index long ones. Searches cut too."""
KEYS_PER_GENERATION = 20_000
VALUES_PER_READ = 100
GENERATIONS_AT_ONCE = 64
NO_GENERATION = -1

_SOME = tuple(f"generation_{number}" for number in range(GENERATIONS_AT_ONCE))

Key = tuple[str, str, int]
"""(value, kind, message_id)."""
Generation = tuple[int, int, int]
"""(generation, first message_id, last message_id)."""

_COUNT = "SELECT count(*), min(message_id), max(message_id) FROM fresh_keys"
_BEGIN = (
    "INSERT INTO key_generations (first_message_id, last_message_id) VALUES (?, ?)"
    " RETURNING generation"
)
_MOVE = (
    "INSERT INTO search_keys (generation, value, kind, message_id)"
    " SELECT DISTINCT ?, value, kind, message_id FROM fresh_keys"
    " ORDER BY value, kind, message_id"
)
_KEEP = (
    "INSERT INTO fresh_keys (value, kind, message_id) SELECT value, kind, message_id"
    f" FROM search_keys WHERE generation = ? AND message_id {AMONG}"
)
_LATER = (
    "SELECT k.value, k.kind, k.message_id FROM key_generations g CROSS JOIN search_keys k"
    " WHERE g.last_message_id > ? AND k.generation = g.generation AND k.value IN ({values})"
    " AND k.message_id > ? UNION ALL SELECT value, kind, message_id FROM fresh_keys"
    " WHERE value IN ({values}) AND message_id > ?"
)
"""The fresh keys are read once, however many values are looked for."""
_NEWEST = (
    "SELECT k.message_id FROM key_generations g CROSS JOIN search_keys k"
    " WHERE k.generation = g.generation AND k.value = ? AND k.kind = ?"
    " UNION SELECT message_id FROM fresh_keys WHERE value = ? AND kind = ?"
    " ORDER BY message_id DESC LIMIT ?"
)


def add_keys(transaction: Transaction, keys: Sequence[Key]) -> None:
    """Append keys; the same one may be there already."""
    transaction.write_many(INSERT_KEY, [(key[0][:KEY_MAX], key[1], key[2]) for key in keys])


class KeyMerges:
    """Counts the keys that a store's user has added, and moves them when there are enough."""

    def __init__(self) -> None:
        self._added = 0

    def added(self, count: int, database: Database) -> None:
        """Take note of added keys. A merge that fails is tried again later; no key is lost."""
        self._added += count
        if self._added >= KEYS_PER_GENERATION:
            with suppress(StoreUnavailable):
                merge(database, KEYS_PER_GENERATION // 2)
                self._added = 0
            move_marks(database)
            database.reuse_space(FRESH_KEYS, FRESH_MARKS)


def merge(database: Database, least: int = 1) -> None:
    """Move the fresh keys into a generation of their own, if there are at least so many."""
    with database.writing(one_snapshot=True) as transaction:
        ((count, first, last),) = transaction.rows(_COUNT)
        if count >= least:
            ((generation,),) = transaction.rows(_BEGIN, first, last)
            transaction.write(_MOVE, generation)
            transaction.write("DELETE FROM fresh_keys")


def forget_generations(database: Database, before_message_id: int, keep: Sequence[int]) -> None:
    """Drop generations of older messages; the keys of messages to keep become fresh again."""
    with database.reading() as transaction:
        old = transaction.rows(
            "SELECT generation FROM key_generations WHERE last_message_id < ?", before_message_id
        )
    for (generation,) in old:
        with database.writing() as transaction:
            transaction.write(_KEEP, generation, Ids(keep))
            transaction.write("DELETE FROM search_keys WHERE generation = ?", generation)
            transaction.write("DELETE FROM key_generations WHERE generation = ?", generation)


def generations(transaction: Transaction) -> list[Generation]:
    """All generations."""
    rows: list[Row] = transaction.rows(
        "SELECT generation, first_message_id, last_message_id FROM key_generations"
    )
    return [(row[0], row[1], row[2]) for row in rows]


def later_messages(transaction: Transaction, control_id: str, after: int) -> list[int]:
    """Messages with this control id that came after another, ascending."""
    return sorted(later_with_keys(transaction, [(CONTROL_ID, control_id)], after))


def later_with_keys(
    transaction: Transaction, keys: Sequence[tuple[str, str]], after: int
) -> set[int]:
    """Messages with any of these search keys, (kind, value), that came after another."""
    wanted = {(value[:KEY_MAX], kind) for kind, value in keys}
    values = sorted({value for value, _ in wanted})
    found: set[int] = set()
    for first in range(0, len(values), VALUES_PER_READ):
        some = values[first : first + VALUES_PER_READ]
        sql = _LATER.format(values=", ".join("?" * len(some)))
        rows = transaction.rows(sql, after, *some, after, *some, after)
        found.update(message_id for value, kind, message_id in rows if (value, kind) in wanted)
    return found


def newest_with_key(transaction: Transaction, kind: str, value: str, limit: int) -> list[int]:
    """The newest messages with this search key, descending."""
    cut = value[:KEY_MAX]
    return [row[0] for row in transaction.rows(_NEWEST, cut, kind, cut, kind, limit)]


def has_key(values: Sequence[str], kind: str | None) -> ColumnElement[bool]:
    """The condition that a row of `messages` has one of these keys.

    Only generations that reach over the message are looked into.
    """
    key, generation = SEARCH_KEYS.alias(), KEY_GENERATIONS.alias()
    message_id = MESSAGES.c.message_id
    inside = (
        exists()
        .where(
            key.c.generation == generation.c.generation,
            _is(key.c, values, kind),
            key.c.message_id == message_id,
        )
        .correlate(generation, MESSAGES)
    )
    indexed = exists().where(
        generation.c.first_message_id <= message_id,
        generation.c.last_message_id >= message_id,
        inside,
    )
    return or_(indexed, is_fresh(values, kind))


def is_fresh(values: Sequence[str], kind: str | None) -> ColumnElement[bool]:
    """The condition that a row of `messages` has one of these keys among the fresh ones."""
    key = FRESH_KEYS.alias()
    found = select(key.c.message_id).where(_is(key.c, values, kind))
    return MESSAGES.c.message_id.in_(found)


def in_generations(values: Sequence[str], kind: str | None) -> ColumnElement[bool]:
    """The condition that a row of `search_keys` is one of these keys in some generations.

    Which ones is said when it is run, by `some_generations`.
    """
    some: list[BindParameter[int]] = [bindparam(name, NO_GENERATION) for name in _SOME]
    return and_(SEARCH_KEYS.c.generation.in_(some), _is(SEARCH_KEYS.c, values, kind))


def some_generations(numbers: Sequence[int]) -> dict[str, int]:
    """At most `GENERATIONS_AT_ONCE` generations as values for `in_generations`."""
    return dict(zip(_SOME, numbers, strict=False))


def _is(columns: object, values: Sequence[str], kind: str | None) -> ColumnElement[bool]:
    cut = [value[:KEY_MAX] for value in values]
    where: ColumnElement[bool] = columns.value.in_(cut)  # type: ignore[attr-defined]
    if kind is not None:
        where = and_(where, columns.kind == kind)  # type: ignore[attr-defined]
    return where
