"""Rim. Failures in groups of one cause, and outages of destinations."""

from alembic import op

revision = "0007"
down_revision = "0006"

TABLES = """
CREATE TABLE problems (problem_id {id}, fingerprint TEXT NOT NULL, title TEXT NOT NULL,
    grouped_by TEXT NOT NULL, first_at FLOAT NOT NULL, last_at FLOAT NOT NULL, closed_at FLOAT,
    regressions INTEGER NOT NULL, owner TEXT NOT NULL, note TEXT NOT NULL, snoozed_until FLOAT,
    PRIMARY KEY (problem_id));
CREATE UNIQUE INDEX problems_by_fingerprint ON problems (fingerprint);
CREATE INDEX problems_by_time ON problems (last_at);
CREATE TABLE problem_runs (problem_id BIGINT NOT NULL, run_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (problem_id, run_id)){rowid};
CREATE INDEX problem_runs_of_run ON problem_runs (run_id);
CREATE TABLE outages (outage_id {id}, channel TEXT NOT NULL, destination TEXT NOT NULL,
    owner TEXT NOT NULL, code TEXT NOT NULL, began_at FLOAT NOT NULL, ended_at FLOAT,
    PRIMARY KEY (outage_id));
CREATE INDEX outages_by_time ON outages (began_at);
"""


def upgrade() -> None:
    """Make the tables."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        statements = TABLES.format(id="INTEGER NOT NULL", rowid=" WITHOUT ROWID")
    else:
        statements = TABLES.format(id="BIGSERIAL NOT NULL", rowid="")
    for statement in statements.split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)
