"""Decides how a code of the master list changes: a new price holds from a day on, and days before keep the old one."""

from uuid import UUID

from domain.errors import NotFound
from domain.ids import new_id
from domain.price_lists import CPT_CODE, begins_anew
from resolvers import parties
from resolvers.writing import Work

_CODE = """select id, base_price, bilateral_policy, valid_from, valid_to from cpt_codes
    where clinic_id = $1 and id = $2 for no key update"""
_BEGIN = "update cpt_codes set valid_from = $3 where clinic_id = $1 and id = $2"
_KEEP = """insert into cpt_codes (clinic_id, id, recorded_at, code, label, base_price, bilateral_policy, active, valid_from, valid_to)
    select clinic_id, $3, $4, code, label, base_price, bilateral_policy, active, $5, valid_from
    from cpt_codes where clinic_id = $1 and id = $2"""
_PRICED = ("base_price", "bilateral_policy")


async def update(work: Work) -> UUID:
    """What the input says of a code; whoever says since when it is valid means the row as it stands."""
    if "valid_from" not in work.given:
        await _keep_before(work)
    return await parties.update(work, CPT_CODE)


async def _keep_before(work: Work) -> None:
    """Where the price changes within its validity, the days before get a row of their own."""
    row = await work.one(_CODE, work.given["cpt_code_id"])
    if row is None:
        raise NotFound("There is no such code", ("cpt_code_id",))
    if all(work.given.get(name, row[name]) == row[name] for name in _PRICED):
        return
    since = begins_anew(row, work.given, work.today)
    if since is not None:
        await work.connection.execute(_BEGIN, work.clinic_id, row["id"], since)
        kept = new_id(work.moment)
        await work.connection.execute(_KEEP, work.clinic_id, row["id"], kept, work.moment, row["valid_from"])
