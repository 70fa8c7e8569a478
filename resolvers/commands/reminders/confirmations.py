"""The dry run of a clinic's reminders, its confirmation, which switches them on, and switching them off."""

from typing import Any
from uuid import UUID

import asyncpg
from strawberry import Info

from db.global_ids import TAGS
from db.reminders.plan import DryRun, dry_run
from db.reminders.working_days import CALENDAR, due_day
from domain.errors import Conflict, InvalidInput
from domain.ids import new_id
from resolvers.commands.unit_of_work import CommandResult, UnitOfWork, run_command

_IN_FORCE = """select id from reminder_confirmations where clinic_id = $1 and ended_at is null for no key update"""
# The protected fields that a dry run shows of each invoice.
_SHOWN = ("Case.number", "Invoice.balance")
MOST_SHOWN = 500
_CHANGED = "What would be sent has changed since the dry run: look at it again"
_ON_ALREADY = "Reminders are on already"
_POLICY = "select id from reminder_policies where clinic_id = $1 and active limit 1"
# A confirmation of such a run would let a policy that is saved later write to every payer without a dry run.
_NO_POLICY = "No reminder policy is active, so that there is nothing to confirm: save one first (saveReminderPolicy)"


async def preview(info: Info, input_: Any) -> tuple[CommandResult, DryRun]:
    """What would be sent next, and the audit event that says which invoices were shown."""
    run = await _dry_run(info)

    async def show(work: UnitOfWork) -> UUID:
        if not 0 <= work.inputs["first"] <= MOST_SHOWN:
            raise InvalidInput(f"The number of messages must be 0 to {MOST_SHOWN}", ("first",))
        shown = run.messages[: work.inputs["first"]]
        named = b"".join(TAGS["Invoice"].encode() + row["invoice_id"].bytes for message in shown for row in message)
        work.audit.read(_SHOWN, (), named)
        return work.clinic_id

    return await run_command(info, "preview_reminders", input_, show), run


async def confirm(info: Info, input_: Any) -> CommandResult:
    """Switch the clinic's reminders on, if what would be sent is still what the dry run with this token showed."""
    run = await _dry_run(info)
    return await run_command(info, "confirm_reminders", input_, lambda work: confirm_run(work, run))


async def _dry_run(info: Info) -> DryRun:
    """The plan of today, or of the next day on which messages are sent, read as the worker reads it: addresses of users are in it, too."""
    context = info.context
    async with context.database.working(context.viewer.clinic_id) as connection:
        calendar = await connection.fetchrow(CALENDAR, context.viewer.clinic_id)
        return await dry_run(connection, context.viewer.clinic_id, await due_day(calendar, context.today))


async def confirm_run(work: UnitOfWork, run: DryRun) -> UUID:
    """Record the confirmation of a dry run by the user."""
    if work.inputs["token"] != run.token:
        raise InvalidInput(_CHANGED, ("token",))
    if await work.one(_IN_FORCE):
        raise Conflict(_ON_ALREADY)
    if await work.one(_POLICY) is None:
        raise Conflict(_NO_POLICY)
    writes, identity = work.writes(), new_id(work.moment)
    seen = {"day": run.day, "message_count": len(run.messages), "invoice_count": run.invoice_count}
    by = {"confirmed_by": work.user_id, "confirmed_at": work.moment, "recorded_at": work.moment}
    writes.insert("reminder_confirmations", id=identity, **by, **seen)
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        # Somebody else has confirmed at the same time.
        raise Conflict(_ON_ALREADY) from error
    return identity


async def stop(work: UnitOfWork) -> UUID:
    """Switch the clinic's reminders off; messages that wait are not sent until they are on again."""
    found = await work.one(_IN_FORCE)
    if found is None:
        raise Conflict("Reminders are off already")
    writes = work.writes()
    writes.update("reminder_confirmations", {"id": found["id"]}, ended_by=work.user_id, ended_at=work.moment)
    await writes.run(work.connection)
    identity: UUID = found["id"]
    return identity
