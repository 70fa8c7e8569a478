"""Sending a failed outbound message again."""

from uuid import UUID

from db.merged_records import joined
from db.reminders.working_days import CALENDAR, sending_moment
from domain.errors import Conflict, InvalidInput, NotFound
from domain.reminders.reminders import NO_ADDRESS, MessageStatus
from resolvers.commands.transitions import announce
from resolvers.commands.unit_of_work import UnitOfWork

_MESSAGE = "select id, recipient, status from outbound_messages where clinic_id = $1 and id = $2 for no key update"
_PAYERS_ADDRESS = f"""select coalesce(nullif(btrim(y.email), ''), a.email) from message_invoices m
    join invoices i on i.clinic_id = m.clinic_id and i.id = m.invoice_id
    {joined("payer", "y", "i.payer_id")}
    left join attorneys a on a.clinic_id = y.clinic_id and a.id = y.attorney_id
    where m.clinic_id = $1 and m.message_id = $2 limit 1"""
_INVOICES = "select distinct invoice_id from message_invoices where clinic_id = $1 and message_id = $2"


async def resend(work: UnitOfWork) -> UUID:
    """Queue a failed message for delivery again; if it had no recipient, it goes to the payer's current e-mail address."""
    message = await work.one(_MESSAGE, work.inputs["outbound_message_id"])
    if message is None:
        raise NotFound("There is no such message", ("outbound_message_id",))
    if message["status"] != MessageStatus.FAILED:
        raise Conflict("This message has not failed", ("outbound_message_id",))
    recipient = message["recipient"] or await work.connection.fetchval(_PAYERS_ADDRESS, work.clinic_id, message["id"])
    if not recipient:
        raise InvalidInput(NO_ADDRESS, ("outbound_message_id",))
    writes, moment = work.writes(), await sending_moment(await work.one(CALENDAR), work.moment)
    again = {"status": MessageStatus.QUEUED.value, "attempts": 0, "failure": None, "next_attempt_at": moment}
    writes.update("outbound_messages", {"id": message["id"]}, recipient=recipient, **again)
    for row in await work.all(_INVOICES, message["id"]):
        announce(work, row["invoice_id"], ["outbound_messages"])
    await writes.run(work.connection)
    identity: UUID = message["id"]
    return identity
