"""The resolvers of the textbook for holds and reminders; also finds the hold in force."""

from datetime import date
from typing import Any

from tests.bench.textbook.fields import Args, Fields, one
from tests.bench.textbook.models import Hold, Invoice, User
from tests.bench.textbook.records.records import Records


def _is_in_force(records: Records, hold: Any) -> bool:
    is_over: bool = hold.until_on < records.today
    return hold.released_at is None and not is_over


def reminded_on(reminder: Any) -> date:
    """The day from which a reminder is due: its own, or the working day after it."""
    day: date = reminder.moved_to or reminder.target_date
    return day


def is_due(records: Records, reminder: Any) -> bool:
    """Whether a reminder is due now."""
    is_ahead: bool = reminded_on(reminder) > records.today
    return reminder.status == "scheduled" and not is_ahead


async def longest_hold(records: Records, column: str, identity: Any) -> Any:
    """The hold in force over one record that ends last; None when there is none."""
    holds = [hold for hold in await records.many(Hold, column, identity) if _is_in_force(records, hold)]
    return min(holds, key=lambda hold: (-hold.until_on.toordinal(), hold.id), default=None)


async def hold_of(records: Records, invoice: Any) -> Any:
    """The hold in force for an invoice: its own before its case's before its payer's."""
    return (
        await longest_hold(records, "invoice_id", invoice.id)
        or await longest_hold(records, "case_id", invoice.case_id)
        or await longest_hold(records, "payer_id", invoice.payer_id)
    )


async def _of_case(records: Records, case: Any, args: Args) -> Any:
    return await longest_hold(records, "case_id", case.id)


async def _of_payer(records: Records, payer: Any, args: Args) -> Any:
    return await longest_hold(records, "payer_id", payer.id)


async def _due_on(records: Records, reminder: Any, args: Args) -> date:
    return reminded_on(reminder)


FOLLOW_UP_FIELDS: Fields = {
    "Case.hold": _of_case,
    "Payer.hold": _of_payer,
    "Hold.placedBy": one(User, "placed_by"),
    "Reminder.dueOn": _due_on,
    "Reminder.assignee": one(User, "assignee_id"),
    "Reminder.createdBy": one(User, "created_by"),
    "Reminder.invoice": one(Invoice, "invoice_id"),
}
