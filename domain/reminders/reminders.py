"""The states of reminders and of their messages, the recipients, and the retry schedule (exponential backoff)."""

from datetime import timedelta
from enum import StrEnum

from domain.billing.invoices import InvoiceStatus


class ReminderStatus(StrEnum):
    """The status of a reminder: whether staff still have to act on it."""

    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class MessageStatus(StrEnum):
    """The delivery status of a message to a payer."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class ReminderRecipient(StrEnum):
    """The recipient of a level of a reminder policy."""

    PAYER = "payer"
    ATTORNEY = "attorney"
    BILLING_LEAD = "billing_lead"
    ADDRESS = "address"


class ActionItemKind(StrEnum):
    """Why billing staff have to act on an invoice or on another record."""

    DUE_REMINDER = "due_reminder"
    LAPSED_AGREEMENT = "lapsed_agreement"
    RETURNED_CHEQUE = "returned_cheque"
    FAILED_MESSAGE = "failed_message"
    APPEAL_DEADLINE = "appeal_deadline"
    COVERAGE_EXHAUSTED = "coverage_exhausted"
    COVERAGE_NEARLY_EXHAUSTED = "coverage_nearly_exhausted"
    FILING_DUE = "filing_due"
    REPRESENTATION_ENDED = "representation_ended"
    UNAPPLIED_MONEY = "unapplied_money"
    DEPOSIT_DUE = "deposit_due"
    UNBILLED_ENCOUNTER = "unbilled_encounter"
    LATE_FACT = "late_fact"
    RECOUPMENT_DUE = "recoupment_due"
    REMITTANCE_UNMATCHED = "remittance_unmatched"
    PAYOFF_CHANGED = "payoff_changed"
    RELEASE_UNPAID = "release_unpaid"


# How long before its deadline an appeal becomes an action item.
APPEAL_NOTICE = timedelta(days=14)
# How long before the last day for filing with the payer an invoice that was not submitted becomes an action item.
FILING_NOTICE = timedelta(days=7)


class SkipReason(StrEnum):
    """Why no reminder is sent for an open invoice."""

    NOT_SUBMITTED = "not_submitted"
    NO_POLICY = "no_policy"
    ON_HOLD = "on_hold"
    OFFER_OPEN = "offer_open"
    NOT_DUE = "not_due"
    ALREADY_TOLD = "already_told"
    LAST_FAILED = "last_failed"
    LAST_QUEUED = "last_queued"
    UNSUBSCRIBED = "unsubscribed"


# Status in which reminders are sent → the date of the invoice from which a level's days are counted.
REMINDED_IN = {
    InvoiceStatus.PENDING_INVOICE: "submitted_on",
    InvoiceStatus.PENDING_REDUCTION: "submitted_on",
    InvoiceStatus.PENDING_CHEQUE: "agreed_on",
}

# The error of a message that has no recipient address.
NO_ADDRESS = "The recipient has no e-mail address"

# Reminders due on a day are sent from this hour on, in the clinic's time zone.
FIRST_HOUR = 8

# The variables of templates and their descriptions; never a patient, a note, an offer, a limit or a denial.
TEXT_VARIABLES = {
    "clinic": "The clinic's name.",
    "recipient": "The name of the recipient; for a patient just “Patient”.",
    "invoices": "A line for each invoice: its case number and its invoice number.",
    "invoices_with_balances": "The same lines, each with the balance.",
    "total_balance": "The total balance of all of them, in dollars.",
    "today": "The date of the message.",
}
NUMBER_VARIABLES = {
    "invoice_count": "The number of invoices in the message.",
    "oldest_days": "The age of the oldest of them, in days.",
}

# Backoff by growing pauses: the pause after each failed attempt; after the last attempt the message has failed.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 960))

# A worker that does not renew its lease on a message for this long counts as dead: another worker sends the message.
LEASE = timedelta(seconds=45)


def pause_after(attempts: int) -> timedelta | None:
    """The pause before the next attempt after so many failed ones; None when there is no further attempt."""
    return PAUSES[attempts - 1] if attempts <= len(PAUSES) else None
