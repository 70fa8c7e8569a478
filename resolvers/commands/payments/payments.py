"""The columns of a new payment, checked, with warnings; and the warning of unapplied money when a case is settled."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from db.merged_records import are_one, group, joined, surviving
from domain.billing.invoices import InvoiceStatus
from domain.errors import Conflict, InputReason, InvalidInput, NotFound
from domain.normal_forms import normal_key
from domain.payments.cheques import PaymentMethod, is_post_dated, is_stale, likeness_of
from domain.texts import CODE, Text, optional_text, required_text
from domain.warnings import STALE_CHEQUE, similar_number, unapplied_money
from resolvers.commands.documents import consume
from resolvers.commands.unit_of_work import UnitOfWork

BANK = Text(200)
_SIMILAR = f"""select number from cheques where clinic_id = $1 and payer_id = any({group("payer", "$2")}) and number_likeness = $3
    and method <> 'cash' and returned_on is null order by received_on desc, id desc limit 5"""
_REPLACED = f"""select id, returned_on, corrected_at, {are_one("payer", "payer_id", "$3")} as is_of_payer from cheques
    where clinic_id = $1 and id = $2"""
_STANDING = """with recursive following as (select clinic_id, id, number from cheques where clinic_id = $1 and id = $2
    union all select n.clinic_id, n.id, n.number from cheques n join following f on f.clinic_id = n.clinic_id and n.corrects_id = f.id)
    select f.id, f.number from following f where not exists (select from cheques n
        where n.clinic_id = f.clinic_id and n.corrects_id = f.id)"""
_UNAPPLIED = f"""select p.name, sum(c.unapplied_amount) as amount from cheques c
    {joined("payer", "p", "c.payer_id", "c.clinic_id")}
    where c.clinic_id = $1 and c.unapplied_amount <> 0 and p.id in (
        select {surviving("payer", "r.payer_id")} from responsibilities r where r.clinic_id = $1 and r.invoice_id = any($2)
        union select {surviving("payer", "k.payer_id")} from cheque_allocations a join cheques k on k.clinic_id = a.clinic_id and k.id = a.cheque_id
        where a.clinic_id = $1 and a.invoice_id = any($2)) group by p.id, p.name
    having sum(c.unapplied_amount) <> 0 order by p.name, p.id"""


async def new_payment(work: UnitOfWork) -> dict[str, Any]:
    """The columns of the payment in the input; its document is consumed."""
    inputs = work.inputs
    if inputs["amount"] <= 0:
        raise InvalidInput("The amount must be greater than 0", ("amount",), InputReason.TOO_LOW, "0")
    method = inputs.get("method") or PaymentMethod.PAPER
    number, bank = required_text(inputs, "number", CODE), optional_text(inputs, "bank", BANK)
    held_from = _check_days(work, method)
    if held_from and inputs["allocations"]:
        words = "A post-dated cheque is held until its deposit is recorded: record it without allocations"
        raise InvalidInput(words, ("allocations",))
    if inputs.get("replaces_id") is not None:
        await check_replaced(work, inputs["replaces_id"], inputs["payer_id"], inputs["received_on"])
    await _take_document(work, method)
    if method is not PaymentMethod.CASH:
        await warn_of_similar(work, inputs["payer_id"], number)
    names = ("payer_id", "amount", "cheque_date", "received_on")
    known = {name: inputs.get(name) for name in ("document_id", "replaces_id")}
    keys = {"number_key": number, "bank": bank, "bank_key": bank and normal_key(bank)}
    return {
        **{name: inputs[name] for name in names},
        **known,
        **keys,
        "number": number,
        "method": method.value,
        "held_from": held_from,
    }


def _check_days(work: UnitOfWork, method: PaymentMethod) -> Any:
    """Check the days; returns the day from which the payment is held, None if it is money at once."""
    received_on, cheque_date = work.inputs["received_on"], work.inputs["cheque_date"]
    if received_on > work.today:
        raise InvalidInput("The date is in the future", ("received_on",), InputReason.IN_THE_FUTURE)
    if method is PaymentMethod.PAPER and is_stale(cheque_date, received_on):
        work.warnings.append(STALE_CHEQUE)
    return received_on if is_post_dated(method, cheque_date, received_on) else None


async def standing_of(work: UnitOfWork, identity: UUID) -> Mapping[str, Any] | None:
    """The payment (id, number) that stands in the place of one, by its corrections; the same one, if it was never corrected."""
    found: Mapping[str, Any] | None = await work.one(_STANDING, identity)
    return found


async def refuse_corrected(work: UnitOfWork, cheque: Mapping[str, Any], *path: str) -> None:
    """Refuse what is asked of a payment that was typed wrong, and name the one that stands in its place."""
    if cheque["corrected_at"] is not None:
        standing = await standing_of(work, cheque["id"])
        assert standing is not None, "the correction of a payment is recorded with its mark"
        raise Conflict(
            f"This payment was corrected: payment {standing['number']} stands in its place", path or ("cheque_id",)
        )


async def check_replaced(work: UnitOfWork, replaces: UUID, payer_id: UUID, received_on: date) -> None:
    """Refuse a payment in the place of one that was not returned before, or of another payer."""
    replaced = await work.one(_REPLACED, replaces, payer_id)
    if replaced is None:
        raise NotFound("There is no such cheque", ("replaces_id",))
    await refuse_corrected(work, replaced, "replaces_id")
    if not replaced["is_of_payer"]:
        raise InvalidInput("The replaced payment has another payer", ("replaces_id",))
    if replaced["returned_on"] is None:
        raise Conflict("The replaced payment has not been returned: record its return first", ("replaces_id",))
    if received_on < replaced["returned_on"]:
        raise InvalidInput("The date must not be before the return of the replaced payment", ("received_on",))


async def _take_document(work: UnitOfWork, method: PaymentMethod) -> None:
    if work.inputs.get("document_id") is not None:
        await consume(work)
    elif method is PaymentMethod.PAPER:
        raise InvalidInput("The scan of a paper cheque is required", ("document_id",))


async def warn_of_similar(work: UnitOfWork, payer_id: UUID, number: str) -> None:
    """Add a warning if other payments of the payer have similar numbers."""
    likeness = likeness_of(number)
    found = await work.all(_SIMILAR, payer_id, likeness) if likeness else []
    if found:
        work.warnings.append(similar_number(row["number"] for row in found))


async def warn_of_unapplied(work: UnitOfWork, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add a warning for each payer who was ever responsible for some invoices, or paid one, and whose money is unapplied.

    The payer of an invoice that is void may have been a mistake.
    """
    invoices: list[UUID] = [row["id"] for row in rows if row["status"] != InvoiceStatus.VOID]
    for row in await work.all(_UNAPPLIED, invoices):
        work.warnings.append(unapplied_money(row["name"], row["amount"]))
