"""Saving reminder policies (dunning schedules): their scope, and all of their levels at once."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from db.write_batch import WriteBatch
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.reminders.policies import check_levels, names_lead
from domain.texts import NAME, required_text
from resolvers.commands.access.users import run_for_staff
from resolvers.commands.reminders.templates import newest_of
from resolvers.commands.unit_of_work import UnitOfWork

_POLICY = "select id from reminder_policies where clinic_id = $1 and id = $2 for no key update"
_FACILITY = "select id from facilities where clinic_id = $1 and id = $2"
_FORGET = "delete from reminder_levels where clinic_id = $1 and policy_id = $2"
_REACH = "uq_reminder_policies_reach"


async def save(work: UnitOfWork) -> UUID:
    """Create a policy, or replace one with the given content; messages sent by its levels keep counting by level number."""
    inputs, named = work.inputs, work.inputs.get("reminder_policy_id")
    if named is not None and await work.one(_POLICY, named) is None:
        raise NotFound("There is no such policy", ("reminder_policy_id",))
    levels = check_levels(inputs["levels"])
    await _check_named(work)
    newest = await newest_of(work, [level["template_id"] for level in levels])
    for place, level in enumerate(levels):
        if level["template_id"] not in newest:
            raise NotFound("There is no such template", ("levels", str(place), "reminder_template_id"))
        level["template_id"] = newest[level["template_id"]]
    return await _write(work, named, levels)


async def _check_named(work: UnitOfWork) -> None:
    facility, lead = work.inputs.get("facility_id"), work.inputs.get("billing_lead_id")
    if facility is not None and await work.one(_FACILITY, facility) is None:
        raise NotFound("There is no such facility", ("facility_id",))
    if lead is None and names_lead(work.inputs["levels"]):
        raise InvalidInput("A billing lead is required: a level writes to the billing lead", ("billing_lead_id",))


async def _write(work: UnitOfWork, named: UUID | None, levels: Sequence[Mapping[str, Any]]) -> UUID:
    inputs, identity = work.inputs, named or new_id(work.moment)
    kind = inputs.get("payer_kind")
    row = {
        "name": required_text(inputs, "name", NAME),
        "payer_kind": kind.value if kind else None,
        "facility_id": inputs.get("facility_id"),
        "billing_lead_id": inputs.get("billing_lead_id"),
        "active": inputs.get("active", True),
    }
    writes = work.writes()
    if named:
        writes.update("reminder_policies", {"id": identity}, **row)
        await work.connection.execute(_FORGET, work.clinic_id, identity)
    else:
        writes.insert("reminder_policies", id=identity, recorded_at=work.moment, **row)
    made = {"policy_id": identity, "recorded_at": work.moment}
    writes.insert_all("reminder_levels", [{"id": new_id(work.moment), **made, **level} for level in levels])
    await _run(work, writes)
    return identity


async def _run(work: UnitOfWork, writes: WriteBatch) -> None:
    try:
        await run_for_staff(work, writes, "billing_lead_id")
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == _REACH:
            words = "Another active policy applies to the same payers and facility: deactivate one of them"
            raise Conflict(words, ("active",)) from error
        raise Conflict("Another policy has this name", ("name",)) from error
