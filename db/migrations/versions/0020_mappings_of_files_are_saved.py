"""Mappings of files to import are saved for each clinic.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_KINDS = (
    "('codes', 'fee_schedules', 'payers', 'attorneys', 'physicians', 'facilities', 'patients', 'cases', 'invoices')"
)


def upgrade() -> None:
    op.create_table(
        "import_mappings",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(f"kind in {_KINDS}", name=op.f("ck_import_mappings_kind_known")),
        sa.CheckConstraint("json_typeof(mapping) = 'object'", name=op.f("ck_import_mappings_mapping_is_object")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_import_mappings_clinic_id")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "changed_by"],
            ["users.clinic_id", "users.id"],
            name=op.f("fk_import_mappings_clinic_id_changed_by"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_import_mappings")),
        sa.UniqueConstraint("clinic_id", "kind", "name", name=op.f("uq_import_mappings_clinic_id_kind_name")),
    )


def downgrade() -> None:
    op.drop_table("import_mappings")
