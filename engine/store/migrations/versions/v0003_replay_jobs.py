"""Rim. Replay jobs: what they leave out, may overwrite, and the configuration they run on."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    "ALTER TABLE jobs ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN overwrite_newer SMALLINT NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN revision TEXT NOT NULL DEFAULT ''",
)


def upgrade() -> None:
    """Add the columns."""
    connection = op.get_bind()
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)
