"""The textbook's action items of billing staff: each kind by a rule of its own, over every row in reach."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.billing.transitions import BY_NAME
from tests.bench.textbook.fields import Args, Fields, one
from tests.bench.textbook.models import (
    Cheque,
    ChequeAllocation,
    Denial,
    Encounter,
    Invoice,
    InvoiceEvent,
    MessageInvoice,
    OutboundMessage,
    ReductionOffer,
    Reminder,
    User,
)
from tests.bench.textbook.pages import Connection, Sorting, connection
from tests.bench.textbook.records.encounters import bill_of
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.words import is_among

_DAY = timedelta(days=1)
_OPEN = ("pending_invoice", "pending_reduction", "pending_cheque")


@dataclass(frozen=True)
class ActionItem:
    """One action item."""

    id: UUID
    kind: str
    due_on: date
    subject: str
    invoice_id: UUID | None
    assignee_id: UUID | None = None
    reminder_id: UUID | None = None
    encounter_id: UUID | None = None


async def _reminders(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for r in await records.all(Reminder):
        if r.status == "scheduled":
            yield ActionItem(r.id, "due_reminder", r.target_date, r.subject, r.invoice_id, r.assignee_id, r.id)


async def _agreements(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for i in await records.all(Invoice):
        if i.status == "pending_cheque" and i.conditional_until is not None:
            words = "The agreed amount was not paid in full by the agreed date"
            yield ActionItem(i.id, "lapsed_agreement", i.conditional_until + _DAY, words, i.id)


async def _negotiations(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for i in await records.all(Invoice):
        if i.status != "pending_reduction":
            continue
        offers = [offer for offer in await records.many(ReductionOffer, "invoice_id", i.id) if offer.status == "open"]
        for offer in offers:
            if offer.expires_on is not None:
                words = f"The last offer expired on {offer.expires_on}: ask the payer, or make another offer"
                yield ActionItem(offer.id, "lapsed_agreement", offer.expires_on + _DAY, words, i.id)
        events = [e for e in await records.many(InvoiceEvent, "invoice_id", i.id) if e.transition in BY_NAME]
        last = max(events, key=lambda event: event.seq, default=None)
        if last is not None and last.transition == "lapse_agreement" and not offers:
            lapsed_on = last.at.astimezone(ZoneInfo(records.viewer.time_zone)).date()
            words = "The agreement has lapsed: negotiate again"
            yield ActionItem(last.id, "lapsed_agreement", lapsed_on, words, i.id)


async def _cheques(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for cheque in await records.all(Cheque):
        parts = await records.many(ChequeAllocation, "cheque_id", cheque.id)
        for invoice_id in {part.invoice_id for part in parts if part.amount < 0}:
            invoice = await records.one(Invoice, invoice_id)
            paid = await records.many(ChequeAllocation, "invoice_id", invoice_id)
            last = max((one for one in paid if one.cheque_id == cheque.id), key=lambda one: one.id)
            is_paid_since = any(one.amount > 0 and one.id > last.id for one in paid)
            if invoice and invoice.status == "pending_cheque" and last.amount < 0 and not is_paid_since:
                words = f"Cheque {cheque.number} was returned"
                yield ActionItem(last.id, "returned_cheque", cheque.returned_on, words, invoice_id)


async def _messages(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for message in await records.all(OutboundMessage):
        links = await records.many(MessageInvoice, "message_id", message.id) if message.status == "failed" else []
        for invoice_id in {link.invoice_id for link in links}:
            invoice = await records.one(Invoice, invoice_id)
            if invoice and invoice.status in _OPEN and not await _was_sent_since(records, message, invoice_id):
                first = min(link.id for link in links if link.invoice_id == invoice_id)
                words = f"A message could not be sent: {message.failure or ''}"
                yield ActionItem(first, "failed_message", message.due_on, words, invoice_id)


async def _was_sent_since(records: Records, failed: Any, invoice_id: UUID) -> bool:
    links = await records.many(MessageInvoice, "invoice_id", invoice_id)
    messages = [await records.one(OutboundMessage, link.message_id) for link in links]
    return any(m and m.status != "failed" and m.due_on > failed.due_on for m in messages)


async def _appeals(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for i in await records.all(Invoice):
        denials = await records.many(Denial, "invoice_id", i.id)
        if i.status == "pending_invoice" and i.submitted_on is None and denials:
            last = max(denials, key=lambda denial: denial.id)
            if last.appeal_due_on is not None:
                due_on = max(last.denied_on, last.appeal_due_on - 14 * _DAY)
                words = f"Appeal the denial by {last.appeal_due_on}"
                yield ActionItem(last.id, "appeal_deadline", due_on, words, i.id)


async def _visits(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for e in await records.all(Encounter):
        if e.cancelled_at is None and await bill_of(records, e) is None:
            words = f"The visit of {e.service_date} is not billed"
            yield ActionItem(e.id, "unbilled_encounter", e.service_date + 7 * _DAY, words, None, encounter_id=e.id)


_KINDS = (_reminders, _agreements, _negotiations, _cheques, _messages, _appeals, _visits)


async def _items(records: Records, source: Any, args: Args) -> Connection:
    day = date.fromisoformat(args["asOf"]) if args.get("asOf") else records.today
    found = [item for kind in _KINDS async for item in kind(records, day) if item.due_on <= day]
    if args.get("assigneeId") is not None:
        found = [
            item for item in found if item.assignee_id and is_among([args["assigneeId"]], "User", item.assignee_id)
        ]
    return connection(found, Sorting("ActionItem.DEFAULT", lambda item: item.due_on, date), args)


ACTION_ITEM_FIELDS: Fields = {
    "Query.actionItems": _items,
    "ActionItem.assignee": one(User, "assignee_id"),
    "ActionItem.reminder": one(Reminder, "reminder_id"),
    "ActionItem.invoice": one(Invoice, "invoice_id"),
    "ActionItem.encounter": one(Encounter, "encounter_id"),
}
