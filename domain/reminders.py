"""Decides the states of a reminder and of a message to a payer, whom messages go to, and how often sending is tried."""

from datetime import timedelta
from enum import StrEnum

from domain.invoices import InvoiceStatus


class ReminderStatus(StrEnum):
    """Whether staff still have to act on a reminder."""

    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class MessageStatus(StrEnum):
    """How far a message to a payer has come."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class ReminderRecipient(StrEnum):
    """Whom a level of a policy writes to."""

    PAYER = "payer"
    ATTORNEY = "attorney"
    BILLING_LEAD = "billing_lead"
    ADDRESS = "address"


class ActionItemKind(StrEnum):
    """Why billing staff have to act on an invoice."""

    DUE_REMINDER = "due_reminder"
    LAPSED_AGREEMENT = "lapsed_agreement"
    RETURNED_CHEQUE = "returned_cheque"
    FAILED_MESSAGE = "failed_message"
    APPEAL_DEADLINE = "appeal_deadline"


# So long before its last day an appeal is something to act on.
APPEAL_NOTICE = timedelta(days=14)


class Silence(StrEnum):
    """Why a payer is not written to about an open invoice."""

    NOT_SUBMITTED = "not_submitted"
    NO_POLICY = "no_policy"
    ON_HOLD = "on_hold"
    OFFER_OPEN = "offer_open"
    NOT_DUE = "not_due"
    ALREADY_TOLD = "already_told"


# Status in which payers are reminded → the day of the invoice from which a level's days are counted.
REMINDED_IN = {
    InvoiceStatus.PENDING_INVOICE: "submitted_on",
    InvoiceStatus.PENDING_REDUCTION: "submitted_on",
    InvoiceStatus.PENDING_CHEQUE: "agreed_on",
}

# Why a message has failed that nobody could send.
NO_ADDRESS = "There is no e-mail address to write to"

# From this hour of the clinic's day on, what is due that day is sent.
FIRST_HOUR = 8

# What a template may speak of, in the words of billing staff; never a patient, a note, an offer, a limit or a denial.
TEXT_VARIABLES = {
    "clinic": "The clinic's name.",
    "recipient": "The name of who is written to; a patient stays nameless.",
    "invoices": "A line for each invoice: the numbers of its case and of itself.",
    "invoices_with_balances": "The same lines, each with what is still to be paid.",
    "total_balance": "What is still to be paid for all of them, in dollars.",
    "today": "The day of the message.",
}
NUMBER_VARIABLES = {
    "invoice_count": "How many invoices the message lists.",
    "oldest_days": "For how many days the oldest of them has been waiting.",
}

# How long after each failed attempt the next one is made; after the last the message has failed.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 960))

# A worker that is not heard of for so long while it sends a message is dead: another one sends it.
LEASE = timedelta(seconds=45)


def pause_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed attempts; None when there is nothing more to be tried."""
    return PAUSES[attempts - 1] if attempts <= len(PAUSES) else None
