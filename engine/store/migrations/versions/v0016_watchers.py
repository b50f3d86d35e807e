"""Rim. Whose turn it is to watch, where several nodes have one store.

Alerts on files and disks name their machine from now on: those of before, which nobody would end,
are over without a word.
"""

from alembic import op

revision = "0016"
down_revision = "0015"

STATEMENTS = (
    """CREATE TABLE watchers (name TEXT NOT NULL, owner TEXT NOT NULL, until FLOAT NOT NULL,
       PRIMARY KEY (name))""",
    """UPDATE alerts SET ended_at = began_at, told = 'ended'
       WHERE kind IN ('certificate', 'disk') AND ended_at IS NULL""",
)


def upgrade() -> None:
    """Make the table."""
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
