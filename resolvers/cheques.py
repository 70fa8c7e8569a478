"""Decides how cheques are recorded, allocated and taken back, over many invoices at once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from db.writing import Writes
from domain.errors import Conflict, InvalidInput, NotFound, Refusal
from domain.ids import new_id
from domain.invoices import InvoiceStatus
from domain.outcomes import reason_of
from domain.texts import CODE, needed
from resolvers.cases import lock_case, reopen
from resolvers.documents import consume
from resolvers.transitions import Row, correct, lock, move
from resolvers.writing import Work

_CHEQUE = """select id, payer_id, number, amount, received_on, returned_on from cheques
    where clinic_id = $1 and id = $2 for update"""
_ALLOCATED = "select coalesce(sum(amount), 0) from cheque_allocations where clinic_id = $1 and cheque_id = $2"
_STANDING = """select a.id, a.cheque_id, a.invoice_id, a.amount, i.case_id from cheque_allocations a
    join invoices i on i.clinic_id = a.clinic_id and i.id = a.invoice_id
    where a.clinic_id = $1 and a.cheque_id = $2 and a.amount > 0 order by a.id"""


async def record(work: Work) -> UUID:
    """A cheque that came in, with its document and what it pays."""
    given, cheque_id = work.given, new_id(work.moment)
    _check_cheque(given, work.today)
    await consume(work)
    columns = ("payer_id", "number", "amount", "cheque_date", "received_on", "document_id")
    writes = work.writes()
    writes.insert("cheques", id=cheque_id, recorded_at=work.moment, **{name: given[name] for name in columns})
    cheque = {"id": cheque_id, **given}
    await _allocate(work, writes, "record_cheque", cheque, given["amount"])
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        raise Conflict("This payer's cheque of this number is recorded already", ("number",)) from error
    return cheque_id


def _check_cheque(given: Mapping[str, Any], today: date) -> None:
    if given["amount"] <= 0:
        raise InvalidInput("The amount is above 0", ("amount",))
    needed(given, "number", CODE)
    if given["received_on"] > today:
        raise InvalidInput("This day has not come yet", ("received_on",))


async def allocate(work: Work) -> UUID:
    """What was left of a cheque pays further invoices."""
    cheque = await _locked(work)
    if cheque["returned_on"]:
        raise Conflict("This cheque was returned", ("cheque_id",))
    allocated = (await work.one(_ALLOCATED, cheque["id"]))[0]
    if not work.given["allocations"]:
        raise InvalidInput("Say what the cheque pays", ("allocations",))
    writes = work.writes()
    await _allocate(work, writes, "allocate_cheque", cheque, cheque["amount"] - allocated)
    await writes.run(work.connection)
    identity: UUID = cheque["id"]
    return identity


async def _locked(work: Work) -> Row:
    row: Row | None = await work.one(_CHEQUE, work.given["cheque_id"])
    if row is None:
        raise NotFound("There is no such cheque", ("cheque_id",))
    return row


async def _allocate(work: Work, writes: Writes, name: str, cheque: Row, available: Decimal) -> None:
    """Gather the allocations of the input; together they may not exceed what is available of the cheque."""
    wanted = work.given["allocations"]
    amounts = {part["invoice_id"]: part["amount"] for part in wanted}
    if len(amounts) != len(wanted):
        raise InvalidInput("An invoice is named twice", ("allocations",))
    if sum(amounts.values()) > available:
        raise InvalidInput("The allocations exceed what is left of the cheque", ("allocations",))
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
    """A refusal in here is about a part of the input."""
    try:
        yield
    except Refusal as refusal:
        refusal.path = (*path, *refusal.path)
        raise


def _insert(
    work: Work, writes: Writes, cheque: UUID, invoice: UUID, amount: Decimal, on: date, reverses: UUID | None = None
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


async def take_back(work: Work) -> UUID:
    """A cheque bounced: everything that it paid is owed again, and settled cases of paid invoices are open again."""
    reason = reason_of(work.given)
    cases = sorted({part["case_id"] for part in await work.all(_STANDING, work.given["cheque_id"])})
    # Cases are locked before cheques, and cheques before invoices, by everybody.
    settled = {row["id"] for case in cases if (row := await lock_case(work, case))["status"] == "settled"}
    cheque = await _locked(work)
    if cheque["returned_on"]:
        raise Conflict("This cheque was returned already", ("cheque_id",))
    returned_on = work.given["returned_on"]
    if not cheque["received_on"] <= returned_on <= work.today:
        raise InvalidInput("A cheque is returned after it was received, and not in the future", ("returned_on",))
    writes = work.writes()
    writes.update("cheques", {"id": cheque["id"]}, returned_on=returned_on, return_reason=reason)
    standing = await work.all(_STANDING, cheque["id"])
    if not {part["case_id"] for part in standing} <= set(cases):
        raise Conflict("Somebody has just allocated more of this cheque: look at it again", ("cheque_id",))
    await _reverse(work, writes, standing, settled)
    await writes.run(work.connection)
    identity: UUID = cheque["id"]
    return identity


async def _reverse(work: Work, writes: Writes, standing: list[Row], settled: set[UUID]) -> None:
    owed_again: dict[UUID, Decimal] = defaultdict(Decimal)
    for part in standing:
        owed_again[part["invoice_id"]] += part["amount"]
        on = work.given["returned_on"]
        _insert(work, writes, part["cheque_id"], part["invoice_id"], -part["amount"], on, part["id"])
    others = await work.all(
        "select id from invoices where clinic_id = $1 and case_id = any($2) and status = 'paid'", sorted(settled)
    )
    rows = await lock(work, {*owed_again, *(row["id"] for row in others)})
    reopened = {rows[invoice]["case_id"] for invoice in owed_again if rows[invoice]["status"] == InvoiceStatus.PAID}
    for identity, row in rows.items():
        if identity in owed_again:
            _owe_again(work, writes, row, owed_again[identity])
        elif row["case_id"] in reopened:
            move(work, writes, "reopen_case", row, work.given)
    for case in reopened:
        reopen(writes, case)


def _owe_again(work: Work, writes: Writes, row: Row, amount: Decimal) -> None:
    taken = {**work.given, "amount": amount}
    if row["status"] == InvoiceStatus.WRITTEN_OFF:
        correct(work, writes, "return_cheque", row, taken)
    else:
        move(work, writes, "return_cheque", row, taken)
