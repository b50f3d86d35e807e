"""Rim. Tokens of the services we write to, sealed, shared by all processes."""

from alembic import op

revision = "0014"
down_revision = "0013"

TABLE = """
CREATE TABLE shared_tokens (client TEXT NOT NULL, generation BIGINT NOT NULL, sealed {bytes}
    NOT NULL, issued_at FLOAT NOT NULL, lifetime_seconds FLOAT NOT NULL, forced SMALLINT NOT
    NULL, asked_at FLOAT NOT NULL, holder TEXT NOT NULL, held_until FLOAT NOT NULL,
    blocked_until FLOAT NOT NULL, failure TEXT NOT NULL, PRIMARY KEY (client)){end}
"""


def upgrade() -> None:
    """Make the table."""
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    words = ("BLOB", " WITHOUT ROWID") if sqlite else ("BYTEA", "")
    connection.exec_driver_sql(TABLE.format(bytes=words[0], end=words[1]))
