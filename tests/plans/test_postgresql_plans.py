"""Every statement that the store runs on PostgreSQL can use an index.

Sequential scans are made unattractive, as they are with millions of rows; one that is still in a
plan means that no index serves.
"""

import json
import re

import psycopg
import pytest

from engine.store.postgresql.database import PostgresqlTransaction

pytestmark = pytest.mark.postgresql

GROWING = {
    "messages",
    "runs",
    "deliveries",
    "delivery_bodies",
    "attempts",
    "search_keys",
    "counters",
    "minutes",
    "job_messages",
    "decisions",
    "mark_buckets",
    "saved_searches",
    "edited_copies",
}
SMALL_INDEXES = {
    "runs_open",
    "jobs_unfinished",
    "runs_notable",
    "deliveries_notable",
}


def steps(plan):
    """Every node of a plan."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from steps(inner)


def is_growing(table):
    return table in GROWING or re.match(r"log_\d+$", table)


def unbounded(plan, under_limit=False):
    """Nodes that read a growing table, or an index of one, from end to end."""
    found = []
    kind = plan["Node Type"]
    table = plan.get("Relation Name", "")
    if is_growing(table):
        if kind == "Seq Scan":
            found.append(f"Seq Scan on {table}")
        whole = kind in {"Index Scan", "Index Only Scan"} and "Index Cond" not in plan
        if whole and not under_limit and plan["Index Name"] not in SMALL_INDEXES:
            found.append(f"whole {plan['Index Name']} of {table}")
    for inner in plan.get("Plans", ()):
        found += unbounded(inner, under_limit or kind == "Limit" or "Subplan Name" in inner)
    return found


@pytest.fixture
def recorded(monkeypatch):
    """Every statement with its values, as the transactions run it."""
    statements = {}
    execute = psycopg.Connection.execute

    def record(connection, query, params=None, **given):
        if params is not None:
            statements.setdefault(str(query), params)
        return execute(connection, query, params, **given)

    monkeypatch.setattr(psycopg.Connection, "execute", record)
    return statements


def test_no_statement_reads_a_growing_table_whole(filled_postgresql, everything, recorded):
    state, lease, url = filled_postgresql
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        everything(state, lease)
        statements = dict(recorded)
        connection.execute("SET enable_seqscan = off")
        for way in ("bitmapscan", "hashjoin", "mergejoin"):
            connection.execute(f"SET enable_{way} = off")
        problems = {}
        for sql, values in statements.items():
            if not re.match(r"\s*(SELECT|UPDATE|DELETE|INSERT|WITH)", sql) or "pg_" in sql:
                continue
            with connection.transaction(force_rollback=True):
                rows = connection.execute(f"EXPLAIN (FORMAT JSON) {sql}", values).fetchone()
            plan = rows[0] if isinstance(rows[0], list) else json.loads(rows[0])
            if found := unbounded(plan[0]["Plan"]):
                problems[sql[:300]] = found
    assert len(statements) > 50
    assert not problems, "\n".join(f"{found}: {sql}" for sql, found in problems.items())


def test_the_transaction_words_are_translated(filled_postgresql):
    state, _, _ = filled_postgresql
    with state._database.reading() as transaction:
        assert isinstance(transaction, PostgresqlTransaction)
        assert transaction.rows("SELECT ?::integer % 2", 3) == [(1,)]
