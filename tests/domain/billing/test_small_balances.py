"""Small balances that are given up, empty invoices, and what closed cases keep."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.facts import ZERO
from domain.billing.lifecycle import legal_now
from domain.billing.outcomes import Actor
from domain.errors import IllegalTransition, InvalidInput
from tests.domain.billing.books import FIRM, INSURER, PATIENT, REASON, Books, agreed, covered, day, sent, written_off
from tests.domain.test_transitions import MORNING

S = InvoiceStatus


def with_small_balance() -> Books:
    """An invoice that was accepted in full, and of which 1.00 was given up."""
    books = sent()
    books.step(2, "accept_in_full")
    books.receive(3, "999.00")
    books.step(4, "close_small_balance")
    return books


def test_a_small_balance_is_given_up_after_a_payment_and_at_most_the_tolerance() -> None:
    books = agreed("1.00")
    with pytest.raises(IllegalTransition):
        books.step(3, "close_small_balance")
    books = agreed()
    books.receive(3, "798.99")
    with pytest.raises(IllegalTransition):
        books.step(4, "close_small_balance")
    books = with_small_balance()
    assert (books.status, books.ledger.small_balance, books.ledger.balance) == (S.CHEQUE_RECEIVED, Decimal(1), ZERO)
    assert books.ledger.fully_paid_on == day(4)


@pytest.mark.parametrize(("amount", "status"), [("1.00", S.CHEQUE_RECEIVED), ("0.40", S.PENDING_CHEQUE)])
def test_later_money_takes_a_small_balance_back_first(amount: str, status: InvoiceStatus) -> None:
    books = with_small_balance()
    books.receive(9, amount)
    assert (books.status, books.ledger.small_balance) == (status, ZERO)
    assert books.ledger.balance == Decimal("1.00") - Decimal(amount)
    assert [one.amount for one in books.facts.adjustments] == [Decimal("1.00"), Decimal("-1.00")]


def test_a_small_balance_stays_given_up_after_a_return_and_is_given_up_once() -> None:
    books = with_small_balance()
    books.take_back(5, books.facts.receipts[0])
    assert (books.status, books.ledger.balance) == (S.PENDING_CHEQUE, Decimal("999.00"))
    books.invoice = replace(books.invoice, received=Decimal("998.50"))
    with pytest.raises(IllegalTransition, match="given up before"):
        books.step(6, "close_small_balance")


def test_an_empty_invoice_is_closed_without_a_day_fully_paid() -> None:
    books = Books("0.00")
    books.step(1, "close_empty", **REASON)
    assert (books.status, books.amounts, books.ledger.fully_paid_on) == (
        S.CHEQUE_RECEIVED,
        "0.00 0.00 0.00 0.00 0.00",
        None,
    )
    with pytest.raises(IllegalTransition):
        Books("0.01").step(1, "close_empty", **REASON)


@pytest.mark.parametrize("name", ["settle_case", "close_case"])
def test_closing_a_case_sets_the_day_paid_and_reopening_clears_it(name: str) -> None:
    books = covered()
    assert books.step(5, name).values == {"paid_on": day(5)}
    assert books.status is S.PAID
    assert books.step(6, "reopen_case", **REASON).values == {"paid_on": None}
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "1000.00 800.00 800.00 0.00 0.00")


def settled() -> Books:
    """An invoice of which 1.00 was given up, whose case is settled."""
    books = with_small_balance()
    books.step(5, "settle_case")
    return books


@pytest.mark.parametrize(("amount", "given_up"), [("0.40", "0.60"), ("1.00", "0.00")])
def test_of_a_paid_invoice_only_as_much_of_a_small_balance_is_taken_back_as_is_paid(amount: str, given_up: str) -> None:
    books = settled()
    with pytest.raises(IllegalTransition):
        books.step(9, "record_cheque", Role.BILLING)
    books.receive(9, amount)
    assert (books.status, books.invoice.paid_on, books.ledger.balance) == (S.PAID, day(5), ZERO)
    assert (books.ledger.small_balance, books.ledger.received) == (Decimal(given_up), Decimal(999) + Decimal(amount))
    assert [one.amount for one in books.facts.adjustments] == [Decimal("1.00"), -Decimal(amount)]


def test_of_a_paid_invoice_no_more_is_paid_than_was_given_up_and_it_is_taken_back_in_turn() -> None:
    books = settled()
    with pytest.raises(InvalidInput):
        books.receive(9, "1.01")
    for on, left in ((9, "0.60"), (10, "0.20")):
        books.receive(on, "0.40")
        assert (books.status, books.ledger.small_balance) == (S.PAID, Decimal(left))
    books.receive(11, "0.20")
    assert (books.status, books.amounts, books.ledger.small_balance) == (
        S.PAID,
        "1000.00 1000.00 1000.00 0.00 0.00",
        ZERO,
    )
    assert books.ledger.fully_paid_on == day(11)


# The day fully paid.


@pytest.mark.parametrize("make", [with_small_balance, settled])
@pytest.mark.parametrize(("received", "paid_on"), [(9, 9), (8, 8), (4, 4), (2, 3)])
def test_the_day_fully_paid_is_that_of_the_money_that_takes_the_place_of_a_small_balance(
    make: Callable[[], Books], received: int, paid_on: int
) -> None:
    books = make()
    assert books.ledger.fully_paid_on == day(4)
    books.receive(9, "1.00", received=received)
    assert (books.ledger.fully_paid_on, books.ledger.small_balance) == (day(paid_on), ZERO)


def test_a_small_balance_that_is_paid_in_parts_is_fully_paid_on_the_day_of_the_last() -> None:
    books = with_small_balance()
    books.receive(9, "0.40")
    assert (books.status, books.ledger.fully_paid_on) == (S.PENDING_CHEQUE, None)
    books.receive(12, "0.60", received=7)
    assert (books.status, books.ledger.fully_paid_on) == (S.CHEQUE_RECEIVED, day(9))


def test_after_a_return_of_what_took_the_place_of_a_small_balance_it_is_due_and_not_fully_paid() -> None:
    books = with_small_balance()
    late = books.receive(9, "1.00")
    books.take_back(11, late)
    assert (books.status, books.ledger.balance, books.ledger.fully_paid_on) == (S.PENDING_CHEQUE, Decimal(1), None)


# A reopening.


def recovered() -> Books:
    """A written-off invoice whose agreed amount was paid after all."""
    books = written_off()
    books.receive(5, "500.00")
    return books


def paid_in_full() -> Books:
    """An invoice of which all that was billed was paid."""
    books = sent()
    books.receive(2, "1000.00")
    return books


@pytest.mark.parametrize(
    ("make", "is_offered"),
    [(paid_in_full, False), (with_small_balance, True), (recovered, True), (covered, True), (agreed, True)],
)
def test_a_reopening_is_offered_where_something_is_left_to_negotiate(
    make: Callable[[], Books], is_offered: bool
) -> None:
    books = make()
    assert ("reopen_reduction" in legal_now(books.invoice, Actor(Role.ADMIN, day(9), MORNING))) is is_offered
    if is_offered:
        books.step(9, "reopen_reduction", **REASON)
        assert (books.status, books.ledger.balance > 0) == (S.PENDING_REDUCTION, True)
    else:
        with pytest.raises(IllegalTransition, match="Nothing is due, and nothing was reduced"):
            books.step(9, "reopen_reduction", **REASON)


def test_what_was_reduced_before_a_small_balance_is_negotiated_again_with_it() -> None:
    books = agreed()
    books.receive(3, "799.50")
    books.step(4, "close_small_balance")
    books.step(5, "reopen_reduction", **REASON)
    assert (books.status, books.amounts) == (S.PENDING_REDUCTION, "200.50 - 799.50 0.00 200.50")


# What the product refuses although its rules ask for it.


def test_money_of_an_earlier_payer_leaves_the_small_balance_of_a_paid_invoice_given_up() -> None:
    books = sent()
    books.transfer(2)
    books.submit(3)
    books.agree(4, "800.00")
    books.receive(5, "799.50", FIRM)
    books.step(6, "close_small_balance")
    books.step(7, "settle_case")
    books.receive(9, "10.00", INSURER)
    assert (books.status, books.amounts) == (S.PAID, "990.00 800.00 809.50 0.00 0.00")


def test_a_reopening_makes_what_was_given_up_due_again() -> None:
    books = agreed()
    books.receive(3, "799.50")
    books.step(4, "close_small_balance")
    books.step(5, "reopen_reduction", **REASON)
    books.step(6, "agree_reduction", amount=Decimal(0))
    books.receive(7, "200.00", PATIENT)
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "0.50 0.00 999.50 0.00 0.00")
    assert [one.amount for one in books.facts.adjustments] == [Decimal("0.50"), Decimal("-0.50")]
    assert "reopen_reduction" in legal_now(books.invoice, Actor(Role.ADMIN, day(9), MORNING))
    books.step(9, "reopen_reduction", **REASON)
    assert (books.status, books.amounts) == (S.PENDING_REDUCTION, "0.50 - 999.50 0.00 0.50")


def test_a_small_balance_that_was_given_up_by_mistake_is_due_again_after_a_reopening() -> None:
    books = with_small_balance()
    books.step(5, "reopen_reduction", **REASON)
    assert (books.status, books.amounts, books.ledger.small_balance) == (
        S.PENDING_REDUCTION,
        "1.00 - 999.00 0.00 1.00",
        ZERO,
    )


def test_a_reduction_is_negotiated_again_after_a_write_off_that_was_recovered() -> None:
    books = written_off()
    books.receive(5, "500.00")
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "1000.00 800.00 800.00 0.00 0.00")
    books.step(6, "reopen_reduction", **REASON)
    assert (books.status, books.amounts) == (S.PENDING_REDUCTION, "200.00 - 800.00 0.00 200.00")
    books.step(7, "agree_reduction", amount=Decimal("150.00"))
    books.receive(8, "150.00")
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "200.00 150.00 950.00 0.00 0.00")
    assert books.facts.write_off is None


def test_an_empty_invoice_that_was_closed_by_mistake_is_voided() -> None:
    books = Books("0.00")
    books.step(1, "close_empty", **REASON)
    books.step(2, "void_invoice", **REASON)
    assert (books.status, books.invoice.agreed, books.facts.agreement) == (S.VOID, None, None)
    books = covered()
    with pytest.raises(IllegalTransition):
        books.step(4, "void_invoice", **REASON)
