"""Clinics have terms of payment; an export is CSV with or without a byte order mark, or a set of files in a ZIP.

Exports for QuickBooks that wait for the worker of the release before are to be requested again: they would be a single file,
which QuickBooks does not take. Finished ones stay.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_FORMAT, _TERMS = "ck_exports_format_known", "ck_clinics_payment_terms"
_AGAIN = "Exports for QuickBooks are sets of files now: request it again"


def upgrade() -> None:
    op.add_column(
        "clinics", sa.Column("payment_terms_days", sa.Integer(), server_default=sa.text("30"), nullable=False)
    )
    op.create_check_constraint(op.f(_TERMS), "clinics", "payment_terms_days between 0 and 365")
    op.add_column("exports", sa.Column("byte_order_mark", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.drop_constraint(op.f(_FORMAT), "exports")
    op.create_check_constraint(op.f(_FORMAT), "exports", "format in ('csv', 'xlsx', 'zip')")
    op.execute(
        f"update exports set status = 'failed', failure = '{_AGAIN}' "
        "where kind = 'quickbooks_invoices' and status in ('queued', 'running')"
    )


def downgrade() -> None:
    # The previous release does not know sets: the worker deletes their files.
    op.execute("update exports set format = 'csv', status = 'expired' where format = 'zip'")
    op.drop_constraint(op.f(_FORMAT), "exports")
    op.create_check_constraint(op.f(_FORMAT), "exports", "format in ('csv', 'xlsx')")
    op.drop_column("exports", "byte_order_mark")
    op.drop_constraint(op.f(_TERMS), "clinics")
    op.drop_column("clinics", "payment_terms_days")
