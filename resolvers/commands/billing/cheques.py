"""Commands of cheques: recording, allocating and returning (bouncing) a cheque, over many invoices at once."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from uuid import UUID

import asyncpg

from db.write_batch import WriteBatch
from domain.billing.invoices import InvoiceStatus
from domain.billing.outcomes import reason_of
from domain.errors import Conflict, DomainError, InvalidInput, NotFound
from domain.ids import new_id
from domain.payments.cheques import ReturnKind
from resolvers.commands.billing.cases import lock_case, reopen
from resolvers.commands.billing.payments import new_payment
from resolvers.commands.transitions import Row, lock, move
from resolvers.commands.unit_of_work import UnitOfWork

_CHEQUE = """select id, payer_id, number, amount, received_on, returned_on, unapplied_amount,
    held_from is not null and released_at is null as is_held from cheques
    where clinic_id = $1 and id = $2 for update"""
_STANDING = """select a.id, a.cheque_id, a.invoice_id, a.amount, i.case_id from cheque_allocations a
    join invoices i on i.clinic_id = a.clinic_id and i.id = a.invoice_id
    where a.clinic_id = $1 and a.cheque_id = $2 and a.amount > 0 order by a.id"""


async def record(work: UnitOfWork) -> UUID:
    """Record a received cheque with its document and its allocations."""
    cheque = {"id": new_id(work.moment), "recorded_at": work.moment, **await new_payment(work)}
    writes = work.writes()
    writes.insert("cheques", **cheque)
    await _allocate(work, writes, "record_cheque", cheque, cheque["amount"])
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        raise Conflict("A payment of this payer with this number is already recorded", ("number",)) from error
    identity: UUID = cheque["id"]
    return identity


async def allocate(work: UnitOfWork) -> UUID:
    """Allocate the rest of a cheque to further invoices."""
    cheque = await _locked(work)
    if cheque["returned_on"]:
        raise Conflict("This cheque has been returned", ("cheque_id",))
    if cheque["is_held"]:
        raise Conflict("This cheque is held: record its deposit first", ("cheque_id",))
    if not work.inputs["allocations"]:
        raise InvalidInput("At least one allocation is required", ("allocations",))
    writes = work.writes()
    await _allocate(work, writes, "allocate_cheque", cheque, cheque["unapplied_amount"])
    await writes.run(work.connection)
    identity: UUID = cheque["id"]
    return identity


async def _locked(work: UnitOfWork) -> Row:
    row: Row | None = await work.one(_CHEQUE, work.inputs["cheque_id"])
    if row is None:
        raise NotFound("There is no such cheque", ("cheque_id",))
    return row


async def _allocate(work: UnitOfWork, writes: WriteBatch, name: str, cheque: Row, available: Decimal) -> None:
    """Add the allocations of the input to the batch; together they must not exceed the unallocated amount of the cheque."""
    wanted = work.inputs["allocations"]
    amounts = {part["invoice_id"]: part["amount"] for part in wanted}
    if len(amounts) != len(wanted):
        raise InvalidInput("An invoice is listed twice", ("allocations",))
    if sum(amounts.values()) > available:
        raise InvalidInput("The allocations exceed the unallocated amount of the cheque", ("allocations",))
    with _about("allocations"):
        rows = await lock(work, amounts)
    for place, part in enumerate(wanted):
        row = rows[part["invoice_id"]]
        with _about("allocations", str(place)):
            if row["payer_id"] != cheque["payer_id"]:
                raise InvalidInput("This invoice has another payer", ("invoice_id",))
            move(work, writes, name, row, {"amount": part["amount"], "received_on": cheque["received_on"]})
        _insert(work, writes, cheque["id"], row["id"], part["amount"], cheque["received_on"])


@contextmanager
def _about(*path: str) -> Iterator[None]:
    """Errors raised inside refer to a part of the input."""
    try:
        yield
    except DomainError as refusal:
        refusal.path = (*path, *refusal.path)
        raise


def _insert(
    work: UnitOfWork,
    writes: WriteBatch,
    cheque: UUID,
    invoice: UUID,
    amount: Decimal,
    on: date,
    reverses: UUID | None = None,
) -> None:
    writes.insert(
        "cheque_allocations",
        id=new_id(work.moment),
        recorded_at=work.moment,
        cheque_id=cheque,
        invoice_id=invoice,
        amount=amount,
        effective_on=on,
        reverses_id=reverses,
    )


async def take_back(work: UnitOfWork) -> UUID:
    """Return a cheque, such as a bounced one: its allocations are reversed, and settled cases of paid invoices are reopened."""
    reason = reason_of(work.inputs)
    cases = sorted({part["case_id"] for part in await work.all(_STANDING, work.inputs["cheque_id"])})
    # All commands lock cases before cheques, and cheques before invoices.
    settled = {row["id"] for case in cases if (row := await lock_case(work, case))["status"] == "settled"}
    cheque = await _locked(work)
    if cheque["returned_on"]:
        raise Conflict("This cheque has already been returned", ("cheque_id",))
    returned_on = work.inputs["returned_on"]
    if not cheque["received_on"] <= returned_on <= work.today:
        raise InvalidInput(
            "The return date must not be before the date of receipt, nor in the future", ("returned_on",)
        )
    writes = work.writes()
    kind = work.inputs.get("kind") or ReturnKind.NSF
    returned = {"return_reason": reason, "return_kind": kind.value, "returned_at": work.moment}
    writes.update("cheques", {"id": cheque["id"]}, returned_on=returned_on, **returned)
    standing = await work.all(_STANDING, cheque["id"])
    if not {part["case_id"] for part in standing} <= set(cases):
        raise Conflict("More of this cheque has just been allocated: read it again", ("cheque_id",))
    await _reverse(work, writes, standing, settled)
    await writes.run(work.connection)
    identity: UUID = cheque["id"]
    return identity


async def _reverse(work: UnitOfWork, writes: WriteBatch, standing: list[Row], settled: set[UUID]) -> None:
    owed_again: dict[UUID, Decimal] = defaultdict(Decimal)
    for part in standing:
        owed_again[part["invoice_id"]] += part["amount"]
        on = work.inputs["returned_on"]
        _insert(work, writes, part["cheque_id"], part["invoice_id"], -part["amount"], on, part["id"])
    others = await work.all(
        "select id from invoices where clinic_id = $1 and case_id = any($2) and status = 'paid'", sorted(settled)
    )
    rows = await lock(work, {*owed_again, *(row["id"] for row in others)})
    reopened = {rows[invoice]["case_id"] for invoice in owed_again if rows[invoice]["status"] == InvoiceStatus.PAID}
    for identity, row in rows.items():
        if identity in owed_again:
            move(work, writes, "return_cheque", row, {**work.inputs, "amount": owed_again[identity]})
        elif row["case_id"] in reopened:
            move(work, writes, "reopen_case", row, work.inputs)
    for case in reopened:
        reopen(writes, case)
