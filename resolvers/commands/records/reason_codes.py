"""The clinic's own list of reason codes: its changes, and the check of a code before it is recorded."""

from uuid import UUID

from domain.billing.adjustments import REASON_CODE, unlisted
from resolvers.commands.records import parties
from resolvers.commands.unit_of_work import UnitOfWork

# Whether a code may be recorded: it is in use in the list, or the list has none in use.
_LISTED = """select exists (select from reason_codes r where r.clinic_id = $1 and r.code = $2 and r.active)
    or not exists (select from reason_codes r where r.clinic_id = $1 and r.active) as is_accepted"""


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


async def check_reason_code(work: UnitOfWork, code: str, path: tuple[str, ...]) -> None:
    """InvalidInput at `path` for a code (in capital letters) that is not in use in the clinic's list, where the clinic has one."""
    row = await work.one(_LISTED, code)
    assert row is not None
    if not row["is_accepted"]:
        raise unlisted(code, path)
