"""Issued documents: their frozen contents, invoices, deliveries and numbers, the clinic's texts, and messages that send them.

A document never changes but for its status, its file, and the days of signing and service, each once. A job of the worker for its file is
asked for by the database in the transaction that issues it.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(precision=12, scale=2)
_KINDS = """kind in ('INVOICE', 'ITEMISED_STATEMENT', 'PAYOFF_LETTER', 'LIEN_NOTICE', 'LIEN_RELEASE', 'BILLING_AFFIDAVIT',
    'PATIENT_STATEMENT', 'GOOD_FAITH_ESTIMATE')"""
_METHODS = "method in ('email', 'mail', 'certified_mail', 'fax', 'portal', 'hand')"
_APPEND_ONLY = ("document_templates", "issued_document_invoices", "document_deliveries")
_FROZEN = (
    *("clinic_id", "id", "kind", "origin", "number", "case_id", "recipient", "attorney_id", "template_id", "as_of"),
    *("good_through", "stated_amount", "contents", "data_hash", "issued_by", "issued_at", "supersedes_id", "is_final"),
    *("statement_id", "state", "document_id", "content_type", "recorded_at"),
)
# Each of these is set once.
_ONCE = ("executed_on", "served_on", "withdrawn_at", "withdrawn_by", "withdrawal_reason")
_FILE = ("sha256", "blob_key", "byte_size", "page_count")


def _same(names: tuple[str, ...]) -> str:
    return f"({', '.join(f'new.{name}' for name in names)}) is not distinct from ({', '.join(f'old.{name}' for name in names)})"


_GUARD = f"""create function guard_issued_document() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op = 'DELETE' or not ({_same(_FROZEN)}) then
        raise exception 'an issued document is never edited or deleted' using errcode = 'check_violation';
    end if;
    if old.status = 'withdrawn' and new.status <> 'withdrawn' or {
    " or ".join(f"(old.{name} is not null and new.{name} is distinct from old.{name})" for name in _ONCE)
} then
        raise exception 'what was recorded of an issued document stays' using errcode = 'check_violation';
    end if;
    if old.file_status = 'ready' and not ({_same(("file_status", *_FILE))}) then
        raise exception 'the file of an issued document stays' using errcode = 'check_violation';
    end if;
    return new;
end $$"""
_ASK = """create function ask_for_document() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    job bigint;
begin
    insert into jobs.pgqueuer (priority, entrypoint, payload, headers, status)
    values (0, 'draw_document', convert_to(new.clinic_id || ' ' || new.id, 'UTF8'), 'null', 'queued') returning id into job;
    insert into jobs.pgqueuer_log (job_id, status, entrypoint, priority) values (job, 'queued', 'draw_document', 0);
    return null;
end $$"""


def upgrade() -> None:
    _add_templates()
    _add_documents()
    _add_invoices()
    _add_deliveries()
    op.add_column(
        "clinics", sa.Column("attaches_documents", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("outbound_messages", sa.Column("issued_document_id", sa.Uuid(), nullable=True))
    op.add_column(
        "outbound_messages",
        sa.Column("attaches_document", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_foreign_key(
        op.f("fk_outbound_messages_clinic_id_issued_document_id"),
        "outbound_messages",
        "issued_documents",
        ["clinic_id", "issued_document_id"],
        ["clinic_id", "id"],
    )
    _index(
        "ix_outbound_messages_issued_document",
        "outbound_messages",
        "issued_document_id",
        where="issued_document_id is not null",
    )
    op.execute(_GUARD)
    op.execute("""create trigger guard_issued_document before update or delete on issued_documents
        for each row execute function guard_issued_document()""")
    op.get_bind().exec_driver_sql(_ASK)
    op.execute("""create trigger ask_for_document after insert on issued_documents
        for each row when (new.file_status = 'queued') execute function ask_for_document()""")
    for table in _APPEND_ONLY:
        op.execute(f"""create trigger {table}_append_only before update or delete on {table}
            for each row execute function refuse_rewriting()""")
    for table in (*_APPEND_ONLY, "issued_documents"):
        op.execute(f"""create trigger {table}_not_emptied before truncate on {table}
            for each statement execute function refuse_rewriting()""")


def _add_templates() -> None:
    op.create_table(
        "document_templates",
        *_identity(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        *_ends_of("document_templates", created_by="users"),
        sa.UniqueConstraint("clinic_id", "kind", "version", name=op.f("uq_document_templates_clinic_id_kind_version")),
        sa.CheckConstraint(_KINDS, name=op.f("ck_document_templates_kind_known")),
        sa.CheckConstraint("json_typeof(texts) = 'array'", name=op.f("ck_document_templates_texts_are_a_list")),
    )
    op.create_table(
        "document_counters",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_document_counters_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "kind", name=op.f("pk_document_counters")),
        sa.CheckConstraint(_KINDS, name=op.f("ck_document_counters_kind_known")),
    )


def _add_documents() -> None:
    text, moment = sa.Text(), sa.DateTime(timezone=True)
    op.create_table(
        "issued_documents",
        *_identity(),
        sa.Column("kind", text, nullable=False),
        sa.Column("origin", text, nullable=False),
        sa.Column("number", text, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", text, nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("attorney_id", "template_id")),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("good_through", sa.Date(), nullable=True),
        sa.Column("stated_amount", _MONEY, nullable=True),
        sa.Column("contents", text, nullable=True),
        sa.Column("data_hash", sa.LargeBinary(), nullable=True),
        sa.Column("issued_by", sa.Uuid(), nullable=True),
        sa.Column("issued_at", moment, nullable=False),
        sa.Column("supersedes_id", sa.Uuid(), nullable=True),
        sa.Column("is_final", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=True),
        sa.Column("state", text, nullable=True),
        sa.Column("status", text, server_default=sa.text("'issued'"), nullable=False),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", moment, nullable=True),
        sa.Column("withdrawal_reason", text, nullable=True),
        *(sa.Column(name, sa.Date(), nullable=True) for name in ("executed_on", "served_on")),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("content_type", text, server_default=sa.text("'application/pdf'"), nullable=False),
        sa.Column("file_status", text, server_default=sa.text("'queued'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("blob_key", text, nullable=True),
        sa.Column("byte_size", sa.BigInteger(), nullable=True),
        sa.Column("page_count", sa.Integer(), nullable=True),
        *_ends_of("issued_documents", **_REFERENCES),
        sa.UniqueConstraint("clinic_id", "kind", "number", name=op.f("uq_issued_documents_clinic_id_kind_number")),
        *(sa.CheckConstraint(condition, name=op.f(f"ck_issued_documents_{name}")) for name, condition in _CHECKS),
    )
    for name, columns, where, unique in _INDEXES:
        nulls: dict[str, Any] = {"postgresql_nulls_not_distinct": True} if unique else {}
        op.create_index(
            name,
            "issued_documents",
            ["clinic_id", *map(sa.literal_column, columns)],
            unique=unique,
            postgresql_where=sa.text(where) if where else None,
            **nulls,
        )


_REFERENCES = {
    "case_id": "cases",
    "attorney_id": "attorneys",
    "template_id": "document_templates",
    "issued_by": "users",
    "supersedes_id": "issued_documents",
    "statement_id": "issued_documents",
    "withdrawn_by": "users",
    "document_id": "documents",
}
_CHECKS = (
    ("kind_known", _KINDS),
    ("origin_known", "origin in ('drawn', 'uploaded')"),
    ("status_known", "status in ('issued', 'withdrawn')"),
    ("file_status_known", "file_status in ('queued', 'ready', 'failed')"),
    (
        "contents_of_origin",
        """case origin when 'drawn' then contents is not null and data_hash is not null and document_id is null
        else contents is null and data_hash is null and document_id is not null end""",
    ),
    ("withdrawal_has_a_moment", "(status = 'withdrawn') = (withdrawn_at is not null)"),
    ("withdrawal_has_a_reason", "(withdrawn_at is null) = (withdrawal_reason is null)"),
    (
        "ready_has_a_file",
        "file_status <> 'ready' or origin = 'uploaded' or (sha256 is not null and blob_key is not null)",
    ),
    ("good_after_its_day", "good_through is null or good_through >= as_of"),
    ("final_has_a_last_day", "not is_final or good_through is not null"),
    ("served_after_signing", "served_on is null or executed_on <= served_on"),
)
_INDEXES = (
    ("ix_issued_documents_issued", ("issued_at desc", "id desc"), None, False),
    ("ix_issued_documents_case", ("case_id", "issued_at desc"), None, False),
    ("uq_issued_documents_supersedes", ("supersedes_id",), "supersedes_id is not null", True),
    ("ix_issued_documents_valid", ("good_through",), "kind = 'PAYOFF_LETTER' and status = 'issued'", False),
)


def _add_invoices() -> None:
    op.create_table(
        "issued_document_invoices",
        *_identity(),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("amount", _MONEY, nullable=True),
        *_ends_of("issued_document_invoices", document_id="issued_documents", invoice_id="invoices"),
        sa.UniqueConstraint(
            "clinic_id",
            "document_id",
            "invoice_id",
            name=op.f("uq_issued_document_invoices_clinic_id_document_id_invoice_id"),
        ),
    )
    _index("ix_issued_document_invoices_invoice", "issued_document_invoices", "invoice_id")


def _add_deliveries() -> None:
    op.create_table(
        "document_deliveries",
        *_identity(),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("attorney_id", "firm_id")),
        sa.Column("tracking_number", sa.Text(), nullable=True),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("proof_id", "message_id", "recorded_by")),
        *_ends_of(
            "document_deliveries",
            document_id="issued_documents",
            case_id="cases",
            attorney_id="attorneys",
            firm_id="firms",
            proof_id="documents",
            message_id="outbound_messages",
            recorded_by="users",
        ),
        sa.CheckConstraint(_METHODS, name=op.f("ck_document_deliveries_method_known")),
    )
    _index("ix_document_deliveries_document", "document_deliveries", "document_id")
    for name, column in (("attorney", "attorney_id"), ("firm", "firm_id")):
        _index(
            f"ix_document_deliveries_{name}",
            *("document_deliveries", column, "document_id"),
            where=f"{column} is not null",
        )
    op.create_index(
        "uq_document_deliveries_message",
        "document_deliveries",
        ["clinic_id", "message_id"],
        unique=True,
        postgresql_where=sa.text("message_id is not null"),
        postgresql_nulls_not_distinct=True,
    )


def _index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    op.create_index(name, table, ["clinic_id", *columns], postgresql_where=sa.text(where) if where else None)


def _identity() -> list[sa.Column[Any]]:
    return [sa.Column("clinic_id", sa.Uuid(), nullable=False), sa.Column("id", sa.Uuid(), nullable=False)]


def _ends_of(table: str, **references: str) -> list[sa.schema.SchemaItem]:
    """The time of recording, and the keys of a table of clinics."""
    return [
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                ["clinic_id", column],
                [f"{other}.clinic_id", f"{other}.id"],
                name=op.f(f"fk_{table}_clinic_id_{column}"),
            )
            for column, other in references.items()
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f(f"fk_{table}_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f(f"pk_{table}")),
    ]


def downgrade() -> None:
    op.drop_constraint(op.f("fk_outbound_messages_clinic_id_issued_document_id"), "outbound_messages")
    # With the row policies that ask it; the release before sets its own.
    op.execute("drop table document_deliveries cascade")
    op.drop_table("issued_document_invoices")
    op.drop_table("issued_documents")
    op.drop_table("document_counters")
    op.drop_table("document_templates")
    for function in ("guard_issued_document", "ask_for_document"):
        op.execute(f"drop function {function}()")
    op.drop_index("ix_outbound_messages_issued_document", "outbound_messages")
    # The release before sends no documents: a message of one cannot be composed there.
    op.execute("delete from outbound_messages where issued_document_id is not null")
    op.execute("alter table outbound_messages drop column issued_document_id cascade")
    op.drop_column("outbound_messages", "attaches_document")
    op.drop_column("clinics", "attaches_documents")
