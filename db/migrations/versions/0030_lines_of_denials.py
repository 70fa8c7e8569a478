"""A denial may be of one line of the invoice; agreements that a new payer keeps are found by an index.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_LINE = "fk_denials_clinic_id_line_id"


def upgrade() -> None:
    op.add_column("denials", sa.Column("line_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f(_LINE), "denials", "invoice_lines", ["clinic_id", "line_id"], ["clinic_id", "id"])
    op.create_index(
        "ix_denials_line",
        "denials",
        ["clinic_id", sa.text("line_id")],
        postgresql_where=sa.text("line_id is not null"),
    )
    op.create_index(
        "ix_agreements_continued",
        "agreements",
        ["clinic_id", sa.text("invoice_id")],
        postgresql_where=sa.text("kind = 'continued'"),
    )


def downgrade() -> None:
    op.drop_index("ix_agreements_continued", "agreements")
    op.drop_index("ix_denials_line", "denials")
    op.drop_constraint(op.f(_LINE), "denials")
    op.drop_column("denials", "line_id")
