"""Rim. Channels and approvers of replay jobs, tokens of programs, guesses of passwords.

A job of before is of the channels whose messages are still known, and of one without a name for
the others, so that nobody who is kept to channels sees it.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = """
ALTER TABLE jobs ADD COLUMN approved_by TEXT NOT NULL DEFAULT '';
CREATE TABLE job_channels (job_id BIGINT NOT NULL, channel TEXT NOT NULL,
    PRIMARY KEY (job_id, channel)) WITHOUT ROWID;
INSERT INTO job_channels (job_id, channel) SELECT DISTINCT j.job_id, COALESCE(m.channel, '')
    FROM job_messages j LEFT JOIN messages m ON m.message_id = j.message_id;
CREATE TABLE tokens (name TEXT NOT NULL, digest BLOB NOT NULL, roles TEXT NOT NULL, channels TEXT,
    created_by TEXT NOT NULL, created_at FLOAT NOT NULL, ends_at FLOAT NOT NULL, seen_at FLOAT,
    seen_from TEXT NOT NULL, PRIMARY KEY (name));
CREATE UNIQUE INDEX tokens_by_digest ON tokens (digest);
CREATE TABLE guesses (what TEXT NOT NULL, failures INTEGER NOT NULL, last_at FLOAT NOT NULL,
    until FLOAT NOT NULL, PRIMARY KEY (what));
CREATE INDEX guesses_by_time ON guesses (last_at);
ALTER TABLE users DROP COLUMN failures;
ALTER TABLE users DROP COLUMN locked_until;
"""
POSTGRESQL_WORDS = (("BLOB", "BYTEA"), (" WITHOUT ROWID", ""))


def upgrade() -> None:
    """Make the tables."""
    connection = op.get_bind()
    statements = TABLES
    if connection.dialect.name != "sqlite":
        for word, other in POSTGRESQL_WORDS:
            statements = statements.replace(word, other)
    for statement in statements.split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)
