"""Compares treatment with the day of injury of its case."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from domain.access.people import Role
from domain.errors import Conflict
from domain.texts import REMARK, optional_text
from domain.treatment.encounters import accepted_reason
from resolvers.commands.next_steps import ASK_ADMINISTRATOR, BEFORE_INJURY, next_step
from resolvers.commands.unit_of_work import UnitOfWork

# All visits of the case are locked, so that none is corrected meanwhile.
_VISITS = """select service_date, before_injury_reason from encounters
    where clinic_id = $1 and case_id = $2 and cancelled_at is null order by id for update"""
_INVOICES = """select number from invoices where clinic_id = $1 and case_id = $2 and service_date < $3 and status <> 'void'
    and before_injury_reason is null order by number"""
_MOST_NAMED = 10


def confirmation_of(work: UnitOfWork, service_date: date, date_of_injury: date) -> dict[str, Any]:
    """The columns that keep why and by whom treatment before the injury was accepted; InvalidInput where it was not."""
    step = ASK_ADMINISTRATOR if work.actor.role is Role.PHYSICIAN else BEFORE_INJURY
    given = optional_text(work.inputs, "confirm_reason", REMARK)
    reason = accepted_reason(service_date, date_of_injury, given, step)
    return {"before_injury_reason": reason, "before_injury_by": work.user_id if reason else None}


async def refuse_past_treatment(work: UnitOfWork, case: UUID, date_of_injury: date) -> None:
    """Refuse a day of injury after treatment of the case that is billed or recorded; what was confirmed before stays."""
    visits = await work.all(_VISITS, case)
    numbers = [row["number"] for row in await work.all(_INVOICES, case, date_of_injury)]
    if numbers:
        words = f"Treatment before {date_of_injury} is billed by {_named(numbers)}: void what is wrong first"
        raise Conflict(f"{words} ({next_step('void_invoice')})", ("date_of_injury",))
    days = {row["service_date"] for row in visits if row["before_injury_reason"] is None}
    earlier = [str(day) for day in sorted(days) if day < date_of_injury]
    if earlier:
        words = f"There are visits before {date_of_injury}, of {_named(earlier)}: correct or cancel them first"
        raise Conflict(
            f"{words} ({next_step('update_encounter')}; {next_step('cancel_encounter')})", ("date_of_injury",)
        )


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
