"""Rim. An index of the messages that never ran: duplicates, conflicts, frames at fault."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the index."""
    op.get_bind().exec_driver_sql(
        "CREATE INDEX messages_notable ON messages (verdict, message_id)"
        " WHERE verdict IN ('duplicate', 'conflict', 'fault')"
    )
