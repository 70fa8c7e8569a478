"""Selections of invoices: what a user has chosen for steps on many.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invoice_selections",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "user_id"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_invoice_selections_clinic_id_user_id"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_invoice_selections_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_invoice_selections")),
    )
    op.create_index(
        "ix_invoice_selections_user",
        "invoice_selections",
        ["clinic_id", sa.literal_column("user_id"), sa.literal_column("recorded_at")],
        unique=False,
        postgresql_where=None,
        postgresql_include=None,
        postgresql_nulls_not_distinct=None,
    )


def downgrade() -> None:
    op.drop_index(
        "ix_invoice_selections_user",
        table_name="invoice_selections",
        postgresql_where=None,
        postgresql_include=None,
        postgresql_nulls_not_distinct=None,
    )
    op.drop_table("invoice_selections")
