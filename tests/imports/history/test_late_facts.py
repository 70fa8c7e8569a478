"""What an invoice history does with money and denials of days that a decision has overtaken."""

import json
from datetime import date
from decimal import Decimal

import pytest

from domain.billing.invoices import InvoiceStatus
from domain.billing.negotiation import Party, SubmissionMethod
from imports.history.invoice_history import InvoiceHistory
from tests.imports.test_invoice_history import CHEQUE, OTHER, agreed, day, rows, submitted

Status = InvoiceStatus


def lapsed() -> InvoiceHistory:
    history = agreed(until=day(10))
    history.lapse_agreement(day(11))
    return history


def statuses(history: InvoiceHistory) -> list[str]:
    return [offer["status"] for offer in rows(history)["reduction_offers"]]


def test_the_offer_of_a_revived_agreement_is_accepted_again() -> None:
    history = lapsed()
    assert statuses(history) == ["superseded", "lapsed"]
    history.apply(day(12), "revive_agreement", role=None)
    assert statuses(history) == ["superseded", "accepted"]
    [agreement] = rows(history)["agreements"]
    assert (agreement["ended_on"], agreement["ended_by"]) == (None, None)
    assert (history.status, history.unpaid) == (Status.PENDING_CHEQUE, Decimal("700.00"))
    assert rows(history)["invoice_events"][-1]["by_user_id"] is None
    history.apply_cheque(day(12), CHEQUE, Decimal("700.00"), received_on=day(10))
    assert (history.status, history.row["fully_paid_on"]) == (Status.CHEQUE_RECEIVED, day(10))


def test_an_agreement_that_late_money_has_covered_is_revived_as_covered() -> None:
    history = lapsed()
    history.apply_cheque(day(12), CHEQUE, Decimal("700.00"))
    assert (history.status, history.unpaid) == (Status.PENDING_REDUCTION, Decimal("300.00"))
    history.apply(day(13), "revive_agreement", role=None)
    assert (history.status, statuses(history)) == (Status.CHEQUE_RECEIVED, ["superseded", "accepted"])


def test_the_offer_of_a_revived_agreement_is_accepted_again_although_a_newer_offer_has_expired() -> None:
    history = lapsed()
    history.counter_reduction(day(11), Party.CLINIC, Decimal("900.00"))
    history.expire_offer()
    history.apply(day(12), "revive_agreement", role=None)
    assert statuses(history) == ["superseded", "accepted", "expired"]


@pytest.mark.parametrize("denied_on", [day(1), day(2)])
def test_a_denial_of_a_day_before_the_present_payer_owes_is_a_record_alone(denied_on: date) -> None:
    history = submitted()
    history.apply(day(3), "transfer_balance", payer_id=OTHER, reason="other")
    history.submit_invoice(day(4), SubmissionMethod.FAX)
    history.request_reduction(day(5), Decimal("500.00"))
    history.apply(day(6), "record_denial", denied_on=denied_on, reason_code="LATE")
    written = rows(history)
    assert [denial["denied_on"] for denial in written["denials"]] == [denied_on]
    event = written["invoice_events"][-1]
    assert (event["transition"], event["from_status"], event["to_status"], json.loads(event["changes"])) == (
        "record_denial",
        Status.PENDING_REDUCTION,
        Status.PENDING_REDUCTION,
        [],
    )
    assert (statuses(history), history.row["submitted_on"]) == (["open"], day(4))
