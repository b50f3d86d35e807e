"""Rim. Marks of the ids in outputs and answers; saved searches; edited copies of messages."""

from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = """
CREATE TABLE id_marks (block {id}, first_message_id BIGINT NOT NULL,
    last_message_id BIGINT NOT NULL, size INTEGER NOT NULL, marks {bytes} NOT NULL,
    PRIMARY KEY (block));
CREATE INDEX id_marks_small ON id_marks (block) WHERE size < 65536;
CREATE TABLE saved_searches (search_id TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL,
    query TEXT NOT NULL, created_at FLOAT NOT NULL, expires_at FLOAT, PRIMARY KEY (search_id));
CREATE INDEX saved_searches_by_name ON saved_searches (name);
CREATE INDEX saved_searches_by_owner ON saved_searches (owner, created_at);
CREATE INDEX saved_searches_expiring ON saved_searches (expires_at);
CREATE TABLE edited_copies (copy_id {id}, created_at FLOAT NOT NULL, channel TEXT NOT NULL,
    parent_message_id BIGINT NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL, changes TEXT,
    raw {bytes} NOT NULL, message_id BIGINT, PRIMARY KEY (copy_id));
CREATE INDEX edited_copies_as ON edited_copies (message_id);
CREATE INDEX edited_copies_of ON edited_copies (parent_message_id);
CREATE INDEX edited_copies_waiting ON edited_copies (channel, copy_id) WHERE message_id IS NULL;
"""
# marks are random: trying to compress them would cost every worker
POSTGRESQL_ONLY = "ALTER TABLE id_marks ALTER COLUMN marks SET STORAGE EXTERNAL;"


def upgrade() -> None:
    """Make the tables."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        statements = TABLES.format(id="INTEGER NOT NULL", bytes="BLOB")
    else:
        statements = TABLES.format(id="BIGSERIAL NOT NULL", bytes="BYTEA") + POSTGRESQL_ONLY
    for statement in statements.split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)
