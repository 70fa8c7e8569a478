"""The check of a reason code against the clinic's own list."""

from domain.billing.claims.adjustments import unlisted
from resolvers.commands.unit_of_work import UnitOfWork

# Whether a code may be recorded: it is in use in the list, or the list has none in use.
_LISTED = """select exists (select from reason_codes r where r.clinic_id = $1 and r.code = $2 and r.active)
    or not exists (select from reason_codes r where r.clinic_id = $1 and r.active) as is_accepted"""


async def check_reason_code(work: UnitOfWork, code: str, path: tuple[str, ...]) -> None:
    """InvalidInput at `path` for a code (in capital letters) that is not in use in the clinic's list, where the clinic has one."""
    row = await work.one(_LISTED, code)
    assert row is not None, "the query has one row"
    if not row["is_accepted"]:
        raise unlisted(code, path)
