"""What later payments took back of earlier ones: finding and locking both, since what becomes of one changes the other."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from db.locks import LOCK_PAYMENTS
from domain.errors import Conflict
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
# That an allocation `a` counts: it has no reversal, or only such as were reversed themselves.
STANDS = """a.reverses_id is null and not exists (select from cheque_allocations r where r.clinic_id = a.clinic_id
    and r.invoice_id = a.invoice_id and r.reverses_id = a.id and not exists (select from cheque_allocations v
        where v.clinic_id = r.clinic_id and v.invoice_id = r.invoice_id and v.reverses_id = r.id))"""
# Each taking-back `t` of a payment, with the allocation `a` that it reverses and, where one of the two payments was returned, the row `u`
# that restored it. What was moved to the right one of a corrected payment counts there.
_TAKEN_BACK = """select t.id, t.cheque_id, t.invoice_id, t.amount, t.coverage_id, t.effective_on, t.recorded_at,
        coalesce(t.ordered_at, t.recorded_at) as at, t.reverses_id, i.case_id, i.number,
        a.cheque_id as earlier_id, a.amount as paid_amount, a.effective_on as paid_on, e.number as earlier_number,
        e.payer_id as earlier_payer_id, e.returned_on as earlier_returned_on, l.number as later_number, l.payer_id as later_payer_id,
        l.received_on as later_received_on, l.returned_on as later_returned_on, u.id as restored_id, u.effective_on as restored_on,
        u.recorded_at as restored_recorded_at, coalesce(u.ordered_at, u.recorded_at) as restored_at
    from cheque_allocations o join cheque_allocations t on t.clinic_id = o.clinic_id and t.invoice_id = o.invoice_id
        and t.reversal_kind = 'taken_back' and (t.id = o.id or t.reverses_id = o.id)
    join cheque_allocations a on a.clinic_id = t.clinic_id and a.id = t.reverses_id
    join cheques e on e.clinic_id = a.clinic_id and e.id = a.cheque_id
    join cheques l on l.clinic_id = t.clinic_id and l.id = t.cheque_id
    join invoices i on i.clinic_id = t.clinic_id and i.id = t.invoice_id
    left join cheque_allocations u on u.clinic_id = t.clinic_id and u.invoice_id = t.invoice_id and u.reverses_id = t.id
        and u.reversal_kind = 'returned'
    where o.clinic_id = $1 and o.cheque_id = $2 and l.corrected_at is null and not exists (select from cheque_allocations m
        where m.clinic_id = t.clinic_id and m.invoice_id = t.invoice_id and m.reverses_id = t.id and m.reversal_kind = 'moved')
    order by t.id"""
_JUST = "The payer has just taken back what this payment paid: read it again"


async def taken_back_of(work: UnitOfWork, cheque: UUID) -> list[Row]:
    """What was taken back of a payment, and what it took back of earlier ones, in the order in which that was recorded."""
    found: list[Row] = await work.all(_TAKEN_BACK, cheque)
    return found


async def lock_with_linked(work: UnitOfWork, cheque: UUID, others: Collection[UUID] = ()) -> list[Row]:
    """Lock a payment with those that took money of it back, or of which it did, and `others`, in one order.

    Returns what was taken back.
    """
    before = await taken_back_of(work, cheque)
    linked = {cheque, *others, *(one["cheque_id"] for one in before), *(one["earlier_id"] for one in before)}
    await work.all(LOCK_PAYMENTS, sorted(linked))
    return await _still(work, cheque, before)


async def check_taken_back(work: UnitOfWork, cheque: UUID, known: list[Row]) -> None:
    """Refuse to go on where money was taken back before the invoices were locked."""
    await _still(work, cheque, known)


async def _still(work: UnitOfWork, cheque: UUID, known: list[Row]) -> list[Row]:
    now = await taken_back_of(work, cheque)
    if [(one["id"], one["restored_id"]) for one in now] != [(one["id"], one["restored_id"]) for one in known]:
        raise Conflict(_JUST, ("cheque_id",))
    return now


def restored_row(row: Row) -> Row:
    """The row that restored what was taken back, with the columns of an allocation."""
    own = {"id": row["restored_id"], "amount": -row["amount"], "effective_on": row["restored_on"]}
    return {
        **row,
        **own,
        "at": row["restored_at"],
        "recorded_at": row["restored_recorded_at"],
        "reverses_id": row["id"],
    }
