"""Creating and changing physicians, with a warning where another active physician has the same NPI."""

from uuid import UUID

from domain.parties import PHYSICIAN
from domain.warnings import NPI_IN_USE
from resolvers.commands.records import parties
from resolvers.commands.unit_of_work import UnitOfWork

_SAME_NPI = """select 1 from physicians p join physicians o on o.clinic_id = p.clinic_id and o.npi = p.npi and o.id <> p.id
    where p.clinic_id = $1 and p.id = $2 and o.active limit 1"""


async def create(work: UnitOfWork) -> UUID:
    """Create a physician."""
    return await _warned(work, await parties.create(work, PHYSICIAN))


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of a physician."""
    return await _warned(work, await parties.update(work, PHYSICIAN))


async def _warned(work: UnitOfWork, physician: UUID) -> UUID:
    if work.inputs.get("npi") and await work.one(_SAME_NPI, physician):
        work.warnings.append(NPI_IN_USE)
    return physician
