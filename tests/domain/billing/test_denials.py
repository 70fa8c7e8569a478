"""A denial, which ends what was agreed; and one that is recorded late, which is a record alone."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.facts import AgreementEnd
from domain.billing.negotiation import OfferStatus
from domain.errors import IllegalTransition
from tests.domain.billing.books import Books, agreed, covered, day, sent
from tests.domain.test_outcomes import TOMORROW, effect, refused
from tests.domain.test_transitions import INVOICE, TODAY

S = InvoiceStatus


def test_a_denial_is_a_record_that_clears_the_submission() -> None:
    outcome = effect("record_denial", INVOICE, denied_on=TODAY, reason_code="CO-50", appeal_due_on=TOMORROW)
    assert outcome.values == {"submitted_on": None, "submission_method": None}
    assert outcome.open_offer is OfferStatus.DECLINED
    assert outcome.denial == {
        "denied_on": TODAY,
        "adjustment_group": None,
        "reason_code": "CO-50",
        "remark_codes": [],
        "line_id": None,
        "cheque_id": None,
        "amount": None,
        "note": None,
        "appeal_due_on": TOMORROW,
    }


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"denied_on": TOMORROW}, "denied_on"),
        ({"reason_code": "  "}, "reason_code"),
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal("1000.01")}, "amount"),
    ],
)
def test_an_invalid_day_reason_or_amount_of_a_denial_is_refused(inputs: dict[str, Any], path: str) -> None:
    assert refused("record_denial", INVOICE, **{"denied_on": TODAY, "reason_code": "CO-50", **inputs}) == (path,)


def test_a_denial_of_one_line_moves_nothing() -> None:
    books = agreed()
    before = (books.status, books.amounts, books.invoice.submitted_on)
    line: dict[str, Any] = {"line_id": UUID(int=9), "line_amount": Decimal("400.00")}
    outcome = books.step(4, "record_denial", denied_on=day(4), reason_code="CO-50", amount=Decimal("400.00"), **line)
    assert (books.status, books.amounts, books.invoice.submitted_on) == before
    assert (outcome.denial or {})["line_id"] == UUID(int=9)
    assert (outcome.values.get("submitted_on"), outcome.agreed_offer, outcome.open_offer) == (None, None, None)


# What came after the denial counts to the new round, whichever was recorded first.
@pytest.mark.parametrize(("denied", "open_part", "earlier"), [(2, "1000.00", "0.00"), (4, "700.00", "300.00")])
def test_a_denial_ends_the_agreement_and_what_is_left_is_due_in_a_new_round(
    denied: int, open_part: str, earlier: str
) -> None:
    books = agreed()
    books.receive(3, "300.00")
    outcome = books.step(4, "record_denial", denied_on=day(denied), reason_code="CO-50")
    assert outcome.agreed_offer is OfferStatus.SUPERSEDED
    assert (books.status, books.invoice.submitted_on, books.invoice.first_submitted_on) == (
        S.PENDING_INVOICE,
        None,
        day(1),
    )
    assert books.amounts == f"{open_part} - 300.00 0.00 700.00"
    assert books.ledger.earlier_received == Decimal(earlier)


def test_a_denial_of_a_day_before_the_agreement_is_a_record_alone() -> None:
    books = agreed()
    outcome = books.step(4, "record_denial", denied_on=day(1), reason_code="CO-50")
    assert (outcome.denial or {})["denied_on"] == day(1)
    assert (outcome.open_offer, outcome.agreed_offer) == (None, None)
    assert (books.status, books.amounts) == (S.PENDING_CHEQUE, "1000.00 800.00 0.00 0.00 800.00")
    assert books.invoice.submitted_on == day(1)


def test_a_denial_of_the_day_of_the_agreement_ends_it() -> None:
    books = agreed()
    books.step(4, "record_denial", denied_on=day(2), reason_code="CO-50")
    [ended] = books.facts.agreements
    assert (books.status, ended.ended_by, ended.ended_on) == (S.PENDING_INVOICE, AgreementEnd.DENIED, day(2))


# A denial by an earlier payer.


def of_the_firm() -> Books:
    """An invoice that the firm owes since the sixth day, and that was submitted to it."""
    books = sent()
    books.receive(2, "300.00")
    books.transfer(6, effective_on=day(5))
    books.submit(6)
    return books


def requested() -> Books:
    """The same, for which the firm offers 500.00."""
    books = of_the_firm()
    books.step(7, "request_reduction", amount=Decimal("500.00"))
    return books


def agreed_by_the_firm() -> Books:
    """The same, on whose amount the firm agreed."""
    books = requested()
    books.step(8, "agree_reduction")
    return books


MAKE = [of_the_firm, requested, agreed_by_the_firm]


@pytest.mark.parametrize("make", MAKE)
@pytest.mark.parametrize("denied", [2, 4])
def test_a_denial_of_a_day_before_the_present_payer_owes_is_a_record_alone(
    make: Callable[[], Books], denied: int
) -> None:
    books = make()
    before = (books.invoice, books.facts)
    outcome = books.step(9, "record_denial", denied_on=day(denied), reason_code="CO-50", amount=Decimal("10.00"))
    assert (outcome.denial or {})["denied_on"] == day(denied)
    assert (outcome.offer, outcome.open_offer, outcome.agreed_offer, outcome.open_status) == (None, None, None, None)
    assert (books.invoice, books.facts) == before


@pytest.mark.parametrize("make", MAKE)
def test_a_denial_by_the_present_payer_moves_the_invoice(make: Callable[[], Books]) -> None:
    books = make()
    outcome = books.step(9, "record_denial", denied_on=day(8), reason_code="CO-50")
    assert (books.status, books.invoice.submitted_on, books.invoice.open_offer) == (S.PENDING_INVOICE, None, None)
    assert outcome.open_offer is OfferStatus.DECLINED
    assert books.amounts == "700.00 - 300.00 0.00 700.00"


def test_a_denial_of_a_day_after_the_transfer_and_before_the_agreement_is_a_record_alone() -> None:
    books = agreed_by_the_firm()
    books.step(9, "record_denial", denied_on=day(6), reason_code="CO-50")
    assert (books.status, books.amounts) == (S.PENDING_CHEQUE, "700.00 500.00 300.00 0.00 500.00")


def test_a_covered_invoice_is_not_denied() -> None:
    with pytest.raises(IllegalTransition):
        covered().step(4, "record_denial", denied_on=day(1), reason_code="CO-50")
