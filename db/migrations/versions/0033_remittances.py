"""Remittances of payers are kept: their payments, the claims that these pay, and what became of each claim.

What the payer says is never changed; a claim is posted or closed once.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


# What may change of a row of each table: everything else is what the payer says.
_CHANGES = (
    ("remittance_payments", "payer_id status reason cheque_id is_attached posted_at posted_by", "again"),
    (
        "remittance_claims",
        "status reason invoice_id lines coverage_id posted_at posted_by closed_at closed_by closing_reason",
        "once",
    ),
)
_LINES = "(select jsonb_agg(line - 'line_id') from jsonb_array_elements(to_jsonb({0}) -> 'lines') line)"
_STATEMENTS = (
    f"""create function guard_remittance() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    -- The first argument are the columns that may change, the second whether they do so once a row was posted. Of a line, only
    -- which line of the invoice it is may change.
    if tg_op = 'DELETE' or (to_jsonb(new) - string_to_array(tg_argv[0], ' '))
            is distinct from (to_jsonb(old) - string_to_array(tg_argv[0], ' '))
        or {_LINES.format("new")} is distinct from {_LINES.format("old")}
        or old.posted_at is not null and tg_argv[1] = 'once' and to_jsonb(new) is distinct from to_jsonb(old) then
        raise exception 'what a remittance says, and what was posted, is never edited or deleted'
            using errcode = 'check_violation';
    end if;
    return new;
end $$""",
    *(
        f"""create trigger guard_{table} before update or delete on {table}
        for each row execute function guard_remittance('{columns}', '{once}')"""
        for table, columns, once in _CHANGES
    ),
    """create trigger remittances_append_only before update or delete on remittances
        for each row execute function refuse_rewriting()""",
    *(
        f"""create trigger {table}_not_emptied before truncate on {table}
        for each statement execute function refuse_rewriting()"""
        for table in ("remittances", "remittance_payments", "remittance_claims")
    ),
)


def upgrade() -> None:
    op.create_table(
        "remittances",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("imported_by", sa.Uuid(), nullable=False),
        sa.Column("problems", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("origin in ('file', 'paper')", name=op.f("ck_remittances_origin_known")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "document_id"],
            ["documents.clinic_id", "documents.id"],
            name=op.f("fk_remittances_clinic_id_document_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "imported_by"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_remittances_clinic_id_imported_by"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_remittances_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_remittances")),
    )
    op.create_index(
        "ix_remittances_recorded",
        "remittances",
        ["clinic_id", sa.literal_column("recorded_at desc"), sa.literal_column("id desc")],
    )
    op.create_table(
        "remittance_payments",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("remittance_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=True),
        sa.Column("payer_identifier", sa.Text(collation="C"), nullable=True),
        sa.Column("payer_name", sa.Text(), nullable=True),
        sa.Column("payer_name_key", sa.Text(collation="C"), nullable=True),
        sa.Column("trace", sa.Text(collation="C"), nullable=False),
        sa.Column("trace_key", sa.Text(collation="C"), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("broken_laws", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("provider_adjustments", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("cheque_id", sa.Uuid(), nullable=True),
        sa.Column("is_attached", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("posted_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "method in ('paper', 'ach', 'wire', 'card', 'virtual_card', 'cash')",
            name=op.f("ck_remittance_payments_method_known"),
        ),
        sa.CheckConstraint(
            "posted_at is null or status not in ('out_of_balance', 'duplicate')",
            name=op.f("ck_remittance_payments_posts_what_is_right"),
        ),
        sa.CheckConstraint(
            "status in ('matched', 'unmatched', 'out_of_balance', 'duplicate')",
            name=op.f("ck_remittance_payments_status_known"),
        ),
        sa.CheckConstraint("place >= 1", name=op.f("ck_remittance_payments_place_positive")),
        sa.CheckConstraint(
            "posted_at is null or cheque_id is not null", name=op.f("ck_remittance_payments_posted_to_a_payment")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "cheque_id"],
            ["cheques.clinic_id", "cheques.id"],
            name=op.f("fk_remittance_payments_clinic_id_cheque_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "payer_id"],
            ["payers.clinic_id", "payers.id"],
            name=op.f("fk_remittance_payments_clinic_id_payer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "posted_by"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_remittance_payments_clinic_id_posted_by"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "remittance_id"],
            ["remittances.clinic_id", "remittances.id"],
            name=op.f("fk_remittance_payments_clinic_id_remittance_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_remittance_payments_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_remittance_payments")),
    )
    op.create_index(
        "ix_remittance_payments_cheque",
        "remittance_payments",
        ["clinic_id", sa.literal_column("cheque_id")],
        postgresql_where=sa.text("cheque_id is not null"),
    )
    op.create_index(
        "ix_remittance_payments_payer",
        "remittance_payments",
        [
            "clinic_id",
            sa.literal_column("payer_identifier"),
            sa.literal_column("payer_name_key"),
            sa.literal_column("id"),
        ],
    )
    op.create_index(
        "ix_remittance_payments_remittance",
        "remittance_payments",
        ["clinic_id", sa.literal_column("remittance_id"), sa.literal_column("place")],
    )
    op.create_index(
        "uq_remittance_payments_trace",
        "remittance_payments",
        ["clinic_id", sa.literal_column("payer_id"), sa.literal_column("trace_key")],
        unique=True,
        postgresql_where=sa.text("payer_id is not null and status = 'matched'"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "remittance_claims",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("remittance_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("status_code", sa.Text(collation="C"), nullable=False),
        sa.Column("charge_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("paid_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("patient_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("payer_number", sa.Text(collation="C"), nullable=True),
        sa.Column("adjustments", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("remark_codes", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("lines", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("transfer_amount", sa.Numeric(precision=12, scale=2), server_default=sa.text("0"), nullable=False),
        sa.Column("responsible_amount", sa.Numeric(precision=12, scale=2), server_default=sa.text("0"), nullable=False),
        sa.Column("transfer_reason", sa.Text(), server_default=sa.text("'other'"), nullable=False),
        sa.Column("is_exhausted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("coverage_id", sa.Uuid(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("posted_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closing_reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "posted_at is null or invoice_id is not null and closed_at is null and status not in ('out_of_balance', 'duplicate')",
            name=op.f("ck_remittance_claims_posts_what_is_right"),
        ),
        sa.CheckConstraint(
            "status in ('matched', 'unmatched', 'reversal', 'out_of_balance', 'duplicate')",
            name=op.f("ck_remittance_claims_status_known"),
        ),
        sa.CheckConstraint(
            "transfer_reason in ('first', 'exhausted', 'refused', 'deductible', 'coinsurance', 'representation_ended', 'other')",
            name=op.f("ck_remittance_claims_transfer_reason_known"),
        ),
        sa.CheckConstraint(
            "(closed_at is null) = (closing_reason is null)", name=op.f("ck_remittance_claims_closed_with_a_reason")
        ),
        sa.CheckConstraint("place >= 1", name=op.f("ck_remittance_claims_place_positive")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "closed_by"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_remittance_claims_clinic_id_closed_by"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "coverage_id"],
            ["coverages.clinic_id", "coverages.id"],
            name=op.f("fk_remittance_claims_clinic_id_coverage_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_remittance_claims_clinic_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "payment_id"],
            ["remittance_payments.clinic_id", "remittance_payments.id"],
            name=op.f("fk_remittance_claims_clinic_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "posted_by"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_remittance_claims_clinic_id_posted_by"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "remittance_id"],
            ["remittances.clinic_id", "remittances.id"],
            name=op.f("fk_remittance_claims_clinic_id_remittance_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_remittance_claims_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_remittance_claims")),
    )
    op.create_index(
        "ix_remittance_claims_invoice",
        "remittance_claims",
        ["clinic_id", sa.literal_column("invoice_id"), sa.literal_column("id")],
        postgresql_where=sa.text("invoice_id is not null"),
    )
    op.create_index(
        "ix_remittance_claims_payer_number",
        "remittance_claims",
        ["clinic_id", sa.literal_column("payer_number"), sa.literal_column("id")],
        postgresql_where=sa.text("payer_number is not null"),
    )
    op.create_index(
        "ix_remittance_claims_payment",
        "remittance_claims",
        ["clinic_id", sa.literal_column("payment_id"), sa.literal_column("place")],
    )
    op.create_index(
        "ix_remittance_claims_remittance",
        "remittance_claims",
        ["clinic_id", sa.literal_column("remittance_id"), sa.literal_column("place"), sa.literal_column("id")],
    )
    op.create_index(
        "ix_remittance_claims_waiting",
        "remittance_claims",
        ["clinic_id", sa.literal_column("recorded_at"), sa.literal_column("id")],
        postgresql_where=sa.text("posted_at is null and closed_at is null and status <> 'duplicate'"),
    )
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("remittance_claims", "remittance_payments", "remittances"):
        op.drop_table(table)
    op.execute("drop function guard_remittance()")
