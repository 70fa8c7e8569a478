"""Decides who can be asked to pay: a payer of the clinic that is not retired."""

from uuid import UUID

from domain.errors import Conflict, NotFound
from resolvers.writing import Work

_PAYER = "select retired_at from payers where clinic_id = $1 and id = $2"


async def check_payer(work: Work, identity: UUID) -> None:
    """Refuse a payer that does not exist in reach, and one that is not for new invoices any more."""
    payer = await work.one(_PAYER, identity)
    if payer is None:
        raise NotFound("There is no such payer", ("payer_id",))
    if payer["retired_at"]:
        raise Conflict("This payer is retired", ("payer_id",))
