"""Runs Alembic on the connection that db/migrate.py opened, as the owner of the tables, with a lock timeout."""

from alembic import context

from db.security.ownership import OWNER_ROLE
from db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False, compare_type=True)
with context.begin_transaction():
    connection.exec_driver_sql("set local lock_timeout = '5s'")
    # Objects made by migrations belong to the owner role, and no migration needs superuser rights.
    connection.exec_driver_sql(f"set local role {OWNER_ROLE}")
    context.run_migrations()
