"""Creating and changing the reason codes of the clinic's own list."""

from uuid import UUID

from domain.billing.claims.adjustments import REASON_CODE
from resolvers.commands.records import parties
from resolvers.commands.unit_of_work import UnitOfWork


async def create(work: UnitOfWork) -> UUID:
    """Add a code to the list."""
    _rename_group(work)
    return await parties.create(work, REASON_CODE)


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of a code."""
    _rename_group(work)
    return await parties.update(work, REASON_CODE)


def _rename_group(work: UnitOfWork) -> None:
    if "group" in work.inputs:
        work.inputs = {**work.inputs, "adjustment_group": work.inputs["group"]}
