"""Rim. The tables of the ledger and of parked deliveries, once, for SQLite and PostgreSQL.

They share the state's metadata, and are made by the same migrations. A key points to a resource;
several keys may point to one, so what is known of a resource (version, what was applied) is kept
once.
"""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, SmallInteger, Table, Text, text

from engine.store.schema import STATE


def _key_columns() -> list[Column[str]]:
    """Service root and business key."""
    names = ("root", "kind", "resource_type", "system", "value")
    return [Column(name, Text, primary_key=True) for name in names]


LEDGER_KEYS = Table(
    "ledger_keys",
    STATE,
    *_key_columns(),
    Column("state", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("replaced_system", Text),
    Column("replaced_value", Text),
    Column("retired_at", Float, nullable=False, server_default="0"),
    Column("creates", Integer, nullable=False),
    Column("probes", Integer, nullable=False),
    Index("ledger_keys_of_resource", "root", "resource_type", "id"),
    Index(
        "ledger_keys_retired",
        "root",
        "replaced_value",
        sqlite_where=text("state = 'retired'"),
        postgresql_where=text("state = 'retired'"),
    ),
    sqlite_with_rowid=False,
)

LEDGER_RESOURCES = Table(
    "ledger_resources",
    STATE,
    Column("root", Text, primary_key=True),
    Column("resource_type", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("etag", Text, nullable=False),
    Column("verified_at", Float, nullable=False),
    Column("applied", Text, nullable=False),
    sqlite_with_rowid=False,
)

LEDGER_CLAIMS = Table(
    "ledger_claims",
    STATE,
    *_key_columns(),
    Column("owner", Text, nullable=False),
    Column("until", Float, nullable=False),
    sqlite_with_rowid=False,
)

LEDGER_STEPS = Table(
    "ledger_steps",
    STATE,
    Column("delivery_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("outcome", Text, nullable=False),
    sqlite_with_rowid=False,
)

LEDGER_WAITS = Table(
    "ledger_waits",
    STATE,
    Column("delivery_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("message_id", BigInteger, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    Column("root", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("resource_type", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("until", Float, nullable=False),
    Index("ledger_waits_of_message", "message_id"),
    sqlite_with_rowid=False,
)

FIRST_RELEASES = Table(
    "first_releases",
    STATE,
    Column("destination", Text, primary_key=True),
    Column("delivery_id", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
