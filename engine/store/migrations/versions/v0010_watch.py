"""Rim. Rhythms of channels, and alerts from their beginning to their end."""

from alembic import op

revision = "0010"
down_revision = "0009"

TABLES = """
CREATE TABLE rhythms (channel TEXT NOT NULL, hour SMALLINT NOT NULL, longest_seconds FLOAT NOT NULL,
    usual_seconds FLOAT NOT NULL, weeks INTEGER NOT NULL, PRIMARY KEY (channel, hour)){rowid};
CREATE TABLE learned (channel TEXT NOT NULL, until FLOAT NOT NULL, PRIMARY KEY (channel)){rowid};
CREATE TABLE alerts (alert_id {id}, kind TEXT NOT NULL, subject TEXT NOT NULL, said TEXT NOT NULL,
    began_at FLOAT NOT NULL, ended_at FLOAT, told TEXT NOT NULL, tell_at FLOAT NOT NULL,
    PRIMARY KEY (alert_id));
CREATE UNIQUE INDEX alerts_lasting ON alerts (kind, subject) WHERE ended_at IS NULL;
CREATE INDEX alerts_by_time ON alerts (began_at);
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
