"""The states of an invoice, the facts that the rules need about it, and the guards of its transitions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID


class InvoiceStatus(StrEnum):
    """The status of an invoice; it has exactly one at a time."""

    PENDING_INVOICE = "pending_invoice"
    PENDING_REDUCTION = "pending_reduction"
    PENDING_CHEQUE = "pending_cheque"
    CHEQUE_RECEIVED = "cheque_received"
    PAID = "paid"
    VOID = "void"
    WRITTEN_OFF = "written_off"


OPEN = (InvoiceStatus.PENDING_INVOICE, InvoiceStatus.PENDING_REDUCTION, InvoiceStatus.PENDING_CHEQUE)
# An invoice of these statuses does not keep its case from being settled.
COVERED = (InvoiceStatus.CHEQUE_RECEIVED, InvoiceStatus.VOID, InvoiceStatus.WRITTEN_OFF)
CLOSED_BALANCE = (InvoiceStatus.VOID, InvoiceStatus.PAID, InvoiceStatus.WRITTEN_OFF)


@dataclass(frozen=True, slots=True)
class Invoice:
    """The facts about an invoice that the rules need, read under its row lock. Amounts are exact US dollars."""

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

    @classmethod
    def of(cls, row: Mapping[str, Any], **looked_up: Any) -> "Invoice":
        """The facts in a row of the table, and those that are looked up in other tables."""
        return cls(
            id=row["id"],
            number=row["number"],
            case_id=row["case_id"],
            payer_id=row["payer_id"],
            status=InvoiceStatus(row["status"]),
            version=row["version"],
            created_on=row["created_on"],
            billed=row["billed_amount"],
            agreed=row["agreed_amount"],
            received=row["received_amount"],
            written_off=row["written_off_amount"],
            submitted_on=row["submitted_on"],
            floor=row["floor_amount"],
            conditional_until=row["conditional_until"],
            **looked_up,
        )

    @property
    def has_lines(self) -> bool:
        """Whether it bills at least one line."""
        return self.line_count > 0

    @property
    def owed(self) -> Decimal:
        """The total amount due: the agreed amount, or the billed amount while nothing is agreed."""
        return self.billed if self.agreed is None else self.agreed


class Condition(StrEnum):
    """What a guard requires of a fact; db/fields/transitions.py has the same in SQL."""

    IS_TRUE = "is true"
    IS_FALSE = "is false"
    IS_ZERO = "is 0"
    IS_POSITIVE = "is above 0"
    IS_KNOWN = "is known"
    IS_UNKNOWN = "is not known"
    IS_BEFORE_TODAY = "is a day before today"


_PASSES: dict[Condition, Callable[[Any, date], bool]] = {
    Condition.IS_TRUE: lambda value, today: bool(value),
    Condition.IS_FALSE: lambda value, today: not value,
    Condition.IS_ZERO: lambda value, today: value == 0,
    Condition.IS_POSITIVE: lambda value, today: value > 0,
    Condition.IS_KNOWN: lambda value, today: value is not None,
    Condition.IS_UNKNOWN: lambda value, today: value is None,
    Condition.IS_BEFORE_TODAY: lambda value, today: value is not None and value < today,
}


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of a transition: a fact of the invoice (an attribute of Invoice), the condition on it, and the message when it is not met."""

    fact: str
    condition: Condition
    words: str

    def holds(self, invoice: Invoice, today: date) -> bool:
        """Whether an invoice fulfils the condition on a day."""
        return _PASSES[self.condition](getattr(invoice, self.fact), today)


# Facts that are expensive to look up, with values for which no guard holds.
REFUSING = {"was_allocated": True, "case_is_settled": False, "case_is_covered": False}
GUARDS = {
    "has_lines": Guard("has_lines", Condition.IS_TRUE, "The invoice has no lines"),
    "billed": Guard("billed", Condition.IS_POSITIVE, "The billed amount is 0"),
    "not_submitted": Guard("submitted_on", Condition.IS_UNKNOWN, "The invoice is already submitted"),
    "submitted": Guard("submitted_on", Condition.IS_KNOWN, "The invoice is not submitted"),
    "nothing_received": Guard("received", Condition.IS_ZERO, "A cheque is allocated to the invoice"),
    "something_received": Guard("received", Condition.IS_POSITIVE, "No cheque is allocated to the invoice"),
    "never_received": Guard("was_allocated", Condition.IS_FALSE, "A cheque has been allocated to the invoice before"),
    "condition_passed": Guard("conditional_until", Condition.IS_BEFORE_TODAY, "No conditional agreement has expired"),
    "case_covered": Guard(
        "case_is_covered", Condition.IS_TRUE, "Not every invoice of the case is covered, void or written off"
    ),
    "case_settled": Guard("case_is_settled", Condition.IS_TRUE, "The case is not settled"),
}
