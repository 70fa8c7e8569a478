"""The tables of exports, of the records that each file shows, and of saved mappings of files to import."""

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from db.tables.base import clinic_table, index, metadata, moment, one_of, refers
from domain.access.people import Role
from domain.exports import ExportFormat, ExportKind, ExportStatus
from domain.imports import ImportKind

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
    # The deposit whose payments the file shows; null for payments of all deposits and of none.
    *refers("deposit_id", "deposits", nullable=True),
    # Whether a CSV file begins with a byte order mark.
    Column("byte_order_mark", Boolean, nullable=False, server_default=text("true")),
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
    # Read by servers of the release before alone; it is dropped in the next one.
    Column("case_ids", ARRAY(Uuid)),
    # How many records the file shows: the ids in export_records. Null: not known, so that the file cannot be downloaded.
    Column("record_count", BigInteger),
    moment("created_at"),
    moment("expires_at", nullable=True),
    one_of("role", Role),
    one_of("kind", ExportKind),
    one_of("format", ExportFormat),
    one_of("status", ExportStatus),
    index("ix_exports_requested", "requested_by", "created_at desc"),
)

# The records that a finished file shows, up to 10,000 ids of one table a row: each must still be in the reader's reach at a download.
# The rows are deleted with the file.
export_records = Table(
    "export_records",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("export_id", Uuid, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("part", Integer, nullable=False),
    Column("ids", ARRAY(Uuid), nullable=False),
    PrimaryKeyConstraint("clinic_id", "export_id", "table_name", "part"),
    ForeignKeyConstraint(["clinic_id", "export_id"], ["exports.clinic_id", "exports.id"], ondelete="CASCADE"),
)

# How a clinic's files of a kind are read; imports/mapping/mappings.py defines and checks the JSON.
import_mappings = clinic_table(
    "import_mappings",
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("mapping", JSON, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    *refers("changed_by", "users", nullable=True),
    moment("changed_at"),
    UniqueConstraint("clinic_id", "kind", "name"),
    one_of("kind", ImportKind),
    CheckConstraint("json_typeof(mapping) = 'object'", name="mapping_is_object"),
)
