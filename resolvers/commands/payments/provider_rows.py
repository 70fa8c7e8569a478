"""The rows of provider adjustments: those that were not reversed, adding one, and its reversal."""

from datetime import date
from uuid import UUID

from db.write_batch import WriteBatch
from domain.ids import new_id
from domain.payments.recoupment import RowReversal
from resolvers.commands.transitions import Row
from resolvers.commands.unit_of_work import UnitOfWork

STANDING = """select p.id, p.code, p.reference, p.amount, p.note, p.effective_on from provider_adjustments p
    where p.clinic_id = $1 and p.cheque_id = $2 and p.reverses_id is null and not exists (select from provider_adjustments r
        where r.clinic_id = p.clinic_id and r.reverses_id = p.id) order by p.id"""
# Those that were reversed as their payment was returned.
RETURNED = """select p.id, p.code, p.reference, p.amount, p.note, p.effective_on from provider_adjustments p
    join provider_adjustments r on r.clinic_id = p.clinic_id and r.reverses_id = p.id and r.reversal_kind = 'returned'
    where p.clinic_id = $1 and p.cheque_id = $2 order by p.id"""


def insert_row(work: UnitOfWork, writes: WriteBatch, cheque: UUID, row: Row, on: date, **columns: str | UUID) -> UUID:
    """Add a row of a payment to the batch; returns its id."""
    identity = new_id(work.moment)
    known = {"id": identity, "recorded_at": work.moment, "cheque_id": cheque, "recorded_by": work.user_id}
    kept = {name: row.get(name) for name in ("code", "reference", "amount", "note")}
    writes.insert("provider_adjustments", **{**known, **kept, "effective_on": on, **columns})
    return identity


def reverse_row(work: UnitOfWork, writes: WriteBatch, cheque: UUID, row: Row, on: date, kind: RowReversal) -> None:
    """Add the equal and opposite row to the batch."""
    opposite = {**row, "amount": -row["amount"]}
    insert_row(work, writes, cheque, opposite, on, reverses_id=row["id"], reversal_kind=kind.value)
