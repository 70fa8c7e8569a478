"""The effect of each transition of a negotiation and of a payer on an invoice, and the refusal of its invalid inputs."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.access.people import Role
from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.facts import ZERO, AgreementKind
from domain.billing.negotiation import OfferStatus, Party, SubmissionMethod
from domain.billing.outcomes import Actor, Outcome
from domain.billing.transitions import BY_NAME
from domain.errors import IllegalTransition, InvalidInput
from tests.domain.billing.books import FIRM, INSURER, PATIENT, agreed, day, reduction_of, sent
from tests.domain.test_transitions import INVOICE, MORNING, TODAY, YESTERDAY

S = InvoiceStatus
TOMORROW = TODAY + timedelta(days=1)


def effect(name: str, invoice: Invoice, role: Role | None = Role.BILLING, **inputs: Any) -> Outcome:
    """The outcome of a transition today."""
    return BY_NAME[name].effect(invoice, inputs, Actor(role, TODAY, MORNING))


def refused(name: str, invoice: Invoice, role: Role | None = Role.BILLING, **inputs: Any) -> tuple[str, ...]:
    """The path of the input field that is refused."""
    with pytest.raises(InvalidInput) as refusal:
        effect(name, invoice, role, **inputs)
    assert refusal.value.message
    return refusal.value.path


def test_the_submission_date_is_between_the_creation_date_and_today() -> None:
    for on in (TODAY, INVOICE.created_on):
        outcome = effect("submit_invoice", INVOICE, submitted_on=on, method=SubmissionMethod.FAX)
        assert outcome.values == {"submitted_on": on, "submission_method": "fax"}
    for on in (TOMORROW, INVOICE.created_on - timedelta(days=1)):
        assert refused("submit_invoice", INVOICE, submitted_on=on, method=SubmissionMethod.FAX) == ("submitted_on",)


def test_accepting_in_full_agrees_to_the_open_part() -> None:
    books = sent()
    books.receive(2, "100.00", PATIENT)
    outcome = books.step(3, "accept_in_full")
    assert (outcome.values["agreed_amount"], outcome.values["agreed_on"]) == (Decimal("900.00"), day(3))
    assert (books.status, books.invoice.open_status) == (S.PENDING_CHEQUE, S.PENDING_CHEQUE)
    books.receive(4, "100.00", PATIENT)
    assert (books.amounts, reduction_of(books.ledger)) == ("800.00 800.00 200.00 0.00 800.00", ZERO)


@pytest.mark.parametrize("amount", ["0.01", "999.99"])
def test_requesting_a_reduction_does_not_change_the_ledger(amount: str) -> None:
    outcome = effect("request_reduction", INVOICE, amount=Decimal(amount), reason="poor", expires_on=TODAY)
    assert outcome.values == {}
    assert outcome.offer == {
        "party": "payer",
        "amount": Decimal(amount),
        "reason": "poor",
        "expires_on": TODAY,
        "status": "open",
    }


@pytest.mark.parametrize("amount", ["-1.00", "0.00", "1000.00", "1000.01"])
def test_a_requested_reduction_must_be_above_0_and_below_the_billed_amount(amount: str) -> None:
    assert refused("request_reduction", INVOICE, amount=Decimal(amount)) == ("amount",)


def test_an_expiry_date_in_the_past_is_refused() -> None:
    offer: dict[str, Any] = {"amount": Decimal(5), "expires_on": YESTERDAY}
    assert refused("request_reduction", INVOICE, **offer) == ("expires_on",)
    assert refused("counter_reduction", INVOICE, party=Party.CLINIC, **offer) == ("expires_on",)


@pytest.mark.parametrize("amount", ["0.01", "1000.00"])
@pytest.mark.parametrize("party", Party)
def test_a_counter_offer_supersedes_the_open_one(party: Party, amount: str) -> None:
    outcome = effect("counter_reduction", INVOICE, party=party, amount=Decimal(amount), note="last word")
    assert outcome.values == {}
    assert outcome.open_offer is OfferStatus.SUPERSEDED
    assert outcome.offer is not None
    assert (outcome.offer["party"], outcome.offer["reason"], outcome.offer["status"]) == (party, "last word", "open")


@pytest.mark.parametrize("amount", ["-0.01", "0.00", "1000.01"])
def test_a_counter_offer_must_be_above_0_and_at_most_the_billed_amount(amount: str) -> None:
    assert refused("counter_reduction", INVOICE, party=Party.CLINIC, amount=Decimal(amount)) == ("amount",)


def test_an_agreement_is_of_the_open_offer_unless_it_names_another_amount() -> None:
    offered = replace(INVOICE, open_offer=Decimal("700.00"))
    outcome = effect("agree_reduction", offered, conditional_until=TODAY)
    assert outcome.facts is not None
    [found] = outcome.facts.agreements
    assert (found.kind, found.amount) == (AgreementKind.NEGOTIATED, Decimal("700.00"))
    assert (found.agreed_on, found.conditional_until) == (TODAY, TODAY)
    assert (outcome.open_offer, outcome.offer) == (OfferStatus.ACCEPTED, None)
    otherwise = effect("agree_reduction", offered, amount=Decimal("650.00"))
    assert otherwise.facts is not None
    assert otherwise.facts.agreements[0].amount == Decimal("650.00")
    assert otherwise.open_offer is OfferStatus.SUPERSEDED
    assert otherwise.offer is not None
    assert otherwise.offer["status"] == "accepted"


def test_an_agreement_is_bounded_by_the_open_part_and_by_what_this_payer_has_paid() -> None:
    books = sent()
    books.receive(2, "300.00")
    books.receive(3, "100.00", PATIENT)
    books.step(4, "request_reduction", amount=Decimal("500.00"))
    for amount in ("900.01", "299.99", "0.00"):
        with pytest.raises(InvalidInput):
            books.agree(5, amount)
    books.agree(5, "300.00")
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "900.00 300.00 400.00 0.00 0.00")
    assert books.ledger.fully_paid_on == day(5)


def test_after_earlier_receipts_the_rest_can_be_given_up_without_an_offer_of_nothing() -> None:
    books = agreed()
    cheque = books.receive(3, "300.00")
    books.step(4, "reopen_reduction", reason="No more")
    outcome = books.step(5, "agree_reduction", amount=Decimal(0))
    assert (outcome.offer, outcome.open_offer) == (None, OfferStatus.SUPERSEDED)
    assert (books.status, books.amounts) == (S.CHEQUE_RECEIVED, "700.00 0.00 300.00 0.00 0.00")
    books.take_back(6, cheque)
    assert (books.status, books.amounts) == (S.PENDING_CHEQUE, "1000.00 300.00 0.00 0.00 300.00")


def test_without_an_open_offer_an_agreement_needs_an_amount() -> None:
    assert refused("agree_reduction", INVOICE) == ("amount",)
    assert refused("agree_reduction", INVOICE, amount=None) == ("amount",)


@pytest.mark.parametrize("amount", ["-1.00", "0.00", "1000.01"])
@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
def test_a_first_agreement_must_be_above_0_and_at_most_the_billed_amount(role: Role, amount: str) -> None:
    offered = replace(INVOICE, open_offer=Decimal("700.00"), floor=None)
    assert refused("agree_reduction", offered, role, amount=Decimal(amount)) == ("amount",)


def test_a_condition_that_ends_in_the_past_is_refused() -> None:
    inputs: dict[str, Any] = {"amount": Decimal("700.00"), "conditional_until": YESTERDAY}
    assert refused("agree_reduction", INVOICE, **inputs) == ("conditional_until",)


def test_only_an_administrator_can_agree_below_the_floor() -> None:
    below, at = Decimal("599.99"), Decimal("600.00")
    assert refused("agree_reduction", INVOICE, amount=below) == ("amount",)
    assert refused("agree_reduction", replace(INVOICE, open_offer=below)) == ("amount",)
    for invoice, role, amount in (
        (INVOICE, Role.ADMIN, below),
        (INVOICE, Role.BILLING, at),
        (replace(INVOICE, floor=None), Role.BILLING, below),
    ):
        outcome = effect("agree_reduction", invoice, role, amount=amount)
        assert outcome.facts is not None
        assert outcome.facts.agreements[0].amount == amount


REASONS = "decline_reduction reopen_reduction change_payer void_invoice write_off_invoice reverse_write_off close_empty"


@pytest.mark.parametrize("name", REASONS.split())
@pytest.mark.parametrize("reason", ["", " \n\t"])
def test_an_empty_reason_is_refused(name: str, reason: str) -> None:
    assert refused(name, INVOICE, Role.ADMIN, reason=reason, payer_id=FIRM) == ("reason",)


def test_declining_a_negotiation_does_not_change_the_ledger() -> None:
    declined = Outcome(open_offer=OfferStatus.DECLINED, open_status=S.PENDING_INVOICE)
    assert effect("decline_reduction", INVOICE, reason="no") == declined


@pytest.mark.parametrize(
    ("name", "role", "becomes"),
    [
        ("reopen_reduction", Role.BILLING, OfferStatus.SUPERSEDED),
        ("lapse_agreement", None, OfferStatus.LAPSED),
    ],
)
def test_an_agreement_that_is_reversed_leaves_no_agreed_amount(
    name: str, role: Role | None, becomes: OfferStatus
) -> None:
    books = agreed(until=9)
    outcome = books.step(10, name, role, reason="new facts")
    assert [outcome.values[name] for name in ("agreed_amount", "agreed_on", "conditional_until")] == [None] * 3
    assert (outcome.agreed_offer, books.status, books.amounts) == (
        becomes,
        S.PENDING_REDUCTION,
        "1000.00 - 0.00 0.00 1000.00",
    )


def test_a_reopened_negotiation_is_about_what_is_left_and_its_limits_no_longer_contain_what_was_received() -> None:
    books = agreed()
    books.receive(3, "300.00")
    books.invoice = replace(books.invoice, floor=Decimal("500.00"), target=Decimal("250.00"))
    outcome = books.step(4, "reopen_reduction", reason="Another lien")
    assert (outcome.values["floor_amount"], outcome.values["target_amount"]) == (Decimal("200.00"), Decimal(0))
    assert (books.status, books.amounts) == (S.PENDING_REDUCTION, "700.00 - 300.00 0.00 700.00")
    with pytest.raises(InvalidInput):
        books.step(5, "agree_reduction", Role.BILLING, amount=Decimal("199.99"))
    books.step(5, "agree_reduction", Role.BILLING, amount=Decimal("200.00"))
    books.receive(6, "200.00")
    assert (books.status, reduction_of(books.ledger)) == (S.CHEQUE_RECEIVED, Decimal("500.00"))


def test_an_administrator_reopens_a_covered_agreement_that_was_recorded_with_a_wrong_amount() -> None:
    books = agreed("300.00")
    books.receive(3, "300.00")
    with pytest.raises(IllegalTransition):
        books.step(4, "reopen_reduction", Role.BILLING, reason="It was 800.00")
    books.step(4, "reopen_reduction", reason="It was 800.00")
    assert (books.status, books.amounts, books.ledger.fully_paid_on) == (
        S.PENDING_REDUCTION,
        "700.00 - 300.00 0.00 700.00",
        None,
    )


def test_after_a_change_of_payer_the_invoice_has_to_be_submitted_again() -> None:
    outcome = effect("change_payer", INVOICE, payer_id=FIRM, reason="insured elsewhere")
    unsubmitted = {"submitted_on": None, "submission_method": None}
    assert outcome.values == {**unsubmitted, "payer_id": FIRM, "responsible_since": TODAY}
    assert outcome.facts is not None
    assert [one.payer_id for one in outcome.facts.responsibilities] == [INSURER, FIRM]
    assert refused("change_payer", INVOICE, payer_id=INVOICE.payer_id, reason="the same") == ("payer_id",)
