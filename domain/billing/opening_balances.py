"""Checks the opening balances: open invoices that a clinic imports from the system that it used before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.billing.invoices import OPEN, InvoiceStatus
from domain.days import CREATION_SUBMISSION, TREATMENT_CREATION
from domain.errors import InvalidInput
from domain.texts import Text

# The charges arose in another system: they are one line, under a code that is not in the master list.
CODE, LABEL = "OPENING", "Opening balance"
NUMBER = Text(21, needed=True, capitals=True)
_AGREED = (InvoiceStatus.PENDING_CHEQUE, InvoiceStatus.CHEQUE_RECEIVED)
BROUGHT = (*OPEN, InvoiceStatus.CHEQUE_RECEIVED)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Rule:
    """A condition that a row must meet; where it does not, the column at fault and the message."""

    column: str
    words: str
    holds: Callable[[Row], bool]


def check_opening(row: Row) -> None:
    """Refuse an inconsistent invoice; InvalidInput names the first column at fault."""
    for rule in RULES:
        if not rule.holds(row):
            raise InvalidInput(rule.words, (rule.column,))


def _is_open(row: Row) -> bool:
    return row["status"] in BROUGHT


def _is_submitted_where_needed(row: Row) -> bool:
    return row["submitted_on"] is not None or row["status"] == InvoiceStatus.PENDING_INVOICE


def _has_a_cheque_where_named(row: Row) -> bool:
    return row["cheque_number"] is None or row["received_amount"] > 0


def _has_agreed(row: Row) -> bool:
    return row["status"] in _AGREED


def _is_agreed_within_billed(row: Row) -> bool:
    agreed: Decimal | None = row["agreed_amount"]
    return not _has_agreed(row) or (agreed is not None and 0 < agreed <= row["billed_amount"])


def _open_part(row: Row) -> Decimal:
    """What the payer was asked for: the billed amount less what it does not pay by its contract."""
    asked: Decimal = row["billed_amount"] - row["contractual_amount"]
    return asked


def _is_agreed_within_open_part(row: Row) -> bool:
    return row["agreed_amount"] is None or row["agreed_amount"] <= _open_part(row)


def _is_received_of_what_is_owed(row: Row) -> bool:
    """Whether no more than agreed upon was received or, where nothing is agreed, a part of what was asked for."""
    received: Decimal = row["received_amount"]
    if row["agreed_amount"] is None:
        return received == 0 or (row["submitted_on"] is not None and received < _open_part(row))
    return received <= Decimal(row["agreed_amount"])


def _is_covered_or_not(row: Row) -> bool:
    """Whether the agreed amount is received in full exactly when the status is CHEQUE_RECEIVED."""
    is_covered = row["received_amount"] == row["agreed_amount"]
    return not _has_agreed(row) or is_covered == (row["status"] == InvoiceStatus.CHEQUE_RECEIVED)


def _balances(row: Row) -> bool:
    owed: Decimal = _open_part(row) if row["agreed_amount"] is None else row["agreed_amount"]
    return row["balance"] in (None, owed - row["received_amount"])


# In the order in which a row is checked: a rule may rely on those before it.
RULES = (
    _Rule("status", f"Only open invoices can be imported: {', '.join(state.name for state in BROUGHT)}", _is_open),
    _Rule("billed_amount", "The billed amount must be above 0", lambda row: row["billed_amount"] > 0),
    _Rule(
        "service_date",
        TREATMENT_CREATION.message,
        lambda row: TREATMENT_CREATION.holds(row["service_date"], row["created_on"]),
    ),
    _Rule(
        "submitted_on",
        CREATION_SUBMISSION.message,
        lambda row: CREATION_SUBMISSION.holds(row["created_on"], row["submitted_on"]),
    ),
    _Rule("submitted_on", "An invoice with this status needs a submission date", _is_submitted_where_needed),
    _Rule(
        "agreed_amount",
        "An invoice with this status has no agreed amount",
        lambda row: _has_agreed(row) or row["agreed_amount"] is None,
    ),
    _Rule(
        "agreed_amount",
        "An invoice with this status needs an agreed amount of at most the billed amount",
        _is_agreed_within_billed,
    ),
    _Rule(
        "contractual_amount",
        "The contractual adjustments must be below the billed amount",
        lambda row: _open_part(row) > 0,
    ),
    _Rule(
        "agreed_amount",
        "The agreed amount is more than the billed amount less the contractual adjustments",
        _is_agreed_within_open_part,
    ),
    _Rule(
        "received_amount",
        "The received amount is more than the agreed amount, or not less than the open part of a submitted invoice",
        _is_received_of_what_is_owed,
    ),
    _Rule(
        "received_amount",
        "The received amount is the agreed amount in CHEQUE_RECEIVED, and less in PENDING_CHEQUE",
        _is_covered_or_not,
    ),
    _Rule(
        "written_off_amount", "An open invoice has no written-off amount", lambda row: row["written_off_amount"] == 0
    ),
    _Rule(
        "balance",
        "The balance is not the billed or agreed amount less the received amount (and of the billed amount, less the contractual "
        "adjustments)",
        _balances,
    ),
    _Rule("paid_on", "An open invoice has no payment date", lambda row: row["paid_on"] is None),
    _Rule("cheque_number", "A cheque number needs a received amount", _has_a_cheque_where_named),
)
