"""Rim. Users, sessions and the audit trail of console and commands."""

from alembic import op

revision = "0006"
down_revision = "0005"

SQLITE = """
CREATE TABLE users (name TEXT NOT NULL, password TEXT NOT NULL, subject TEXT NOT NULL, os_account
    TEXT NOT NULL, roles TEXT NOT NULL, channels TEXT, enabled SMALLINT NOT NULL, theme TEXT NOT
    NULL, shortcuts SMALLINT NOT NULL, created_at FLOAT NOT NULL, failures INTEGER NOT NULL,
    locked_until FLOAT NOT NULL, PRIMARY KEY (name));
CREATE TABLE sessions (token BLOB NOT NULL, user_name TEXT NOT NULL, address TEXT NOT NULL,
    created_at FLOAT NOT NULL, seen_at FLOAT NOT NULL, ends_at FLOAT NOT NULL, unmasked_until FLOAT
    NOT NULL, unmask_reason TEXT NOT NULL, emergency_until FLOAT NOT NULL, emergency_reason TEXT
    NOT NULL, PRIMARY KEY (token));
CREATE INDEX sessions_of_user ON sessions (user_name, seen_at);
CREATE TABLE desk_keys (name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (name));
CREATE TABLE audit (number INTEGER NOT NULL, at FLOAT NOT NULL, actor TEXT NOT NULL, origin TEXT
    NOT NULL, act TEXT NOT NULL, channel TEXT NOT NULL, message_id BIGINT, patients TEXT NOT NULL,
    subject TEXT NOT NULL, reason TEXT NOT NULL, details TEXT NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (number));
CREATE INDEX audit_by_actor ON audit (actor, number);
CREATE INDEX audit_by_message ON audit (message_id, number) WHERE message_id IS NOT NULL;
CREATE TABLE audit_patients (patient TEXT NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (patient,
    number)) WITHOUT ROWID;
CREATE TABLE audit_head (number BIGINT NOT NULL, digest BLOB NOT NULL, seal BLOB NOT NULL,
    base_number BIGINT NOT NULL, base_digest BLOB NOT NULL, PRIMARY KEY (number));
INSERT INTO audit_head (number, digest, seal, base_number, base_digest)
    VALUES (0, x'', x'', 0, x'');
"""

POSTGRESQL_WORDS = (
    ("BLOB", "BYTEA"),
    ("number INTEGER", "number BIGINT"),
    (" WITHOUT ROWID", ""),
    ("x''", "''::bytea"),
)


def upgrade() -> None:
    """Make the tables."""
    connection = op.get_bind()
    statements = SQLITE
    if connection.dialect.name != "sqlite":
        for word, other in POSTGRESQL_WORDS:
            statements = statements.replace(word, other)
    for statement in statements.split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)
