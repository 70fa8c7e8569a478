"""Decides how reminder policies are saved: for which invoices one is, and its levels as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from db.writing import Writes
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.reminder_policies import check_levels, names_lead
from domain.texts import NAME, needed
from resolvers.reminder_templates import newest_of
from resolvers.users import run_for_staff
from resolvers.writing import Work

_POLICY = "select id from reminder_policies where clinic_id = $1 and id = $2 for no key update"
_FACILITY = "select id from facilities where clinic_id = $1 and id = $2"
_FORGET = "delete from reminder_levels where clinic_id = $1 and policy_id = $2"
_REACH = "uq_reminder_policies_reach"


async def save(work: Work) -> UUID:
    """A policy as it is said, a new one or instead of what it was; what was sent by its levels counts on by their numbers."""
    given, named = work.given, work.given.get("reminder_policy_id")
    if named is not None and await work.one(_POLICY, named) is None:
        raise NotFound("There is no such policy", ("reminder_policy_id",))
    levels = check_levels(given["levels"])
    await _check_named(work)
    newest = await newest_of(work, [level["template_id"] for level in levels])
    for place, level in enumerate(levels):
        if level["template_id"] not in newest:
            raise NotFound("There is no such template", ("levels", str(place), "reminder_template_id"))
        level["template_id"] = newest[level["template_id"]]
    return await _write(work, named, levels)


async def _check_named(work: Work) -> None:
    facility, lead = work.given.get("facility_id"), work.given.get("billing_lead_id")
    if facility is not None and await work.one(_FACILITY, facility) is None:
        raise NotFound("There is no such facility", ("facility_id",))
    if lead is None and names_lead(work.given["levels"]):
        raise InvalidInput("Say who the billing lead is: a level writes to them", ("billing_lead_id",))


async def _write(work: Work, named: UUID | None, levels: Sequence[Mapping[str, Any]]) -> UUID:
    given, identity = work.given, named or new_id(work.moment)
    kind = given.get("payer_kind")
    row = {
        "name": needed(given, "name", NAME),
        "payer_kind": kind.value if kind else None,
        "facility_id": given.get("facility_id"),
        "billing_lead_id": given.get("billing_lead_id"),
        "active": given.get("active", True),
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


async def _run(work: Work, writes: Writes) -> None:
    try:
        await run_for_staff(work, writes, "billing_lead_id")
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == _REACH:
            words = "Another policy in force is for the same payers and facility: switch one of them off"
            raise Conflict(words, ("active",)) from error
        raise Conflict("Another policy has this name", ("name",)) from error
