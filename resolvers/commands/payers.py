"""The check that an invoice's payer belongs to the clinic and is not retired."""

from uuid import UUID

from domain.errors import Conflict, NotFound
from resolvers.commands.unit_of_work import UnitOfWork

_PAYER = "select retired_at from payers where clinic_id = $1 and id = $2"


async def check_payer(work: UnitOfWork, identity: UUID) -> None:
    """Raise an error for a payer that cannot be accessed or is retired."""
    payer = await work.one(_PAYER, identity)
    if payer is None:
        raise NotFound("There is no such payer", ("payer_id",))
    if payer["retired_at"]:
        raise Conflict("This payer is retired", ("payer_id",))
