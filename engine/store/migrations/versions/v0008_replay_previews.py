"""Rim. What the preview of a replay job found."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column."""
    op.get_bind().exec_driver_sql("ALTER TABLE jobs ADD COLUMN preview TEXT NOT NULL DEFAULT ''")
