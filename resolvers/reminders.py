"""Decides how staff remind themselves of an invoice on a day, and what becomes of that; an invoice that closes needs none any more."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from db.writing import Writes
from domain.days import not_past
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.invoices import CLOSED_BALANCE
from domain.reminders import ReminderStatus
from domain.texts import NAME, REASON, REMARK, checked, needed, said
from resolvers.transitions import Row, announce, change_of, lock, record_event
from resolvers.users import run_for_staff
from resolvers.writing import Work

_REMINDER = """select id, invoice_id, target_date, subject, notes, assignee_id, status from reminders
    where clinic_id = $1 and id = $2"""
_NAMES = "select id, name from users where clinic_id = $1 and id = any($2)"


async def schedule(work: Work) -> UUID:
    """Remind staff of an open invoice from a day on."""
    given = work.given
    row = (await lock(work, [given["invoice_id"]]))[given["invoice_id"]]
    if row["status"] in CLOSED_BALANCE:
        raise Conflict("This invoice is closed: there is nothing more to be done about it", ("invoice_id",))
    day = not_past(given["target_date"], work.today, "target_date")
    subject, notes = needed(given, "subject", NAME), said(given, "notes", REMARK)
    identity, writes = new_id(work.moment), work.writes()
    made = {"created_by": work.user_id, "created_at": work.moment, "recorded_at": work.moment}
    values = {"target_date": day, "subject": subject, "notes": notes, "assignee_id": given.get("assignee_id")}
    writes.insert("reminders", id=identity, invoice_id=row["id"], **values, **made)
    _tell(work, writes, row, "schedule_reminder", [change_of("reminder", None, f"{day.isoformat()}: {subject}")])
    await run_for_staff(work, writes, "assignee_id")
    return identity


async def update(work: Work) -> UUID:
    """Another day, other words or somebody else for a reminder that still has to be acted on."""
    reminder, row = await _waiting(work)
    given, changed = work.given, dict[str, Any](checked(work.given, {"subject": NAME, "notes": REMARK}))
    if "target_date" in given:
        if given["target_date"] is None:
            raise InvalidInput("A reminder has a day", ("target_date",))
        changed["target_date"] = not_past(given["target_date"], work.today, "target_date")
    if "assignee_id" in given:
        changed["assignee_id"] = given["assignee_id"]
    changed = {name: value for name, value in changed.items() if reminder[name] != value}
    if changed:
        writes = work.writes()
        writes.update("reminders", {"id": reminder["id"]}, **changed)
        _tell(work, writes, row, "update_reminder", await _told(work, reminder, changed))
        await run_for_staff(work, writes, "assignee_id")
    identity: UUID = reminder["id"]
    return identity


async def complete(work: Work) -> UUID:
    """Say what came of a reminder."""
    return await _close(work, ReminderStatus.COMPLETED, needed(work.given, "outcome", REASON))


async def cancel(work: Work) -> UUID:
    """Take back a reminder that nobody has to act on any more."""
    return await _close(work, ReminderStatus.CANCELLED, said(work.given, "reason", REMARK))


async def _close(work: Work, status: ReminderStatus, outcome: str | None) -> UUID:
    reminder, row = await _waiting(work)
    writes = work.writes()
    closed = {"status": status.value, "outcome": outcome, "closed_at": work.moment}
    writes.update("reminders", {"id": reminder["id"]}, **closed)
    name = "complete_reminder" if status is ReminderStatus.COMPLETED else "cancel_reminder"
    _tell(work, writes, row, name, [change_of("reminder", reminder["subject"], status.name)])
    await writes.run(work.connection)
    identity: UUID = reminder["id"]
    return identity


async def _waiting(work: Work) -> tuple[Mapping[str, Any], Row]:
    """A reminder that still has to be acted on, and its invoice, locked."""
    named = work.given["reminder_id"]
    found = await work.one(_REMINDER, named)
    if found is None:
        raise NotFound("There is no such reminder", ("reminder_id",))
    row = (await lock(work, [found["invoice_id"]]))[found["invoice_id"]]
    # Now that its invoice is locked, nobody else closes the reminder meanwhile.
    reminder = await work.one(_REMINDER, named)
    if reminder["status"] != ReminderStatus.SCHEDULED:
        raise Conflict("Nobody has to act on this reminder any more", ("reminder_id",))
    return reminder, row


async def _told(work: Work, reminder: Mapping[str, Any], changed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the history says of a change: of notes only that they are others, of who is to act the names."""
    told = {name: (reminder[name], changed[name]) for name in ("target_date", "subject") if name in changed}
    if "notes" in changed:
        told["notes"] = (None, None)
    if "assignee_id" in changed:
        both = (reminder["assignee_id"], changed["assignee_id"])
        names = {row["id"]: row["name"] for row in await work.all(_NAMES, [who for who in both if who])}
        told["assignee"] = (names.get(both[0]), names.get(both[1]))
    return [change_of(f"reminder_{name}", *values) for name, values in told.items()]


def _tell(work: Work, writes: Writes, row: Row, name: str, changes: list[Mapping[str, Any]]) -> None:
    record_event(work, writes, row, name, row["status"], row["status"], changes)
    announce(work, writes, row["id"], ["reminders"])
