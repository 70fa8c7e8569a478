"""What receipts, returns and write-offs do to the books of an invoice."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from domain.billing.negotiation import OfferStatus
from domain.errors import IllegalTransition, InvalidInput
from tests.domain.billing.books import (
    FIRM,
    PATIENT,
    REASON,
    Books,
    agreed,
    covered,
    day,
    reduction_of,
    sent,
    written_off,
)

S = InvoiceStatus


# Receipts.


@pytest.mark.parametrize("amount", ["0.01", "799.99"])
def test_a_cheque_can_pay_a_part_of_an_invoice(amount: str) -> None:
    books = agreed()
    books.receive(4, amount)
    assert (books.status, books.ledger.received) == (S.PENDING_CHEQUE, Decimal(amount))
    assert (books.ledger.balance, books.ledger.fully_paid_on) == (Decimal("800.00") - Decimal(amount), None)


def test_the_day_fully_paid_is_that_of_the_latest_receipt_whichever_was_recorded_last() -> None:
    books = agreed()
    books.receive(20, "500.00")
    books.receive(21, "300.00", received=10)
    assert (books.status, books.ledger.fully_paid_on) == (S.CHEQUE_RECEIVED, day(20))


def test_money_that_was_received_before_the_invoice_counts_from_its_day() -> None:
    books = sent()
    books.receive(2, "1000.00", received=-88)
    assert (books.status, books.ledger.fully_paid_on) == (S.CHEQUE_RECEIVED, day(0))


@pytest.mark.parametrize("amount", ["-1.00", "0.00", "300.01", "800.00"])
def test_an_allocation_must_be_above_0_and_at_most_the_balance(amount: str) -> None:
    books = agreed()
    books.receive(3, "500.00")
    with pytest.raises(InvalidInput) as refused:
        books.receive(4, amount)
    assert refused.value.path == ("amount",)


def test_money_needs_no_agreement_but_a_submission() -> None:
    books = Books()
    with pytest.raises(IllegalTransition):
        books.receive(1, "1000.00")
    books.submit(1)
    books.receive(2, "400.00")
    assert (books.status, books.amounts) == (S.PENDING_INVOICE, "1000.00 - 400.00 0.00 600.00")
    books.step(3, "request_reduction", amount=Decimal("500.00"))
    books.receive(4, "600.00")
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "1000.00 - 1000.00 0.00 0.00")


def test_an_earlier_payer_pays_up_to_what_was_billed_also_after_the_present_one_has_paid() -> None:
    books = sent()
    books.transfer(2)
    books.submit(3)
    books.agree(4, "600.00")
    books.receive(5, "600.00", FIRM)
    with pytest.raises(InvalidInput):
        books.receive(6, "0.01", FIRM)
    with pytest.raises(InvalidInput):
        books.receive(6, "400.01")
    books.receive(6, "400.00")
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "600.00 600.00 1000.00 0.00 0.00")
    with pytest.raises(IllegalTransition):
        books.receive(7, "0.01", PATIENT)


# Returns.


def in_reduction() -> Books:
    """An invoice that is negotiated after the insurer has paid 300.00."""
    books = sent()
    books.receive(2, "300.00")
    books.step(3, "request_reduction", amount=Decimal("500.00"))
    return books


def paid_in_part() -> Books:
    """An invoice of which the insurer has paid 300.00."""
    books = sent()
    books.receive(2, "300.00")
    return books


def awaiting() -> Books:
    """An agreed amount of which 300.00 were paid."""
    books = agreed()
    books.receive(3, "300.00")
    return books


def settled() -> Books:
    """An invoice that was paid, whose case is settled."""
    books = covered()
    books.step(5, "settle_case")
    return books


@pytest.mark.parametrize(
    ("make", "status", "amounts"),
    [
        (paid_in_part, S.PENDING_INVOICE, "1000.00 - 0.00 0.00 1000.00"),
        (in_reduction, S.PENDING_REDUCTION, "1000.00 - 0.00 0.00 1000.00"),
        (awaiting, S.PENDING_CHEQUE, "1000.00 800.00 0.00 0.00 800.00"),
        (covered, S.PENDING_CHEQUE, "1000.00 800.00 0.00 0.00 800.00"),
        (settled, S.PENDING_CHEQUE, "1000.00 800.00 0.00 0.00 800.00"),
        (written_off, S.WRITTEN_OFF, "1000.00 800.00 0.00 800.00 0.00"),
    ],
)
def test_what_a_returned_cheque_paid_is_due_again_or_written_off_too(
    make: Callable[[], Books], status: InvoiceStatus, amounts: str
) -> None:
    books = make()
    [cheque] = books.facts.receipts
    books.take_back(9, cheque)
    assert (books.status, books.amounts) == (status, amounts)
    assert (books.ledger.fully_paid_on, books.invoice.paid_on) == (None, None)
    with pytest.raises(IllegalTransition):
        books.take_back(10, cheque)


def test_a_return_that_takes_nothing_back_is_refused_and_so_is_one_of_a_paid_invoice_by_billing() -> None:
    books = settled()
    for role, inputs in ((Role.ADMIN, {"reversals": []}), (Role.ADMIN, {"reversals": [1], "reason": " "})):
        with pytest.raises(InvalidInput):
            books.step(9, "return_cheque", role, **{"reason": "Not covered", **inputs})
    with pytest.raises(IllegalTransition):
        books.step(9, "return_cheque", Role.BILLING, reversals=[], reason="Not covered")


def test_an_invoice_stays_covered_where_the_agreement_holds_without_the_returned_payment() -> None:
    books = sent()
    early = books.receive(2, "100.00", PATIENT)
    books.agree(3, "500.00")
    books.receive(4, "500.00")
    books.step(5, "settle_case")
    books.take_back(6, early, returned=2)
    assert (books.status, books.amounts) == (S.PAID, "1000.00 500.00 500.00 0.00 0.00")
    assert (reduction_of(books.ledger), books.ledger.fully_paid_on) == (Decimal("500.00"), day(4))


def test_after_a_return_the_invoice_can_be_voided_because_nothing_is_received() -> None:
    books = paid_in_part()
    with pytest.raises(IllegalTransition):
        books.step(3, "void_invoice", **REASON)
    books.take_back(3, books.facts.receipts[0])
    assert dict(books.step(4, "void_invoice", **REASON).values) == {}
    assert books.status is S.VOID


# Write-offs.


def test_a_write_off_is_of_the_remaining_balance_and_declines_the_open_offer() -> None:
    assert written_off().amounts == "1000.00 800.00 300.00 500.00 0.00"
    books = sent()
    books.step(2, "request_reduction", amount=Decimal("1.00"))
    assert books.step(3, "write_off_invoice", **REASON).open_offer is OfferStatus.DECLINED
    assert (books.status, books.amounts) == (S.WRITTEN_OFF, "1000.00 - 0.00 1000.00 0.00")


@pytest.mark.parametrize(
    ("make", "status"),
    [(paid_in_part, S.PENDING_INVOICE), (in_reduction, S.PENDING_REDUCTION), (awaiting, S.PENDING_CHEQUE)],
)
def test_a_reversed_write_off_leaves_the_status_and_the_amounts_before_it(
    make: Callable[[], Books], status: InvoiceStatus
) -> None:
    books = make()
    before = books.amounts
    books.step(5, "write_off_invoice", **REASON)
    books.step(9, "reverse_write_off", **REASON)
    assert (books.status, books.amounts, books.facts.write_offs[0].reversed_on) == (status, before, day(9))
    books.step(10, "write_off_invoice", **REASON)
    assert [one.number for one in books.facts.write_offs] == [1, 2]


def test_a_recovery_of_an_earlier_payer_lowers_what_was_written_off_and_after_a_reversal_the_open_part() -> None:
    books = sent()
    books.transfer(2)
    books.submit(3)
    books.agree(4, "600.00")
    books.step(5, "write_off_invoice", **REASON)
    books.receive(6, "200.00")
    assert (books.amounts, books.ledger.recovered) == ("1000.00 600.00 200.00 400.00 0.00", Decimal("200.00"))
    with pytest.raises(InvalidInput):
        books.receive(7, "400.01")
    books.step(7, "reverse_write_off", **REASON)
    assert (books.status, books.amounts) == (S.PENDING_CHEQUE, "800.00 600.00 200.00 0.00 600.00")


def test_a_write_off_of_a_closed_case_is_not_reversed() -> None:
    books = written_off()
    books.invoice = replace(books.invoice, case_is_open=False)
    with pytest.raises(IllegalTransition):
        books.step(5, "reverse_write_off", **REASON)
