"""Rim. Who is storing an edited copy, and until when nobody else may."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column."""
    op.get_bind().exec_driver_sql(
        "ALTER TABLE edited_copies ADD COLUMN claimed_until FLOAT NOT NULL DEFAULT 0"
    )
