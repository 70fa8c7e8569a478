"""A payment of which a later one took money back, and the later one, can be returned and corrected: what was taken back is restored.

A reversal may be reversed by a positive row: it restores what was taken back (returned), or is moved to the right one of a corrected
payment (moved).

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_NEGATIVE = "amount <> 0 and (amount < 0) = (reverses_id is not null)"
_BEFORE = f"{_NEGATIVE} or amount > 0 and reversal_kind = 'corrected'"
_NOW = f"{_NEGATIVE} or amount > 0 and reversal_kind in ('corrected', 'returned', 'moved')"
_NAME = "ck_cheque_allocations_reversal_is_negative"
# The release before takes what is restored for an allocation of its payment: the amounts are the same. Found again by its day.
_FORGET = """update cheque_allocations u set reverses_id = null, reversal_kind = null
    where amount > 0 and reversal_kind = 'returned' and not exists (select from cheque_allocations v
        where (v.clinic_id, v.invoice_id, v.reverses_id) = (u.clinic_id, u.invoice_id, u.id))"""
_FIND = """update cheque_allocations u set reverses_id = t.id, reversal_kind = 'returned'
    from cheque_allocations t join cheque_allocations a on (a.clinic_id, a.id) = (t.clinic_id, t.reverses_id)
    join cheques l on (l.clinic_id, l.id) = (t.clinic_id, t.cheque_id) join cheques e on (e.clinic_id, e.id) = (a.clinic_id, a.cheque_id)
    where t.reversal_kind = 'taken_back' and (u.clinic_id, u.cheque_id, u.invoice_id, u.amount)
            = (t.clinic_id, t.cheque_id, t.invoice_id, -t.amount)
        and u.reverses_id is null and u.recorded_at > t.recorded_at and u.effective_on in (
            greatest(coalesce(l.returned_on, 'infinity'), t.effective_on), greatest(coalesce(e.returned_on, 'infinity'), t.effective_on))
        and not exists (select from cheque_allocations v where (v.clinic_id, v.invoice_id) = (u.clinic_id, u.invoice_id)
            and v.reverses_id in (u.id, t.id))"""


def upgrade() -> None:
    _replace_check(_NOW)
    _without_triggers(_FIND)


def downgrade() -> None:
    _without_triggers(_FORGET)
    # Rows that were moved stay as they are: the release before leaves both out.
    _replace_check(_BEFORE, is_valid=False)


def _without_triggers(statement: str) -> None:
    op.execute("alter table cheque_allocations disable trigger user")
    op.execute(statement)
    op.execute("alter table cheque_allocations enable trigger user")


def _replace_check(condition: str, *, is_valid: bool = True) -> None:
    """Replace a check; it is validated while others read and write."""
    op.drop_constraint(op.f(_NAME), "cheque_allocations", type_="check")
    op.create_check_constraint(op.f(_NAME), "cheque_allocations", condition, postgresql_not_valid=True)
    if is_valid:
        op.execute(f"alter table cheque_allocations validate constraint {_NAME}")
