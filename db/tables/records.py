"""Decides what is stored of exports."""

from sqlalchemy import ARRAY, JSON, BigInteger, Column, Integer, LargeBinary, Numeric, Text, Uuid, text

from db.tables.base import clinic_table, index, moment, one_of, refers
from domain.exports import ExportFormat, ExportKind, ExportStatus
from domain.people import Role

exports = clinic_table(
    "exports",
    *refers("requested_by", "users"),
    # As what the file was asked for: it is built as that, and handed out to nobody who is something else by then.
    Column("role", Text, nullable=False),
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
    # Of many invoices, these may come to more than one invoice can.
    Column("billed_total", Numeric(16, 2)),
    Column("received_total", Numeric(16, 2)),
    Column("blob_key", Text),
    Column("failure", Text),
    # How often a worker has begun to build it; only the last one to begin finishes it.
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # The cases in a file of somebody who does not reach all of them: each has to be in reach at the download.
    Column("case_ids", ARRAY(Uuid)),
    moment("created_at"),
    moment("expires_at", nullable=True),
    one_of("role", Role),
    one_of("kind", ExportKind),
    one_of("format", ExportFormat),
    one_of("status", ExportStatus),
    index("ix_exports_requested", "requested_by", "created_at desc"),
)
