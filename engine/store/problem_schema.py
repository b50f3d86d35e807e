"""Rim. The tables of problems and outages, once, for SQLite and PostgreSQL."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, Table, Text

from engine.store.schema import STATE

_ID = BigInteger().with_variant(Integer(), "sqlite")

PROBLEMS = Table(
    "problems",
    STATE,
    Column("problem_id", _ID, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("grouped_by", Text, nullable=False),
    Column("first_at", Float, nullable=False),
    Column("last_at", Float, nullable=False),
    Column("closed_at", Float),
    Column("regressions", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("snoozed_until", Float),
    Index("problems_by_fingerprint", "fingerprint", unique=True),
    Index("problems_by_time", "last_at"),
)

PROBLEM_RUNS = Table(
    "problem_runs",
    STATE,
    Column("problem_id", BigInteger, primary_key=True, autoincrement=False),
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", BigInteger, nullable=False),
    Column("at", Float, nullable=False),
    Index("problem_runs_of_run", "run_id"),
    sqlite_with_rowid=False,
)

OUTAGES = Table(
    "outages",
    STATE,
    Column("outage_id", _ID, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("began_at", Float, nullable=False),
    Column("ended_at", Float),
    Index("outages_by_time", "began_at"),
)
