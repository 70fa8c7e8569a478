"""Facts from outside that were recorded after a decision that they would have prevented are kept, and are action items.

An agreement also ends where its invoice becomes void, which is then one of 0.00.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_ENDS = ("lapsed", "reopened", "denied", "transferred", "replaced")


def upgrade() -> None:
    op.create_table(
        "late_facts",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("fact_on", sa.Date(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("fact in ('receipt', 'return', 'denial')", name=op.f("ck_late_facts_fact_known")),
        sa.CheckConstraint(
            "decision in ('transfer', 'agreement', 'reopening', 'lapse', 'small_balance', 'write_off')",
            name=op.f("ck_late_facts_decision_known"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "invoice_id"],
            ["invoices.clinic_id", "invoices.id"],
            name=op.f("fk_late_facts_clinic_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_late_facts_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_late_facts")),
    )
    op.create_index("ix_late_facts_invoice", "late_facts", ["clinic_id", sa.text("invoice_id"), sa.text("seq")])
    op.execute("""create trigger late_facts_append_only before update or delete on late_facts
        for each row execute function refuse_rewriting()""")
    op.execute("""create trigger late_facts_not_emptied before truncate on late_facts
        for each statement execute function refuse_rewriting()""")

    _check_ends(*_ENDS, "voided")


def _check_ends(*ends: str) -> None:
    op.drop_constraint(op.f("ck_agreements_ended_by_known"), "agreements", type_="check")
    known = ", ".join(f"'{end}'" for end in ends)
    op.create_check_constraint(op.f("ck_agreements_ended_by_known"), "agreements", f"ended_by in ({known})")


def downgrade() -> None:
    op.execute("update agreements set ended_by = 'replaced' where ended_by = 'voided'")
    _check_ends(*_ENDS)
    op.drop_table("late_facts")
