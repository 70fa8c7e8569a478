"""The payment to which a remittance is posted: a new one, or the one that was recorded by hand before."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.merged_records import group
from db.write_batch import WriteBatch
from domain.billing.money import format_money
from domain.errors import Conflict
from domain.ids import new_id
from domain.warnings import recoupment_proposed
from resolvers.commands.billing.cheques import patients_of
from resolvers.commands.payments.payments import standing_of
from resolvers.commands.payments.provider_adjustments import insert_provider_adjustment
from resolvers.commands.payments.recoupment_answers import find_proposals
from resolvers.commands.remittances.rows import provider_adjustments_of
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
_COLUMNS = """c.id, c.payer_id, c.number, c.amount, c.received_on, c.returned_on, c.unapplied_amount,
    c.held_from is not null and c.released_at is null as is_held"""
_CHEQUE = f"select {_COLUMNS} from cheques c where c.clinic_id = $1 and c.id = $2 for no key update"
_BY_NUMBER = f"""select {_COLUMNS}, exists (select from remittance_payments r where r.clinic_id = c.clinic_id
        and r.cheque_id = c.id) as is_remitted
    from cheques c where c.clinic_id = $1 and c.payer_id = any({group("payer", "$2")})
        and c.number_key = $3 and c.method <> 'cash' and c.returned_on is null
    order by c.amount = $4 desc, c.id"""
SAME_NUMBER = "A payment of this payer with this number has just been recorded: post the remittance again"


async def payment_for(
    work: UnitOfWork, payment: Row, document_id: UUID | None, dated: date | None, locked: Collection[UUID]
) -> tuple[Row, dict[str, Any] | None]:
    """The payment to which a payment of a remittance is posted, and the columns of a new one; Conflict where it must wait.

    It is one of those that are `locked`: to lock another one now could be a deadlock.
    """
    if payment["paid_on"] > work.today:
        raise Conflict(f"It is settled on {payment['paid_on']}: post it from that day on")
    if payment["cheque_id"] is not None:
        # The payment as it was corrected last.
        standing = await standing_of(work, payment["cheque_id"])
        assert standing is not None, "a payment is never deleted"
        return await _checked(work, await work.one(_CHEQUE, standing["id"])), None
    alike = await work.all(_BY_NUMBER, payment["payer_id"], payment["trace_key"], payment["amount"])
    if any(found["id"] not in locked for found in alike):
        raise Conflict(SAME_NUMBER)
    for found in alike:
        if found["amount"] == payment["amount"] and not found["is_remitted"]:
            return await _checked(work, found), None
    if alike:
        words = (
            f"A payment of this payer with this number is recorded with ${format_money(alike[0]['amount'])}, and the remittance says "
            f"${format_money(payment['amount'])}: correct it first (correctCheque)"
        )
        raise Conflict(words)
    new = _new(work, payment, document_id, dated)
    known = {"returned_on": None, "is_held": False, "unapplied_amount": payment["amount"]}
    return await _checked(work, {**new, **known}), new


async def _checked(work: UnitOfWork, cheque: Row) -> Row:
    """A payment that takes allocations, with the patients that its payer is."""
    if cheque["returned_on"] is not None:
        raise Conflict(
            f"The payment was returned on {cheque['returned_on']}: record the one that replaces it (recordCheque)"
        )
    if cheque["is_held"]:
        raise Conflict("The payment is held: record its deposit first (createDeposit)")
    return {**cheque, "patient_ids": await patients_of(work, cheque["payer_id"])}


def _new(work: UnitOfWork, payment: Row, document_id: UUID | None, dated: date | None) -> dict[str, Any]:
    paid_on: date = payment["paid_on"]
    return {
        "id": new_id(work.moment),
        "recorded_at": work.moment,
        "payer_id": payment["payer_id"],
        "method": payment["method"],
        "number": payment["trace_key"],
        "number_key": payment["trace_key"],
        "amount": payment["amount"],
        "cheque_date": dated or paid_on,
        "received_on": paid_on,
        "document_id": document_id,
        "is_remitted": True,
    }


def raised_by(payment: Row) -> Decimal:
    """By how much the rows that concern no claim raise what can be allocated of a payment, in US dollars."""
    rows = provider_adjustments_of(payment) if payment["posted_at"] is None else ()
    return sum((one.amount for one in rows), Decimal(0))


async def add_provider_adjustments(
    work: UnitOfWork, writes: WriteBatch, payment: Row, cheque: Row, lowered_on: date
) -> None:
    """Add the rows that concern no claim, once for each payment.

    What uses money of the payment counts from `lowered_on` on, when all is taken back that is taken back with it. A row that may answer
    a request of the payer to pay money back warns with the request.
    """
    if payment["posted_at"] is not None:
        return
    for one in provider_adjustments_of(payment):
        on = lowered_on if one.amount < 0 else cheque["received_on"]
        insert_provider_adjustment(work, writes, cheque["id"], one, on)
        for request in await find_proposals(work, cheque["payer_id"], one.reference, one.amount):
            work.warnings.append(recoupment_proposed(request["requested_on"], request["reason"], one.amount))
