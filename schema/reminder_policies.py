"""Decides what is said of reminder policies, and of the templates that their levels use."""

from datetime import datetime
from decimal import Decimal

import strawberry

from permissions.classes import shown
from schema.enums import InvoiceStatus, PayerKind, ReminderRecipient
from schema.facilities import Facility
from schema.users import User


@strawberry.type(description="What a message to a payer says; each change is a version of its own.")
class ReminderTemplate:
    id: strawberry.ID = shown("negotiation", "The id of this version.")
    name: str = shown("negotiation", "What the template is called.")
    version: int = shown("negotiation", "Which version it is; the first is 1.")
    subject: str = shown("negotiation", "The subject line, with variables in double braces.")
    body: str = shown("negotiation", "The text, with variables in double braces.")
    created_by: User | None = shown("negotiation", "Who wrote this version; nothing for one that came with the clinic.")
    created_at: datetime = shown("negotiation", "When this version was written.")


@strawberry.type(
    description="One level of a policy: when it is due, what it says and to whom. The next level escalates."
)
class ReminderLevel:
    level: int = shown(
        "negotiation", "Its number; the first is 1. Of the levels that are due, only the highest is sent."
    )
    after_days: int = shown(
        "negotiation", "After how many days it is due, counted from the submission, or from the agreement."
    )
    in_status: InvoiceStatus = shown("negotiation", "The state of the invoices that it is for.")
    template: ReminderTemplate = shown("negotiation", "What it says.")
    recipient: ReminderRecipient = shown("negotiation", "Whom it writes to.")
    recipient_address: str | None = shown("negotiation", "The e-mail address, where the level names one.")
    copy_to: ReminderRecipient | None = shown("negotiation", "Who gets a copy.")
    copy_address: str | None = shown("negotiation", "The e-mail address of the copy, where the level names one.")
    minimum_balance: Decimal | None = shown("negotiation", "The least balance that is worth a message.")
    repeat_days: int | None = shown("negotiation", "After how many days it is repeated.")
    repeat_times: int = shown("negotiation", "How often it is repeated at most.")


@strawberry.type(
    description="When payers are reminded of what. Of several policies, the one that names most is for an invoice."
)
class ReminderPolicy:
    id: strawberry.ID = shown("negotiation", "The policy's id.")
    name: str = shown("negotiation", "What the policy is called.")
    active: bool = shown("negotiation", "Whether payers are reminded by it.")
    payer_kind: PayerKind | None = shown(
        "negotiation", "The one kind of payer that it is for; nothing when it is for all."
    )
    facility: Facility | None = shown("negotiation", "The one facility that it is for; nothing when it is for all.")
    billing_lead: User | None = shown("negotiation", "Who is written to where a level escalates to the billing lead.")
    levels: list[ReminderLevel] = shown("negotiation", "Its levels, the first one first.")
