"""That each transition does to an invoice what is written here, and refuses every input that it should."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.errors import InvalidInput
from domain.invoices import Invoice, InvoiceStatus
from domain.negotiation import OfferStatus, Party, SubmissionMethod
from domain.outcomes import Actor, Outcome
from domain.people import Role
from domain.transitions import BY_NAME
from tests.domain.test_transitions import INVOICE, TODAY, YESTERDAY

TOMORROW = TODAY + timedelta(days=1)
AGREED = replace(INVOICE, status=InvoiceStatus.PENDING_CHEQUE, agreed=Decimal("800.00"), submitted_on=YESTERDAY)


def effect(name: str, invoice: Invoice, role: Role | None = Role.BILLING, **given: Any) -> Outcome:
    """What a transition does today."""
    return BY_NAME[name].effect(invoice, given, Actor(role, TODAY))


def refused(name: str, invoice: Invoice, role: Role | None = Role.BILLING, **given: Any) -> tuple[str, ...]:
    """The part of the input that is refused."""
    with pytest.raises(InvalidInput) as refusal:
        effect(name, invoice, role, **given)
    assert refusal.value.message
    return refusal.value.path


def test_a_submission_is_of_today_or_of_a_day_since_the_creation() -> None:
    for on in (TODAY, INVOICE.created_on):
        outcome = effect("submit_invoice", INVOICE, submitted_on=on, method=SubmissionMethod.FAX)
        assert outcome.values == {"submitted_on": on, "submission_method": "fax"}
    for on in (TOMORROW, INVOICE.created_on - timedelta(days=1)):
        assert refused("submit_invoice", INVOICE, submitted_on=on, method=SubmissionMethod.FAX) == ("submitted_on",)


def test_in_full_means_the_billed_amount() -> None:
    assert effect("accept_in_full", INVOICE).values == {"agreed_amount": Decimal("1000.00"), "agreed_on": TODAY}


@pytest.mark.parametrize("amount", ["0.01", "999.99"])
def test_a_reduction_that_is_asked_for_changes_no_ledger(amount: str) -> None:
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
def test_a_reduction_is_asked_for_above_0_and_below_what_is_billed(amount: str) -> None:
    assert refused("request_reduction", INVOICE, amount=Decimal(amount)) == ("amount",)


def test_an_offer_does_not_expire_in_the_past() -> None:
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
def test_a_counter_offer_is_above_0_and_at_most_what_is_billed(amount: str) -> None:
    assert refused("counter_reduction", INVOICE, party=Party.CLINIC, amount=Decimal(amount)) == ("amount",)


def test_an_agreement_takes_the_open_offer_unless_it_says_otherwise() -> None:
    offered = replace(INVOICE, open_offer=Decimal("700.00"))
    outcome = effect("agree_reduction", offered, conditional_until=TODAY)
    assert outcome.values == {"agreed_amount": Decimal("700.00"), "agreed_on": TODAY, "conditional_until": TODAY}
    assert (outcome.open_offer, outcome.offer) == (OfferStatus.ACCEPTED, None)
    otherwise = effect("agree_reduction", offered, amount=Decimal("650.00"))
    assert otherwise.values["agreed_amount"] == Decimal("650.00")
    assert otherwise.open_offer is OfferStatus.SUPERSEDED
    assert otherwise.offer is not None
    assert otherwise.offer["status"] == "accepted"


def test_without_an_open_offer_an_agreement_says_its_amount() -> None:
    assert refused("agree_reduction", INVOICE) == ("amount",)
    assert refused("agree_reduction", INVOICE, amount=None) == ("amount",)


@pytest.mark.parametrize("amount", ["-1.00", "0.00", "1000.01"])
@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
def test_an_agreement_is_above_0_and_at_most_what_is_billed(role: Role, amount: str) -> None:
    offered = replace(INVOICE, open_offer=Decimal("700.00"), floor=None)
    assert refused("agree_reduction", offered, role, amount=Decimal(amount)) == ("amount",)


def test_a_condition_does_not_end_in_the_past() -> None:
    given: dict[str, Any] = {"amount": Decimal("700.00"), "conditional_until": YESTERDAY}
    assert refused("agree_reduction", INVOICE, **given) == ("conditional_until",)


def test_below_the_floor_only_an_administrator_agrees() -> None:
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
def test_a_reason_is_not_empty(name: str, reason: str) -> None:
    assert refused(name, AGREED, Role.ADMIN, reason=reason, payer_id=UUID(int=9)) == ("reason",)


def test_a_negotiation_that_is_declined_leaves_the_ledger() -> None:
    assert effect("decline_reduction", INVOICE, reason="no") == Outcome(open_offer=OfferStatus.DECLINED)


@pytest.mark.parametrize(
    ("name", "becomes"), [("reopen_reduction", OfferStatus.SUPERSEDED), ("lapse_agreement", OfferStatus.LAPSED)]
)
def test_an_agreement_that_is_undone_leaves_nothing_agreed(name: str, becomes: OfferStatus) -> None:
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
    ("given", "path"),
    [
        ({"denied_on": TOMORROW}, "denied_on"),
        ({"reason_code": "  "}, "reason_code"),
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal("1000.01")}, "amount"),
    ],
)
def test_a_denial_is_of_a_day_that_came_for_a_reason_and_of_what_was_billed(given: dict[str, Any], path: str) -> None:
    assert refused("record_denial", INVOICE, **{"denied_on": TODAY, "reason_code": "CO-50", **given}) == (path,)


def test_another_payer_has_to_be_sent_the_invoice_first() -> None:
    outcome = effect("change_payer", INVOICE, payer_id=UUID(int=9), reason="insured elsewhere")
    assert outcome.values == {"submitted_on": None, "submission_method": None, "payer_id": UUID(int=9)}
    assert refused("change_payer", INVOICE, payer_id=INVOICE.payer_id, reason="the same") == ("payer_id",)


@pytest.mark.parametrize("amount", ["0.01", "799.99"])
def test_a_cheque_pays_a_part(amount: str) -> None:
    outcome = effect("record_cheque", AGREED, amount=Decimal(amount), received_on=YESTERDAY)
    assert outcome.values == {"received_amount": Decimal(amount)}


def test_the_cheque_that_completes_it_says_when_it_was_fully_paid() -> None:
    half = replace(AGREED, received=Decimal("500.00"))
    outcome = effect("allocate_cheque", half, amount=Decimal("300.00"), received_on=YESTERDAY)
    assert outcome.values == {"received_amount": Decimal("800.00"), "fully_paid_on": YESTERDAY}


@pytest.mark.parametrize("name", ["record_cheque", "allocate_cheque"])
@pytest.mark.parametrize("amount", ["-1.00", "0.00", "300.01", "800.00"])
def test_an_allocation_is_above_0_and_at_most_the_balance(name: str, amount: str) -> None:
    half = replace(AGREED, received=Decimal("500.00"))
    assert refused(name, half, amount=Decimal(amount), received_on=TODAY) == ("amount",)


def test_what_a_returned_cheque_paid_is_owed_again() -> None:
    paid = replace(AGREED, status=InvoiceStatus.PAID, received=Decimal("800.00"))
    outcome = effect("return_cheque", paid, amount=Decimal("300.00"))
    assert outcome.values == {"received_amount": Decimal("500.00"), "fully_paid_on": None, "paid_on": None}


def test_what_a_returned_cheque_paid_of_a_written_off_invoice_is_written_off_too() -> None:
    given_up = replace(
        AGREED, status=InvoiceStatus.WRITTEN_OFF, received=Decimal("300.00"), written_off=Decimal("500.00")
    )
    outcome = effect("return_cheque", given_up, amount=Decimal("300.00"))
    assert outcome.values == {"received_amount": Decimal(0), "written_off_amount": Decimal("800.00")}


def test_what_is_left_is_written_off() -> None:
    half = replace(AGREED, received=Decimal("500.00"))
    outcome = effect("write_off_invoice", half, Role.ADMIN, reason="case lost")
    assert outcome.values == {"written_off_amount": Decimal("300.00")}
    assert outcome.open_offer is OfferStatus.DECLINED
    assert effect("write_off_invoice", INVOICE, Role.ADMIN, reason="lost").values == {
        "written_off_amount": Decimal("1000.00")
    }


def test_a_void_invoice_owes_nothing_and_loses_nothing() -> None:
    assert effect("void_invoice", INVOICE, Role.ADMIN, reason="wrong patient").values == {}


def test_settling_says_when_it_was_paid_and_opening_again_takes_it_back() -> None:
    assert effect("settle_case", AGREED).values == {"paid_on": TODAY}
    assert effect("reopen_case", AGREED, Role.ADMIN, reason="one more").values == {"paid_on": None}
