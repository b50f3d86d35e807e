"""Rim. Marks of ids in buckets: a search reads one small row of each generation, not all of them.

Marks made before are dropped: messages of before are no longer found by those ids.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

TABLES = """
DROP TABLE id_marks;
CREATE TABLE fresh_marks (turn {id}, first_message_id BIGINT NOT NULL,
    last_message_id BIGINT NOT NULL, marks {bytes} NOT NULL, PRIMARY KEY (turn));
CREATE TABLE mark_generations (generation {id}, first_message_id BIGINT NOT NULL,
    last_message_id BIGINT NOT NULL, PRIMARY KEY (generation));
CREATE TABLE mark_buckets (row_id {key}, marks {bytes} NOT NULL, places {bytes} NOT NULL,
    PRIMARY KEY (row_id));
"""
# marks are random: trying to compress them would cost every worker
POSTGRESQL_ONLY = """
ALTER TABLE fresh_marks ALTER COLUMN marks SET STORAGE EXTERNAL;
ALTER TABLE mark_buckets ALTER COLUMN marks SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    """Make the tables."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        key = "INTEGER NOT NULL"
        statements = TABLES.format(id=key, key=key, bytes="BLOB")
    else:
        words = {"id": "BIGSERIAL NOT NULL", "key": "BIGINT NOT NULL", "bytes": "BYTEA"}
        statements = TABLES.format(**words) + POSTGRESQL_ONLY
    for statement in statements.split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)
