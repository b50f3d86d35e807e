"""Rim. The statements that run once per row of a batch: the hot path of the state."""

from engine.store.database import InsertMany, UpdateMany
from engine.store.schema import (
    ATTEMPTS,
    COUNTERS,
    DECISIONS,
    DELIVERIES,
    DELIVERY_BODIES,
    FRESH_KEYS,
    MESSAGES,
    RELEASED,
    RUNS,
    TOTALS,
)

_AGAIN = "ON CONFLICT DO NOTHING"
"""A batch may be written again after a commit in doubt."""

INSERT_MESSAGE = InsertMany(
    table=MESSAGES,
    columns=(
        "message_id",
        "received_at",
        "channel",
        "message_type",
        "control_id",
        "verdict",
        "duplicate_of",
    ),
    conflict=_AGAIN,
)
INSERT_RUN = InsertMany(
    table=RUNS,
    columns=(
        "message_id",
        "channel",
        "lanes",
        "bucket",
        "other_buckets",
        "origin",
        "state",
        "open",
        "received_at",
        "created_at",
        "message_type",
        "control_id",
        "revision",
    ),
)
INSERT_KEY = InsertMany(table=FRESH_KEYS, columns=("value", "kind", "message_id"))
INSERT_DELIVERY = InsertMany(
    table=DELIVERIES,
    columns=(
        "delivery_id",
        "message_id",
        "destination",
        "state",
        "attempts",
        "next_attempt_at",
        "first_attempt_at",
        "possibly_sent",
    ),
    conflict=_AGAIN,
)
INSERT_BODY = InsertMany(
    table=DELIVERY_BODIES, columns=("delivery_id", "content_type", "body"), conflict=_AGAIN
)
INSERT_ATTEMPT = InsertMany(
    table=ATTEMPTS,
    columns=(
        "delivery_id",
        "number",
        "started_at",
        "finished_at",
        "state",
        "failure_class",
        "failure_code",
        "status",
        "request",
        "response",
    ),
    conflict=_AGAIN,
)
INSERT_RELEASED = InsertMany(table=RELEASED, columns=("bucket", "run_id", "delivery_id"))
COUNT_IN_MINUTE = InsertMany(
    table=COUNTERS,
    columns=("minute", "channel", "event", "count"),
    conflict="ON CONFLICT (minute, channel, event)"
    " DO UPDATE SET count = counters.count + excluded.count",
)
COUNT_IN_ALL = InsertMany(
    table=TOTALS,
    columns=("channel", "event", "count", "last_at"),
    conflict="ON CONFLICT (channel, event) DO UPDATE"
    " SET count = totals.count + excluded.count, last_at = excluded.last_at",
)
PROCESS_RUN = UpdateMany(
    table=RUNS,
    sets=(
        ("state", "?"),
        ("open", "?"),
        ("diagnostics", "?"),
        ("search_keys", "?"),
        ("event_at", "?"),
    ),
    key="run_id",
)
SET_RUN_STATE = UpdateMany(table=RUNS, sets=(("state", "?"), ("open", "?")), key="run_id")
START_DELIVERY = UpdateMany(
    table=DELIVERIES,
    sets=(
        ("state", "?"),
        ("first_attempt_at", "coalesce(first_attempt_at, ?)"),
        ("attempts", "attempts + ?"),
    ),
    key="delivery_id",
)
END_ATTEMPT = UpdateMany(
    table=DELIVERIES,
    sets=(
        ("state", "?"),
        ("attempts", "?"),
        ("first_attempt_at", "coalesce(first_attempt_at, ?)"),
        ("next_attempt_at", "?"),
        ("possibly_sent", "?"),
        ("aside", "?"),
    ),
    key="delivery_id",
)
INSERT_DECISION = InsertMany(
    table=DECISIONS,
    columns=("at", "author", "delivery_id", "state_before", "state_after", "reason"),
)
SET_DELIVERY_STATE = UpdateMany(
    table=DELIVERIES,
    sets=(("state", "?"), ("next_attempt_at", "?"), ("aside", "?")),
    key="delivery_id",
)
