"""Decides what an invoice is to the rules: its states, what is known of it, and the guards of its transitions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class InvoiceStatus(StrEnum):
    """Where an invoice is between its creation and its end; it is in exactly one state."""

    PENDING_INVOICE = "pending_invoice"
    PENDING_REDUCTION = "pending_reduction"
    PENDING_CHEQUE = "pending_cheque"
    CHEQUE_RECEIVED = "cheque_received"
    PAID = "paid"
    VOID = "void"
    WRITTEN_OFF = "written_off"


OPEN = (InvoiceStatus.PENDING_INVOICE, InvoiceStatus.PENDING_REDUCTION, InvoiceStatus.PENDING_CHEQUE)
CLOSED_BALANCE = (InvoiceStatus.VOID, InvoiceStatus.PAID, InvoiceStatus.WRITTEN_OFF)


@dataclass(frozen=True, slots=True)
class Invoice:
    """What the rules know of an invoice, read under its lock. Amounts are exact US dollars."""

    id: UUID
    number: str
    case_id: UUID
    payer_id: UUID
    status: InvoiceStatus
    version: int
    created_on: date
    billed: Decimal
    agreed: Decimal | None
    received: Decimal
    written_off: Decimal
    submitted_on: date | None
    floor: Decimal | None
    conditional_until: date | None
    line_count: int
    was_allocated: bool
    open_offer: Decimal | None
    case_is_settled: bool
    case_is_covered: bool

    @property
    def owed(self) -> Decimal:
        """What is to be paid in all: the agreed amount, or the billed one while nothing is agreed."""
        return self.billed if self.agreed is None else self.agreed


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of a transition: the words that a person reads when it does not hold."""

    words: str
    holds: Callable[[Invoice, date], bool]


# What no guard holds by, of facts that are dear to look up.
REFUSING = {"was_allocated": True, "case_is_settled": False, "case_is_covered": False}
GUARDS = {
    "has_lines": Guard("The invoice has no lines", lambda i, today: i.line_count > 0),
    "billed": Guard("Nothing is billed", lambda i, today: i.billed > 0),
    "not_submitted": Guard("The invoice is submitted already", lambda i, today: i.submitted_on is None),
    "submitted": Guard("The invoice is not submitted", lambda i, today: i.submitted_on is not None),
    "nothing_received": Guard("A cheque is allocated", lambda i, today: i.received == 0),
    "something_received": Guard("No cheque is allocated", lambda i, today: i.received > 0),
    "never_received": Guard("A cheque was allocated once", lambda i, today: not i.was_allocated),
    "condition_passed": Guard(
        "No conditional day has passed",
        lambda i, today: i.conditional_until is not None and i.conditional_until < today,
    ),
    "case_covered": Guard(
        "Not every invoice of the case is covered, void or written off", lambda i, today: i.case_is_covered
    ),
    "case_settled": Guard("The case is not settled", lambda i, today: i.case_is_settled),
}
