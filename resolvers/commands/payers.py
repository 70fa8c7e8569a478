"""The check that an invoice's payer belongs to the clinic, is not retired, and is not another patient; and whether two ids are of one payer."""

from uuid import UUID

from db.merged_records import are_one, surviving
from domain.errors import Conflict, InvalidInput, NotFound
from resolvers.commands.unit_of_work import UnitOfWork

# Retiring a payer, or making it another one, waits for the commands that have chosen it.
_PAYER = f"""select retired_at, patient_id is null or {are_one("patient", "patient_id", "$3")} as is_of_patient from payers
    where clinic_id = $1 and id = {surviving("payer", "$2")} for key share"""
_ARE_ONE = f"select {are_one('payer', '$2::uuid', '$3::uuid')} as are_one from clinics where clinic_id = $1"


async def check_payer(work: UnitOfWork, identity: UUID, patient: UUID) -> None:
    """Raise an error for a payer that cannot be accessed, is retired, or is a patient other than the treated one."""
    payer = await work.one(_PAYER, identity, patient)
    if payer is None:
        raise NotFound("There is no such payer", ("payer_id",))
    if payer["retired_at"]:
        raise Conflict("This payer is retired", ("payer_id",))
    if not payer["is_of_patient"]:
        raise InvalidInput("This payer is another patient", ("payer_id",))


async def are_one_payer(work: UnitOfWork, payer: UUID, other: UUID) -> bool:
    """Whether two ids are of one payer: they are the same, or were merged."""
    return payer == other or (await work.one(_ARE_ONE, payer, other))["are_one"]
