"""The check that an invoice's payer belongs to the clinic, is not retired, and is not another patient."""

from uuid import UUID

from domain.errors import Conflict, InvalidInput, NotFound
from resolvers.commands.unit_of_work import UnitOfWork

# Retiring a payer, or making it another one, waits for the commands that have chosen it.
_PAYER = "select retired_at, patient_id from payers where clinic_id = $1 and id = $2 for key share"


async def check_payer(work: UnitOfWork, identity: UUID, patient: UUID) -> None:
    """Raise an error for a payer that cannot be accessed, is retired, or is a patient other than the treated one."""
    payer = await work.one(_PAYER, identity)
    if payer is None:
        raise NotFound("There is no such payer", ("payer_id",))
    if payer["retired_at"]:
        raise Conflict("This payer is retired", ("payer_id",))
    if payer["patient_id"] not in (None, patient):
        raise InvalidInput("This payer is another patient", ("payer_id",))
