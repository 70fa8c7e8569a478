"""The states of an invoice, the facts that the rules need about it, and the guards of its transitions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.billing.ledger.amounts import ledger_of
from domain.billing.ledger.conditions import received_by
from domain.billing.ledger.facts import ZERO, Facts


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
    earlier_received: Decimal
    contractual: Decimal
    small_balance: Decimal
    recovered: Decimal
    submitted_on: date | None
    first_submitted_on: date | None
    open_status: InvoiceStatus
    paid_on: date | None
    responsible_since: date
    floor: Decimal | None
    target: Decimal | None
    conditional_until: date | None
    is_replacement: bool
    line_count: int
    open_offer: Decimal | None
    case_is_settled: bool
    case_is_covered: bool
    case_is_open: bool
    small_balance_tolerance: Decimal
    # The facts behind the amounts, where a transition needs them.
    facts: Facts | None = None

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
            earlier_received=row["earlier_received_amount"],
            contractual=row["contractual_amount"],
            small_balance=row["small_balance_amount"],
            recovered=row["recovered_amount"],
            submitted_on=row["submitted_on"],
            first_submitted_on=row["first_submitted_on"],
            open_status=InvoiceStatus(row["open_status"]),
            paid_on=row["paid_on"],
            responsible_since=row["responsible_since"],
            floor=row["floor_amount"],
            target=row["target_amount"],
            conditional_until=row["conditional_until"],
            is_replacement=row.get("replaces_id") is not None,
            **looked_up,
        )

    @property
    def has_lines(self) -> bool:
        """Whether it bills at least one line."""
        return self.line_count > 0

    @property
    def sent_on(self) -> date | None:
        """The day of the first submission; one that replaces another invoice counts as sent from its creation."""
        return self.first_submitted_on or (self.created_on if self.is_replacement else None)

    def with_facts(self, facts: Facts) -> "Invoice":
        """The invoice with other facts, and the amounts that follow from them."""
        ledger = ledger_of(facts)
        return replace(
            self,
            facts=facts,
            agreed=ledger.agreed,
            received=ledger.received,
            earlier_received=ledger.earlier_received,
            contractual=ledger.contractual,
            small_balance=ledger.small_balance,
            written_off=ledger.written_off,
            recovered=ledger.recovered,
        )

    @property
    def known(self) -> Facts:
        """The facts behind the amounts; only transitions that change facts may ask for them."""
        assert self.facts is not None, "the facts were not read: add them to the reads of this transition"
        return self.facts

    @property
    def open_part(self) -> Decimal:
        """The part of the billed amount that the present round is about."""
        return self.billed - self.contractual - self.earlier_received

    @property
    def round_received(self) -> Decimal:
        """What was received in the present round."""
        return self.received - self.earlier_received

    @property
    def unpaid(self) -> Decimal:
        """What was billed and is neither received nor taken off by contract, agreed upon or not."""
        return self.billed - self.contractual - self.received

    @property
    def not_received(self) -> Decimal:
        """What was billed and is not received, whether it is due or not."""
        return self.billed - self.received

    @property
    def balance(self) -> Decimal:
        """What is due: of the agreed amount or, while nothing is agreed, of the open part."""
        owed = self.open_part if self.agreed is None else self.agreed
        return owed - self.round_received - self.small_balance - self.written_off

    @property
    def has_small_balance(self) -> bool:
        """Whether the balance is so small that the clinic may give it up."""
        return self.balance <= self.small_balance_tolerance

    @property
    def received_in_time(self) -> Decimal:
        """What was received by the day of the conditional agreement and has not been returned."""
        until = self.conditional_until
        return ZERO if until is None else received_by(self.known, until)


class Condition(StrEnum):
    """What a guard requires of a fact; db/fields/forms/transitions.py has the same in SQL."""

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
    """A condition of a transition: a fact of the invoice (an attribute of Invoice), the condition on it, and the message when it is not met.

    `steps` are the mutations that help then, and `way` says how: they come first, or are made instead. `amount` is a fact in US
    dollars that the message shows in place of {}.
    """

    fact: str
    condition: Condition
    words: str
    steps: tuple[str, ...] = ()
    way: str = "first"
    amount: str | None = None

    def holds(self, invoice: Invoice, today: date) -> bool:
        """Whether an invoice fulfils the condition on a day."""
        return _PASSES[self.condition](getattr(invoice, self.fact), today)


# Facts that are expensive to look up, with values for which no guard holds.
REFUSING = {"case_is_settled": False, "case_is_covered": False, "case_is_open": False}
_NEVER_SUBMITTED, _RECEIVED = "The invoice was never submitted", "Money has been received for the invoice"
_TRUE, _NONE, _POSITIVE, _KNOWN = Condition.IS_TRUE, Condition.IS_ZERO, Condition.IS_POSITIVE, Condition.IS_KNOWN
_WRITE_OFF, _INSTEAD = "write_off_invoice", "instead"
GUARDS = {
    "has_lines": Guard("has_lines", _TRUE, "The invoice has no lines", ("replace_invoice_lines",)),
    "billed": Guard("billed", _POSITIVE, "The billed amount is 0", ("replace_invoice_lines", "close_empty"), _INSTEAD),
    "empty": Guard(
        "open_part", _NONE, "The open part of the billed amount is not 0.00", (_WRITE_OFF, "void_invoice"), _INSTEAD
    ),
    "not_submitted": Guard(
        "submitted_on",
        Condition.IS_UNKNOWN,
        "The invoice is already submitted",
        ("accept_in_full", "request_reduction"),
        "next",
    ),
    "submitted": Guard("submitted_on", _KNOWN, "The invoice is not submitted", ("submit_invoice",)),
    "sent": Guard("sent_on", _KNOWN, _NEVER_SUBMITTED, ("submit_invoice",)),
    "sent_with_lines": Guard("sent_on", _KNOWN, _NEVER_SUBMITTED, ("replace_invoice_lines",), _INSTEAD),
    "sent_to_payer": Guard("sent_on", _KNOWN, _NEVER_SUBMITTED, ("change_payer",), _INSTEAD),
    "nothing_received": Guard("received", _NONE, _RECEIVED, ("move_allocation",)),
    "payer_paid_nothing": Guard("received", _NONE, _RECEIVED, ("transfer_balance",), _INSTEAD),
    "nothing_to_move": Guard("received", _NONE, _RECEIVED, ("replace_invoice",), "ask an administrator for"),
    "something_received": Guard("received", _POSITIVE, "No money has been received for the invoice"),
    "partly_paid": Guard("received", _POSITIVE, "No money has been received for the invoice", (_WRITE_OFF,), _INSTEAD),
    "something_due": Guard("balance", _POSITIVE, "Nothing is due", ("close_empty",), _INSTEAD),
    "something_unpaid": Guard(
        "unpaid",
        _POSITIVE,
        "Everything that was billed has been received: record the payment without this invoice",
        ("refund_cheque",),
        "then",
    ),
    "something_to_adjust": Guard(
        "not_received", _POSITIVE, "Everything that was billed has been received", ("return_cheque",)
    ),
    "something_to_negotiate": Guard(
        "unpaid", _POSITIVE, "Nothing is due, and nothing was reduced", ("move_allocation", "void_invoice"), _INSTEAD
    ),
    "small_balance": Guard(
        "has_small_balance",
        _TRUE,
        "The balance is above ${}, the clinic's tolerance for small balances",
        (_WRITE_OFF, "reopen_reduction"),
        _INSTEAD,
        "small_balance_tolerance",
    ),
    "no_small_balance": Guard(
        "small_balance", _NONE, "A small balance has been given up before", (_WRITE_OFF, "reopen_reduction"), _INSTEAD
    ),
    "condition_passed": Guard("conditional_until", Condition.IS_BEFORE_TODAY, "No conditional agreement has expired"),
    "nothing_in_time": Guard("received_in_time", _NONE, "Money was received in time"),
    "case_covered": Guard(
        "case_is_covered", _TRUE, "An invoice of the case is still open", ("record_cheque", _WRITE_OFF)
    ),
    "case_settled": Guard("case_is_settled", _TRUE, "The case is open"),
    "case_open": Guard("case_is_open", _TRUE, "The case is closed", ("reopen_case",)),
}
