"""The amounts of an invoice: worked examples to the cent."""

from decimal import Decimal

import pytest

from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.facts import ZERO, Receipt
from domain.errors import InvalidInput
from tests.domain.billing.books import (
    FIRM,
    INSURER,
    MEDPAY,
    PATIENT,
    REASON,
    Books,
    day,
    reduction_of,
    sent,
)

S = InvoiceStatus
CENT = Decimal("0.01")


def limit_used_up() -> Books:
    """2,800.00 of 4,075.00 is paid by the insurer, and the firm owes the rest."""
    books = sent("4075.00")
    books.step(2, "accept_in_full")
    books.receive(3, "2800.00")
    assert (books.status, books.amounts) == (S.PENDING_CHEQUE, "4075.00 4075.00 2800.00 0.00 1275.00")
    books.transfer(4)
    assert (books.status, books.amounts) == (S.PENDING_INVOICE, "1275.00 - 2800.00 0.00 1275.00")
    books.submit(5)
    return books


def test_what_the_insurer_leaves_open_is_paid_by_the_firm_without_any_reduction() -> None:
    books = limit_used_up()
    books.step(6, "accept_in_full")
    books.receive(9, "1275.00", FIRM)
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "1275.00 1275.00 4075.00 0.00 0.00")
    assert (reduction_of(books.ledger), books.ledger.fully_paid_on) == (ZERO, day(9))


def test_what_the_insurer_leaves_open_can_be_paid_in_part_denied_and_written_off() -> None:
    books = limit_used_up()
    books.receive(6, "75.00", FIRM)
    books.step(7, "record_denial", denied_on=day(7), reason_code="CO-50")
    books.step(8, "write_off_invoice", **REASON)
    assert (books.status, books.amounts) == (S.WRITTEN_OFF, "1275.00 - 2875.00 1200.00 0.00")


def test_a_reduction_is_a_share_of_the_part_that_was_open() -> None:
    books = sent("4251.04")
    books.receive(3, "2800.00")
    books.transfer(4)
    books.submit(5)
    books.step(6, "request_reduction", amount=Decimal("900.00"))
    books.step(7, "agree_reduction")
    assert (books.status, books.amounts) == (S.PENDING_CHEQUE, "1451.04 900.00 2800.00 0.00 900.00")
    books.receive(8, "900.00", FIRM)
    ledger = books.ledger
    assert (books.status, reduction_of(ledger), ledger.received) == (
        S.CHEQUE_RECEIVED,
        Decimal("551.04"),
        Decimal("3700.00"),
    )
    assert (reduction_of(ledger) / ledger.open_part * 100).quantize(CENT) == Decimal("37.98")
    assert (ledger.received / books.facts.billed * 100).quantize(CENT) == Decimal("87.04")


def test_money_for_a_written_off_invoice_is_a_recovery_and_a_bounced_cheque_is_written_off_too() -> None:
    books = sent()
    books.step(2, "accept_in_full")
    cheque = books.receive(3, "400.00")
    books.step(4, "write_off_invoice", **REASON)
    assert (books.status, books.amounts, books.ledger.recovered) == (
        S.WRITTEN_OFF,
        "1000.00 1000.00 400.00 600.00 0.00",
        ZERO,
    )
    books.take_back(5, cheque)
    assert (books.amounts, books.ledger.recovered) == ("1000.00 1000.00 0.00 1000.00 0.00", ZERO)
    books.receive(6, "400.00")
    assert (books.status, books.amounts) == (S.WRITTEN_OFF, "1000.00 1000.00 400.00 600.00 0.00")
    assert books.ledger.recovered == Decimal("400.00")
    last = books.receive(7, "600.00")
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "1000.00 1000.00 1000.00 0.00 0.00")
    books.take_back(8, last)
    assert (books.status, books.amounts) == (S.WRITTEN_OFF, "1000.00 1000.00 400.00 600.00 0.00")


def reduced_after_the_insurer() -> tuple[Books, Receipt]:
    """The insurer paid 2,800.00 of 4,251.04, and the firm agreed on 900.00 of what was open."""
    books = sent("4251.04")
    paid = books.receive(3, "2800.00")
    books.transfer(4)
    books.submit(5)
    books.agree(6, "900.00")
    return books, paid


def test_late_money_of_the_insurer_lowers_the_reduction_and_then_what_the_firm_owes() -> None:
    books, _ = reduced_after_the_insurer()
    books.receive(7, "551.00")
    assert (books.amounts, reduction_of(books.ledger)) == ("900.04 900.00 3351.00 0.00 900.00", Decimal("0.04"))
    books.receive(8, "100.00", PATIENT)
    assert books.amounts == "800.04 800.04 3451.00 0.00 800.04"
    with pytest.raises(InvalidInput):
        books.receive(9, "800.05")
    books.receive(9, "800.04")
    assert (books.status, books.ledger.fully_paid_on) == (S.CHEQUE_RECEIVED, day(9))


# Where the return was before the agreement, that was about the whole; otherwise 551.04 had been granted.
@pytest.mark.parametrize(("returned", "owed"), [(5, "900.00"), (6, "3700.00"), (9, "3700.00")])
def test_what_bounced_of_the_insurer_is_owed_again_and_the_reduction_is_what_was_granted(
    returned: int, owed: str
) -> None:
    books, paid = reduced_after_the_insurer()
    books.take_back(9, paid, returned)
    assert books.amounts == f"4251.04 {owed} 0.00 0.00 {owed}"


def test_a_kept_agreement_is_continued_by_what_the_former_payer_had_left_to_pay() -> None:
    books = sent()
    books.agree(2, "700.00", until=30)
    cheque = books.receive(3, "300.00")
    books.transfer(5, keep_agreement=True)
    assert (books.status, books.amounts) == (S.PENDING_CHEQUE, "700.00 400.00 300.00 0.00 400.00")
    assert (reduction_of(books.ledger), books.ledger.conditional_until) == (Decimal("300.00"), day(30))
    books.take_back(6, cheque)
    assert (books.amounts, reduction_of(books.ledger)) == ("1000.00 700.00 0.00 0.00 700.00", Decimal("300.00"))
    books.receive(8, "700.00", FIRM)
    assert books.status is S.CHEQUE_RECEIVED


def test_a_payment_of_the_first_turn_does_not_count_to_the_third() -> None:
    books = sent()
    books.receive(3, "200.00")
    books.transfer(5)
    books.submit(6)
    books.receive(7, "100.00", FIRM)
    books.transfer(9, INSURER)
    books.submit(10)
    books.agree(11, "500.00")
    assert books.amounts == "700.00 500.00 300.00 0.00 500.00"
    late = books.receive(12, "50.00", received=4)
    assert books.amounts == "650.00 500.00 350.00 0.00 500.00"
    books.receive(13, "50.00")
    assert books.amounts == "650.00 500.00 400.00 0.00 450.00"
    books.take_back(14, late)
    # On the day of the agreement 650.00 was open and 150.00 was granted.
    assert books.amounts == "700.00 550.00 350.00 0.00 500.00"


def test_on_the_day_of_a_transfer_what_was_recorded_before_counts_to_the_round_before() -> None:
    books = sent()
    books.receive(5, "200.00")
    books.transfer(5, INSURER, coverage_id=MEDPAY)
    assert books.amounts == "800.00 - 200.00 0.00 800.00"
    books.receive(5, "100.00", coverage_id=MEDPAY)
    assert (books.amounts, books.ledger.earlier_received) == ("800.00 - 300.00 0.00 700.00", Decimal("200.00"))
