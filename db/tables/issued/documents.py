"""The tables of issued documents: what was sent, with which contents, to whom, and the clinic's texts of each kind."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from db.tables.base import clinic_table, index, listed, metadata, moment, money, one_of, refers
from domain.documents.kinds import DocumentKind, IssuedDocumentKind
from domain.issuing.documents import DeliveryMethod, DocumentOrigin, DocumentStatus, FileStatus

# The clinic's texts of a kind of document. A version is never changed.
document_templates = clinic_table(
    "document_templates",
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("texts", JSON, nullable=False),
    *refers("created_by", "users", nullable=True),
    UniqueConstraint("clinic_id", "kind", "version"),
    one_of("kind", DocumentKind),
    CheckConstraint("json_typeof(texts) = 'array'", name="texts_are_a_list"),
)

# The last number of a clinic's documents of a kind.
document_counters = Table(
    "document_counters",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("last_number", Integer, nullable=False),
    PrimaryKeyConstraint("clinic_id", "kind"),
    ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"]),
    one_of("kind", IssuedDocumentKind),
)

# What a document says is frozen: a trigger lets only its status, its file, and the days of signing and service change, each once.
issued_documents = clinic_table(
    "issued_documents",
    Column("kind", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("number", Text, nullable=False),
    *refers("case_id", "cases"),
    Column("recipient", Text, nullable=False),
    # The attorney to whom it is addressed; null for other recipients.
    *refers("attorney_id", "attorneys", nullable=True),
    *refers("template_id", "document_templates", nullable=True),
    Column("as_of", Date, nullable=False),
    Column("good_through", Date),
    money("stated_amount", nullable=True),
    # The canonical JSON from which the file is drawn, and its SHA-256; null for uploaded documents.
    Column("contents", Text),
    Column("data_hash", LargeBinary),
    *refers("issued_by", "users", nullable=True),
    moment("issued_at"),
    *refers("supersedes_id", "issued_documents", nullable=True),
    # A final payoff letter: new invoices of the case wait until its last day.
    Column("is_final", Boolean, nullable=False, server_default=text("false")),
    # The statement that an affidavit swears to.
    *refers("statement_id", "issued_documents", nullable=True),
    # The state whose rules a lien notice or release follows.
    Column("state", Text),
    Column("status", Text, nullable=False, server_default=text("'issued'")),
    *refers("withdrawn_by", "users", nullable=True),
    moment("withdrawn_at", nullable=True),
    Column("withdrawal_reason", Text),
    # The days on which an affidavit was signed, and served.
    Column("executed_on", Date),
    Column("served_on", Date),
    # The upload, of an uploaded document.
    *refers("document_id", "documents", nullable=True),
    Column("content_type", Text, nullable=False, server_default=text("'application/pdf'")),
    Column("file_status", Text, nullable=False, server_default=text("'queued'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("sha256", LargeBinary),
    Column("blob_key", Text),
    Column("byte_size", BigInteger),
    Column("page_count", Integer),
    UniqueConstraint("clinic_id", "kind", "number"),
    one_of("kind", IssuedDocumentKind),
    one_of("origin", DocumentOrigin),
    one_of("status", DocumentStatus),
    one_of("file_status", FileStatus),
    CheckConstraint(
        """case origin when 'drawn' then contents is not null and data_hash is not null and document_id is null
        else contents is null and data_hash is null and document_id is not null end""",
        name="contents_of_origin",
    ),
    CheckConstraint(f"origin = 'uploaded' or kind in {listed(DocumentKind)}", name="drawn_kind"),
    CheckConstraint("(status = 'withdrawn') = (withdrawn_at is not null)", name="withdrawal_has_a_moment"),
    CheckConstraint("(withdrawn_at is null) = (withdrawal_reason is null)", name="withdrawal_has_a_reason"),
    CheckConstraint(
        "file_status <> 'ready' or origin = 'uploaded' or (sha256 is not null and blob_key is not null)",
        name="ready_has_a_file",
    ),
    CheckConstraint("good_through is null or good_through >= as_of", name="good_after_its_day"),
    CheckConstraint("not is_final or good_through is not null", name="final_has_a_last_day"),
    CheckConstraint("served_on is null or executed_on <= served_on", name="served_after_signing"),
    index("ix_issued_documents_issued", "issued_at desc", "id desc"),
    index("ix_issued_documents_case", "case_id", "issued_at desc"),
    index("uq_issued_documents_supersedes", "supersedes_id", where="supersedes_id is not null", unique=True),
    index("ix_issued_documents_valid", "good_through", where="kind = 'PAYOFF_LETTER' and status = 'issued'"),
)

# The invoices that a document names, and what it states of each. Never changed.
issued_document_invoices = clinic_table(
    "issued_document_invoices",
    *refers("document_id", "issued_documents"),
    *refers("invoice_id", "invoices"),
    money("amount", nullable=True),
    UniqueConstraint("clinic_id", "document_id", "invoice_id"),
    index("ix_issued_document_invoices_invoice", "invoice_id"),
)

# A delivery of a document. Never changed. The case is that of the document, so that an attorney's reach needs no other row.
document_deliveries = clinic_table(
    "document_deliveries",
    *refers("document_id", "issued_documents"),
    *refers("case_id", "cases"),
    Column("method", Text, nullable=False),
    moment("delivered_at"),
    Column("recipient", Text, nullable=False),
    # Where it was delivered to an attorney: the attorney and the law firm of that day.
    *refers("attorney_id", "attorneys", nullable=True),
    *refers("firm_id", "firms", nullable=True),
    Column("tracking_number", Text),
    *refers("proof_id", "documents", nullable=True),
    *refers("message_id", "outbound_messages", nullable=True),
    *refers("recorded_by", "users", nullable=True),
    one_of("method", DeliveryMethod),
    index("ix_document_deliveries_document", "document_id"),
    index("ix_document_deliveries_attorney", "attorney_id", "document_id", where="attorney_id is not null"),
    index("ix_document_deliveries_firm", "firm_id", "document_id", where="firm_id is not null"),
    index("uq_document_deliveries_message", "message_id", where="message_id is not null", unique=True),
)

# The keys of an element of document_templates.texts: not a table of the database, but read like one.
document_texts = Table("document_texts", MetaData(), Column("name", Text), Column("text", Text))
