"""Rim. Run by Alembic: all steps in one transaction on the connection that `migrate` made."""

from alembic import context

from engine.store import (
    access_schema,
    ledger_schema,
    problem_schema,
    schema,
    token_schema,
    watch_schema,
)

TABLES = (
    schema.RUNS,
    access_schema.TOKENS,
    ledger_schema.LEDGER_KEYS,
    problem_schema.PROBLEMS,
    token_schema.SHARED_TOKENS,
    watch_schema.ALERTS,
)
"""Of all modules: they share one metadata."""

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=TABLES[0].metadata,
    transactional_ddl=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
