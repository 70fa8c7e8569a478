"""A clinic chooses what its invoice numbers begin with, and the first of them.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_PREFIX, _FIRST = "invoice_number_prefix", "first_invoice_number"


def upgrade() -> None:
    op.add_column("clinics", sa.Column(_PREFIX, sa.Text(), server_default=sa.text("'INV'"), nullable=False))
    op.add_column("clinics", sa.Column(_FIRST, sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.create_check_constraint(op.f(f"ck_clinics_{_PREFIX}"), "clinics", f"{_PREFIX} ~ '^[A-Z]{{1,4}}$'")
    op.create_check_constraint(op.f(f"ck_clinics_{_FIRST}"), "clinics", f"{_FIRST} between 1 and 999999")


def downgrade() -> None:
    op.drop_constraint(op.f(f"ck_clinics_{_FIRST}"), "clinics", type_="check")
    op.drop_constraint(op.f(f"ck_clinics_{_PREFIX}"), "clinics", type_="check")
    op.drop_column("clinics", _FIRST)
    op.drop_column("clinics", _PREFIX)
