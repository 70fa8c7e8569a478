"""Decides what is said of follow-ups: reminders for staff, messages to payers, and holds."""

from datetime import date, datetime

import strawberry

from permissions.classes import shown
from schema.enums import MessageStatus, ReminderStatus
from schema.references import InvoiceRef
from schema.users import User


@strawberry.type(description="Something that billing staff want to do about an invoice on a day.")
class Reminder:
    id: strawberry.ID = shown("negotiation", "The reminder's id.")
    invoice: InvoiceRef = shown("negotiation", "The invoice it is about.")
    target_date: date = shown("negotiation", "The day from which it is to be acted on.")
    subject: str = shown("negotiation", "What is to be done.")
    notes: str | None = shown("negotiation", "What helps to do it.")
    assignee: User | None = shown("negotiation", "Who is to do it.")
    status: ReminderStatus = shown("negotiation", "Whether it still has to be acted on.")
    outcome: str | None = shown("negotiation", "What came of it.")
    created_by: User | None = shown("negotiation", "Who asked for it.")
    created_at: datetime = shown("negotiation", "When it was asked for.")
    closed_at: datetime | None = shown("negotiation", "When it was completed or cancelled.")


@strawberry.type(description="An e-mail about unpaid invoices to whoever is to pay them.")
class OutboundMessage:
    id: strawberry.ID = shown("negotiation", "The message's id.")
    recipient: str = shown("negotiation", "The e-mail address it goes to.")
    copy_to: str | None = shown("negotiation", "The e-mail address that gets a copy.")
    subject: str = shown("negotiation", "Its subject line.")
    status: MessageStatus = shown("negotiation", "How far it has come.")
    due_on: date = shown("negotiation", "The day from which it is to be sent.")
    sent_at: datetime | None = shown("negotiation", "When the mail server took it.")
    attempts: int = shown("negotiation", "How often sending was tried.")
    failure: str | None = shown("negotiation", "Why sending failed.")


@strawberry.type(description="A pause: until its last day nothing is sent about what it holds.")
class Hold:
    id: strawberry.ID = shown("negotiation", "The hold's id.")
    until_on: date = shown("negotiation", "The last day of the pause.")
    reason: str = shown("negotiation", "Why there is a pause.")
    placed_by: User | None = shown("negotiation", "Who asked for it.")
    placed_at: datetime = shown("negotiation", "When it was asked for.")
    released_at: datetime | None = shown("negotiation", "When it was lifted early.")
