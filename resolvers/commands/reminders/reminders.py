"""Reminders of billing staff about an invoice: scheduling, changing, completing and cancelling; they are cancelled when the invoice closes."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from db.reminders.working_days import CALENDAR, due_day
from db.write_batch import WriteBatch
from domain.billing.invoice_events import change_of
from domain.billing.invoices import CLOSED_BALANCE
from domain.days import not_past
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.reminders.reminders import ReminderStatus
from domain.texts import NAME, REASON, REMARK, checked, optional_text, required_text
from resolvers.commands.access.users import run_for_staff
from resolvers.commands.transitions import Row, announce, lock, record_event
from resolvers.commands.unit_of_work import UnitOfWork

_REMINDER = """select id, invoice_id, target_date, moved_to, subject, notes, assignee_id, status from reminders
    where clinic_id = $1 and id = $2"""
_NAMES = "select id, name from users where clinic_id = $1 and id = any($2)"


async def schedule(work: UnitOfWork) -> UUID:
    """Schedule a reminder for an open invoice."""
    inputs = work.inputs
    row = (await lock(work, [inputs["invoice_id"]]))[inputs["invoice_id"]]
    if row["status"] in CLOSED_BALANCE:
        raise Conflict("This invoice is closed: reminders are for open invoices only", ("invoice_id",))
    day = not_past(inputs["target_date"], work.today, "target_date")
    subject, notes = required_text(inputs, "subject", NAME), optional_text(inputs, "notes", REMARK)
    identity, writes = new_id(work.moment), work.writes()
    made = {"created_by": work.user_id, "created_at": work.moment, "recorded_at": work.moment}
    days = {"target_date": day, "moved_to": await _moved(work, day)}
    values = {**days, "subject": subject, "notes": notes, "assignee_id": inputs.get("assignee_id")}
    writes.insert("reminders", id=identity, invoice_id=row["id"], **values, **made)
    added = f"{_words(days)}: {subject}"
    _record_event(work, writes, row, "schedule_reminder", [change_of("reminder", None, added)])
    await run_for_staff(work, writes, "assignee_id")
    return identity


async def update(work: UnitOfWork) -> UUID:
    """Change the day, the text or the assignee of an open reminder."""
    reminder, row = await _waiting(work)
    inputs, changed = work.inputs, dict[str, Any](checked(work.inputs, {"subject": NAME, "notes": REMARK}))
    if "target_date" in inputs:
        if inputs["target_date"] is None:
            raise InvalidInput("A reminder requires a day", ("target_date",))
        day = not_past(inputs["target_date"], work.today, "target_date")
        changed |= {"target_date": day, "moved_to": await _moved(work, day)}
    if "assignee_id" in inputs:
        changed["assignee_id"] = inputs["assignee_id"]
    changed = {name: value for name, value in changed.items() if reminder[name] != value}
    if changed:
        writes = work.writes()
        writes.update("reminders", {"id": reminder["id"]}, **changed)
        _record_event(work, writes, row, "update_reminder", await _changes_of(work, reminder, changed))
        await run_for_staff(work, writes, "assignee_id")
    identity: UUID = reminder["id"]
    return identity


async def complete(work: UnitOfWork) -> UUID:
    """Complete a reminder with its outcome."""
    return await _close(work, ReminderStatus.COMPLETED, required_text(work.inputs, "outcome", REASON))


async def cancel(work: UnitOfWork) -> UUID:
    """Cancel an open reminder."""
    return await _close(work, ReminderStatus.CANCELLED, optional_text(work.inputs, "reason", REMARK))


async def _close(work: UnitOfWork, status: ReminderStatus, outcome: str | None) -> UUID:
    reminder, row = await _waiting(work)
    writes = work.writes()
    closed = {"status": status.value, "outcome": outcome, "closed_at": work.moment}
    writes.update("reminders", {"id": reminder["id"]}, **closed)
    name = "complete_reminder" if status is ReminderStatus.COMPLETED else "cancel_reminder"
    _record_event(work, writes, row, name, [change_of("reminder", reminder["subject"], status.name)])
    await writes.run(work.connection)
    identity: UUID = reminder["id"]
    return identity


async def _waiting(work: UnitOfWork) -> tuple[Mapping[str, Any], Row]:
    """An open reminder and its invoice, locked."""
    named = work.inputs["reminder_id"]
    found = await work.one(_REMINDER, named)
    if found is None:
        raise NotFound("There is no such reminder", ("reminder_id",))
    row = (await lock(work, [found["invoice_id"]]))[found["invoice_id"]]
    # The invoice is locked now, so that no other command closes the reminder meanwhile.
    reminder = await work.one(_REMINDER, named)
    if reminder["status"] != ReminderStatus.SCHEDULED:
        raise Conflict("This reminder is already closed", ("reminder_id",))
    return reminder, row


async def _moved(work: UnitOfWork, day: date) -> date | None:
    """The working day on which a reminder is due instead of its day; None where it is due on that day."""
    due = await due_day(await work.one(CALENDAR), day)
    return due if due != day else None


def _words(reminder: Mapping[str, Any]) -> str:
    """The day of a reminder, with the working day to which it was moved."""
    day: date = reminder["target_date"]
    return f"{day}, moved to {reminder['moved_to']}" if reminder["moved_to"] else f"{day}"


async def _changes_of(
    work: UnitOfWork, reminder: Mapping[str, Any], changed: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """A change as the history shows it: for notes only the fact, for assignees their names."""
    changed_values = {name: (reminder[name], changed[name]) for name in ("subject",) if name in changed}
    if changed.keys() & {"target_date", "moved_to"}:
        changed_values = {"target_date": (_words(reminder), _words({**reminder, **changed})), **changed_values}
    if "notes" in changed:
        changed_values["notes"] = (None, None)
    if "assignee_id" in changed:
        both = (reminder["assignee_id"], changed["assignee_id"])
        names = {row["id"]: row["name"] for row in await work.all(_NAMES, [who for who in both if who])}
        changed_values["assignee"] = (names.get(both[0]), names.get(both[1]))
    return [change_of(f"reminder_{name}", *values) for name, values in changed_values.items()]


def _record_event(work: UnitOfWork, writes: WriteBatch, row: Row, name: str, changes: list[Mapping[str, Any]]) -> None:
    record_event(work, writes, row, name, row["status"], row["status"], changes)
    announce(work, row["id"], ["reminders"])
