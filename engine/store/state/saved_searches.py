"""Rim. Searches kept under a random id: queries hold patients' data, which no URL may hold.

One without a name is what a page of results refers to: it is its owner's, and expires. One with a
name is everybody's, until somebody takes it away.
"""

from engine.store.database import Database, InsertMany, Row
from engine.store.interface import SavedSearch
from engine.store.schema import SAVED_SEARCHES

UNNAMED_PER_OWNER_MAX = 200
NAMED_MAX = 500

_INSERT = InsertMany(
    table=SAVED_SEARCHES,
    columns=("search_id", "owner", "name", "query", "created_at", "expires_at"),
)
_COLUMNS = "search_id, owner, name, query, created_at, expires_at"
_ONE = f"SELECT {_COLUMNS} FROM saved_searches WHERE search_id = ?"
_NAMED = f"SELECT {_COLUMNS} FROM saved_searches WHERE name > '' ORDER BY name LIMIT {NAMED_MAX}"
_FORGET = "DELETE FROM saved_searches WHERE search_id = ? RETURNING search_id"
_FORGET_OLD = "DELETE FROM saved_searches WHERE expires_at < ?"
_FORGET_MANY = (
    "DELETE FROM saved_searches WHERE owner = ? AND name = '' AND created_at <"
    " (SELECT created_at FROM saved_searches WHERE owner = ? AND name = ''"
    " ORDER BY created_at DESC LIMIT 1 OFFSET ?)"
)


def save(database: Database, search: SavedSearch) -> None:
    """Keep a search; what has expired goes, and of one owner's unnamed ones the oldest.

    One without a name does not wait for the disk: whoever loses it to a power cut types it again.
    """
    row = (
        search.search_id,
        search.owner,
        search.name,
        search.query,
        search.created_at,
        search.expires_at,
    )
    with database.writing(durable=bool(search.name)) as transaction:
        transaction.write(_FORGET_OLD, search.created_at)
        transaction.write_many(_INSERT, [row])
        transaction.write(_FORGET_MANY, search.owner, search.owner, UNNAMED_PER_OWNER_MAX - 1)


def find(database: Database, search_id: str) -> SavedSearch | None:
    """The search with this id, or None."""
    with database.reading() as transaction:
        rows = transaction.rows(_ONE, search_id)
    return _search_of(rows[0]) if rows else None


def named(database: Database) -> list[SavedSearch]:
    """Searches with a name, by it."""
    with database.reading() as transaction:
        return [_search_of(row) for row in transaction.rows(_NAMED)]


def forget(database: Database, search_id: str) -> bool:
    """Take a search away; False when it was not there."""
    with database.writing() as transaction:
        return bool(transaction.rows(_FORGET, search_id))


def _search_of(row: Row) -> SavedSearch:
    return SavedSearch(
        search_id=row[0],
        owner=row[1],
        name=row[2],
        query=row[3],
        created_at=row[4],
        expires_at=row[5],
    )
