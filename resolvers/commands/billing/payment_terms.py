"""The terms of payment of a clinic: from an invoice to its due day, which accounting programs are told."""

from uuid import UUID

from domain.clinics import checked_payment_terms
from resolvers.commands.unit_of_work import UnitOfWork
from resolvers.context import RequestContext

_TERMS = "select payment_terms_days from clinics where clinic_id = $1"


async def payment_terms_days(context: RequestContext) -> int:
    """The terms of payment in the viewer's clinic, in days."""
    assert context.viewer is not None
    found = await context.database.read(context.viewer, _TERMS, [context.viewer.clinic_id])
    assert found is not None
    days: int = found["payment_terms_days"]
    return days


async def set_payment_terms(work: UnitOfWork) -> UUID:
    """Change them, for the exports that are requested from now on."""
    writes = work.writes()
    days = checked_payment_terms(work.inputs["payment_terms_days"])
    writes.update("clinics", {}, payment_terms_days=days)
    await writes.run(work.connection)
    return work.clinic_id
