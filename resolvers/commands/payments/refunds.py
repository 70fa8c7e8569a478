"""Commands of refunds: paying back what is unapplied of a payment, and what follows when the refund or its payment is returned."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.merged_records import group
from db.write_batch import WriteBatch
from domain.access.people import Role
from domain.billing.money import format_money
from domain.billing.outcomes import reason_of
from domain.days import not_later
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.payments.cheques import check_refund, check_refund_of_payer
from domain.payments.recoupment import LOSS_CODE, RowReversal, check_returned_refund
from domain.texts import NAME, required_text
from resolvers.commands.documents import consume
from resolvers.commands.payers import are_one_payer
from resolvers.commands.payments.payments import refuse_corrected
from resolvers.commands.payments.provider_rows import STANDING, insert_row, reverse_row
from resolvers.commands.payments.recoupment_answers import reopen
from resolvers.commands.transitions import Row
from resolvers.commands.unit_of_work import UnitOfWork

_ZERO = Decimal("0.00")
# All payments of its payer of which something is unapplied, locked in one order with others ($3), since the refund depends on them.
_PAYER = "(select payer_id from cheques where clinic_id = $1 and id = $2)"
_CHEQUES = f"""select id, number, payer_id, received_on, returned_on, corrected_at, unapplied_amount,
        held_from is not null and released_at is null as is_held, payer_id = any({group("payer", _PAYER)}) as is_of_payer
    from cheques where clinic_id = $1 and (id = $2 or id = any($3) or unapplied_amount <> 0
        and payer_id = any({group("payer", _PAYER)})) order by id for no key update"""
_CHEQUE_OF = "select cheque_id from refunds where clinic_id = $1 and id = $2"
_OWING = "select id, unapplied_amount, corrected_at from cheques where clinic_id = $1 and id = $2 for no key update"
_LOCKED = "select id from cheques where clinic_id = $1 and id = $2 for no key update"
_REFUND = """select r.id, r.cheque_id, r.amount, r.payee, r.reason, r.refunded_on, r.method, r.document_id, r.provider_adjustment_id,
        r.reverses_id, v.reversal_kind, k.number as carried_to, c.payer_id, c.returned_on, c.unapplied_amount
    from refunds r join cheques c on c.clinic_id = r.clinic_id and c.id = r.cheque_id
    left join refunds v on v.clinic_id = r.clinic_id and v.reverses_id = r.id
    left join refunds n on n.clinic_id = r.clinic_id and n.carries_id = r.id and n.cheque_id <> r.cheque_id
    left join cheques k on k.clinic_id = n.clinic_id and k.id = n.cheque_id
    where r.clinic_id = $1 and r.id = $2"""
# The refunds that were not reversed.
STANDING_REFUNDS = """select r.id, r.cheque_id, r.amount, r.payee, r.reason, r.refunded_on, r.method, r.document_id, r.provider_adjustment_id
    from refunds r where r.clinic_id = $1 and r.reverses_id is null
        and not exists (select from refunds v where v.clinic_id = r.clinic_id and v.reverses_id = r.id)"""
# Refunds that were recorded before their payment was corrected name the row that was carried over.
_CARRIED = """with recursive carried as (select id, carries_id from provider_adjustments where clinic_id = $1 and {named}
        union all select p.id, p.carries_id from provider_adjustments p join carried c on p.clinic_id = $1 and p.id = c.carries_id)"""
_WITHHELD_REFUNDS = f"""{_CARRIED.format(named="id = any($2)")}
    {STANDING_REFUNDS} and r.provider_adjustment_id in (select id from carried) order by r.id"""
_CHEQUE_OF_ROW = "select cheque_id from provider_adjustments where clinic_id = $1 and id = $2"
# The payments that were refunded by the rows of a payment.
_REFUNDED_WITH = f"""{_CARRIED.format(named="cheque_id = $2")}
    select r.cheque_id from refunds r where r.clinic_id = $1 and r.provider_adjustment_id in (select id from carried)"""
_WITHHELD = f"""{_CARRIED.format(named="id = $2")}
    select p.amount - coalesce((select sum(r.amount) from refunds r
            where r.clinic_id = p.clinic_id and r.provider_adjustment_id in (select id from carried)), 0) as rest, c.payer_id,
        p.reverses_id is not null or exists (select from provider_adjustments v
            where v.clinic_id = p.clinic_id and v.reverses_id = p.id) as is_reversed
    from provider_adjustments p join cheques c on c.clinic_id = p.clinic_id and c.id = p.cheque_id
    where p.clinic_id = $1 and p.id = $2 for no key update of c"""


async def refund(work: UnitOfWork) -> UUID:
    """Refund an amount of what is unapplied of a payment."""
    inputs, writes = work.inputs, work.writes()
    payee, reason = required_text(inputs, "payee", NAME), reason_of(inputs)
    refunded_on = not_later(inputs["refunded_on"], work.today, "refunded_on")
    # Documents are locked first, by all commands.
    if inputs.get("document_id") is not None:
        await consume(work)
    cheque, payments = await _locked(work, await _withholding(work))
    if cheque["is_held"]:
        raise Conflict("This cheque is held: record its deposit first", ("cheque_id",))
    check_refund(inputs["amount"], cheque["unapplied_amount"])
    owing = [row for row in payments if row["unapplied_amount"] < 0]
    unapplied = sum((row["unapplied_amount"] for row in payments), _ZERO)
    owed = -sum((row["unapplied_amount"] for row in owing), _ZERO)
    returned = [row["number"] for row in owing if row["returned_on"]]
    lowered = [row["number"] for row in owing if not row["returned_on"]]
    check_refund_of_payer(inputs["amount"], unapplied, owed, returned, lowered)
    if refunded_on < cheque["received_on"]:
        raise InvalidInput("The date must not be before the date of receipt", ("refunded_on",))
    await _check_withheld(work, cheque["payer_id"])
    columns = {"amount": inputs["amount"], "payee": payee, "reason": reason, "method": inputs["method"].value}
    named = {name: inputs.get(name) for name in ("document_id", "provider_adjustment_id")}
    insert_refund(work, writes, cheque["id"], {**columns, **named}, refunded_on)
    await writes.run(work.connection)
    identity: UUID = cheque["id"]
    return identity


async def _withholding(work: UnitOfWork) -> UUID | None:
    """The payment of the row by which the payer withheld the refund, if the input names one."""
    identity = work.inputs.get("provider_adjustment_id")
    found = None if identity is None else await work.one(_CHEQUE_OF_ROW, identity)
    return found["cheque_id"] if found else None


async def refunded_with(work: UnitOfWork, cheque: UUID) -> set[UUID]:
    """The payments with refunds that are reversed when a payment is returned."""
    return {row["cheque_id"] for row in await work.all(_REFUNDED_WITH, cheque)}


async def _locked(work: UnitOfWork, other: UUID | None = None) -> tuple[Row, list[Row]]:
    """The payment of the input, which was not returned, and all payments of its payer of which something is unapplied, locked.

    Another payment that the command is about is locked with them.
    """
    found = await work.all(_CHEQUES, work.inputs["cheque_id"], [] if other is None else [other])
    payments: list[Row] = [row for row in found if row["is_of_payer"]]
    cheque = next((row for row in payments if row["id"] == work.inputs["cheque_id"]), None)
    if cheque is None:
        raise NotFound("There is no such cheque", ("cheque_id",))
    await refuse_corrected(work, cheque)
    if cheque["returned_on"]:
        raise Conflict("This cheque has been returned", ("cheque_id",))
    return cheque, payments


async def _check_withheld(work: UnitOfWork, payer_id: UUID) -> None:
    """A refund that the payer withheld from a later payment names its row there, and is at most as much."""
    identity, path = work.inputs.get("provider_adjustment_id"), ("provider_adjustment_id",)
    if identity is None:
        return
    found = await work.one(_WITHHELD, identity)
    if found is None:
        raise NotFound("There is no such provider adjustment", path)
    if not await are_one_payer(work, found["payer_id"], payer_id):
        raise InvalidInput("This is a row of another payer's payment", path)
    if found["is_reversed"]:
        raise Conflict("This was reversed: nothing is withheld by it", path)
    if work.inputs["amount"] > found["rest"]:
        words = f"At most ${format_money(max(found['rest'], _ZERO))} was withheld by this row and is not refunded yet"
        raise InvalidInput(words, ("amount",))


async def return_refund(work: UnitOfWork) -> UUID:
    """Record that a refund came back: its money is unapplied again, and the request that it had answered is open again."""
    reason, returned_on = reason_of(work.inputs), work.inputs["returned_on"]
    found = await _standing_refund(work)
    check_returned_refund(found["refunded_on"], returned_on, work.today)
    if found["provider_adjustment_id"]:
        words = "This refund was withheld from a later payment: no money was sent that could come back"
        raise Conflict(words, ("refund_id",))
    writes = work.writes()
    reverse_refund(work, writes, found, returned_on, RowReversal.RETURNED, reason)
    _take_back_losses(work, writes, found["cheque_id"], await _losses(work, found["cheque_id"]))
    await reopen(work, writes, returned_on, refunds=[found["id"]])
    await writes.run(work.connection)
    identity: UUID = found["cheque_id"]
    return identity


async def cover_refund(work: UnitOfWork) -> UUID:
    """Let a refund whose payment was returned count on another payment of the payer, who so pays back what it owes."""
    inputs, reason = work.inputs, reason_of(work.inputs)
    before = await work.one(_CHEQUE_OF, inputs["refund_id"])
    cheque, _ = await _locked(work, before and before["cheque_id"])
    found = await _standing_refund(work)
    if not await are_one_payer(work, found["payer_id"], cheque["payer_id"]):
        raise InvalidInput("This payment is of another payer than the refund", ("cheque_id",))
    losses = await _losses(work, found["cheque_id"])
    given_up = sum((row["amount"] for row in losses), _ZERO)
    owed = given_up - found["unapplied_amount"]
    _check_owed(owed)
    most = min(found["amount"], owed, max(cheque["unapplied_amount"], _ZERO))
    amount = most if inputs.get("amount") is None else inputs["amount"]
    if not 0 < amount <= most:
        words = f"The amount must be above 0 and at most ${format_money(most)}: what is owed for the refund and is unapplied of the payment"
        raise InvalidInput(words, ("amount",))
    days = (found["refunded_on"], cheque["received_on"], found["returned_on"])
    on, writes = max(day for day in days if day is not None), work.writes()
    _take_back_losses(work, writes, found["cheque_id"], losses)
    reverse_refund(work, writes, found, on, RowReversal.MOVED, reason)
    insert_refund(work, writes, cheque["id"], {**found, "amount": amount}, on, carries_id=found["id"])
    if amount < found["amount"]:
        rest = {**found, "amount": found["amount"] - amount}
        insert_refund(work, writes, found["cheque_id"], rest, on, carries_id=found["id"])
    await writes.run(work.connection)
    identity: UUID = cheque["id"]
    return identity


def _check_owed(owed: Decimal) -> None:
    if owed <= 0:
        words = "Nothing is owed for this refund: its payment was not returned"
        raise Conflict(words, ("refund_id",))


async def give_up_refund(work: UnitOfWork) -> UUID:
    """Give up what a payer owes for a refund whose payment was returned, or what it took back of a payment that was returned."""
    reason, inputs = reason_of(work.inputs), work.inputs
    if (inputs.get("refund_id") is None) == (inputs.get("cheque_id") is None):
        raise InvalidInput("Give the refund, or the payment of which more was used than there is", ("refund_id",))
    found = await (_owing(work) if inputs.get("refund_id") is None else _standing_refund(work))
    owed: Decimal = -found["unapplied_amount"]
    _check_owed(owed)
    writes = work.writes()
    amount = min(owed, found["amount"])
    insert_row(work, writes, found["cheque_id"], {"code": LOSS_CODE, "amount": amount, "note": reason}, work.today)
    await writes.run(work.connection)
    identity: UUID = found["cheque_id"]
    return identity


async def _owing(work: UnitOfWork) -> Mapping[str, Any]:
    """The payment of the input, locked, with what is owed of it as the amount."""
    cheque: Row | None = await work.one(_OWING, work.inputs["cheque_id"])
    if cheque is None:
        raise NotFound("There is no such cheque", ("cheque_id",))
    await refuse_corrected(work, cheque)
    if cheque["unapplied_amount"] >= 0:
        raise Conflict("Nothing is owed of this payment: no more of it is used than there is", ("cheque_id",))
    return {**cheque, "cheque_id": cheque["id"], "amount": -cheque["unapplied_amount"]}


async def _losses(work: UnitOfWork, cheque: UUID) -> list[Row]:
    """What was given up of a payment after a refund, and was not taken back."""
    return [row for row in await work.all(STANDING, cheque) if row["code"] == LOSS_CODE]


def _take_back_losses(work: UnitOfWork, writes: WriteBatch, cheque: UUID, losses: list[Row]) -> None:
    """What was given up is owed again, as far as it is not covered or paid back now."""
    for row in losses:
        reverse_row(work, writes, cheque, row, work.today, RowReversal.MOVED)


async def _standing_refund(work: UnitOfWork) -> Mapping[str, Any]:
    """The refund of the input with its payment, which is locked; it was not reversed."""
    path = ("refund_id",)
    before = await work.one(_CHEQUE_OF, work.inputs["refund_id"])
    if before is None:
        raise NotFound("There is no such refund", path)
    await work.one(_LOCKED, before["cheque_id"])
    found: Row = await work.one(_REFUND, work.inputs["refund_id"])
    if found["reverses_id"] or found["reversal_kind"] == RowReversal.RETURNED:
        raise Conflict("This refund has already come back", path)
    if found["reversal_kind"]:
        raise Conflict(f"This refund was carried over to payment {found['carried_to']}: name the one there", path)
    return found


def reverse_refund(
    work: UnitOfWork, writes: WriteBatch, found: Row, on: date, kind: RowReversal, reason: str | None = None
) -> None:
    """Add the equal and opposite row of a refund to the batch."""
    opposite = {**found, "amount": -found["amount"], "reason": reason or found["reason"]}
    reversal = {"reverses_id": found["id"], "reversal_kind": kind.value}
    insert_refund(work, writes, found["cheque_id"], opposite, on, **reversal)


def insert_refund(work: UnitOfWork, writes: WriteBatch, cheque: UUID, row: Row, on: date, **columns: Any) -> None:
    """Add a row of a payment to the batch, with what is known of the refund."""
    names = ("amount", "payee", "reason", "method", "document_id", "provider_adjustment_id")
    known = {"id": new_id(work.moment), "recorded_at": work.moment, "cheque_id": cheque, "refunded_by": work.user_id}
    writes.insert("refunds", **known, **{name: row[name] for name in names}, refunded_on=on, **columns)


async def reverse_withheld_refunds(
    work: UnitOfWork, writes: WriteBatch, provider_adjustments: list[UUID], on: date, reason: str
) -> None:
    """Reverse the refunds that were withheld by rows of a payment which is returned: the payer has not withheld them."""
    found = await work.all(_WITHHELD_REFUNDS, provider_adjustments)
    check_may_refund(work, found)
    for row in found:
        reverse_refund(work, writes, row, max(on, row["refunded_on"]), RowReversal.RETURNED, reason)


def check_may_refund(work: UnitOfWork, refunds: list[Row]) -> None:
    """Refuse a change of refunds, which administrators alone make."""
    if refunds and work.actor.role is not Role.ADMIN:
        raise Conflict("A refund belongs to this payment: ask an administrator to make this change", ("cheque_id",))
