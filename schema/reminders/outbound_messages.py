"""GraphQL types and mutations of outbound messages: reminder e-mails to payers, with their delivery status and failures."""

from datetime import date, datetime
from typing import Any

import strawberry
from strawberry.tools import create_type

from permissions.classes import input_field, output_field
from resolvers.commands.reminders import outbound_messages
from schema.commands import command, payload_of
from schema.connections import Connection
from schema.enums import MessageStatus
from schema.keys import key
from schema.references import InvoiceRef
from schema.reminders.policies import ReminderPolicy, ReminderTemplate


@strawberry.type(description="An invoice that a message is about, with the reminder level that caused it.")
class MessageInvoice:
    invoice: InvoiceRef = output_field("negotiation", "The invoice.")
    policy: ReminderPolicy = output_field("negotiation", "The reminder policy.")
    level: int = output_field("negotiation", "The number of the level within the policy.")
    repetition: int = output_field("negotiation", "The number of the repetition of the level; 0 for the first message.")
    template: ReminderTemplate = output_field("negotiation", "The version of the template that was used.")


@strawberry.type(description="A reminder e-mail about unpaid invoices to the payer.")
class OutboundMessage:
    id: strawberry.ID = output_field("negotiation", "The message's id.")
    recipient: str = output_field("negotiation", "The e-mail address of the recipient; empty if there was none.")
    copy_to: str | None = output_field("negotiation", "The e-mail address of the copy (CC); null if there is none.")
    subject: str = output_field(
        "negotiation", "The subject line; before the first delivery attempt, the name of the policy."
    )
    body: str | None = output_field("negotiation", "The text; null before the first delivery attempt.")
    status: MessageStatus = output_field("negotiation", "The delivery status.")
    due_on: date = output_field("negotiation", "The day from which the message may be sent.")
    sent_at: datetime | None = output_field("negotiation", "When the mail server accepted it; null if it has not.")
    attempts: int = output_field("negotiation", "The number of delivery attempts so far.")
    next_attempt_at: datetime | None = output_field(
        "negotiation", "When the next delivery attempt is due (exponential backoff); null if none is."
    )
    failure: str | None = output_field("negotiation", "Why delivery failed; null if it did not.")
    invoices: list[MessageInvoice] = output_field(
        "negotiation", "The invoices in the message, highest reminder level first."
    )


OutboundMessageConnection = Connection[OutboundMessage]


@strawberry.input(description="Filter for outbound messages; all conditions must be met.")
class OutboundMessageFilter:
    status: list[MessageStatus] | None = input_field(
        ("OutboundMessage.status",), "Only messages with one of these statuses."
    )
    recipient: str | None = input_field(("OutboundMessage.recipient",), "Only messages to this e-mail address.")
    invoice_id: strawberry.ID | None = input_field(
        ("MessageInvoice.invoice", "Invoice.id"), "Only messages about this invoice."
    )
    reminder_policy_id: strawberry.ID | None = input_field(
        ("MessageInvoice.policy", "ReminderPolicy.id"), "Only messages of this reminder policy."
    )
    due_from: date | None = input_field(("OutboundMessage.dueOn",), "Only messages due on or after this day.")
    due_to: date | None = input_field(("OutboundMessage.dueOn",), "Only messages due on or before this day.")


OutboundMessagePayload: Any = payload_of(
    OutboundMessage, "staff", "message", description="The result of resending a message."
)


@strawberry.input(description="The failed message to send again.")
class ResendMessageInput:
    outbound_message_id: strawberry.ID = input_field("staff", "The id of the message.")
    idempotency_key: str | None = key("staff")


OutboundMessageMutations: Any = create_type(
    "OutboundMessageMutations",
    [
        command(
            "resend_message",
            outbound_messages.resend,
            "Send a failed message again. If it had no recipient, it goes to the payer's current e-mail address.",
            ResendMessageInput,
            "The message.",
            OutboundMessagePayload,
        ),
    ],
)
