"""Decides what is stored of exports."""

from sqlalchemy import JSON, BigInteger, Column, LargeBinary, Text, text

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
