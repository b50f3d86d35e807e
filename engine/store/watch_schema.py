"""Rim. The tables of rhythms and alerts, once, for SQLite and PostgreSQL."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, SmallInteger, Table, Text, text

from engine.store.schema import STATE

_ID = BigInteger().with_variant(Integer(), "sqlite")

RHYTHMS = Table(
    "rhythms",
    STATE,
    Column("channel", Text, primary_key=True),
    Column("hour", SmallInteger, primary_key=True, autoincrement=False),
    Column("longest_seconds", Float, nullable=False),
    Column("usual_seconds", Float, nullable=False),
    Column("weeks", Integer, nullable=False),
    sqlite_with_rowid=False,
)

LEARNED = Table(
    "learned",
    STATE,
    Column("channel", Text, primary_key=True),
    Column("until", Float, nullable=False),
    sqlite_with_rowid=False,
)

WATCHERS = Table(
    "watchers",
    STATE,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Float, nullable=False),
)

ALERTS = Table(
    "alerts",
    STATE,
    Column("alert_id", _ID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("began_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("told", Text, nullable=False),
    Column("tell_at", Float, nullable=False),
    Index(
        "alerts_lasting",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("alerts_by_time", "began_at"),
)
