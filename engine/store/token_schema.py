"""Rim. The table of shared tokens, once, for SQLite and PostgreSQL."""

from sqlalchemy import BigInteger, Column, Float, LargeBinary, SmallInteger, Table, Text

from engine.store.schema import STATE

SHARED_TOKENS = Table(
    "shared_tokens",
    STATE,
    Column("client", Text, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("issued_at", Float, nullable=False),
    Column("lifetime_seconds", Float, nullable=False),
    Column("forced", SmallInteger, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("holder", Text, nullable=False),
    Column("held_until", Float, nullable=False),
    Column("blocked_until", Float, nullable=False),
    Column("failure", Text, nullable=False),
    sqlite_with_rowid=False,
)
