"""Rim. Indexes that hold all the board counts: what waits, and what stands still, by channel."""

from alembic import op

revision = "0015"
down_revision = "0014"

STATEMENTS = (
    "DROP INDEX runs_open",
    "CREATE INDEX runs_open ON runs (written_by, run_id, channel, received_at) WHERE open = 1",
    "DROP INDEX runs_notable",
    """CREATE INDEX runs_notable ON runs (state, message_id, channel)
       WHERE state NOT IN ('RECEIVED', 'TRANSFORMED', 'SENT')""",
)


def upgrade() -> None:
    """Make them anew."""
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
