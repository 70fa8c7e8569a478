"""The command that moves an allocation: to another invoice that its payer may pay, under another coverage, or to unapplied."""

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from domain.billing.ledger.amounts import effective_day
from domain.billing.ledger.facts import Receipt
from domain.billing.money import format_money
from domain.billing.outcomes import reason_of
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.payments.cheques import ReversalKind
from resolvers.commands.billing.cheques import lock_settled, lock_with_paid, patients_of
from resolvers.commands.corrections.changes import (
    Change,
    Locked,
    apply_changes,
    may_pay,
    record_after,
    reversals_of,
    reverse,
    rows_of,
)
from resolvers.commands.payments.covered_payments import find_coverages
from resolvers.commands.payments.payments import refuse_corrected
from resolvers.commands.payments.taken_back import check_taken_back, lock_with_linked
from resolvers.commands.transitions import Row
from resolvers.commands.unit_of_work import UnitOfWork

_ALLOCATION = """select a.cheque_id, i.case_id from cheque_allocations a join invoices i on i.clinic_id = a.clinic_id and i.id = a.invoice_id
    where a.clinic_id = $1 and ($2::uuid is null or a.id = $2) and ($3::uuid is null or a.cheque_id = $3)
        and ($4::uuid is null or a.invoice_id = $4) limit 1"""
_CHEQUE = """select id, payer_id, received_on, returned_on, corrected_at from cheques
    where clinic_id = $1 and id = $2 for no key update"""


async def move_allocation(work: UnitOfWork) -> UUID:
    """Move what a payment pays of an invoice, or a part of it."""
    reason_of(work.inputs)
    cheque_id, case_id = await _found(work)
    settled = await lock_settled(work, [case_id])
    links = await lock_with_linked(work, cheque_id)
    cheque: Row = await work.one(_CHEQUE, cheque_id)
    await refuse_corrected(work, cheque)
    if cheque["returned_on"]:
        raise Conflict("This cheque has been returned: correct it instead (correctCheque)", ("cheque_id",))
    known = await rows_of(work, cheque_id)
    record_after(work, known)
    part = _standing(work, [one for one in known if one["cheque_id"] == cheque_id], links)
    amount = _amount(work, part)
    target: UUID | None = work.inputs.get("to_invoice_id")
    locked = await lock_with_paid(work, {part["invoice_id"], *([target] if target else [])}, settled)
    await check_taken_back(work, cheque_id, links)
    changes = {one: Change(locked[one]) for one in {part["invoice_id"], *([target] if target else [])}}
    of, patients = changes[part["invoice_id"]], await patients_of(work, cheque["payer_id"])
    of.removed.append(part)
    writes = work.writes()
    reverse(work, writes, of.row, part, ReversalKind.MOVED)
    await writes.run(work.connection)
    is_patient = of.row["patient_id"] in patients
    known_of = (part["amount"] - amount, part["effective_on"], part["at"], None, part["coverage_id"], is_patient)
    rest = Receipt(new_id(work.moment), cheque["payer_id"], *known_of)
    if rest.amount > 0:
        of.added.append((rest, None))
    if target is not None:
        moved = replace(rest, id=new_id(work.moment), amount=amount)
        changes[target].added.append((await _moved(work, changes[target].row, cheque, part, moved, patients), None))
    apply_changes(work, writes, "move_allocation", cheque_id, changes, known, Locked(settled, locked))
    await writes.run(work.connection)
    return cheque_id


async def _found(work: UnitOfWork) -> tuple[UUID, UUID]:
    """The payment and the case of the allocation in the input."""
    inputs = work.inputs
    ids = tuple(inputs.get(name) for name in ("allocation_id", "cheque_id", "invoice_id"))
    if (ids[0] is None) == (ids[1] is None or ids[2] is None):
        raise InvalidInput("Give the allocation, or the payment and the invoice that it pays", ("allocation_id",))
    found = await work.one(_ALLOCATION, *ids)
    if found is None:
        raise NotFound("There is no such allocation", ("allocation_id" if ids[0] else "invoice_id",))
    return found["cheque_id"], found["case_id"]


def _standing(work: UnitOfWork, rows: list[Row], links: list[Row]) -> Row:
    """The allocation of the input, which has to stand, and of which nothing was taken back."""
    identity, invoice, back = work.inputs.get("allocation_id"), work.inputs.get("invoice_id"), reversals_of(rows)
    found = [one for one in rows if identity in (None, one["id"]) and invoice in (None, one["invoice_id"])]
    taken = {link["reverses_id"]: link for link in links}
    paid = [one for one in found if one["reverses_id"] is None and one["id"] not in back]
    standing = [one for one in paid if one["id"] not in taken]
    name = "allocation_id" if identity else "invoice_id"
    if paid and not standing:
        raise Conflict(_refusal(taken[paid[0]["id"]]), (name,))
    if not standing:
        raise Conflict("This allocation has been reversed: it pays nothing any more", (name,))
    if len(standing) > 1:
        raise InvalidInput("The payment has several allocations to this invoice: give the id of one", (name,))
    return standing[0]


def _refusal(link: Row) -> str:
    words = f"With payment {link['later_number']} the payer took this back"
    if link["restored_id"] is None:
        return f"{words}: it pays nothing any more"
    return f"{words} until {link['restored_on']}: it stays with its invoice; to pay another one, move what others have paid"


def _amount(work: UnitOfWork, part: Row) -> Decimal:
    amount: Decimal | None = work.inputs.get("amount")
    if amount is None:
        return Decimal(part["amount"])
    if not 0 < amount <= part["amount"]:
        words = f"The amount must be above 0 and at most ${format_money(part['amount'])}, which is allocated"
        raise InvalidInput(words, ("amount",))
    return amount


async def _moved(
    work: UnitOfWork, row: Row, cheque: Row, part: Row, moved: Receipt, patients: Collection[UUID]
) -> Receipt:
    """What the payment pays of another invoice, or of the same one under another coverage."""
    if not may_pay(row, cheque["payer_id"], patients):
        words = "This payer was never responsible for the invoice: transfer its balance first (transferBalance)"
        raise InvalidInput(words, ("to_invoice_id",))
    coverages = await find_coverages(work, cheque["payer_id"], [row["case_id"]])
    coverage = coverages.coverage_of(row["case_id"], work.inputs.get("coverage_id"))
    if row["id"] == part["invoice_id"] and coverage == part["coverage_id"]:
        raise InvalidInput("It already pays this invoice: name another invoice or another coverage", ("to_invoice_id",))
    coverages.pay(work, coverage, moved.amount, ("amount",))
    on = effective_day(cheque["received_on"], row["created_on"])
    is_patient = row["patient_id"] in patients
    return replace(moved, effective_on=on, coverage_id=coverage, is_patient=is_patient)
