"""Decides how Alembic runs: on the connection that db/migrating.py opened, with a limit on how long it waits for locks."""

from alembic import context

from db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False, compare_type=True)
with context.begin_transaction():
    connection.exec_driver_sql("set local lock_timeout = '5s'")
    context.run_migrations()
