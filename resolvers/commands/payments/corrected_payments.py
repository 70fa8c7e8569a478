"""The columns of a payment that takes the place of one which was typed wrong, checked; what is not given stays as it was."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.merged_records import surviving
from domain.api_names import camel
from domain.billing.next_steps import named
from domain.billing.outcomes import reason_of
from domain.days import not_later
from domain.errors import Conflict, InputReason, InvalidInput
from domain.normal_forms import normal_key
from domain.payments.cheques import CORRECTED, PaymentMethod, is_stale
from domain.payments.corrections import PaymentDays, ReceiptDays, receipt_days_of
from domain.texts import CODE, optional_text, required_text
from domain.warnings import STALE_CHEQUE
from resolvers.commands.payments.payments import BANK, check_replaced, standing_of
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
# The payer, and the one that stays of it.
WRONG = f"""select c.id, c.payer_id, {surviving("payer", "c.payer_id")} as surviving_payer_id, c.method, c.number, c.bank,
    c.amount, c.cheque_date, c.received_on, c.held_from, c.released_at,
    c.deposit_id, d.deposited_on, c.cleared_on, c.returned_on, c.return_reason, c.return_kind, c.returned_at, c.replaces_id,
    c.document_id, c.is_remitted, c.corrected_at, c.number_key, c.unapplied_amount
    from cheques c left join deposits d on d.clinic_id = c.clinic_id and d.id = c.deposit_id
    where c.clinic_id = $1 and c.id = $2 for no key update of c"""
_NAMES = ("payer_id", "method", "number", "amount", "cheque_date", "received_on", "returned_on", "document_id")
# When the payment was received that came instead of a returned one.
_REPLACED_ON = """with recursive chain as (select clinic_id, id, corrects_id from cheques where clinic_id = $1 and id = $2
        union all select c.clinic_id, c.id, c.corrects_id from cheques c join chain n on n.clinic_id = c.clinic_id and n.corrects_id = c.id)
    select min(n.received_on) as replaced_on from chain join cheques n on n.clinic_id = chain.clinic_id and n.replaces_id = chain.id
        and n.corrected_at is null"""
_GIVEN = (*_NAMES, "bank", "coverage_id", "allocations")


async def corrected_payment(work: UnitOfWork, wrong: Row) -> tuple[dict[str, Any], ReceiptDays]:
    """The columns of the right payment but its id, and when it is received; a document that it has of its own is consumed already."""
    inputs = {name: value for name, value in work.inputs.items() if name == "bank" or value is not None}
    if not any(name in inputs for name in _GIVEN):
        raise InvalidInput(f"Give what was typed wrong: {', '.join(map(camel, _GIVEN))}", ())
    reason, method = reason_of(inputs), inputs.get("method") or PaymentMethod(wrong["method"])
    amount: Decimal = inputs.get("amount") or wrong["amount"]
    is_zero = amount == 0 or inputs.get("amount") == 0
    if amount < 0 or (is_zero and not wrong["is_remitted"]):
        raise InvalidInput("The amount must be greater than 0", ("amount",), InputReason.TOO_LOW, "0")
    number = required_text(inputs, "number", CODE) if "number" in inputs else wrong["number"]
    bank = optional_text(inputs, "bank", BANK) if "bank" in inputs else wrong["bank"]
    days, receipt = _days(work, inputs, wrong, method)
    if "returned_on" in inputs:
        await _check_returned(work, wrong, days)
    is_made_paper = method is PaymentMethod.PAPER and wrong["method"] != method
    if is_made_paper and "document_id" not in inputs and wrong["document_id"] is None:
        raise InvalidInput("The scan of a paper cheque is required", ("document_id",))
    returned = ("return_reason", "return_kind") if wrong["returned_on"] else ()
    payer_id = inputs.get("payer_id") or wrong["payer_id"]
    if payer_id == wrong["surviving_payer_id"]:
        # The same payer under another id is no correction.
        payer_id = wrong["payer_id"]
    columns = {
        "payer_id": payer_id,
        "method": method.value,
        "amount": amount,
        "cheque_date": days.cheque_date,
        "number": number,
        "number_key": number if "number" in inputs else wrong["number_key"],
        "bank": bank,
        "bank_key": bank and normal_key(bank),
        "received_on": receipt.received_on,
        "held_from": receipt.held_from,
        "released_at": work.moment if receipt.is_released else None,
        "document_id": inputs.get("document_id") or wrong["document_id"],
        **{name: wrong[name] for name in ("deposit_id", "cleared_on", "is_remitted", *returned)},
        **({"returned_on": days.returned_on, "returned_at": work.moment} if returned else {}),
        "replaces_id": await _replaced(work, wrong, payer_id, receipt),
        "corrects_id": wrong["id"],
        "correction_reason": reason,
    }
    return columns, receipt


async def _replaced(work: UnitOfWork, wrong: Row, payer_id: UUID, receipt: ReceiptDays) -> UUID | None:
    """The returned payment that it replaces, as that one stands now."""
    if wrong["replaces_id"] is None:
        return None
    standing = await standing_of(work, wrong["replaces_id"])
    assert standing is not None, "a payment replaces one of its clinic"
    identity: UUID = standing["id"]
    await check_replaced(work, identity, payer_id, receipt.received_on)
    return identity


async def _check_returned(work: UnitOfWork, wrong: Row, days: PaymentDays) -> None:
    """Refuse another day of the return for a payment that was not returned, or where it does not fit what followed from the return."""
    path = ("returned_on",)
    if wrong["returned_on"] is None:
        raise Conflict(f"This payment was not returned; record its return: {named('return_cheque')}", path)
    assert days.returned_on is not None, "the day is given"
    on = not_later(days.returned_on, work.today, "returned_on")
    if days.cleared_on is not None and on < days.cleared_on:
        words = f"The bank cleared the payment on {days.cleared_on}: it was not returned before that day"
        raise InvalidInput(f"{words}; correct that day first (clearCheque)", path)
    found = await work.one(_REPLACED_ON, wrong["id"])
    if found["replaced_on"] is not None and on > found["replaced_on"]:
        words = f"The payment that replaces it was received on {found['replaced_on']}: it was returned by then"
        raise InvalidInput(f"{words}; correct that payment first (correctCheque)", path)


def _days(work: UnitOfWork, inputs: Row, wrong: Row, method: PaymentMethod) -> tuple[PaymentDays, ReceiptDays]:
    """The days of the payment, and when it is received; a warning where its cheque was old."""
    arrived_on = inputs.get("received_on") or wrong["held_from"] or wrong["received_on"]
    known = {name: wrong[name] for name in ("deposited_on", "cleared_on")}
    known["returned_on"] = inputs.get("returned_on") or wrong["returned_on"]
    days = PaymentDays(inputs.get("cheque_date") or wrong["cheque_date"], arrived_on, **known)
    not_later(arrived_on, work.today, "received_on")
    receipt = receipt_days_of(method, days)
    is_changed = "cheque_date" in inputs or "received_on" in inputs
    if is_changed and method is PaymentMethod.PAPER and is_stale(days.cheque_date, arrived_on):
        work.warnings.append(STALE_CHEQUE)
    return days, receipt


def marks_of(work: UnitOfWork, wrong: Row) -> dict[str, Any]:
    """The columns that mark a payment as typed wrong: one that had not been returned is money on no day."""
    marks: dict[str, Any] = {"corrected_at": work.moment}
    if wrong["returned_on"] is None:
        reason = reason_of(work.inputs)
        marks |= {"returned_on": wrong["received_on"], "returned_at": work.moment}
        marks |= {"return_kind": CORRECTED, "return_reason": reason}
    return marks
