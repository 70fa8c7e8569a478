"""The table of exports."""

from sqlalchemy import ARRAY, JSON, BigInteger, Column, Integer, LargeBinary, Numeric, Text, Uuid, text

from db.tables.base import clinic_table, index, moment, one_of, refers
from domain.access.people import Role
from domain.exports import ExportFormat, ExportKind, ExportStatus

exports = clinic_table(
    "exports",
    *refers("requested_by", "users"),
    # The role of the user at the request: the export is built under it, and the download is refused if the role has changed.
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
    # Totals over many invoices may exceed the limit of a single invoice.
    Column("billed_total", Numeric(16, 2)),
    Column("received_total", Numeric(16, 2)),
    Column("blob_key", Text),
    Column("failure", Text),
    # The number of attempts to build it; only the worker of the latest attempt may finish it.
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # The cases in an export by a user with limited reach: each must still be in reach at the download.
    Column("case_ids", ARRAY(Uuid)),
    moment("created_at"),
    moment("expires_at", nullable=True),
    one_of("role", Role),
    one_of("kind", ExportKind),
    one_of("format", ExportFormat),
    one_of("status", ExportStatus),
    index("ix_exports_requested", "requested_by", "created_at desc"),
)
