"""Cases have coverages, with a history, and allocations of payments name the coverage under which they count.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_KINDS = "('pip', 'medpay', 'health', 'liability', 'um_uim', 'workers_comp', 'letter_of_protection', 'patient')"
_CHECKS = {
    "kind_known": f"kind in {_KINDS}",
    "insured_relationship_known": "insured_relationship in ('self', 'spouse', 'child', 'other')",
    "balance_billing_known": "balance_billing in ('allowed', 'forbidden')",
    "status_known": "status in ('unverified', 'active', 'exhausted', 'refused', 'closed')",
    "ends_after_it_begins": "effective_to > effective_from",
    "amounts_not_negative": "limit_amount > 0 and deductible_amount >= 0",
    "percent_is_part_of_a_whole": "pays_percent > 0 and pays_percent <= 100",
    "numbers_positive": "priority >= 1 and file_within_days >= 1",
    "other_payments_have_a_day": (
        "(other_payments_amount is null) = (other_payments_on is null) and coalesce(other_payments_amount, 0) >= 0"
    ),
    "exhausted_has_a_day": "(status = 'exhausted') = (exhausted_on is not null)",
    "closed_has_a_day": "(status in ('refused', 'closed')) = (closed_on is not null)",
}
_REFERENCES = {
    "case_id": "cases",
    "payer_id": "payers",
    "letter_id": "documents",
    "closing_letter_id": "documents",
    "verified_by": "users",
}
_OF_COVERAGE = "fk_cheque_allocations_clinic_id_coverage_id"
_OF_RESPONSIBILITY = "fk_responsibilities_clinic_id_coverage_id"


def upgrade() -> None:
    _create_coverages()
    _create_events()
    op.add_column("cheque_allocations", sa.Column("coverage_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f(_OF_COVERAGE), "cheque_allocations", "coverages", ["clinic_id", "coverage_id"], ["clinic_id", "id"]
    )
    op.create_foreign_key(
        op.f(_OF_RESPONSIBILITY), "responsibilities", "coverages", ["clinic_id", "coverage_id"], ["clinic_id", "id"]
    )
    op.create_index(
        "ix_cheque_allocations_coverage",
        "cheque_allocations",
        ["clinic_id", sa.literal_column("coverage_id")],
        postgresql_where=sa.text("coverage_id is not null"),
        postgresql_include=["invoice_id", "amount"],
    )


def _create_coverages() -> None:
    op.create_table(
        "coverages",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(collation="C"), nullable=True) for name in ("policy_number", "claim_number")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("insured_name", "insured_relationship")),
        *(sa.Column(f"adjuster_{name}", sa.Text(), nullable=True) for name in ("name", "phone", "email")),
        *(sa.Column(f"effective_{name}", sa.Date(), nullable=True) for name in ("from", "to")),
        *(sa.Column(f"{name}_amount", sa.Numeric(12, 2), nullable=True) for name in ("limit", "deductible")),
        sa.Column("pays_percent", sa.Numeric(5, 2), nullable=True),
        sa.Column("other_payments_amount", sa.Numeric(12, 2), nullable=True),
        sa.Column("other_payments_on", sa.Date(), nullable=True),
        sa.Column("file_within_days", sa.Integer(), nullable=True),
        sa.Column("balance_billing", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="unverified", nullable=False),
        *(sa.Column(name, sa.Date(), nullable=True) for name in ("exhausted_on", "closed_on")),
        sa.Column("closing_reason", sa.Text(), nullable=True),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("letter_id", "closing_letter_id", "verified_by")),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *(sa.CheckConstraint(words, name=op.f(f"ck_coverages_{name}")) for name, words in _CHECKS.items()),
        *_keys("coverages", _REFERENCES),
    )
    for name, columns in {"case": ("case_id", "priority", "id"), "payer": ("payer_id", "case_id")}.items():
        op.create_index(f"ix_coverages_{name}", "coverages", ["clinic_id", *map(sa.literal_column, columns)])


def _create_events() -> None:
    op.create_table(
        "coverage_events",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("coverage_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("changes", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *_keys("coverage_events", {"coverage_id": "coverages", "by_user_id": "users"}),
        sa.UniqueConstraint(
            "clinic_id", "coverage_id", "seq", name=op.f("uq_coverage_events_clinic_id_coverage_id_seq")
        ),
    )
    op.execute("""create trigger coverage_events_append_only before update or delete on coverage_events
        for each row execute function refuse_rewriting()""")
    op.execute("""create trigger coverage_events_not_emptied before truncate on coverage_events
        for each statement execute function refuse_rewriting()""")


def _keys(table: str, references: dict[str, str]) -> list[sa.schema.SchemaItem]:
    """The primary key of a table of clinics, and its references."""
    return [
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
    op.drop_index("ix_cheque_allocations_coverage", "cheque_allocations")
    op.drop_constraint(op.f(_OF_RESPONSIBILITY), "responsibilities", type_="foreignkey")
    op.drop_constraint(op.f(_OF_COVERAGE), "cheque_allocations", type_="foreignkey")
    op.drop_column("cheque_allocations", "coverage_id")
    op.drop_table("coverage_events")
    op.drop_table("coverages")
