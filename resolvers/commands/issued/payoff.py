"""A final payoff letter stops new invoices of its case until its last day, but for administrators."""

from uuid import UUID

from domain.access.people import Role
from domain.errors import Conflict
from resolvers.commands.unit_of_work import UnitOfWork

_FINAL = """select d.number, d.good_through from issued_documents d where d.clinic_id = $1 and d.case_id = $2 and d.is_final
        and d.status = 'issued' and d.good_through >= $3
        and not exists (select from issued_documents n where n.clinic_id = d.clinic_id and n.supersedes_id = d.id)
    order by d.good_through desc limit 1"""


async def check_not_final(work: UnitOfWork, case_id: UUID, path: tuple[str, ...]) -> None:
    """Refuse a new invoice of a case that a valid final payoff letter closes."""
    if work.actor.role is Role.ADMIN:
        return
    letter = await work.one(_FINAL, case_id, work.today)
    if letter is not None:
        words = f"The payoff letter {letter['number']} is final until {letter['good_through']}: ask an administrator to bill, or to withdraw it"
        raise Conflict(words, path)
