"""Rim. The first tables.

The statements are written out, not derived from `schema`, because this step must stay what it is
when the schema goes on. A test compares the result with `schema`.
"""

from alembic import op

revision = "0001"
down_revision = None

SQLITE = """
CREATE TABLE attempts (attempt_id INTEGER NOT NULL, delivery_id BIGINT NOT NULL, number INTEGER
    NOT NULL, started_at FLOAT NOT NULL, finished_at FLOAT NOT NULL, state TEXT NOT NULL,
    failure_class TEXT, failure_code TEXT NOT NULL, status TEXT NOT NULL, request BLOB NOT NULL,
    response BLOB NOT NULL, PRIMARY KEY (attempt_id));
CREATE UNIQUE INDEX attempts_of_delivery ON attempts (delivery_id, number);
CREATE TABLE controls (channel TEXT NOT NULL, mode TEXT NOT NULL, reason TEXT NOT NULL, author
    TEXT NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (channel));
CREATE TABLE counters (minute BIGINT NOT NULL, channel TEXT NOT NULL, event TEXT NOT NULL, count
    BIGINT NOT NULL, PRIMARY KEY (minute, channel, event)) WITHOUT ROWID;
CREATE TABLE cursors (name TEXT NOT NULL, written_by BIGINT NOT NULL, position BIGINT NOT NULL,
    PRIMARY KEY (name));
CREATE TABLE decisions (decision_id INTEGER NOT NULL, at FLOAT NOT NULL, author TEXT NOT NULL,
    delivery_id BIGINT NOT NULL, state_before TEXT NOT NULL, state_after TEXT NOT NULL, PRIMARY
    KEY (decision_id));
CREATE TABLE deliveries (delivery_id INTEGER NOT NULL, message_id BIGINT NOT NULL, destination
    TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, next_attempt_at FLOAT NOT
    NULL, first_attempt_at FLOAT, possibly_sent SMALLINT NOT NULL, PRIMARY KEY (delivery_id));
CREATE INDEX deliveries_notable ON deliveries (state, message_id) WHERE state IN ('ERROR',
    'HELD', 'UNKNOWN', 'CANCELLED');
CREATE TABLE delivery_bodies (delivery_id INTEGER NOT NULL, content_type TEXT NOT NULL, body
    BLOB NOT NULL, PRIMARY KEY (delivery_id));
CREATE TABLE fresh_keys (key_id INTEGER NOT NULL, value TEXT NOT NULL, kind TEXT NOT NULL,
    message_id BIGINT NOT NULL, PRIMARY KEY (key_id));
CREATE TABLE job_messages (job_id BIGINT NOT NULL, position INTEGER NOT NULL, message_id BIGINT
    NOT NULL, PRIMARY KEY (job_id, position)) WITHOUT ROWID;
CREATE TABLE jobs (job_id INTEGER NOT NULL, created_at FLOAT NOT NULL, created_by TEXT NOT NULL,
    reason TEXT NOT NULL, origin TEXT NOT NULL, destinations TEXT NOT NULL, rate_per_second
    FLOAT NOT NULL, stop_after_failures INTEGER NOT NULL, state TEXT NOT NULL, total INTEGER NOT
    NULL, started INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER NOT NULL, PRIMARY
    KEY (job_id));
CREATE INDEX jobs_unfinished ON jobs (job_id) WHERE state <> 'done';
CREATE TABLE key_generations (generation INTEGER NOT NULL, first_message_id BIGINT NOT NULL,
    last_message_id BIGINT NOT NULL, PRIMARY KEY (generation));
CREATE TABLE lane_buckets (bucket INTEGER NOT NULL, epoch BIGINT, freed_at FLOAT NOT NULL,
    PRIMARY KEY (bucket));
CREATE TABLE leases (epoch INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL,
    until FLOAT NOT NULL);
CREATE TABLE messages (message_id INTEGER NOT NULL, received_at FLOAT NOT NULL, channel TEXT NOT
    NULL, message_type TEXT NOT NULL, control_id TEXT NOT NULL, verdict TEXT NOT NULL,
    duplicate_of BIGINT, PRIMARY KEY (message_id));
CREATE INDEX messages_by_type ON messages (channel, message_type, message_id);
CREATE TABLE minutes (minute INTEGER NOT NULL, first_message_id BIGINT NOT NULL, last_message_id
    BIGINT NOT NULL, PRIMARY KEY (minute));
CREATE TABLE released (released_id INTEGER NOT NULL, bucket SMALLINT NOT NULL, run_id BIGINT NOT
    NULL, delivery_id BIGINT, PRIMARY KEY (released_id));
CREATE TABLE runs (run_id INTEGER NOT NULL, message_id BIGINT NOT NULL, channel TEXT NOT NULL,
    lanes TEXT NOT NULL, bucket SMALLINT NOT NULL, other_buckets TEXT, origin TEXT NOT NULL,
    state TEXT NOT NULL, open SMALLINT NOT NULL, received_at FLOAT NOT NULL, created_at FLOAT
    NOT NULL, message_type TEXT NOT NULL, control_id TEXT NOT NULL, revision TEXT NOT NULL,
    replay_of BIGINT, destinations TEXT, job_id BIGINT, event_at FLOAT, diagnostics TEXT,
    search_keys TEXT, written_by BIGINT DEFAULT 0 NOT NULL, PRIMARY KEY (run_id));
CREATE INDEX runs_by_message ON runs (message_id, run_id);
CREATE INDEX runs_notable ON runs (state, message_id) WHERE state NOT IN ('RECEIVED',
    'TRANSFORMED', 'SENT');
CREATE INDEX runs_of_job ON runs (job_id, message_id) WHERE job_id IS NOT NULL;
CREATE INDEX runs_open ON runs (written_by, run_id) WHERE open = 1;
CREATE TABLE search_keys (generation BIGINT NOT NULL, value TEXT NOT NULL, kind TEXT NOT NULL,
    message_id BIGINT NOT NULL, PRIMARY KEY (generation, value, kind, message_id)) WITHOUT ROWID;
CREATE TABLE totals (channel TEXT NOT NULL, event TEXT NOT NULL, count BIGINT NOT NULL, last_at
    FLOAT NOT NULL, PRIMARY KEY (channel, event)) WITHOUT ROWID;
"""

POSTGRESQL = """
CREATE TABLE attempts (attempt_id BIGSERIAL NOT NULL, delivery_id BIGINT NOT NULL, number
    INTEGER NOT NULL, started_at FLOAT NOT NULL, finished_at FLOAT NOT NULL, state TEXT NOT
    NULL, failure_class TEXT, failure_code TEXT NOT NULL, status TEXT NOT NULL, request BYTEA
    NOT NULL, response BYTEA NOT NULL, PRIMARY KEY (attempt_id));
CREATE UNIQUE INDEX attempts_of_delivery ON attempts (delivery_id, number);
CREATE TABLE controls (channel TEXT NOT NULL, mode TEXT NOT NULL, reason TEXT NOT NULL, author
    TEXT NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (channel));
CREATE TABLE counters (minute BIGINT NOT NULL, channel TEXT NOT NULL, event TEXT NOT NULL, count
    BIGINT NOT NULL, PRIMARY KEY (minute, channel, event));
CREATE TABLE cursors (name TEXT NOT NULL, written_by BIGINT NOT NULL, position BIGINT NOT NULL,
    PRIMARY KEY (name));
CREATE TABLE decisions (decision_id BIGSERIAL NOT NULL, at FLOAT NOT NULL, author TEXT NOT NULL,
    delivery_id BIGINT NOT NULL, state_before TEXT NOT NULL, state_after TEXT NOT NULL, PRIMARY
    KEY (decision_id));
CREATE TABLE deliveries (delivery_id BIGINT NOT NULL, message_id BIGINT NOT NULL, destination
    TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, next_attempt_at FLOAT NOT
    NULL, first_attempt_at FLOAT, possibly_sent SMALLINT NOT NULL, PRIMARY KEY (delivery_id));
CREATE INDEX deliveries_notable ON deliveries (state, message_id) WHERE state IN ('ERROR',
    'HELD', 'UNKNOWN', 'CANCELLED');
CREATE TABLE delivery_bodies (delivery_id BIGINT NOT NULL, content_type TEXT NOT NULL, body
    BYTEA NOT NULL, PRIMARY KEY (delivery_id));
CREATE TABLE fresh_keys (key_id BIGSERIAL NOT NULL, value TEXT NOT NULL, kind TEXT NOT NULL,
    message_id BIGINT NOT NULL, PRIMARY KEY (key_id));
CREATE TABLE job_messages (job_id BIGINT NOT NULL, position INTEGER NOT NULL, message_id BIGINT
    NOT NULL, PRIMARY KEY (job_id, position));
CREATE TABLE jobs (job_id BIGSERIAL NOT NULL, created_at FLOAT NOT NULL, created_by TEXT NOT
    NULL, reason TEXT NOT NULL, origin TEXT NOT NULL, destinations TEXT NOT NULL,
    rate_per_second FLOAT NOT NULL, stop_after_failures INTEGER NOT NULL, state TEXT NOT NULL,
    total INTEGER NOT NULL, started INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER
    NOT NULL, PRIMARY KEY (job_id));
CREATE INDEX jobs_unfinished ON jobs (job_id) WHERE state <> 'done';
CREATE TABLE key_generations (generation BIGSERIAL NOT NULL, first_message_id BIGINT NOT NULL,
    last_message_id BIGINT NOT NULL, PRIMARY KEY (generation));
CREATE TABLE lane_buckets (bucket INTEGER NOT NULL, epoch BIGINT, freed_at FLOAT NOT NULL,
    PRIMARY KEY (bucket));
CREATE TABLE leases (epoch BIGSERIAL NOT NULL, owner TEXT NOT NULL, until FLOAT NOT NULL,
    PRIMARY KEY (epoch));
CREATE TABLE messages (message_id BIGINT NOT NULL, received_at FLOAT NOT NULL, channel TEXT NOT
    NULL, message_type TEXT NOT NULL, control_id TEXT NOT NULL, verdict TEXT NOT NULL,
    duplicate_of BIGINT, PRIMARY KEY (message_id));
CREATE INDEX messages_by_type ON messages (channel, message_type, message_id);
CREATE TABLE minutes (minute BIGINT NOT NULL, first_message_id BIGINT NOT NULL, last_message_id
    BIGINT NOT NULL, PRIMARY KEY (minute));
CREATE TABLE released (released_id BIGSERIAL NOT NULL, bucket SMALLINT NOT NULL, run_id BIGINT
    NOT NULL, delivery_id BIGINT, PRIMARY KEY (released_id));
CREATE TABLE runs (run_id BIGSERIAL NOT NULL, message_id BIGINT NOT NULL, channel TEXT NOT NULL,
    lanes TEXT NOT NULL, bucket SMALLINT NOT NULL, other_buckets TEXT, origin TEXT NOT NULL,
    state TEXT NOT NULL, open SMALLINT NOT NULL, received_at FLOAT NOT NULL, created_at FLOAT
    NOT NULL, message_type TEXT NOT NULL, control_id TEXT NOT NULL, revision TEXT NOT NULL,
    replay_of BIGINT, destinations TEXT, job_id BIGINT, event_at FLOAT, diagnostics TEXT,
    search_keys TEXT, written_by BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    PRIMARY KEY (run_id));
CREATE INDEX runs_by_message ON runs (message_id, run_id);
CREATE INDEX runs_notable ON runs (state, message_id) WHERE state NOT IN ('RECEIVED',
    'TRANSFORMED', 'SENT');
CREATE INDEX runs_of_job ON runs (job_id, message_id) WHERE job_id IS NOT NULL;
CREATE INDEX runs_open ON runs (written_by, run_id) WHERE open = 1;
CREATE TABLE search_keys (generation BIGINT NOT NULL, value TEXT NOT NULL, kind TEXT NOT NULL,
    message_id BIGINT NOT NULL, PRIMARY KEY (generation, value, kind, message_id));
CREATE TABLE totals (channel TEXT NOT NULL, event TEXT NOT NULL, count BIGINT NOT NULL, last_at
    FLOAT NOT NULL, PRIMARY KEY (channel, event));
"""

POSTGRESQL_LOG = """
CREATE SEQUENCE message_ids;
CREATE TABLE log (message_id BIGINT NOT NULL, day INTEGER NOT NULL,
    received_at DOUBLE PRECISION NOT NULL, channel TEXT NOT NULL, source TEXT NOT NULL,
    control_id TEXT NOT NULL, sender TEXT NOT NULL, message_type TEXT NOT NULL,
    version TEXT NOT NULL, lanes TEXT NOT NULL, verdict TEXT NOT NULL, duplicate_of BIGINT,
    runnable SMALLINT NOT NULL, acknowledgment_code TEXT NOT NULL, revision TEXT NOT NULL,
    diagnostics TEXT, sha256 BYTEA NOT NULL, raw BYTEA NOT NULL, acknowledgment BYTEA NOT NULL,
    written_by BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    PRIMARY KEY (message_id, day)) PARTITION BY RANGE (day);
CREATE INDEX log_in_order ON log (written_by, message_id);
CREATE TABLE log_kept (LIKE log INCLUDING ALL);
CREATE TABLE log_acknowledgments (message_id BIGINT PRIMARY KEY, outcome TEXT NOT NULL,
    late BYTEA NOT NULL);
"""

FIRST_ROWS = "INSERT INTO cursors (name, written_by, position) VALUES ('log', 0, 0);"


def upgrade() -> None:
    """Make every table."""
    connection = op.get_bind()
    tables = SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL + POSTGRESQL_LOG
    for statement in (tables + FIRST_ROWS).split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)
