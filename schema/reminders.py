"""Decides what is said of follow-ups: reminders for staff, what they have to act on, and holds."""

from datetime import date, datetime

import strawberry

from permissions.classes import shown
from schema.connections import Connection
from schema.enums import ActionItemKind, ReminderStatus
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


@strawberry.type(description="Something that billing staff have to act on.")
class ActionItem:
    id: strawberry.ID = shown("negotiation", "The item's id.")
    kind: ActionItemKind = shown("negotiation", "Why it is one.")
    due_on: date = shown("negotiation", "The day from which it is to be acted on.")
    subject: str = shown("negotiation", "What is to be done, or what has happened.")
    assignee: User | None = shown("negotiation", "Who is to do it; nothing when anybody of billing staff may.")
    reminder: Reminder | None = shown("negotiation", "The reminder, where it is one.")
    invoice: InvoiceRef = shown("negotiation", "The invoice it is about, with its state, age and balance.")


ActionItemConnection = Connection[ActionItem]


@strawberry.type(description="A pause: until its last day nothing is sent about what it holds.")
class Hold:
    id: strawberry.ID = shown("negotiation", "The hold's id.")
    until_on: date = shown("negotiation", "The last day of the pause.")
    reason: str = shown("negotiation", "Why there is a pause.")
    placed_by: User | None = shown("negotiation", "Who asked for it.")
    placed_at: datetime = shown("negotiation", "When it was asked for.")
    released_at: datetime | None = shown("negotiation", "When it was lifted early.")
