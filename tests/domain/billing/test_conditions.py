"""Agreements that hold on condition that they are paid by a day: how they lapse and are revived."""

from decimal import Decimal

import pytest

from domain.billing.invoices import InvoiceStatus
from domain.billing.negotiation import OfferStatus, Party
from domain.errors import IllegalTransition, InvalidInput
from tests.domain.billing.books import PATIENT, agreed, day

S = InvoiceStatus


def test_money_received_in_time_and_recorded_late_revives_the_agreement() -> None:
    books = agreed(until=10)
    books.step(11, "lapse_agreement", None)
    assert (books.facts.agreements[0].ended_on, books.status) == (day(11), S.PENDING_REDUCTION)
    books.receive(12, "300.00", received=10)
    assert (books.status, books.amounts, books.applied["revive_agreement"]) == (
        S.PENDING_CHEQUE,
        "1000.00 800.00 300.00 0.00 500.00",
        1,
    )
    books.receive(13, "500.00")
    assert (books.status, books.ledger.fully_paid_on) == (S.CHEQUE_RECEIVED, day(13))


@pytest.mark.parametrize(("received", "offer"), [(11, None), (10, "900.00")])
def test_a_lapsed_agreement_is_not_revived_by_late_money_or_while_a_newer_offer_stands(
    received: int, offer: str | None
) -> None:
    books = agreed(until=10)
    books.step(11, "lapse_agreement", None)
    if offer:
        books.step(11, "counter_reduction", party=Party.CLINIC, amount=Decimal(offer))
    books.receive(12, "300.00", received=received)
    assert (books.status, books.amounts) == (S.PENDING_REDUCTION, "1000.00 - 300.00 0.00 700.00")


def test_the_money_of_another_payer_does_not_keep_an_agreement_from_lapsing() -> None:
    books = agreed(until=10)
    books.receive(5, "100.00", PATIENT)
    books.receive(12, "300.00", received=11)
    assert (books.status, books.applied["lapse_agreement"]) == (S.PENDING_REDUCTION, 1)
    assert books.amounts == "900.00 - 400.00 0.00 600.00"


def test_an_agreement_does_not_lapse_on_its_last_day_nor_after_money_in_time_but_after_its_return() -> None:
    books = agreed(until=10)
    with pytest.raises(IllegalTransition):
        books.step(10, "lapse_agreement", None)
    cheque = books.receive(10, "1.00")
    with pytest.raises(IllegalTransition):
        books.step(11, "lapse_agreement", None)
    books.take_back(15, cheque)
    outcome = books.step(16, "lapse_agreement", None)
    assert (outcome.agreed_offer, books.facts.agreements[0].ended_on) == (OfferStatus.LAPSED, day(15))


def test_a_revived_agreement_has_its_day_its_condition_and_its_offer_again() -> None:
    books = agreed(until=10)
    before = (books.facts.agreements, books.amounts, books.ledger)
    books.step(11, "lapse_agreement", None)
    outcome = books.step(12, "revive_agreement", None)
    assert (outcome.lapsed_offer, outcome.open_offer, outcome.agreed_offer) == (OfferStatus.ACCEPTED, None, None)
    assert (books.status, books.invoice.open_status) == (S.PENDING_CHEQUE, S.PENDING_CHEQUE)
    assert (books.facts.agreements, books.amounts, books.ledger) == before
    assert (books.ledger.agreed_on, books.ledger.conditional_until) == (day(2), day(10))


def test_an_agreement_that_late_money_has_covered_is_revived_as_covered() -> None:
    books = agreed("400.00", until=10)
    books.step(11, "lapse_agreement", None)
    books.receive(12, "400.00")
    assert (books.status, books.amounts) == (S.PENDING_REDUCTION, "1000.00 - 400.00 0.00 600.00")
    books.step(13, "revive_agreement", None)
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "1000.00 400.00 400.00 0.00 0.00")
    assert (books.ledger.fully_paid_on, books.invoice.open_status) == (day(12), S.PENDING_CHEQUE)


def test_money_in_time_that_exceeds_a_revived_agreement_is_refused_and_revives_nothing() -> None:
    books = agreed("400.00", until=10)
    books.step(11, "lapse_agreement", None)
    books.receive(12, "300.00")
    with pytest.raises(InvalidInput):
        books.receive(13, "100.01", received=9)
    assert (books.status, books.amounts) == (S.PENDING_REDUCTION, "1000.00 - 300.00 0.00 700.00")
    books.receive(13, "100.00", received=9)
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "1000.00 400.00 400.00 0.00 0.00")
    assert books.ledger.fully_paid_on == day(12)
