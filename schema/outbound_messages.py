"""Decides what is said of messages to payers: what was sent, to whom, when, by which level, and what failed and why."""

from datetime import date, datetime

import strawberry

from permissions.classes import given, shown
from schema.connections import Connection
from schema.enums import MessageStatus
from schema.references import InvoiceRef
from schema.reminder_policies import ReminderPolicy, ReminderTemplate


@strawberry.type(description="An invoice that a message speaks of, and why it does.")
class MessageInvoice:
    invoice: InvoiceRef = shown("negotiation", "The invoice.")
    policy: ReminderPolicy = shown("negotiation", "The policy that asked for it.")
    level: int = shown("negotiation", "The level of the policy.")
    repetition: int = shown("negotiation", "Which repetition of the level it is; 0 for the first time.")
    template: ReminderTemplate = shown("negotiation", "The version of the template that was used.")


@strawberry.type(description="An e-mail about unpaid invoices to whoever is to pay them.")
class OutboundMessage:
    id: strawberry.ID = shown("negotiation", "The message's id.")
    recipient: str = shown("negotiation", "The e-mail address it goes to; empty when there was none.")
    copy_to: str | None = shown("negotiation", "The e-mail address that gets a copy.")
    subject: str = shown("negotiation", "Its subject line; before it was tried, the name of its policy.")
    body: str | None = shown("negotiation", "What it says; nothing before it was tried.")
    status: MessageStatus = shown("negotiation", "How far it has come.")
    due_on: date = shown("negotiation", "The day from which it is to be sent.")
    sent_at: datetime | None = shown("negotiation", "When the mail server took it.")
    attempts: int = shown("negotiation", "How often sending was tried.")
    next_attempt_at: datetime | None = shown("negotiation", "When it is tried next, while it waits.")
    failure: str | None = shown("negotiation", "Why sending failed.")
    invoices: list[MessageInvoice] = shown("negotiation", "The invoices that it speaks of, the highest level first.")


OutboundMessageConnection = Connection[OutboundMessage]


@strawberry.input(description="Which messages are wanted; every condition narrows further.")
class OutboundMessageFilter:
    status: list[MessageStatus] | None = given(("OutboundMessage.status",), "Only messages that have come so far.")
    recipient: str | None = given(("OutboundMessage.recipient",), "Only messages to this e-mail address.")
    invoice_id: strawberry.ID | None = given(
        ("MessageInvoice.invoice", "Invoice.id"), "Only messages about this invoice."
    )
    reminder_policy_id: strawberry.ID | None = given(
        ("MessageInvoice.policy", "ReminderPolicy.id"), "Only messages by this policy."
    )
    due_from: date | None = given(("OutboundMessage.dueOn",), "Only messages that were due on this day or later.")
    due_to: date | None = given(("OutboundMessage.dueOn",), "Only messages that were due on this day or earlier.")
