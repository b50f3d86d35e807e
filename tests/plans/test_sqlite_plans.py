"""Every statement that the state runs on SQLite uses an index; no growing table is read whole."""

import re
import sqlite3

from engine.store.sqlite.segments import segment_path

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
    "headers",
    "bodies",
    "acknowledgments",
}
SMALL_INDEXES = {"runs_open", "jobs_unfinished"}
"""Partial indexes of what is in work now: reading one whole is what it is for."""

ALIASES = {"m": "messages", "r": "runs", "d": "deliveries", "k": "search_keys", "a": "attempts"}


def scans(connection: sqlite3.Connection, sql: str) -> list[str]:
    """The steps of a plan that read a growing table, or an index of one, from end to end."""
    found = []
    for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}"):
        match = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
        if match:
            name = re.sub(r"_\d+$", "", match[1])
            if ALIASES.get(name, name) in GROWING and match[2] not in SMALL_INDEXES:
                found.append(step)
    return found


def test_no_statement_of_the_state_reads_a_growing_table_whole(filled_sqlite, everything):
    state, lease, _ = filled_sqlite
    connection = state._database._connection
    statements: set[str] = set()
    connection.set_trace_callback(statements.add)
    everything(state, lease)
    connection.set_trace_callback(None)
    explained = [
        sql for sql in statements if re.match(r"SELECT|UPDATE|DELETE|INSERT INTO \w+ .*SELECT", sql)
    ]
    assert len(explained) > 60
    problems = {sql[:300]: found for sql in explained if (found := scans(connection, sql))}
    assert not problems, "\n".join(f"{found}: {sql}" for sql, found in problems.items())


def test_the_log_is_read_by_its_primary_key(filled_sqlite):
    _, _, folder = filled_sqlite
    connection = sqlite3.connect(segment_path(folder / "log", 1))
    try:
        for sql in (
            "SELECT * FROM headers WHERE message_id > 5 ORDER BY message_id LIMIT 10",
            "SELECT raw FROM bodies WHERE message_id IN (SELECT value FROM json_each('[1]'))",
            "SELECT late FROM acknowledgments WHERE message_id IN (SELECT 1)",
        ):
            assert scans(connection, sql) == []
    finally:
        connection.close()


def test_what_waits_and_what_stands_still_is_counted_in_indexes_alone(filled_sqlite):
    """An outage leaves a hundred thousand rows to count, at each refresh of the board."""
    state, _, _ = filled_sqlite
    connection = state._database._connection
    statements: set[str] = set()
    connection.set_trace_callback(statements.add)
    state.stats()
    connection.set_trace_callback(None)
    plans = {
        sql: next(step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}"))
        for sql in statements
        if "FROM runs" in sql
    }
    notable = "SEARCH runs USING COVERING INDEX runs_notable (state=?)"
    assert sorted(plans.values()) == [
        "SCAN runs USING INDEX runs_open",  # its condition is that of the index: no row is read
        notable,
        notable,
        notable.replace("COVERING ", ""),  # parked runs, which are few
    ]
