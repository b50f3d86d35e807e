"""Rim. The ledger of what exists on the services we write to, and deliveries outside their lane."""

from alembic import op

revision = "0004"
down_revision = "0003"

SQLITE = """
CREATE TABLE first_releases (destination TEXT NOT NULL, delivery_id BIGINT NOT NULL, PRIMARY KEY
    (destination, delivery_id)) WITHOUT ROWID;
CREATE TABLE ledger_claims (root TEXT NOT NULL, kind TEXT NOT NULL, resource_type TEXT NOT NULL,
    system TEXT NOT NULL, value TEXT NOT NULL, owner TEXT NOT NULL, until FLOAT NOT NULL,
    PRIMARY KEY (root, kind, resource_type, system, value)) WITHOUT ROWID;
CREATE TABLE ledger_keys (root TEXT NOT NULL, kind TEXT NOT NULL, resource_type TEXT NOT NULL,
    system TEXT NOT NULL, value TEXT NOT NULL, state TEXT NOT NULL, id TEXT NOT NULL,
    replaced_system TEXT, replaced_value TEXT, retired_at FLOAT DEFAULT 0 NOT NULL, creates
    INTEGER NOT NULL, probes INTEGER NOT NULL, PRIMARY KEY (root, kind, resource_type, system,
    value)) WITHOUT ROWID;
CREATE INDEX ledger_keys_of_resource ON ledger_keys (root, resource_type, id);
CREATE INDEX ledger_keys_retired ON ledger_keys (root, replaced_value) WHERE state = 'retired';
CREATE TABLE ledger_resources (root TEXT NOT NULL, resource_type TEXT NOT NULL, id TEXT NOT
    NULL, etag TEXT NOT NULL, verified_at FLOAT NOT NULL, applied TEXT NOT NULL, PRIMARY KEY
    (root, resource_type, id)) WITHOUT ROWID;
CREATE TABLE ledger_steps (delivery_id BIGINT NOT NULL, position INTEGER NOT NULL, outcome TEXT
    NOT NULL, PRIMARY KEY (delivery_id, position)) WITHOUT ROWID;
CREATE TABLE ledger_waits (delivery_id BIGINT NOT NULL, position INTEGER NOT NULL, message_id
    BIGINT NOT NULL, bucket SMALLINT NOT NULL, root TEXT NOT NULL, kind TEXT NOT NULL,
    resource_type TEXT NOT NULL, system TEXT NOT NULL, value TEXT NOT NULL, until FLOAT NOT
    NULL, PRIMARY KEY (delivery_id, position)) WITHOUT ROWID;
CREATE INDEX ledger_waits_of_message ON ledger_waits (message_id);
"""

POSTGRESQL = """
CREATE TABLE first_releases (destination TEXT NOT NULL, delivery_id BIGINT NOT NULL, PRIMARY KEY
    (destination, delivery_id));
CREATE TABLE ledger_claims (root TEXT NOT NULL, kind TEXT NOT NULL, resource_type TEXT NOT NULL,
    system TEXT NOT NULL, value TEXT NOT NULL, owner TEXT NOT NULL, until FLOAT NOT NULL,
    PRIMARY KEY (root, kind, resource_type, system, value));
CREATE TABLE ledger_keys (root TEXT NOT NULL, kind TEXT NOT NULL, resource_type TEXT NOT NULL,
    system TEXT NOT NULL, value TEXT NOT NULL, state TEXT NOT NULL, id TEXT NOT NULL,
    replaced_system TEXT, replaced_value TEXT, retired_at FLOAT DEFAULT 0 NOT NULL, creates
    INTEGER NOT NULL, probes INTEGER NOT NULL, PRIMARY KEY (root, kind, resource_type, system,
    value));
CREATE INDEX ledger_keys_of_resource ON ledger_keys (root, resource_type, id);
CREATE INDEX ledger_keys_retired ON ledger_keys (root, replaced_value) WHERE state = 'retired';
CREATE TABLE ledger_resources (root TEXT NOT NULL, resource_type TEXT NOT NULL, id TEXT NOT
    NULL, etag TEXT NOT NULL, verified_at FLOAT NOT NULL, applied TEXT NOT NULL, PRIMARY KEY
    (root, resource_type, id));
CREATE TABLE ledger_steps (delivery_id BIGINT NOT NULL, position INTEGER NOT NULL, outcome TEXT
    NOT NULL, PRIMARY KEY (delivery_id, position));
CREATE TABLE ledger_waits (delivery_id BIGINT NOT NULL, position INTEGER NOT NULL, message_id
    BIGINT NOT NULL, bucket SMALLINT NOT NULL, root TEXT NOT NULL, kind TEXT NOT NULL,
    resource_type TEXT NOT NULL, system TEXT NOT NULL, value TEXT NOT NULL, until FLOAT NOT
    NULL, PRIMARY KEY (delivery_id, position));
CREATE INDEX ledger_waits_of_message ON ledger_waits (message_id);
"""

ASIDE = "ALTER TABLE deliveries ADD COLUMN aside SMALLINT NOT NULL DEFAULT 0"


def upgrade() -> None:
    """Add the tables, and the column."""
    connection = op.get_bind()
    connection.exec_driver_sql(ASIDE)
    tables = SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL
    for statement in tables.split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)
