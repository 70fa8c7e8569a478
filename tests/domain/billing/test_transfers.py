"""The transfer of a balance to another payer or coverage: its reason, its day, and what it does to an agreement."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.facts import AgreementEnd, ResponsibilityReason
from domain.billing.negotiation import OfferStatus, SubmissionMethod
from tests.domain.billing.books import FIRM, INSURER, LETTER, MEDPAY, PATIENT, agreed, day, sent
from tests.domain.test_outcomes import refused

S = InvoiceStatus
LETTERED = (ResponsibilityReason.EXHAUSTED, ResponsibilityReason.REFUSED)


@pytest.mark.parametrize("reason", ResponsibilityReason)
def test_a_transfer_has_a_reason_and_for_some_the_payers_letter(reason: ResponsibilityReason) -> None:
    books = sent()
    inputs: dict[str, Any] = {"payer_id": FIRM, "reason": reason}
    if reason is ResponsibilityReason.FIRST or reason in LETTERED:
        path = ("reason",) if reason is ResponsibilityReason.FIRST else ("document_id",)
        assert refused("transfer_balance", books.invoice, **inputs) == path
    if reason is not ResponsibilityReason.FIRST:
        outcome = books.step(2, "transfer_balance", **inputs, document_id=LETTER if reason in LETTERED else None)
        assert (books.facts.responsibilities[-1].reason, books.facts.responsibilities[-1].number) == (reason, 2)
        assert (outcome.values["payer_id"], outcome.values["responsible_since"]) == (FIRM, day(2))


def test_an_invoice_is_not_submitted_to_a_payer_before_that_payer_owes_it() -> None:
    books = sent()
    books.transfer(5)
    method = SubmissionMethod.FAX
    assert refused("submit_invoice", books.invoice, submitted_on=day(4), method=method) == ("submitted_on",)
    books.step(6, "submit_invoice", submitted_on=day(5), method=method)
    assert books.invoice.submitted_on == day(5)


def test_a_transfer_clears_limits_offer_and_submission() -> None:
    books = sent()
    books.invoice = replace(books.invoice, floor=Decimal("500.00"), target=Decimal("600.00"))
    books.step(2, "request_reduction", amount=Decimal("300.00"))
    outcome = books.transfer(3)
    assert outcome.open_offer is OfferStatus.SUPERSEDED
    invoice = books.invoice
    assert (books.status, invoice.payer_id, invoice.submitted_on) == (S.PENDING_INVOICE, FIRM, None)
    assert (invoice.floor, invoice.target, invoice.open_offer) == (None, None, None)


@pytest.mark.parametrize(("agreed_on", "effective_on"), [(None, 41), (7, 6)])
def test_a_transfer_is_neither_in_the_future_nor_before_the_last_agreement(
    agreed_on: int | None, effective_on: int
) -> None:
    books = sent()
    books.transfer(5, effective_on=day(3))
    assert books.facts.responsibilities[-1].from_on == day(3)
    books.submit(6)
    if agreed_on is not None:
        books.agree(agreed_on, "300.00")
    to: dict[str, Any] = {"payer_id": PATIENT, "reason": ResponsibilityReason.OTHER}
    assert refused("transfer_balance", books.invoice, **to, effective_on=day(effective_on)) == ("effective_on",)
    assert refused("transfer_balance", books.invoice, **to, effective_on=day(2)) == ("effective_on",)
    books.transfer(8, PATIENT, effective_on=day(agreed_on or 3))


def test_a_transfer_needs_another_payer_or_another_coverage() -> None:
    books = sent()
    assert refused("transfer_balance", books.invoice, payer_id=INSURER, reason="other") == ("payer_id",)
    assert refused("transfer_balance", books.invoice, reason="other") == ("payer_id",)
    books.transfer(2, INSURER, coverage_id=MEDPAY)
    same: dict[str, Any] = {"payer_id": INSURER, "coverage_id": MEDPAY, "reason": "other"}
    assert refused("transfer_balance", books.invoice, **same) == ("payer_id",)


def test_of_a_conditional_agreement_that_runs_a_transfer_says_whether_it_is_kept_or_why_it_ends() -> None:
    books = agreed(until=9)
    to: dict[str, Any] = {"payer_id": FIRM, "reason": "other"}
    assert refused("transfer_balance", books.invoice, **to) == ("keep_agreement",)
    assert refused("transfer_balance", books.invoice, **to, keep_agreement=False) == ("note",)
    outcome = books.transfer(3, keep_agreement=False, note="The new firm does not honour it")
    assert (outcome.agreed_offer, books.facts.agreements[0].ended_by) == (
        OfferStatus.SUPERSEDED,
        AgreementEnd.TRANSFERRED,
    )
    assert (books.status, books.amounts) == (S.PENDING_INVOICE, "1000.00 - 0.00 0.00 1000.00")
    assert refused("transfer_balance", books.invoice, payer_id=PATIENT, reason="other", keep_agreement=True) == (
        "keep_agreement",
    )


def test_an_agreement_without_a_condition_ends_with_a_transfer_unless_it_is_kept() -> None:
    books, kept = agreed(), agreed()
    assert books.transfer(3).agreed_offer is OfferStatus.SUPERSEDED
    assert kept.transfer(3, keep_agreement=True).agreed_offer is None
    assert (books.status, books.amounts) == (S.PENDING_INVOICE, "1000.00 - 0.00 0.00 1000.00")
    assert (kept.status, kept.amounts) == (S.PENDING_CHEQUE, "1000.00 800.00 0.00 0.00 800.00")
    assert kept.invoice.submitted_on is None


def test_an_agreement_is_covered_at_once_where_the_payer_who_keeps_it_has_paid_it_already() -> None:
    books = agreed("400.00")
    books.receive(8, "500.00", PATIENT)
    assert (books.status, books.amounts) == (S.PENDING_CHEQUE, "500.00 400.00 500.00 0.00 400.00")
    books.transfer(9, PATIENT, effective_on=day(5), keep_agreement=True)
    assert (books.status, books.invoice.open_status) == (S.CHEQUE_RECEIVED, S.PENDING_CHEQUE)
    assert (books.ledger.balance, books.ledger.received) == (Decimal(0), Decimal("500.00"))


def test_a_payer_who_has_paid_nothing_yet_owes_the_agreement_that_is_kept() -> None:
    books = agreed("400.00")
    books.receive(8, "500.00", PATIENT)
    books.transfer(9, FIRM, keep_agreement=True)
    assert (books.status, books.amounts) == (S.PENDING_CHEQUE, "500.00 400.00 500.00 0.00 400.00")


@pytest.mark.parametrize(("amount", "balance"), [("100.00", "600.00"), ("600.00", "100.00"), ("700.00", "0.00")])
@pytest.mark.parametrize("received", [2, 5])
def test_what_the_payer_who_keeps_an_agreement_has_sent_before_pays_it_and_lowers_nothing(
    amount: str, balance: str, received: int
) -> None:
    books = agreed("700.00")
    books.transfer(4, FIRM, keep_agreement=True)
    books.receive(6, amount, FIRM, received=received)
    assert books.amounts == f"1000.00 700.00 {amount} 0.00 {balance}"
