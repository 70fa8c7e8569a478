"""Maintaining fee schedules: their payer, facility, validity and rates."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from db.write_batch import WriteBatch
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.normal_forms import code_form, normal_key
from domain.pricing.price_lists import begins_anew, check_rates, check_validity
from domain.texts import NAME, checked
from resolvers.commands.unit_of_work import UnitOfWork

_PAYER = "select id from payers where clinic_id = $1 and id = $2"
_FACILITY = "select id from facilities where clinic_id = $1 and id = $2"
_SCHEDULE = (
    "select id, name, valid_from, valid_to from fee_schedules where clinic_id = $1 and id = $2 for no key update"
)
_KNOWN = "select distinct code from cpt_codes where clinic_id = $1 and code = any($2)"
_REMOVE = "delete from fee_schedule_rates where clinic_id = $1 and fee_schedule_id = $2 and code = any($3)"
_BEGIN = "update fee_schedules set valid_from = $3 where clinic_id = $1 and id = $2"
_KEEP = """insert into fee_schedules (clinic_id, id, recorded_at, name, name_key, payer_id, facility_id, valid_from, valid_to)
    select clinic_id, $3, $4, name, name_key, payer_id, facility_id, $5, valid_from from fee_schedules where clinic_id = $1 and id = $2"""
_KEEP_RATES = """insert into fee_schedule_rates (clinic_id, id, recorded_at, fee_schedule_id, code, rate)
    select clinic_id, gen_random_uuid(), $4, $3, code, rate from fee_schedule_rates where clinic_id = $1 and fee_schedule_id = $2"""
_VALIDITY = ("valid_from", "valid_to")


async def create(work: UnitOfWork) -> UUID:
    """Create a schedule: the clinic's own or negotiated with a payer, for all facilities or for one."""
    identity, inputs, rates = new_id(work.moment), work.inputs, _rates(work)
    check_validity(inputs["valid_from"], inputs.get("valid_to"))
    for sql, word in ((_PAYER, "payer"), (_FACILITY, "facility")):
        named = inputs.get(f"{word}_id")
        if named is not None and await work.one(sql, named) is None:
            raise NotFound(f"There is no such {word}", (f"{word}_id",))
    await _check(work, rates)
    row = {
        **_named(inputs),
        **{name: inputs.get(name) for name in ("payer_id", "facility_id", *_VALIDITY)},
    }
    writes = work.writes()
    writes.insert("fee_schedules", id=identity, recorded_at=work.moment, **row)
    _add(work, writes, identity, rates)
    await _run(work, writes)
    return identity


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of a schedule. Existing invoices keep their prices."""
    row, inputs = await _locked(work), work.inputs
    rates, removed = _rates(work), [code_form(code) for code in inputs.get("removed_codes") or []]
    changed = {**_named(inputs), **{name: inputs[name] for name in _VALIDITY if name in inputs}}
    # With a given valid_from, the schedule is changed as it stands.
    if (rates or removed) and "valid_from" not in inputs:
        row = await _begin_anew(work, row)
    merged = {**row, **changed}
    if set(_VALIDITY) & set(changed):
        check_validity(merged["valid_from"], merged["valid_to"])
    await _check(work, rates)
    writes = work.writes()
    if changed:
        writes.update("fee_schedules", {"id": row["id"]}, **changed)
    # Removals come first, so that they cannot conflict with additions.
    gone = [*removed, *(rate["code"] for rate in rates)]
    if gone:
        await work.connection.execute(_REMOVE, work.clinic_id, row["id"], gone)
    _add(work, writes, row["id"], rates)
    await _run(work, writes)
    identity: UUID = row["id"]
    return identity


async def _begin_anew(work: UnitOfWork, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schedule from the day on which changed rates apply; if that is within its validity, the earlier days get a schedule of their own."""
    since = begins_anew(row, work.inputs, work.today)
    if since is None:
        return row
    kept = (work.clinic_id, row["id"], new_id(work.moment), work.moment)
    await work.connection.execute(_BEGIN, work.clinic_id, row["id"], since)
    await work.connection.execute(_KEEP, *kept, row["valid_from"])
    await work.connection.execute(_KEEP_RATES, *kept)
    return {**row, "valid_from": since}


async def retire(work: UnitOfWork) -> UUID:
    """End a schedule today; its rates still apply to earlier days. A future schedule never becomes valid."""
    row = await _locked(work)
    if row["valid_to"] is not None and row["valid_to"] <= max(work.today, row["valid_from"]):
        raise Conflict("This schedule has already ended", ("fee_schedule_id",))
    writes = work.writes()
    writes.update("fee_schedules", {"id": row["id"]}, valid_to=max(work.today, row["valid_from"]))
    await writes.run(work.connection)
    identity: UUID = row["id"]
    return identity


def _named(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The given name, and the key by which it is found."""
    found = checked(inputs, {"name": NAME})
    name = found.get("name")
    return {**found, "name_key": normal_key(name)} if name else dict(found)


def _rates(work: UnitOfWork) -> list[dict[str, Any]]:
    return [{**rate, "code": code_form(rate["code"])} for rate in work.inputs.get("rates") or []]


async def _locked(work: UnitOfWork) -> Mapping[str, Any]:
    row = await work.one(_SCHEDULE, work.inputs["fee_schedule_id"])
    if row is None:
        raise NotFound("There is no such fee schedule", ("fee_schedule_id",))
    return dict(row)


async def _check(work: UnitOfWork, rates: Sequence[Mapping[str, Any]]) -> None:
    check_rates(rates)
    known = {row["code"] for row in await work.all(_KNOWN, [rate["code"] for rate in rates])}
    for place, rate in enumerate(rates):
        if rate["code"] not in known:
            raise InvalidInput(f"Line {place + 1}: There is no such code", ("rates", str(place), "code"))


def _add(work: UnitOfWork, writes: WriteBatch, schedule: UUID, rates: Sequence[Mapping[str, Any]]) -> None:
    known = {"fee_schedule_id": schedule, "recorded_at": work.moment}
    rows = [{"id": new_id(work.moment), **known, "code": rate["code"], "rate": rate["rate"]} for rate in rates]
    writes.insert_all("fee_schedule_rates", rows)


async def _run(work: UnitOfWork, writes: WriteBatch) -> None:
    try:
        await writes.run(work.connection)
    except asyncpg.ExclusionViolationError as error:
        words = f"{error.detail} has a rate for this payer and facility in another schedule on some of these days"
        raise Conflict(words, ("valid_from",)) from error
