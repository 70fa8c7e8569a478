"""Decides what an open invoice may say that a clinic brings along, and what its amount is called here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.errors import InvalidInput
from domain.invoices import OPEN, InvoiceStatus
from domain.texts import Text

# What is billed came about somewhere else: it is one line, under a code that is none of the master list's.
CODE, LABEL = "OPENING", "Opening balance"
NUMBER = Text(21, needed=True)
_OURS = re.compile(r"INV-([0-9]{4})-([0-9]{6}|[1-9][0-9]{6,8})")
_LIKE_OURS = re.compile(r"INV-[0-9]{4}-[0-9]{6,12}")
_AGREED = (InvoiceStatus.PENDING_CHEQUE, InvoiceStatus.CHEQUE_RECEIVED)
BROUGHT = (*OPEN, InvoiceStatus.CHEQUE_RECEIVED)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a row has to hold by, and the column that is at fault where it does not, with the words for it."""

    column: str
    words: str
    holds: Callable[[Row], bool]


def place_of(number: str) -> tuple[int, int] | None:
    """The year and the place that a number has among those which are given here; None for any other.

    >>> place_of("INV-2026-000123")
    (2026, 123)
    """
    found = _OURS.fullmatch(number)
    return (int(found[1]), int(found[2])) if found else None


def check_opening(row: Row) -> None:
    """Refuse an invoice that contradicts itself; InvalidInput names the first column that does."""
    for rule in RULES:
        if not rule.holds(row):
            raise InvalidInput(rule.words, (rule.column,))


def _is_open(row: Row) -> bool:
    return row["status"] in BROUGHT


def _is_well_formed(row: Row) -> bool:
    return place_of(row["number"]) is not None or not _LIKE_OURS.fullmatch(row["number"])


def _is_submitted_after_creation(row: Row) -> bool:
    return row["submitted_on"] is None or row["submitted_on"] >= row["created_on"]


def _is_submitted_where_needed(row: Row) -> bool:
    return row["submitted_on"] is not None or row["status"] == InvoiceStatus.PENDING_INVOICE


def _has_a_cheque_where_named(row: Row) -> bool:
    return row["cheque_number"] is None or row["received_amount"] > 0


def _has_agreed(row: Row) -> bool:
    return row["status"] in _AGREED


def _is_agreed_within_billed(row: Row) -> bool:
    agreed: Decimal | None = row["agreed_amount"]
    return not _has_agreed(row) or (agreed is not None and 0 < agreed <= row["billed_amount"])


def _is_covered_or_not(row: Row) -> bool:
    """Whether what was received is all that was agreed exactly when the state says so."""
    is_covered = row["received_amount"] == row["agreed_amount"]
    return not _has_agreed(row) or is_covered == (row["status"] == InvoiceStatus.CHEQUE_RECEIVED)


def _balances(row: Row) -> bool:
    owed: Decimal = row["billed_amount"] if row["agreed_amount"] is None else row["agreed_amount"]
    return row["balance"] in (None, owed - row["received_amount"])


def _is_of_its_year(row: Row) -> bool:
    place = place_of(row["number"])
    return place is None or place[0] == row["created_on"].year


# In the order in which a row is asked: a later rule may rely on those before.
RULES = (
    _Rule("status", f"Only open invoices are brought along: {', '.join(state.name for state in BROUGHT)}", _is_open),
    _Rule("number", "A number like those that are given here reads INV-2026-000123", _is_well_formed),
    _Rule("number", "A number like those that are given here is of the year of creation", _is_of_its_year),
    _Rule("billed_amount", "Nothing is billed", lambda row: row["billed_amount"] > 0),
    _Rule(
        "service_date",
        "What is billed is done by the day of creation",
        lambda row: row["service_date"] <= row["created_on"],
    ),
    _Rule("submitted_on", "An invoice is submitted after its creation", _is_submitted_after_creation),
    _Rule("submitted_on", "In this state an invoice has been submitted", _is_submitted_where_needed),
    _Rule(
        "agreed_amount", "In this state nothing is agreed", lambda row: _has_agreed(row) or row["agreed_amount"] is None
    ),
    _Rule("agreed_amount", "In this state an amount is agreed, up to what was billed", _is_agreed_within_billed),
    _Rule(
        "received_amount",
        "This is more than was agreed",
        lambda row: row["received_amount"] <= (row["agreed_amount"] or 0),
    ),
    _Rule(
        "received_amount",
        "All that was agreed is received in CHEQUE_RECEIVED, and less in PENDING_CHEQUE",
        _is_covered_or_not,
    ),
    _Rule(
        "written_off_amount", "Of an open invoice nothing is written off", lambda row: row["written_off_amount"] == 0
    ),
    _Rule("balance", "This is not what was billed or agreed, less what was received", _balances),
    _Rule("paid_on", "An open invoice is not paid", lambda row: row["paid_on"] is None),
    _Rule("cheque_number", "No cheque has been received", _has_a_cheque_where_named),
)
