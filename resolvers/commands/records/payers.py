"""Commands of payers: one of the kind ATTORNEY may name the law firm that pays."""

from dataclasses import replace
from uuid import UUID

from domain.access.people import PayerKind
from domain.parties import PAYER
from resolvers.commands.records import parties
from resolvers.commands.records.firms import check_firm
from resolvers.commands.unit_of_work import UnitOfWork

_FIRM = "select firm_id from attorneys where clinic_id = $1 and id = $2"


async def create(work: UnitOfWork) -> UUID:
    """Create a payer; without a firm, that of its attorney."""
    await _check_firm(work)
    attorney = work.inputs.get("attorney_id")
    if work.inputs.get("firm_id") is None and attorney is not None and work.inputs.get("kind") == PayerKind.ATTORNEY:
        found = await work.one(_FIRM, attorney)
        if found:
            work = replace(work, inputs={**work.inputs, "firm_id": found["firm_id"]})
    return await parties.create(work, PAYER)


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of a payer."""
    await _check_firm(work)
    return await parties.update(work, PAYER)


async def _check_firm(work: UnitOfWork) -> None:
    if work.inputs.get("firm_id") is not None:
        await check_firm(work, work.inputs["firm_id"])
