"""Rim. The tokens of programs in the database; a token's value itself is nowhere stored."""

import orjson

from engine.store.database import Database, Row
from engine.store.desk.rows import TokenRow

_COLUMNS = "name, digest, roles, channels, created_by, created_at, ends_at, seen_at, seen_from"


def add_token(database: Database, token: TokenRow) -> bool:
    """Keep a token; False when the name is taken."""
    with database.writing() as transaction:
        rows = transaction.rows(
            f"INSERT INTO tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO NOTHING RETURNING name",
            token.name,
            token.digest,
            orjson.dumps(token.roles).decode(),
            None if token.channels is None else orjson.dumps(token.channels).decode(),
            token.created_by,
            token.created_at,
            token.ends_at,
            token.seen_at,
            token.seen_from,
        )
    return bool(rows)


def tokens(database: Database) -> list[TokenRow]:
    """All tokens, by name."""
    with database.reading() as transaction:
        rows = transaction.rows(f"SELECT {_COLUMNS} FROM tokens ORDER BY name")
    return [_token(row) for row in rows]


def token_of(database: Database, digest: bytes) -> TokenRow | None:
    """The token whose value has this SHA-256."""
    with database.reading() as transaction:
        rows = transaction.rows(f"SELECT {_COLUMNS} FROM tokens WHERE digest = ?", digest)
    return _token(rows[0]) if rows else None


def note_use(database: Database, name: str, seen_at: float, seen_from: str) -> None:
    """A program used its token."""
    with database.writing() as transaction:
        transaction.write(
            "UPDATE tokens SET seen_at = ?, seen_from = ? WHERE name = ?", seen_at, seen_from, name
        )


def forget_token(database: Database, name: str) -> bool:
    """Take a token away; False when there is none of that name."""
    with database.writing() as transaction:
        return bool(transaction.rows("DELETE FROM tokens WHERE name = ? RETURNING name", name))


def _token(row: Row) -> TokenRow:
    return TokenRow(
        name=row[0],
        digest=bytes(row[1]),
        roles=tuple(orjson.loads(row[2])),
        channels=None if row[3] is None else tuple(orjson.loads(row[3])),
        created_by=row[4],
        created_at=row[5],
        ends_at=row[6],
        seen_at=row[7],
        seen_from=row[8],
    )
