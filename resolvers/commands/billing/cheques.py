"""Commands of cheques: recording, allocating and returning (bouncing) a cheque, over many invoices at once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from db.write_batch import WriteBatch
from domain.billing.invoices import InvoiceStatus
from domain.billing.outcomes import reason_of
from domain.errors import Conflict, DomainError, InvalidInput, NotFound
from domain.ids import new_id
from domain.texts import CODE, required_text
from resolvers.commands.billing.cases import lock_case, reopen
from resolvers.commands.documents import consume
from resolvers.commands.transitions import Row, lock, move
from resolvers.commands.unit_of_work import UnitOfWork

_CHEQUE = """select id, payer_id, number, amount, received_on, returned_on from cheques
    where clinic_id = $1 and id = $2 for update"""
_ALLOCATED = "select coalesce(sum(amount), 0) from cheque_allocations where clinic_id = $1 and cheque_id = $2"
_STANDING = """select a.id, a.cheque_id, a.invoice_id, a.amount, i.case_id from cheque_allocations a
    join invoices i on i.clinic_id = a.clinic_id and i.id = a.invoice_id
    where a.clinic_id = $1 and a.cheque_id = $2 and a.amount > 0 order by a.id"""


async def record(work: UnitOfWork) -> UUID:
    """Record a received cheque with its document and its allocations."""
    inputs, cheque_id = work.inputs, new_id(work.moment)
    inputs = {**inputs, "number": _check_cheque(inputs, work.today)}
    await consume(work)
    columns = ("payer_id", "number", "amount", "cheque_date", "received_on", "document_id")
    writes = work.writes()
    writes.insert("cheques", id=cheque_id, recorded_at=work.moment, **{name: inputs[name] for name in columns})
    cheque = {"id": cheque_id, **inputs}
    await _allocate(work, writes, "record_cheque", cheque, inputs["amount"])
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        raise Conflict("A cheque of this payer with this number is already recorded", ("number",)) from error
    return cheque_id


def _check_cheque(inputs: Mapping[str, Any], today: date) -> str:
    """Check the cheque; returns its number as it is stored."""
    if inputs["amount"] <= 0:
        raise InvalidInput("The amount must be greater than 0", ("amount",))
    number = required_text(inputs, "number", CODE)
    if inputs["received_on"] > today:
        raise InvalidInput("The date is in the future", ("received_on",))
    return number


async def allocate(work: UnitOfWork) -> UUID:
    """Allocate the rest of a cheque to further invoices."""
    cheque = await _locked(work)
    if cheque["returned_on"]:
        raise Conflict("This cheque has been returned", ("cheque_id",))
    allocated = (await work.one(_ALLOCATED, cheque["id"]))[0]
    if not work.inputs["allocations"]:
        raise InvalidInput("At least one allocation is required", ("allocations",))
    writes = work.writes()
    await _allocate(work, writes, "allocate_cheque", cheque, cheque["amount"] - allocated)
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
    """Return a bounced cheque: its allocations are reversed, and settled cases of paid invoices are reopened."""
    reason = reason_of(work.inputs)
    cases = sorted({part["case_id"] for part in await work.all(_STANDING, work.inputs["cheque_id"])})
    # All commands lock cases before cheques, and cheques before invoices.
    settled = {row["id"]: row for case in cases if (row := await lock_case(work, case))["status"] == "settled"}
    cheque = await _locked(work)
    if cheque["returned_on"]:
        raise Conflict("This cheque has already been returned", ("cheque_id",))
    returned_on = work.inputs["returned_on"]
    if not cheque["received_on"] <= returned_on <= work.today:
        raise InvalidInput(
            "The return date must not be before the date of receipt, nor in the future", ("returned_on",)
        )
    writes = work.writes()
    writes.update("cheques", {"id": cheque["id"]}, returned_on=returned_on, return_reason=reason)
    standing = await work.all(_STANDING, cheque["id"])
    if not {part["case_id"] for part in standing} <= set(cases):
        raise Conflict("More of this cheque has just been allocated: read it again", ("cheque_id",))
    await _reverse(work, writes, standing, settled)
    await writes.run(work.connection)
    identity: UUID = cheque["id"]
    return identity


async def _reverse(work: UnitOfWork, writes: WriteBatch, standing: list[Row], settled: Mapping[UUID, Row]) -> None:
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
        reopen(work, writes, settled[case], "return_cheque")
