"""A denial may be of one line of the invoice; agreements that a new payer keeps are found by an index.

Denials before the submission, or after the last day for an appeal, are refused from now on; stored ones are marked. An invoice can
wait to be closed as empty also where a contract takes all of it off.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_AGREES = "ck_invoices_status_agrees_with_ledger"
_STATUS = """case status
    when 'pending_invoice' then agreed_amount is null and (balance > 0 or billed_amount = {empty})
    when 'pending_reduction' then agreed_amount is null and balance > 0
    when 'pending_cheque' then agreed_amount is not null and balance > 0
    when 'cheque_received' then balance = 0 and (fully_paid_on is not null or billed_amount = 0)
    when 'paid' then balance = 0 and (fully_paid_on is not null or billed_amount = 0) and paid_on is not null
    when 'void' then received_amount = 0
    else balance = 0 end"""
_MARK = """update denials d set is_out_of_order = true from invoices i where (i.clinic_id, i.id) = (d.clinic_id, d.invoice_id)
    and (d.denied_on < i.first_submitted_on and i.replaces_id is null or d.appeal_due_on < d.denied_on)"""
_LINE = "fk_denials_clinic_id_line_id"


def upgrade() -> None:
    op.add_column("denials", sa.Column("line_id", sa.Uuid(), nullable=True))
    op.add_column(
        "denials", sa.Column("is_out_of_order", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    # Denials are written once and kept; the mark is no part of what was written.
    op.execute("alter table denials disable trigger user")
    op.execute(_MARK)
    op.execute("alter table denials enable trigger user")
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

    _replace_check("contractual_amount")


def _replace_check(empty: str) -> None:
    """Replace the check of the status; it is validated while others read and write."""
    op.drop_constraint(op.f(_AGREES), "invoices", type_="check")
    op.create_check_constraint(op.f(_AGREES), "invoices", _STATUS.format(empty=empty), postgresql_not_valid=True)
    op.execute(f"alter table invoices validate constraint {_AGREES}")


def downgrade() -> None:
    # The release before knows no invoice that a contract takes off whole.
    _replace_check("0")
    op.drop_index("ix_agreements_continued", "agreements")
    op.drop_index("ix_denials_line", "denials")
    op.drop_constraint(op.f(_LINE), "denials")
    op.drop_column("denials", "line_id")
    op.drop_column("denials", "is_out_of_order")
