"""The effect of each transition on an invoice, and the refusal of its invalid inputs."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.access.people import Role
from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.negotiation import OfferStatus, Party, SubmissionMethod
from domain.billing.outcomes import Actor, Outcome
from domain.billing.transitions import BY_NAME
from domain.errors import InvalidInput
from tests.domain.test_transitions import INVOICE, TODAY, YESTERDAY

TOMORROW = TODAY + timedelta(days=1)
AGREED = replace(INVOICE, status=InvoiceStatus.PENDING_CHEQUE, agreed=Decimal("800.00"), submitted_on=YESTERDAY)


def effect(name: str, invoice: Invoice, role: Role | None = Role.BILLING, **inputs: Any) -> Outcome:
    """The outcome of a transition today."""
    return BY_NAME[name].effect(invoice, inputs, Actor(role, TODAY, NOW))


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


def test_accepting_in_full_agrees_to_the_billed_amount() -> None:
    assert effect("accept_in_full", INVOICE).values == {"agreed_amount": Decimal("1000.00"), "agreed_on": TODAY}


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
    assert outcome.values == {"agreed_amount": Decimal("700.00"), "agreed_on": TODAY, "conditional_until": TODAY}
    assert (outcome.open_offer, outcome.offer) == (OfferStatus.ACCEPTED, None)
    otherwise = effect("agree_reduction", offered, amount=Decimal("650.00"))
    assert otherwise.values["agreed_amount"] == Decimal("650.00")
    assert otherwise.open_offer is OfferStatus.SUPERSEDED
    assert otherwise.offer is not None
    assert otherwise.offer["status"] == "accepted"


def test_without_an_open_offer_an_agreement_needs_an_amount() -> None:
    assert refused("agree_reduction", INVOICE) == ("amount",)
    assert refused("agree_reduction", INVOICE, amount=None) == ("amount",)


@pytest.mark.parametrize("amount", ["-1.00", "0.00", "1000.01"])
@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
def test_an_agreement_must_be_above_0_and_at_most_the_billed_amount(role: Role, amount: str) -> None:
    offered = replace(INVOICE, open_offer=Decimal("700.00"), floor=None)
    assert refused("agree_reduction", offered, role, amount=Decimal(amount)) == ("amount",)


def test_a_condition_that_ends_in_the_past_is_refused() -> None:
    inputs: dict[str, Any] = {"amount": Decimal("700.00"), "conditional_until": YESTERDAY}
    assert refused("agree_reduction", INVOICE, **inputs) == ("conditional_until",)


def test_only_an_administrator_can_agree_below_the_floor() -> None:
    below, at = Decimal("599.99"), Decimal("600.00")
    assert refused("agree_reduction", INVOICE, amount=below) == ("amount",)
    assert refused("agree_reduction", replace(INVOICE, open_offer=below)) == ("amount",)
    assert effect("agree_reduction", INVOICE, Role.ADMIN, amount=below).values["agreed_amount"] == below
    assert effect("agree_reduction", INVOICE, amount=at).values["agreed_amount"] == at
    assert effect("agree_reduction", replace(INVOICE, floor=None), amount=below).values["agreed_amount"] == below


@pytest.mark.parametrize(
    "name", ["decline_reduction", "reopen_reduction", "change_payer", "void_invoice", "write_off_invoice"]
)
@pytest.mark.parametrize("reason", ["", " \n\t"])
def test_an_empty_reason_is_refused(name: str, reason: str) -> None:
    assert refused(name, AGREED, Role.ADMIN, reason=reason, payer_id=UUID(int=9)) == ("reason",)


def test_declining_a_negotiation_does_not_change_the_ledger() -> None:
    assert effect("decline_reduction", INVOICE, reason="no") == Outcome(open_offer=OfferStatus.DECLINED)


@pytest.mark.parametrize(
    ("name", "becomes"), [("reopen_reduction", OfferStatus.SUPERSEDED), ("lapse_agreement", OfferStatus.LAPSED)]
)
def test_an_agreement_that_is_reversed_leaves_no_agreed_amount(name: str, becomes: OfferStatus) -> None:
    outcome = effect(name, AGREED, reason="new facts")
    assert outcome.values == {"agreed_amount": None, "agreed_on": None, "conditional_until": None}
    assert outcome.agreed_offer is becomes


def test_a_denial_is_a_record_that_clears_the_submission() -> None:
    outcome = effect("record_denial", INVOICE, denied_on=TODAY, reason_code="CO-50", appeal_due_on=TOMORROW)
    assert outcome.values == {"submitted_on": None, "submission_method": None}
    assert outcome.open_offer is OfferStatus.DECLINED
    assert outcome.denial == {
        "denied_on": TODAY,
        "reason_code": "CO-50",
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


def test_after_a_change_of_payer_the_invoice_has_to_be_submitted_again() -> None:
    outcome = effect("change_payer", INVOICE, payer_id=UUID(int=9), reason="insured elsewhere")
    assert outcome.values == {"submitted_on": None, "submission_method": None, "payer_id": UUID(int=9)}
    assert refused("change_payer", INVOICE, payer_id=INVOICE.payer_id, reason="the same") == ("payer_id",)


@pytest.mark.parametrize("amount", ["0.01", "799.99"])
def test_a_cheque_can_pay_a_part_of_an_invoice(amount: str) -> None:
    outcome = effect("record_cheque", AGREED, amount=Decimal(amount), received_on=YESTERDAY)
    assert outcome.values == {"received_amount": Decimal(amount)}


def test_the_cheque_that_completes_the_payment_sets_the_day_fully_paid() -> None:
    half = replace(AGREED, received=Decimal("500.00"))
    outcome = effect("allocate_cheque", half, amount=Decimal("300.00"), received_on=YESTERDAY)
    assert outcome.values == {"received_amount": Decimal("800.00"), "fully_paid_on": YESTERDAY}


@pytest.mark.parametrize("name", ["record_cheque", "allocate_cheque"])
@pytest.mark.parametrize("amount", ["-1.00", "0.00", "300.01", "800.00"])
def test_an_allocation_must_be_above_0_and_at_most_the_balance(name: str, amount: str) -> None:
    half = replace(AGREED, received=Decimal("500.00"))
    assert refused(name, half, amount=Decimal(amount), received_on=TODAY) == ("amount",)


def test_the_amount_of_a_returned_cheque_is_owed_again() -> None:
    paid = replace(AGREED, status=InvoiceStatus.PAID, received=Decimal("800.00"))
    outcome = effect("return_cheque", paid, amount=Decimal("300.00"), reason="not covered")
    assert outcome.values == {"received_amount": Decimal("500.00"), "fully_paid_on": None, "paid_on": None}


def test_the_amount_of_a_returned_cheque_on_a_written_off_invoice_is_written_off_too() -> None:
    written_off = replace(
        AGREED, status=InvoiceStatus.WRITTEN_OFF, received=Decimal("300.00"), written_off=Decimal("500.00")
    )
    outcome = effect("return_cheque", written_off, amount=Decimal("300.00"), reason="not covered")
    assert outcome.values == {"received_amount": Decimal(0), "written_off_amount": Decimal("800.00")}


def test_a_write_off_is_of_the_remaining_balance() -> None:
    half = replace(AGREED, received=Decimal("500.00"))
    outcome = effect("write_off_invoice", half, Role.ADMIN, reason="case lost")
    assert outcome.values == {"written_off_amount": Decimal("300.00")}
    assert outcome.open_offer is OfferStatus.DECLINED
    assert effect("write_off_invoice", INVOICE, Role.ADMIN, reason="lost").values == {
        "written_off_amount": Decimal("1000.00")
    }


def test_a_void_invoice_has_no_balance_and_no_written_off_amount() -> None:
    assert effect("void_invoice", INVOICE, Role.ADMIN, reason="wrong patient").values == {}


def test_settling_a_case_sets_the_payment_date_and_reopening_clears_it() -> None:
    assert effect("settle_case", AGREED).values == {"paid_on": TODAY}
    assert effect("reopen_case", AGREED, Role.ADMIN, reason="one more").values == {"paid_on": None}
