"""Changing a code of the master list: a new price is valid from a day on, and earlier days keep the old one."""

from uuid import UUID

from domain.errors import NotFound
from domain.ids import new_id
from domain.pricing.price_lists import CPT_CODE, begins_anew
from resolvers.commands.records import parties
from resolvers.commands.unit_of_work import UnitOfWork

_CODE = """select id, base_price, bilateral_policy, valid_from, valid_to from cpt_codes
    where clinic_id = $1 and id = $2 for no key update"""
_BEGIN = "update cpt_codes set valid_from = $3 where clinic_id = $1 and id = $2"
_KEEP = """insert into cpt_codes (clinic_id, id, recorded_at, code, label, base_price, bilateral_policy, active, valid_from, valid_to)
    select clinic_id, $3, $4, code, label, base_price, bilateral_policy, active, $5, valid_from
    from cpt_codes where clinic_id = $1 and id = $2"""
_PRICED = ("base_price", "bilateral_policy")


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of a code; with a given valid_from, the row is changed as it stands."""
    if "valid_from" not in work.inputs:
        await _keep_before(work)
    return await parties.update(work, CPT_CODE)


async def _keep_before(work: UnitOfWork) -> None:
    """If the price changes within its validity, the earlier days get a row of their own."""
    row = await work.one(_CODE, work.inputs["cpt_code_id"])
    if row is None:
        raise NotFound("There is no such code", ("cpt_code_id",))
    if all(work.inputs.get(name, row[name]) == row[name] for name in _PRICED):
        return
    since = begins_anew(row, work.inputs, work.today)
    if since is not None:
        await work.connection.execute(_BEGIN, work.clinic_id, row["id"], since)
        kept = new_id(work.moment)
        await work.connection.execute(_KEEP, work.clinic_id, row["id"], kept, work.moment, row["valid_from"])
