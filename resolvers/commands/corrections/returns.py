"""The command that returns a payment, such as a bounced cheque: what it paid is due again, and what it took back is received again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from db.write_batch import WriteBatch
from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.facts import Receipt
from domain.billing.next_steps import named
from domain.billing.outcomes import reason_of
from domain.errors import Conflict, InvalidInput
from domain.ids import new_id
from domain.payments.cheques import ReturnKind, ReversalKind
from resolvers.commands.billing.cheques import (
    insert_allocation,
    lock_cheque,
    lock_settled,
    lock_with_paid,
    reopen_cases,
)
from resolvers.commands.payments.provider_adjustments import reverse_provider_adjustments
from resolvers.commands.payments.refunds import refunded_with
from resolvers.commands.payments.taken_back import STANDS, check_taken_back, lock_with_linked, taken_back_of
from resolvers.commands.transitions import Row, invoice_of, moment_of, move
from resolvers.commands.unit_of_work import UnitOfWork

_STANDING = f"""select a.id, a.cheque_id, a.invoice_id, a.coverage_id, a.amount, a.effective_on, c.payer_id, i.case_id
    from cheque_allocations a
    join invoices i on i.clinic_id = a.clinic_id and i.id = a.invoice_id
    join cheques c on c.clinic_id = a.clinic_id and c.id = a.cheque_id
    where a.clinic_id = $1 and a.cheque_id = $2 and {STANDS} order by a.id"""
_ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class _Reversal:
    """A reversal of a row of an invoice, on the payment to which that row belongs."""

    cheque_id: UUID
    receipt: Receipt
    kind: ReversalKind = ReversalKind.RETURNED


async def take_back(work: UnitOfWork) -> UUID:
    """Return a payment: its rows are reversed, and settled cases of paid invoices are reopened."""
    identity: UUID = work.inputs["cheque_id"]
    reason = reason_of(work.inputs)
    before = (*await work.all(_STANDING, identity), *await taken_back_of(work, identity))
    cases = {part["case_id"] for part in before}
    # All commands lock cases before cheques, and cheques before invoices.
    settled = await lock_settled(work, cases)
    links = await lock_with_linked(work, identity, await refunded_with(work, identity))
    cheque = await lock_cheque(work)
    if cheque["returned_on"]:
        words = f"This cheque has already been returned; if it was typed wrong: {named('correct_cheque')}"
        raise Conflict(words, ("cheque_id",))
    returned_on = _returned_on(work, cheque)
    writes = work.writes()
    kind = work.inputs.get("kind") or ReturnKind.NSF
    returned = {"return_reason": reason, "return_kind": kind.value, "returned_at": work.moment}
    writes.update("cheques", {"id": cheque["id"]}, returned_on=returned_on, **returned)
    standing = await work.all(_STANDING, cheque["id"])
    if not {part["case_id"] for part in (*standing, *links)} <= cases:
        raise Conflict("More of this cheque has just been allocated: read it again", ("cheque_id",))
    open_links = [link for link in links if link["restored_id"] is None]
    paid = {part["invoice_id"] for part in (*standing, *open_links)}
    rows = await lock_with_paid(work, paid, settled)
    await check_taken_back(work, identity, links)
    reopened = set()
    for one in sorted(paid):
        parts = [part for part in standing if part["invoice_id"] == one]
        taken = [link for link in open_links if link["invoice_id"] == one]
        reversals = [*(_reversal(work, rows[one], part, returned_on) for part in parts)]
        reversals += [back for link in taken for back in _of_link(work, rows[one], link, returned_on)]
        if _reverse(work, writes, rows[one], reversals, -sum((link["amount"] for link in taken), _ZERO)):
            reopened.add(rows[one]["case_id"])
    reopen_cases(work, writes, "return_cheque", {case: settled[case] for case in reopened}, rows, paid)
    await reverse_provider_adjustments(work, writes, cheque["id"], returned_on, reason)
    await writes.run(work.connection)
    return identity


def _returned_on(work: UnitOfWork, cheque: Row) -> date:
    """The day of the return. It may be before a refund: what was refunded is then owed by the payer."""
    day: date = work.inputs["returned_on"]
    if not cheque["received_on"] <= day <= work.today:
        raise InvalidInput(
            "The return date must not be before the date of receipt, nor in the future", ("returned_on",)
        )
    if cheque["cleared_on"] and day < cheque["cleared_on"]:
        words = f"The bank cleared the payment on {cheque['cleared_on']}: the return date must not be before that day"
        raise InvalidInput(f"{words}, or correct it (clearCheque)", ("returned_on",))
    return day


def _reversal(work: UnitOfWork, row: Row, part: Row, on: date, kind: ReversalKind = ReversalKind.RETURNED) -> _Reversal:
    """The reversal of a row of a payment, on its day or a later one."""
    known = (new_id(work.moment), part["payer_id"], -part["amount"], max(on, part["effective_on"]))
    receipt = Receipt(*known, moment_of(work, row), part["id"], part["coverage_id"])
    return _Reversal(part["cheque_id"], receipt, kind)


def _of_link(work: UnitOfWork, row: Row, link: Row, on: date) -> Iterator[_Reversal]:
    """What follows for a taking-back that counts.

    It is reversed on the later payment, whichever of the two is returned. Where that is the earlier one, what it had paid is reversed as
    well, so that nothing changes of the invoice; a void invoice takes nothing again, and the money of the earlier payment is unapplied.
    """
    is_earlier = link["earlier_id"] == work.inputs["cheque_id"]
    restored = _reversal(work, row, {**link, "payer_id": link["later_payer_id"]}, on)
    paid = {"id": link["reverses_id"], "cheque_id": link["earlier_id"], "payer_id": link["earlier_payer_id"]}
    paid |= {"amount": link["paid_amount"], "effective_on": link["paid_on"], "coverage_id": link["coverage_id"]}
    if is_earlier:
        yield _reversal(work, row, paid, on)
    yield restored
    if not is_earlier and row["status"] == InvoiceStatus.VOID:
        yield _reversal(work, row, paid, restored.receipt.effective_on, ReversalKind.REPLACED)


def _reverse(work: UnitOfWork, writes: WriteBatch, row: Row, reversals: list[_Reversal], taken: Decimal) -> bool:
    """Add the reversals of an invoice to the batch; returns whether it was paid, and is open again.

    `taken` is what was taken back of it, and so is not received, in US dollars.
    """
    end = InvoiceStatus(row["status"])
    if row["status"] == InvoiceStatus.VOID:
        # Nothing is owed of it, whatever was received on past days.
        work.restated.add(row["id"])
    else:
        invoice = invoice_of(row)
        inputs = {**work.inputs, "reversals": [one.receipt for one in reversals]}
        invoice = replace(invoice, received=invoice.received + taken)
        try:
            end = move(work, writes, "return_cheque", row, inputs, invoice=invoice)
        except InvalidInput as refusal:
            refusal.message = f"Invoice {row['number']}: {refusal.message}"
            raise
    for one in reversals:
        insert_allocation(work, writes, one.cheque_id, row["id"], one.receipt, one.kind)
    return bool(row["status"] == InvoiceStatus.PAID != end)
