"""Rim. Run by Alembic: all steps in one transaction on the connection that `migrate` made."""

from alembic import context

from engine.store.schema import STATE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=STATE,
    transactional_ddl=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
