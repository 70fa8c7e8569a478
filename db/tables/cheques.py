"""The tables of cheques, of their allocations to invoices, and of scanned documents."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, Index, LargeBinary, Text, text

from db.tables.base import clinic_table, index, moment, money, refers, words

documents = clinic_table(
    "documents",
    *refers("uploaded_by", "users"),
    Column("file_name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("byte_size", BigInteger, nullable=False),
    Column("sha256", LargeBinary),
    Column("blob_key", Text),
    moment("expires_at"),
    moment("stored_at", nullable=True),
    moment("consumed_at", nullable=True),
)

cheques = clinic_table(
    "cheques",
    *refers("payer_id", "payers"),
    words("number"),
    money("amount"),
    Column("cheque_date", Date, nullable=False),
    Column("received_on", Date, nullable=False),
    Column("returned_on", Date),
    Column("return_reason", Text),
    *refers("document_id", "documents", nullable=True),
    # Imported records have no scanned document and are marked as imported.
    Column("imported", Boolean, nullable=False, server_default=text("false")),
    words("external_key", nullable=True),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("imported or document_id is not null", name="has_a_document"),
    index("ix_cheques_received", "received_on desc", "id desc"),
    Index(
        "uq_cheques_number_not_returned",
        "clinic_id",
        "payer_id",
        "number",
        unique=True,
        postgresql_where=text("returned_on is null"),
    ),
)

cheque_allocations = clinic_table(
    "cheque_allocations",
    *refers("cheque_id", "cheques"),
    *refers("invoice_id", "invoices"),
    money("amount"),
    Column("effective_on", Date, nullable=False),
    *refers("reverses_id", "cheque_allocations", nullable=True),
    # The payer's coverage under which it counts; null where the payer has none in the case of the invoice.
    *refers("coverage_id", "coverages", nullable=True),
    CheckConstraint("amount <> 0 and (amount < 0) = (reverses_id is not null)", name="reversal_is_negative"),
    index("ix_cheque_allocations_invoice", "invoice_id", "effective_on"),
    index("ix_cheque_allocations_cheque", "cheque_id"),
    index(
        "ix_cheque_allocations_coverage",
        "coverage_id",
        where="coverage_id is not null",
        beside=("invoice_id", "amount"),
    ),
)
