"""Rim. Why a person decided what becomes of a delivery."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    "ALTER TABLE decisions ADD COLUMN reason TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX decisions_of_delivery ON decisions (delivery_id)",
)


def upgrade() -> None:
    """Add the column, and an index to find the decisions of a delivery by."""
    connection = op.get_bind()
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)
