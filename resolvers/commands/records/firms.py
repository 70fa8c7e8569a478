"""Commands of law firms: creating, renaming with their attorneys, and retiring those that nothing open depends on."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.errors import Conflict, NotFound
from domain.ids import new_id
from domain.normal_forms import name_fragments, normal_key
from domain.parties import ATTORNEY, FIRM
from resolvers.commands.records import parties
from resolvers.commands.records.open_matters import open_matters
from resolvers.commands.unit_of_work import UnitOfWork

# A firm that is being renamed is waited for: the records of its attorneys have its name.
_BY_ID = "select id, name, retired_at from firms where clinic_id = $1 and id = $2 for share"
_BY_NAME = "select id, name, retired_at from firms where clinic_id = $1 and name_key = $2 for share"
# Firms are created by name one after the other, so that two attorneys of a new firm never make two of it.
_IN_TURN = "select pg_advisory_xact_lock(hashtextextended('firms ' || $1::uuid::text, 0))"
_ATTORNEYS = "select id, name, firm, is_duplicate from attorneys where clinic_id = $1 and firm_id = $2 order by id for no key update"
_CASES = """select count(*) from cases c join attorneys a on a.clinic_id = c.clinic_id and a.id = c.attorney_id
    where c.clinic_id = $1 and a.firm_id = $2 and c.status = 'open'"""
_CHANGES = """select count(*) from attorney_changes c join attorneys a on a.clinic_id = c.clinic_id and a.id = c.attorney_id
    where c.clinic_id = $1 and a.firm_id = $2 and c.status = 'pending'"""


async def create(work: UnitOfWork) -> UUID:
    """Create a firm."""
    return await parties.create(work, FIRM)


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of a firm; its attorneys are found by its new name."""
    if work.inputs.get("active") is False:
        await _check_nothing_open(work, "active")
    firm = await parties.update(work, FIRM)
    if "name" in work.inputs:
        await _rename_attorneys(work, firm)
    return firm


async def retire(work: UnitOfWork) -> UUID:
    """Retire a firm that no open case and no open balance depends on."""
    await _check_nothing_open(work, "firm_id")
    return await parties.retire(work, FIRM)


async def find_firm(work: UnitOfWork, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The firm that an attorney is to belong to, by its id or by its name: one that does not exist yet is created."""
    named = ATTORNEY.columns({"firm": inputs["firm"]})["firm"] if "firm" in inputs else None
    if "firm_id" not in inputs:
        assert named is not None
        return await _firm_named(work, named)
    found = await check_firm(work, inputs["firm_id"])
    if named is not None and normal_key(named) != normal_key(found["name"]):
        raise Conflict("The firm with this id has another name: give one of the two", ("firm",))
    return found


async def check_firm(work: UnitOfWork, identity: UUID | None) -> Mapping[str, Any]:
    """The firm with this id; an error for one that cannot be accessed or is retired."""
    found = await work.one(_BY_ID, identity)
    if found is None:
        raise NotFound("There is no such firm", ("firm_id",))
    return _in_use(found, "firm_id")


async def _firm_named(work: UnitOfWork, name: str) -> Mapping[str, Any]:
    found = await work.one(_BY_NAME, normal_key(name))
    if found is None:
        await work.all(_IN_TURN)
        found = await work.one(_BY_NAME, normal_key(name))
    if found is not None:
        return _in_use(found, "firm")
    writes, identity = work.writes(), new_id(work.moment)
    writes.insert(FIRM.table, id=identity, recorded_at=work.moment, name=name, name_fragments=name_fragments(name))
    await writes.run(work.connection)
    return {"id": identity, "name": name}


def _in_use(found: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    if found["retired_at"]:
        raise Conflict("This firm is retired: make it active again with updateFirm, or choose another one", (field,))
    return found


async def _rename_attorneys(work: UnitOfWork, firm: UUID) -> None:
    """Give the attorneys of a firm its name; one that has the name of another attorney of the firm keeps its spelling."""
    name = (await work.one(_BY_ID, firm))["name"]
    writes = work.writes()
    for attorney in await work.all(_ATTORNEYS, firm):
        spelled = {} if attorney["is_duplicate"] or attorney["firm"] == name else {"firm": name}
        fragments = name_fragments(attorney["name"], name)
        writes.update(ATTORNEY.table, {"id": attorney["id"]}, name_fragments=fragments, **spelled)
    await parties.run(work, ATTORNEY, writes)


async def _check_nothing_open(work: UnitOfWork, field: str) -> None:
    firm = work.inputs["firm_id"]
    await parties.lock_alone(work, FIRM)
    [cases], [changes] = await work.one(_CASES, firm), await work.one(_CHANGES, firm)
    open_ones = []
    if cases:
        open_ones.append(f"its attorneys represent {cases:,} open cases (assignAttorney)")
    if changes:
        open_ones.append(f"{changes:,} cases are to change to its attorneys (cancelAttorneyChange)")
    open_ones += await open_matters(work, "firm", firm)
    if open_ones:
        raise Conflict(f"This firm cannot be retired: {'; '.join(open_ones)}", (field,))
