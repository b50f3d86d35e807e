"""Rim. The tables of programs' tokens and of guessed passwords, once, for SQLite and PostgreSQL."""

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, Table, Text

from engine.store.schema import STATE

TOKENS = Table(
    "tokens",
    STATE,
    Column("name", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("roles", Text, nullable=False),
    Column("channels", Text),
    Column("created_by", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False),
    Column("seen_at", Float),
    Column("seen_from", Text, nullable=False),
    Index("tokens_by_digest", "digest", unique=True),
)

GUESSES = Table(
    "guesses",
    STATE,
    Column("what", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Float, nullable=False),
    Column("until", Float, nullable=False),
    Index("guesses_by_time", "last_at"),
)
