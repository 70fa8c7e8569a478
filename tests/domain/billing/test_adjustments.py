"""Contractual adjustments: what can be given up and taken back, what becomes of an agreement, and the codes that explain them."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.billing.claims.adjustments import remark_codes_of
from domain.billing.coverages import AdjustmentGroup
from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.facts import AdjustmentKind
from domain.billing.ledger.late_facts import Decision, OutsideFact
from domain.billing.negotiation import OfferStatus
from domain.billing.outcomes import Outcome
from domain.errors import IllegalTransition, InvalidInput
from tests.domain.billing.books import FIRM, REASON, Books, agreed, covered, day, reduction_of, sent, written_off

S = InvoiceStatus
LINE: dict[str, Any] = {"line_id": UUID(int=9), "line_amount": Decimal("400.00")}


def adjust(books: Books, on: int, amount: str, **more: Any) -> Outcome:
    """An adjustment by the contract with the payer."""
    known = {"group": AdjustmentGroup.CO, "reason_code": "45", "amount": Decimal(amount)}
    return books.step(on, "record_adjustment", **{**known, **more})


def refused(books: Books, amount: str, **more: Any) -> tuple[str, ...]:
    """The path of the refusal; nothing has changed."""
    before = (books.invoice, books.facts)
    with pytest.raises(InvalidInput) as refusal:
        adjust(books, 9, amount, **more)
    assert (books.invoice, books.facts) == before
    return refusal.value.path


def test_an_adjustment_says_why_of_which_line_and_from_which_day_on() -> None:
    books = sent()
    adjust(books, 3, "120.00", remark_codes=["n1", " MA01"], adjusted_on=day(2), note="By letter", **LINE)
    [one] = books.facts.adjustments
    assert (one.kind, one.amount, one.effective_on) == (AdjustmentKind.CONTRACTUAL, Decimal("120.00"), day(2))
    assert (one.adjustment_group, one.reason_code, one.remark_codes) == (AdjustmentGroup.CO, "45", ("N1", "MA01"))
    assert (one.line_id, one.note, one.cheque_id) == (LINE["line_id"], "By letter", None)
    assert (books.status, books.amounts) == (S.PENDING_INVOICE, "880.00 - 0.00 0.00 880.00")


@pytest.mark.parametrize("amount", ["0.00", "1000.01", "-0.01"])
def test_an_amount_of_nothing_of_too_much_or_that_does_not_stand_is_refused(amount: str) -> None:
    assert refused(sent(), amount) == ("amount",)


@pytest.mark.parametrize("group", list(AdjustmentGroup))
def test_what_the_patient_is_responsible_for_is_no_adjustment(group: AdjustmentGroup) -> None:
    books = sent()
    if group is AdjustmentGroup.PR:
        assert refused(books, "10.00", group=group) == ("group",)
    else:
        adjust(books, 3, "10.00", group=group)
        assert books.ledger.contractual == Decimal("10.00")


def test_an_adjustment_lies_between_the_invoice_and_today() -> None:
    books = sent()
    assert refused(books, "10.00", adjusted_on=day(-1)) == ("adjusted_on",)
    assert refused(books, "10.00", adjusted_on=day(10)) == ("adjusted_on",)
    adjust(books, 9, "10.00", adjusted_on=day(0))
    assert books.facts.adjustments[-1].effective_on == day(0)


def test_the_adjustments_of_a_line_are_at_most_its_amount() -> None:
    books = sent()
    adjust(books, 3, "300.00", **LINE)
    assert refused(books, "100.01", **LINE) == ("amount",)
    adjust(books, 4, "100.00", **LINE)
    assert books.amounts == "600.00 - 0.00 0.00 600.00"


def test_what_is_taken_back_stands_with_the_same_reason_of_the_same_line() -> None:
    books = sent()
    adjust(books, 3, "300.00", **LINE)
    adjust(books, 3, "50.00")
    for more in ({"reason_code": "97", **LINE}, {"group": AdjustmentGroup.OA, **LINE}):
        assert refused(books, "-0.01", **more) == ("amount",)
    assert refused(books, "-50.01") == ("amount",)
    assert refused(books, "-300.01", **LINE) == ("amount",)
    adjust(books, 4, "-300.00", **LINE)
    adjust(books, 4, "-50.00")
    assert books.amounts == "1000.00 - 0.00 0.00 1000.00"


# What an agreement becomes.


def test_an_adjustment_shrinks_the_reduction_before_it_shrinks_what_was_agreed() -> None:
    books = agreed()
    for amount, expected in (("150.00", "850.00 800.00"), ("50.00", "800.00 800.00"), ("100.00", "700.00 700.00")):
        adjust(books, 4, amount)
        assert books.amounts.startswith(expected)
    books.receive(5, "300.00")
    assert refused(books, "400.01") == ("amount",)
    adjust(books, 6, "400.00")
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "300.00 300.00 300.00 0.00 0.00")
    assert books.ledger.fully_paid_on == day(6)


def test_what_is_taken_back_is_owed_again_and_not_given_away() -> None:
    books = sent()
    adjust(books, 2, "100.00")
    books.agree(3, "800.00")
    adjust(books, 4, "-100.00")
    assert books.amounts == "1000.00 900.00 0.00 0.00 900.00"
    assert reduction_of(books.ledger) == Decimal("100.00")


def test_an_adjustment_of_a_covered_invoice_takes_from_its_reduction_and_one_taken_back_opens_it() -> None:
    books = covered()
    adjust(books, 4, "200.00")
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "800.00 800.00 800.00 0.00 0.00")
    assert refused(books, "0.01") == ("amount",)
    books = sent()
    adjust(books, 2, "300.00")
    books.receive(3, "700.00")
    assert (books.status, books.ledger.fully_paid_on) == (S.CHEQUE_RECEIVED, day(3))
    adjust(books, 5, "-50.00")
    assert (books.status, books.amounts) == (S.PENDING_INVOICE, "750.00 - 700.00 0.00 50.00")


def test_where_everything_is_taken_off_nothing_is_negotiated_and_the_invoice_is_closed_as_empty() -> None:
    books = sent()
    books.step(2, "request_reduction", amount=Decimal("500.00"))
    outcome = adjust(books, 3, "1000.00")
    assert (books.status, books.invoice.open_status, books.invoice.open_offer) == (S.PENDING_INVOICE,) * 2 + (None,)
    assert outcome.open_offer is OfferStatus.DECLINED
    steps: tuple[tuple[str, dict[str, Any]], ...] = (
        ("accept_in_full", {}),
        ("request_reduction", {"amount": Decimal("1.00")}),
    )
    for name, inputs in steps:
        with pytest.raises(IllegalTransition, match="closeEmpty"):
            books.step(4, name, **inputs)
    books.step(4, "close_empty", **REASON)
    assert books.status is S.CHEQUE_RECEIVED
    # The payer takes its adjustment back: what was closed is owed after all.
    adjust(books, 5, "-400.00")
    assert (books.status, books.amounts) == (S.PENDING_CHEQUE, "400.00 400.00 0.00 0.00 400.00")


def test_an_adjustment_lowers_what_is_written_off_and_leaves_something_of_it() -> None:
    books = written_off()
    adjust(books, 5, "250.00")
    assert (books.status, books.amounts) == (S.WRITTEN_OFF, "750.00 750.00 300.00 450.00 0.00")
    adjust(books, 6, "450.00")
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "300.00 300.00 300.00 0.00 0.00")
    lost = sent()
    lost.step(2, "write_off_invoice", **REASON)
    with pytest.raises(InvalidInput, match="reverseWriteOff"):
        adjust(lost, 3, "1000.00")
    adjust(lost, 3, "999.99")
    assert (lost.status, lost.ledger.written_off) == (S.WRITTEN_OFF, Decimal("0.01"))


def test_an_invoice_that_was_never_sent_is_paid_with_its_case_or_is_void_is_not_adjusted() -> None:
    with pytest.raises(IllegalTransition, match="submitInvoice"):
        adjust(Books(), 1, "10.00")
    books = covered()
    books.step(4, "settle_case")
    with pytest.raises(IllegalTransition, match="reopenCase"):
        adjust(books, 5, "10.00")
    paid = sent()
    paid.receive(2, "1000.00")
    with pytest.raises(IllegalTransition, match="returnCheque"):
        adjust(paid, 3, "10.00")
    gone = sent()
    gone.step(2, "void_invoice", **REASON)
    with pytest.raises(IllegalTransition, match="createInvoice"):
        adjust(gone, 3, "10.00")


# Decisions that an adjustment of an earlier day contradicts.


@pytest.mark.parametrize(("amount", "is_named"), [("200.00", False), ("200.01", True)])
def test_an_adjustment_that_leaves_less_than_was_agreed_is_named_with_the_agreement(
    amount: str, is_named: bool
) -> None:
    books = agreed()
    adjust(books, 9, amount, adjusted_on=day(2))
    found = [(one.fact, one.fact_on, one.decision, one.decided_on) for one in books.late]
    assert found == ([(OutsideFact.ADJUSTMENT, day(2), Decision.AGREEMENT, day(2))] if is_named else [])


def test_an_adjustment_that_leaves_nothing_is_named_with_the_transfer_and_the_write_off() -> None:
    books = sent()
    books.receive(2, "700.00")
    books.transfer(5, FIRM)
    books.step(6, "write_off_invoice", **REASON)
    adjust(books, 9, "300.00", adjusted_on=day(4))
    assert [(one.decision, one.decided_on) for one in books.late] == [
        (Decision.TRANSFER, day(5)),
        (Decision.WRITE_OFF, day(6)),
    ]
    books = sent()
    books.receive(2, "700.00")
    books.transfer(5, FIRM)
    adjust(books, 9, "300.00", adjusted_on=day(6))
    assert books.late == ()


@pytest.mark.parametrize("codes", [["N-1"], ["N 1"], [""], ["é"], ["N" * 31], ["N1"] * 21])
def test_a_remark_code_of_another_form_is_refused_at_its_place(codes: list[str]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        remark_codes_of({"remark_codes": codes})
    assert refusal.value.path[0] == "remark_codes"


def test_remark_codes_are_kept_once_each_in_capitals_in_their_order() -> None:
    assert remark_codes_of({"remark_codes": ["m15", "N1", " n1 "]}) == ["M15", "N1"]
    assert remark_codes_of({"remark_codes": None}) == remark_codes_of({}) == []


def test_an_adjustment_before_a_small_balance_leaves_less_of_it_to_give_up() -> None:
    books = agreed("900.00")
    books.receive(3, "899.20")
    books.step(4, "close_small_balance")
    assert books.ledger.small_balance == Decimal("0.80")
    adjust(books, 6, "100.50", adjusted_on=day(3))
    ledger = books.ledger
    assert (books.status, ledger.small_balance, ledger.balance) == (S.CHEQUE_RECEIVED, Decimal("0.30"), Decimal("0.00"))
    assert ledger.fully_paid_on == day(4)
