"""A fact from outside that is recorded after a decision that it would have prevented: the decision stands, and both are named."""

from decimal import Decimal

import pytest

from domain.billing.ledger.facts import AgreementKind
from domain.billing.ledger.late_facts import Decision, LateFact, OutsideFact
from domain.billing.negotiation import Party
from tests.domain.billing.books import FIRM, INSURER, PATIENT, REASON, Books, agreed, covered, day, sent

PAID, RETURNED, DENIED = OutsideFact.RECEIPT, OutsideFact.RETURN, OutsideFact.DENIAL
ADJUSTED, CORRECTED = OutsideFact.ADJUSTMENT, OutsideFact.CORRECTION


def contradicted(books: Books) -> list[tuple[OutsideFact, int, Decision, int]]:
    """What the last step contradicts: the fact and the decision, each with its day after the creation."""
    begun = day(0)
    return [(one.fact, (one.fact_on - begun).days, one.decision, (one.decided_on - begun).days) for one in books.late]


def written_off(on: int = 5) -> Books:
    books = sent()
    books.step(on, "write_off_invoice", **REASON)
    return books


@pytest.mark.parametrize("received", [3, 5])
def test_a_payment_before_a_write_off_that_leaves_nothing_to_write_off_is_named_with_it(received: int) -> None:
    books = written_off()
    books.receive(9, "1000.00", received=received)
    assert contradicted(books) == [(PAID, received, Decision.WRITE_OFF, 5)]


def test_a_recovery_and_a_part_payment_contradict_no_write_off() -> None:
    for received, amount in ((6, "1000.00"), (3, "999.99")):
        books = written_off()
        books.receive(9, amount, received=received)
        assert books.late == ()


def test_the_payment_that_leaves_nothing_is_named_and_not_those_before_it() -> None:
    books = written_off()
    books.receive(8, "600.00", received=2)
    assert books.late == ()
    books.receive(9, "400.00", received=3)
    assert contradicted(books) == [(PAID, 3, Decision.WRITE_OFF, 5)]


def test_what_was_known_contradicts_nothing() -> None:
    books = sent()
    books.receive(4, "999.00", received=2)
    books.step(5, "write_off_invoice", **REASON)
    books.receive(5, "1.00", received=5)
    assert contradicted(books) == [(PAID, 5, Decision.WRITE_OFF, 5)]
    books.take_back(7, books.facts.receipts[0], 3)
    assert books.late == ()


def test_a_payment_before_a_transfer_that_left_nothing_to_transfer_is_named_with_it() -> None:
    books = agreed("800.00")
    books.transfer(5)
    books.receive(9, "800.00", received=4)
    assert contradicted(books) == [(PAID, 4, Decision.TRANSFER, 5)]
    # In full it was not paid: the rest would have been transferred, too.
    books = agreed("800.00")
    books.transfer(5)
    books.receive(9, "799.00", received=4)
    assert books.late == ()


def test_a_payment_before_an_agreement_on_more_than_was_open_then_is_named_with_it() -> None:
    books = sent()
    books.transfer(3)
    books.submit(4)
    books.agree(5, "900.00")
    books.receive(9, "100.00", INSURER, received=2)
    assert books.late == ()
    books.receive(9, "50.00", INSURER, received=2)
    assert contradicted(books) == [(PAID, 2, Decision.AGREEMENT, 5)]
    assert books.amounts == "850.00 850.00 150.00 0.00 850.00"


def test_a_payment_before_an_acceptance_in_full_changes_what_is_accepted_and_contradicts_the_transfer_alone() -> None:
    books = sent()
    books.transfer(3)
    books.submit(4)
    books.step(5, "accept_in_full")
    books.receive(8, "400.00", INSURER, received=2)
    assert books.late == ()
    books.receive(9, "600.00", INSURER, received=2)
    assert contradicted(books) == [(PAID, 2, Decision.TRANSFER, 3)]


@pytest.mark.parametrize("received", [3, 5])
def test_what_the_payer_of_an_agreement_paid_before_it_is_a_part_of_the_amount(received: int) -> None:
    books = sent()
    books.agree(5, "800.00")
    books.receive(9, "800.00", received=received)
    assert (books.late, books.amounts) == ((), "1000.00 800.00 800.00 0.00 0.00")


def test_a_payment_before_a_reopening_of_what_was_paid_is_named_with_it_and_one_of_that_day_is_paid_after_it() -> None:
    books = agreed("800.00")
    books.step(5, "reopen_reduction", **REASON)
    books.receive(9, "800.00", received=4)
    assert contradicted(books) == [(PAID, 4, Decision.REOPENING, 5)]
    books = agreed("800.00")
    books.step(5, "reopen_reduction", **REASON)
    books.receive(9, "800.00", received=5)
    assert books.late == ()


def test_money_in_time_for_a_lapsed_agreement_is_named_where_a_newer_offer_keeps_it_from_holding_again() -> None:
    books = agreed("800.00", until=6)
    books.step(9, "lapse_agreement", None)
    books.step(10, "counter_reduction", party=Party.CLINIC, amount=Decimal("900.00"))
    books.receive(11, "800.00", received=6)
    assert contradicted(books) == [(PAID, 6, Decision.LAPSE, 7)]
    books = agreed("800.00", until=6)
    books.step(9, "lapse_agreement", None)
    books.receive(11, "800.00", received=6)
    assert (books.late, books.invoice.agreed) == ((), Decimal("800.00"))


def test_money_in_time_for_a_lapsed_agreement_is_named_after_another_agreement_and_after_a_transfer() -> None:
    books = agreed("800.00", until=6)
    books.step(9, "lapse_agreement", None)
    books.agree(10, "900.00")
    books.receive(11, "800.00", received=5)
    assert (PAID, 5, Decision.LAPSE, 7) in contradicted(books)
    books = agreed("800.00", until=6)
    books.step(9, "lapse_agreement", None)
    books.transfer(10)
    books.receive(11, "800.00", received=5)
    assert contradicted(books) == [(PAID, 5, Decision.LAPSE, 7)]
    books.receive(12, "10.00", FIRM)
    assert books.late == ()


def reduced_for_the_firm() -> Books:
    """The insurer paid 400.00, and the firm agreed on 500.00 of 600.00."""
    books = sent()
    books.receive(2, "400.00")
    books.transfer(3)
    books.submit(4)
    books.agree(6, "500.00")
    return books


def test_a_return_before_an_agreement_that_enlarges_its_reduction_is_named_with_the_amount() -> None:
    books = reduced_for_the_firm()
    books.take_back(9, books.facts.receipts[0], 5)
    assert books.late == (LateFact(RETURNED, day(5), Decision.AGREEMENT, day(6), Decimal("400.00")),)
    assert books.amounts == "1000.00 500.00 0.00 0.00 500.00"


@pytest.mark.parametrize("returned", [6, 8])
def test_what_is_returned_after_an_agreement_is_owed_again_and_contradicts_nothing(returned: int) -> None:
    books = reduced_for_the_firm()
    books.take_back(9, books.facts.receipts[0], returned)
    assert (books.late, books.amounts) == ((), "1000.00 900.00 0.00 0.00 900.00")


def test_a_return_before_an_agreement_of_the_same_round_leaves_its_reduction() -> None:
    books = sent()
    cheque = books.receive(2, "300.00")
    books.agree(5, "800.00")
    books.take_back(9, cheque, 4)
    assert (books.late, books.amounts) == ((), "1000.00 800.00 0.00 0.00 800.00")


def small_balance_given_up() -> Books:
    books = sent()
    books.receive(2, "400.00")
    books.transfer(3)
    books.submit(4)
    books.step(5, "accept_in_full")
    books.receive(6, "599.50", FIRM)
    books.step(7, "close_small_balance")
    return books


def test_a_small_balance_that_was_none_is_named_with_the_payment_or_the_return() -> None:
    books = small_balance_given_up()
    books.receive(9, "0.50", PATIENT, received=6)
    assert contradicted(books) == [(PAID, 6, Decision.SMALL_BALANCE, 7)]
    books = small_balance_given_up()
    books.take_back(9, books.facts.receipts[1], 7)
    assert contradicted(books) == [(RETURNED, 7, Decision.SMALL_BALANCE, 7)]
    # Money of the payer itself that came before takes nothing back: it would have left less to give up, or nothing.
    books = small_balance_given_up()
    books.receive(9, "0.50", FIRM, received=6)
    assert contradicted(books) == [(PAID, 6, Decision.SMALL_BALANCE, 7)]


@pytest.mark.parametrize(("denied", "is_late"), [(1, True), (2, False)])
def test_a_denial_of_a_day_before_the_agreement_is_named_with_it(denied: int, is_late: bool) -> None:
    books = agreed()
    books.step(4, "record_denial", denied_on=day(denied), reason_code="CO-50")
    assert contradicted(books) == ([(DENIED, denied, Decision.AGREEMENT, 2)] if is_late else [])


def test_a_denial_by_an_earlier_payer_contradicts_nothing_that_the_present_one_agreed() -> None:
    books = reduced_for_the_firm()
    books.step(9, "record_denial", denied_on=day(2), reason_code="CO-50")
    assert books.late == ()


def test_a_kept_agreement_is_named_by_its_transfer() -> None:
    books = agreed("800.00")
    books.transfer(5, keep_agreement=True)
    assert books.facts.agreements[-1].kind is AgreementKind.CONTINUED
    books.receive(9, "800.00", received=4)
    assert contradicted(books) == [(PAID, 4, Decision.TRANSFER, 5)]


def test_what_is_paid_and_returned_in_the_order_of_the_days_contradicts_nothing() -> None:
    books = covered()
    assert books.late == ()
    books.take_back(4, books.facts.receipts[0])
    assert books.late == ()
    books.receive(5, "800.00")
    assert books.late == ()


def test_the_words_name_both_with_their_days_and_the_step_that_helps() -> None:
    late = LateFact(PAID, day(3), Decision.WRITE_OFF, day(5))
    assert late.words == (
        f"The payment of {day(3)} was recorded after the write-off of {day(5)}, which it contradicts: "
        "settle the case, or reverse the write-off if it still stands"
    )
