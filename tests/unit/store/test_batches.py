"""Many rows in one PostgreSQL statement."""

import json

from engine.store.database import AMONG, EACH_DELIVERY, HORIZON, LOCKED, SHARED
from engine.store.postgresql.batches import RowBatch, statement_of
from engine.store.postgresql.database import translate
from engine.store.state.statements import END_ATTEMPT, INSERT_BODY, INSERT_KEY, INSERT_MESSAGE


def test_plain_rows_become_one_json_parameter():
    batch = RowBatch(["bigint", "text"])
    (text,) = batch.parameters([(1, "a"), (2, None)])
    assert json.loads(text) == [{"c0": 1, "c1": "a"}, {"c0": 2, "c1": None}]


def test_bytes_go_into_one_blob_with_places():
    batch = RowBatch(["bigint", "bytea", "bytea"])
    text, blob = batch.parameters([(1, b"ab", b""), (2, b"\0\xff", b"cde")])
    assert blob == b"ab\0\xffcde"
    rows = json.loads(text)
    assert rows[0] == {"c0": 1, "c1": [1, 2], "c2": [3, 0]}
    assert rows[1] == {"c0": 2, "c1": [3, 2], "c2": [5, 3]}


def test_text_that_the_server_refuses_is_made_storable():
    (text,) = RowBatch(["text"]).parameters([("a\0b",), ("\udc80",)])
    assert "\\u0000" not in text
    text.encode()


def test_an_insert_names_columns_and_conflict():
    sql, _ = statement_of(INSERT_KEY)
    assert sql.startswith(
        "INSERT INTO fresh_keys (value, kind, message_id) SELECT u.c0, u.c1, u.c2"
    )
    assert statement_of(INSERT_MESSAGE)[0].endswith("ON CONFLICT DO NOTHING")
    assert "%b::bytea" in statement_of(INSERT_BODY)[0]


def test_an_update_finds_its_rows_by_key():
    sql, _ = statement_of(END_ATTEMPT)
    assert "first_attempt_at = coalesce(first_attempt_at, u.c2)" in sql
    assert sql.endswith("WHERE delivery_id = u.c6")


def test_statements_are_translated_word_by_word():
    sql = f"SELECT x % 2 FROM {EACH_DELIVERY} WHERE a {AMONG} AND b < {HORIZON} AND c = ? {LOCKED}"
    found = translate(sql)
    assert "x %% 2" in found
    assert "unnest(%s::bigint[]) AS each(value) CROSS JOIN LATERAL" in found
    assert "a = ANY(%s::bigint[])" in found
    assert "pg_snapshot_xmin" in found
    assert found.endswith("c = %s FOR UPDATE")
    assert translate(f"SELECT 1 {SHARED}").endswith("FOR SHARE")
