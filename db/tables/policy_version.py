"""The table of the version of roles, grants, policies and the lifecycle guard that the database has."""

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, LargeBinary, Table, text

from db.tables.base import metadata, moment

# One row of the whole database, so that its key has no clinic.
policy_version = Table(
    "policy_version",
    metadata,
    Column("is_only_row", Boolean, primary_key=True, server_default=text("true")),
    Column("serial", Integer, nullable=False),
    # SHA-256 of the statements that were run, and of what the catalog said afterwards.
    Column("digest", LargeBinary, nullable=False),
    Column("catalog_digest", LargeBinary, nullable=False),
    moment("applied_at"),
    CheckConstraint("is_only_row", name="is_only_row"),
)
