"""Reminders and messages to payers move to the next working day, as a setting of the clinic.

The clinics that exist keep calendar days until an administrator switches the setting on, and no reminder that is scheduled moves.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_OPEN = sa.text("status = 'scheduled'")


def upgrade() -> None:
    op.add_column(
        "clinics", sa.Column("moves_to_working_days", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    # Of the clinics that come.
    op.alter_column("clinics", "moves_to_working_days", server_default=sa.text("true"))
    op.add_column("reminders", sa.Column("moved_to", sa.Date(), nullable=True))
    op.create_check_constraint(op.f("ck_reminders_moved_later"), "reminders", "moved_to > target_date")
    _index_due("coalesce(moved_to, target_date)")


def _index_due(day: str) -> None:
    op.drop_index("ix_reminders_due", "reminders")
    op.create_index(
        "ix_reminders_due",
        "reminders",
        ["clinic_id", sa.text(day), sa.text("invoice_id")],
        postgresql_where=_OPEN,
    )


def downgrade() -> None:
    # The release before knows one day of a reminder: that on which it is due.
    op.drop_constraint(op.f("ck_reminders_moved_later"), "reminders", type_="check")
    op.execute("update reminders set target_date = moved_to where moved_to is not null and status = 'scheduled'")
    _index_due("target_date")
    op.drop_column("reminders", "moved_to")
    op.drop_column("clinics", "moves_to_working_days")
