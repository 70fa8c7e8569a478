"""The guards of the transitions: each holds and fails as its fact says, whatever else is known of the invoice."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.billing.invoices import GUARDS, REFUSING
from domain.billing.ledger.facts import Facts, Receipt
from domain.billing.transitions import TRANSITIONS
from tests.domain.test_transitions import FACTS, INVOICE, MORNING, PAYER, TODAY, YESTERDAY


def with_receipt(effective_on: date, returned: bool = False) -> Facts:
    """The facts with 0.01 of the payer, which counts from a day on and may be returned today."""
    receipt = Receipt(UUID(int=4), PAYER, Decimal("0.01"), effective_on, MORNING)
    reversal = replace(receipt, id=UUID(int=5), amount=-receipt.amount, effective_on=TODAY, reverses_id=receipt.id)
    return replace(FACTS, receipts=(receipt, reversal) if returned else (receipt,))


UNTIL_YESTERDAY = {"conditional_until": YESTERDAY, "agreed": Decimal("800.00")}


@pytest.mark.parametrize(
    ("guard", "facts", "holds"),
    [
        ("has_lines", {"line_count": 1}, True),
        ("has_lines", {"line_count": 0}, False),
        ("billed", {"billed": Decimal("0.01")}, True),
        ("billed", {"billed": Decimal(0)}, False),
        ("empty", {"billed": Decimal(0)}, True),
        ("empty", {"contractual": Decimal("1000.00")}, True),
        ("empty", {"contractual": Decimal("999.99")}, False),
        ("not_submitted", {"submitted_on": None}, True),
        ("not_submitted", {"submitted_on": TODAY}, False),
        ("submitted", {"submitted_on": TODAY}, True),
        ("submitted", {"submitted_on": None, "first_submitted_on": TODAY}, False),
        ("sent", {"submitted_on": None, "first_submitted_on": TODAY}, True),
        ("sent", {"first_submitted_on": None}, False),
        ("sent_with_lines", {"submitted_on": None, "first_submitted_on": TODAY}, True),
        ("sent_with_lines", {"first_submitted_on": None}, False),
        ("sent_to_payer", {"submitted_on": None, "first_submitted_on": TODAY}, True),
        ("sent_to_payer", {"first_submitted_on": None}, False),
        ("payer_paid_nothing", {"received": Decimal(0)}, True),
        ("payer_paid_nothing", {"received": Decimal("0.01")}, False),
        ("nothing_to_move", {"received": Decimal(0)}, True),
        ("nothing_to_move", {"received": Decimal("0.01")}, False),
        ("partly_paid", {"received": Decimal("0.01")}, True),
        ("partly_paid", {"received": Decimal(0)}, False),
        ("nothing_received", {"received": Decimal(0)}, True),
        ("nothing_received", {"received": Decimal("0.01")}, False),
        ("something_received", {"received": Decimal("0.01")}, True),
        ("something_received", {"received": Decimal(0)}, False),
        ("something_due", {"agreed": Decimal("800.00"), "received": Decimal("799.99")}, True),
        ("something_due", {"agreed": Decimal("800.00"), "received": Decimal("800.00")}, False),
        ("something_due", {"received": Decimal("999.99")}, True),
        ("something_due", {"received": Decimal("1000.00"), "earlier_received": Decimal("1000.00")}, False),
        ("something_due", {"written_off": Decimal("1000.00")}, False),
        ("something_unpaid", {"agreed": Decimal("800.00"), "received": Decimal("800.00")}, True),
        ("something_unpaid", {"received": Decimal("999.99"), "contractual": Decimal("0.01")}, False),
        ("something_to_adjust", {"received": Decimal("600.00"), "contractual": Decimal("400.00")}, True),
        ("something_to_adjust", {"received": Decimal("1000.00")}, False),
        ("something_to_negotiate", {"agreed": Decimal("800.00"), "received": Decimal("800.00")}, True),
        ("something_to_negotiate", {"received": Decimal("999.00"), "small_balance": Decimal("1.00")}, True),
        ("something_to_negotiate", {"received": Decimal("1000.00"), "small_balance": Decimal(0)}, False),
        ("something_to_negotiate", {"received": Decimal("999.99"), "contractual": Decimal("0.01")}, False),
        ("something_to_negotiate", {"received": Decimal("800.00"), "recovered": Decimal("0.01")}, True),
        ("small_balance", {"received": Decimal("999.00")}, True),
        ("small_balance", {"received": Decimal("998.99")}, False),
        ("small_balance", {"received": Decimal("998.99"), "small_balance_tolerance": Decimal("1.01")}, True),
        ("no_small_balance", {"small_balance": Decimal(0)}, True),
        ("no_small_balance", {"small_balance": Decimal("0.01")}, False),
        ("condition_passed", {"conditional_until": YESTERDAY}, True),
        ("condition_passed", {"conditional_until": TODAY}, False),
        ("condition_passed", {"conditional_until": None}, False),
        ("nothing_in_time", UNTIL_YESTERDAY, True),
        ("nothing_in_time", {**UNTIL_YESTERDAY, "facts": with_receipt(TODAY)}, True),
        ("nothing_in_time", {**UNTIL_YESTERDAY, "facts": with_receipt(YESTERDAY)}, False),
        ("nothing_in_time", {**UNTIL_YESTERDAY, "facts": with_receipt(YESTERDAY, returned=True)}, True),
        ("case_covered", {"case_is_covered": True}, True),
        ("case_covered", {"case_is_covered": False}, False),
        ("case_settled", {"case_is_settled": True}, True),
        ("case_settled", {"case_is_settled": False}, False),
        ("case_open", {"case_is_open": True}, True),
        ("case_open", {"case_is_open": False}, False),
    ],
)
def test_a_guard(guard: str, facts: dict[str, Any], holds: bool) -> None:
    assert GUARDS[guard].holds(replace(INVOICE, **facts), TODAY) is holds


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("fact", REFUSING)
def test_a_fact_that_is_assumed_instead_of_looked_up_never_makes_a_guard_pass(guard: str, fact: str) -> None:
    otherwise: dict[str, Any] = {fact: not REFUSING[fact]}
    actual, assumed = replace(INVOICE, **otherwise), replace(INVOICE, **{**otherwise, fact: REFUSING[fact]})
    assert GUARDS[guard].holds(assumed, TODAY) <= GUARDS[guard].holds(actual, TODAY)


def test_every_guard_is_used_and_has_a_message() -> None:
    assert {guard for row in TRANSITIONS for guard in (*row.guards, *row.staff_guards)} == set(GUARDS)
    assert all(guard.words for guard in GUARDS.values())
