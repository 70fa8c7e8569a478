"""Commands of deposits: recording a deposit of payments, adding to it, and recording that the bank cleared a payment."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from db.write_batch import WriteBatch
from domain.days import not_later
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.payments.cheques import check_deposit
from domain.texts import NAME, required_text
from resolvers.commands.payments.payments import refuse_corrected
from resolvers.commands.unit_of_work import UnitOfWork

_DEPOSIT = "select id, deposited_on from deposits where clinic_id = $1 and id = $2"
_CHEQUES = """select id, cheque_date, received_on, returned_on, corrected_at, held_from is not null and released_at is null as is_held,
    deposit_id
    from cheques where clinic_id = $1 and id = any($2) order by id for no key update"""
_CLEARED = """select c.id, c.received_on, c.returned_on, c.corrected_at, c.held_from is not null and c.released_at is null as is_held,
    d.deposited_on from cheques c left join deposits d on d.clinic_id = c.clinic_id and d.id = c.deposit_id
    where c.clinic_id = $1 and c.id = $2 for no key update of c"""


async def create(work: UnitOfWork) -> UUID:
    """Record a deposit with its payments."""
    inputs, identity, writes = work.inputs, new_id(work.moment), work.writes()
    bank_account = required_text(inputs, "bank_account", NAME)
    deposited_on = not_later(inputs["deposited_on"], work.today, "deposited_on")
    writes.insert(
        "deposits",
        id=identity,
        recorded_at=work.moment,
        bank_account=bank_account,
        deposited_on=deposited_on,
        recorded_by=work.user_id,
    )
    await writes.run(work.connection)
    await _deposit(work, writes, identity, deposited_on)
    return identity


async def add(work: UnitOfWork) -> UUID:
    """Add payments to a deposit."""
    found = await work.one(_DEPOSIT, work.inputs["deposit_id"])
    if found is None:
        raise NotFound("There is no such deposit", ("deposit_id",))
    await _deposit(work, work.writes(), found["id"], found["deposited_on"])
    identity: UUID = found["id"]
    return identity


async def _deposit(work: UnitOfWork, writes: WriteBatch, deposit: UUID, deposited_on: date) -> None:
    wanted = work.inputs["cheque_ids"]
    if not wanted:
        raise InvalidInput("At least one payment is required", ("cheque_ids",))
    if len(set(wanted)) != len(wanted):
        raise InvalidInput("A payment is listed twice", ("cheque_ids",))
    found = {row["id"]: row for row in await work.all(_CHEQUES, wanted)}
    for place, identity in enumerate(wanted):
        path = ("cheque_ids", str(place))
        cheque = found.get(identity)
        if cheque is None:
            raise NotFound("There is no such cheque", path)
        await refuse_corrected(work, cheque, *path)
        _check(cheque, deposited_on, path)
        # Its deposit makes a held cheque money, received on that day.
        released = {"received_on": deposited_on, "released_at": work.moment} if cheque["is_held"] else {}
        writes.update("cheques", {"id": identity}, deposit_id=deposit, **released)
    await writes.run(work.connection)


def _check(cheque: Mapping[str, Any], deposited_on: date, path: tuple[str, ...]) -> None:
    if cheque["returned_on"]:
        raise Conflict("This cheque has been returned", path)
    if cheque["deposit_id"]:
        raise Conflict("This cheque has already been deposited", path)
    check_deposit(cheque["cheque_date"], cheque["received_on"], deposited_on)


async def clear(work: UnitOfWork) -> UUID:
    """Record the day on which the bank cleared a payment."""
    cheque = await work.one(_CLEARED, work.inputs["cheque_id"])
    if cheque is None:
        raise NotFound("There is no such cheque", ("cheque_id",))
    await refuse_corrected(work, cheque)
    if cheque["returned_on"]:
        raise Conflict("This cheque has been returned", ("cheque_id",))
    if cheque["is_held"]:
        raise Conflict("This cheque is held: record its deposit first", ("cheque_id",))
    cleared_on = not_later(work.inputs["cleared_on"], work.today, "cleared_on")
    if cleared_on < max(cheque["received_on"], cheque["deposited_on"] or cheque["received_on"]):
        raise InvalidInput("The date must not be before the receipt and the deposit of the payment", ("cleared_on",))
    writes = work.writes()
    writes.update("cheques", {"id": cheque["id"]}, cleared_on=cleared_on)
    await writes.run(work.connection)
    identity: UUID = cheque["id"]
    return identity
