"""Decides what is stored of exports and of who saw or changed what."""

from sqlalchemy import JSON, BigInteger, Column, LargeBinary, Text, UniqueConstraint, text

from db.tables.base import clinic_table, index, moment, money, refers

exports = clinic_table(
    "exports",
    *refers("requested_by", "users"),
    Column("kind", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("filter", JSON, nullable=False, server_default=text("'{}'")),
    Column("columns", JSON, nullable=False, server_default=text("'[]'")),
    Column("file_name", Text, nullable=False),
    Column("row_count", BigInteger),
    Column("rows_written", BigInteger, nullable=False, server_default=text("0")),
    Column("byte_size", BigInteger),
    Column("sha256", LargeBinary),
    money("billed_total", nullable=True),
    money("received_total", nullable=True),
    Column("blob_key", Text),
    Column("failure", Text),
    moment("created_at"),
    moment("expires_at", nullable=True),
    index("ix_exports_requested", "requested_by", "created_at desc"),
)

audit_events = clinic_table(
    "audit_events",
    *refers("user_id", "users", nullable=True),
    Column("role", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("entities", JSON, nullable=False, server_default=text("'[]'")),
    Column("fields", JSON, nullable=False, server_default=text("'[]'")),
    Column("row_count", BigInteger),
    Column("request_id", Text),
    moment("at"),
    Column("chain_seq", BigInteger),
    Column("chain_hash", LargeBinary),
    UniqueConstraint("clinic_id", "chain_seq"),
    index("ix_audit_events_at", "at desc"),
)
