"""Posting remittances: allocations, contractual adjustments, denials and what is taken back, in one step for each payment."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.payments.cheques import PaymentMethod
from domain.remittances.remittance import ProviderAdjustment, RemittedClaim
from tests.api.payments.paying import CHEQUE, electronic
from tests.api.remittances.remitting import (
    REMITTANCE,
    claim,
    claims_of,
    imported,
    look,
    money,
    number_of,
    of_lines,
    payment,
    posted,
    remitted_line,
)
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import nothing_changes, today, uuid_of
from tests.support.api.scenarios import TODAY, Clinic, allocations, broken_laws
from tests.support.databases import rows

_ADJUSTMENTS = """select adjustment_group, reason_code, remark_codes, amount::text, line_id is not null as of_line, cheque_id is not null
    as of_payment from invoice_adjustments where invoice_id = $1 order by number"""
_DENIALS = """select adjustment_group, reason_code, amount::text, line_id is not null as of_line, cheque_id is not null as of_payment
    from denials where invoice_id = $1 order by reason_code"""


def adjustments(clinic: Clinic, invoice: str) -> list[tuple[Any, ...]]:
    """The stored adjustments of an invoice."""
    return [tuple(row) for row in rows(clinic.address, _ADJUSTMENTS, uuid_of(invoice))]


def denials(clinic: Clinic, invoice: str) -> list[tuple[Any, ...]]:
    """The stored denials of an invoice."""
    return [tuple(row) for row in rows(clinic.address, _DENIALS, uuid_of(invoice))]


def full(clinic: Clinic, invoice: str, price: str = "100.00", **values: Any) -> RemittedClaim:
    """A claim that pays all of an invoice."""
    return claim(number_of(clinic, invoice), price, price, **values)


def test_contractual_adjustments_are_recorded_by_line_with_their_reasons(clinic: Clinic) -> None:
    invoice = of_lines(clinic, ("A4556", "100.00"), ("L0120", "50.00"))
    lines = (
        remitted_line(1, "100.00", "70.00", "CO-45 20.00", "PR-2 10.00", code="A4556", remark_codes=("N1",)),
        remitted_line(2, "50.00", "35.00", "OA-18 5.00", "CO-45 10.00", code="L0120"),
    )
    posted(clinic, imported(clinic, payment(claim(number_of(clinic, invoice), "150.00", "105.00", lines=lines))))
    assert adjustments(clinic, invoice) == [
        ("co", "45", ["N1"], "20.00", True, True),
        ("oa", "18", [], "5.00", True, True),
        ("co", "45", [], "10.00", True, True),
    ]
    now = clinic.look(invoice)
    assert (now["receivedAmount"], now["balance"], now["status"]) == ("105.00", "10.00", "PENDING_INVOICE")
    assert now["history"][-1]["transition"] == "post_remittance"


def test_an_adjustment_of_the_claim_concerns_the_whole_invoice(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    posted(clinic, imported(clinic, payment(claim(number_of(clinic, invoice), "100.00", "60.00", "CO-45 40.00"))))
    assert adjustments(clinic, invoice) == [("co", "45", [], "40.00", False, True)]
    now = clinic.look(invoice)
    assert (now["balance"], now["status"], now["fullyPaidOn"]) == ("0.00", "CHEQUE_RECEIVED", TODAY)


def test_a_denied_line_and_a_denied_claim_are_records_that_move_nothing(clinic: Clinic) -> None:
    invoice, other = of_lines(clinic, ("A4556", "100.00"), ("L0120", "50.00")), clinic.submitted("80.00")
    lines = (
        remitted_line(1, "100.00", "100.00", code="A4556"),
        remitted_line(2, "50.00", "0.00", "CO-50 50.00", code="L0120"),
    )
    partly = claim(number_of(clinic, invoice), "150.00", "100.00", lines=lines)
    whole = claim(number_of(clinic, other), "80.00", "0.00", "CO-29 80.00", status_code="4")
    now = posted(clinic, imported(clinic, payment(partly, whole)))
    assert now["postedCount"] == 2
    assert denials(clinic, invoice) == [("co", "50", "50.00", True, True)]
    assert denials(clinic, other) == [("co", "29", "80.00", False, True)]
    assert adjustments(clinic, invoice) == adjustments(clinic, other) == []
    assert [clinic.look(one)["balance"] for one in (invoice, other)] == ["50.00", "80.00"]
    assert clinic.look(other)["status"] == "PENDING_INVOICE"
    assert clinic.look(other)["submittedOn"] == TODAY


def test_some_claims_are_posted_and_the_others_later_to_the_same_payment(clinic: Clinic) -> None:
    first, second = clinic.submitted("100.00"), clinic.submitted("50.00")
    came = imported(clinic, payment(full(clinic, first), full(clinic, second, "50.00")))
    one, two = claims_of(came)
    now = posted(clinic, came, one)
    assert [of["isPosted"] for of in claims_of(now)] == [True, False]
    cheque = now["payments"][0]["cheque"]
    assert (cheque["amount"], cheque["unappliedAmount"]) == ("150.00", "50.00")
    assert clinic.look(second)["balance"] == "50.00"
    now = posted(clinic, came, one, two)
    assert [of["isPosted"] for of in claims_of(now)] == [True, True]
    assert (now["payments"][0]["cheque"]["id"], now["payments"][0]["cheque"]["unappliedAmount"]) == (
        cheque["id"],
        "0.00",
    )
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "postRemittance", REMITTANCE, remittanceId=came["id"])
    assert error["message"] == "Everything of this remittance that can be posted is posted"


def test_a_claim_that_its_invoice_cannot_take_waits_with_the_reason_and_the_others_are_posted(clinic: Clinic) -> None:
    good, agreed, paid, void = (clinic.submitted("100.00") for _ in range(4))
    clinic.step("requestReduction", agreed, amount="60.00")
    clinic.step("agreeReduction", agreed)
    clinic.pays("100.00", {paid: "100.00"})
    sent = [claim(number_of(clinic, one), "100.00", "60.00", "CO-45 40.00") for one in (good, agreed, paid, void)]
    came = imported(clinic, payment(*sent))
    clinic.step("voidInvoice", void, clinic.admin, reason="Wrong")
    now = posted(clinic, came)
    assert [one["isPosted"] for one in claims_of(now)] == [True, False, False, False]
    assert now["payments"][0]["cheque"]["unappliedAmount"] == "180.00"
    reasons = [one["reason"] for one in claims_of(now)]
    assert reasons[0] is None
    assert "agreed upon" in reasons[1]
    assert "reopenReduction" in reasons[1]
    assert reasons[2]
    assert "VOID" in reasons[3]
    assert [one["status"] for one in claims_of(now)] == ["MATCHED"] * 4
    assert [adjustments(clinic, one) for one in (agreed, paid, void)] == [[], [], []]
    # Once what stands in the way is gone, it is posted to the same payment.
    clinic.step("reopenReduction", agreed, reason="The remittance says otherwise")
    assert posted(clinic, came)["postedCount"] == 2
    assert clinic.look(agreed)["balance"] == "0.00"


def test_a_payment_of_which_nothing_can_be_posted_is_not_recorded(clinic: Clinic) -> None:
    invoice = clinic.invoice("100.00")
    came = imported(clinic, payment(full(clinic, invoice)))
    now = posted(clinic, came)
    assert (now["payments"][0]["cheque"], claims_of(now)[0]["isPosted"]) == (None, False)
    assert "submitInvoice" in claims_of(now)[0]["reason"]
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
    assert posted(clinic, came)["postedCount"] == 1


def test_a_payer_who_never_owed_the_invoice_waits_for_a_transfer(clinic: Clinic) -> None:
    other = done(clinic.billing, "createPayer", "payer { id }", name="Not Responsible Mutual", kind="INSURANCE")["id"]
    invoice = clinic.submitted("100.00")
    came = imported(clinic, payment(full(clinic, invoice), payer_name="Not Responsible Mutual", payer_identifier="1"))
    now = posted(clinic, came)
    assert "transferBalance" in claims_of(now)[0]["reason"]
    clinic.step("transferBalance", invoice, payerId=other, reason="OTHER")
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
    assert posted(clinic, came)["postedCount"] == 1


@pytest.mark.parametrize("method", [PaymentMethod.ACH, PaymentMethod.WIRE, PaymentMethod.PAPER])
def test_a_payment_that_was_typed_before_its_file_is_found_and_its_allocations_count(
    clinic: Clinic, method: PaymentMethod
) -> None:
    first, second = clinic.submitted("100.00"), clinic.submitted("80.00")
    trace = f"TYPED-{method.value}"
    typed = electronic(clinic, "140.00", {first: "60.00"}, number=trace.lower(), receivedOn=TODAY)
    cheque = done(clinic.billing, "recordCheque", CHEQUE, **typed)["id"]
    sent = (
        claim(number_of(clinic, first), "100.00", "75.00", "CO-45 25.00"),
        claim(number_of(clinic, second), "80.00", "65.00", "CO-45 15.00"),
    )
    now = posted(clinic, imported(clinic, payment(*sent, trace=trace, method=method)))
    [of] = now["payments"]
    assert (of["isAttached"], of["cheque"]["id"], of["cheque"]["unappliedAmount"]) == (True, cheque, "0.00")
    assert sorted(one["amount"] for one in of["cheque"]["allocations"]) == ["15.00", "60.00", "65.00"]
    assert [clinic.look(one)["balance"] for one in (first, second)] == ["0.00", "0.00"]


def test_a_payment_that_was_typed_with_another_amount_waits_for_its_correction(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    cheque = done(clinic.billing, "recordCheque", CHEQUE, **electronic(clinic, "90.00", number="WRONG-AMOUNT"))["id"]
    came = imported(clinic, payment(full(clinic, invoice), trace="WRONG-AMOUNT"))
    now = posted(clinic, came)
    assert "correctCheque" in now["payments"][0]["reason"]
    assert "$90.00" in claims_of(now)[0]["reason"]
    done(clinic.billing, "correctCheque", CHEQUE, chequeId=cheque, amount="100.00", reason="Typed wrong")
    now = posted(clinic, came)
    assert (now["postedCount"], now["payments"][0]["isAttached"], now["payments"][0]["reason"]) == (1, True, None)


def test_more_than_the_claim_pays_was_allocated_by_hand(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    done(clinic.billing, "recordCheque", CHEQUE, **electronic(clinic, "80.00", {invoice: "80.00"}, number="TOO-MUCH"))
    sent = (
        claim(number_of(clinic, invoice), "100.00", "70.00", "CO-45 30.00"),
        full(clinic, clinic.submitted("10.00"), "10.00"),
    )
    now = posted(clinic, imported(clinic, payment(*sent, trace="TOO-MUCH")))
    assert "moveAllocation" in claims_of(now)[0]["reason"]
    assert now["postedCount"] == 0


def test_a_reversal_takes_the_earlier_payment_back_and_a_corrected_claim_pays_anew(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    number = number_of(clinic, invoice)
    first = claim(number, "100.00", "80.00", "CO-45 20.00", payer_number="PCN-77")
    posted(clinic, imported(clinic, payment(first, paid_on=today() - timedelta(days=0))))
    back = claim(number, "-100.00", "-80.00", "CO-45 -20.00", status_code="22", payer_number="PCN-77")
    again = claim(number, "100.00", "90.00", "CO-45 10.00", payer_number="PCN-78")
    came = imported(clinic, payment(again, back))
    assert [one["status"] for one in claims_of(came)] == ["MATCHED", "REVERSAL"]
    now = posted(clinic, came)
    [of] = now["payments"]
    assert (of["cheque"]["amount"], of["cheque"]["unappliedAmount"]) == ("10.00", "0.00")
    found = rows(
        clinic.address,
        "select amount::text, reversal_kind from cheque_allocations where invoice_id = $1 order by recorded_at, amount",
        uuid_of(invoice),
    )
    assert [tuple(row) for row in found] == [("80.00", None), ("-80.00", "taken_back"), ("90.00", None)]
    seen = clinic.look(invoice)
    assert (seen["receivedAmount"], seen["balance"], seen["status"]) == ("90.00", "0.00", "CHEQUE_RECEIVED")
    assert [row[3] for row in adjustments(clinic, invoice)] == ["20.00", "-20.00", "10.00"]
    bounced = clinic.billing.read("{ cheques(filter: {returned: true}, first: 500) { nodes { id } } }")["cheques"][
        "nodes"
    ]
    assert of["cheque"]["id"] not in [one["id"] for one in bounced]


def test_a_reversal_is_found_by_the_payers_number_where_ours_is_not_known(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    posted(clinic, imported(clinic, payment(full(clinic, invoice, payer_number="PCN-88"))))
    back = claim("0", "-100.00", "-100.00", status_code="22", payer_number="PCN-88")
    other = clinic.submitted("130.00")
    came = imported(clinic, payment(back, full(clinic, other, "130.00")))
    assert claims_of(came)[0]["invoice"]["id"] == invoice
    # The money that is taken back pays for the other claim: neither can be posted alone.
    with_one = posted(clinic, came, claims_of(came)[1])
    assert with_one["postedCount"] == 0
    assert "takes back first" in claims_of(with_one)[1]["reason"]
    assert posted(clinic, came)["postedCount"] == 2
    assert (clinic.look(invoice)["balance"], clinic.look(other)["balance"]) == ("100.00", "0.00")


def test_a_reversal_of_what_was_never_paid_waits(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    back = claim(number_of(clinic, invoice), "-100.00", "-40.00", "CO-45 -60.00", status_code="22")
    paid = full(clinic, clinic.submitted("100.00"))
    now = posted(clinic, imported(clinic, payment(back, paid)))
    assert [one["isPosted"] for one in claims_of(now)] == [False, False]
    assert "recordCheque" in claims_of(now)[0]["reason"]


def test_a_payment_of_nothing_and_one_of_interest_alone_are_posted(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    nothing = payment(claim(number_of(clinic, invoice), "100.00", "0.00", "PR-1 100.00"))
    now = posted(clinic, imported(clinic, nothing))
    assert now["payments"][0]["cheque"]["amount"] == "0.00"
    [found] = claims_of(now)
    assert [(one["kind"], one["amount"], one["reason"]) for one in found["proposals"]] == [
        ("TRANSFER_BALANCE", "100.00", "DEDUCTIBLE")
    ]
    interest = payment(provider_adjustments=(ProviderAdjustment("L6", money("-3.21")),))
    now = posted(clinic, imported(clinic, interest))
    assert (now["payments"][0]["cheque"]["amount"], now["payments"][0]["cheque"]["unappliedAmount"]) == ("3.21", "0.00")


def test_a_reason_code_that_is_not_in_the_clinics_list_waits(clinic: Clinic) -> None:
    first, second = clinic.submitted("100.00"), clinic.submitted("100.00")
    listed = done(clinic.billing, "createReasonCode", "reasonCode { id }", code="Q1", label="Above the contract")["id"]
    try:
        sent = (
            claim(number_of(clinic, first), "100.00", "90.00", "CO-Q1 10.00"),
            claim(number_of(clinic, second), "100.00", "90.00", "CO-Q2 10.00"),
        )
        came = imported(clinic, payment(*sent))
        now = posted(clinic, came)
        assert [one["isPosted"] for one in claims_of(now)] == [True, False]
        assert "Q2" in claims_of(now)[1]["reason"]
        assert "createReasonCode" in claims_of(now)[1]["reason"]
    finally:
        done(clinic.billing, "retireReasonCode", "reasonCode { id }", reasonCodeId=listed)
    assert posted(clinic, came)["postedCount"] == 2


def test_a_lapsed_agreement_is_revived_by_money_that_came_in_time_and_late_facts_warn(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    clinic.step("acceptInFull", invoice)
    clinic.step(
        "transferBalance", invoice, payerId=clinic.another_payer(clinic.look(invoice)), reason="OTHER", note="Moved"
    )
    came = imported(clinic, payment(full(clinic, invoice)))
    answer = answered(clinic.billing, "postRemittance", REMITTANCE, remittanceId=came["id"])
    assert answer["errors"] == []
    assert clinic.look(invoice)["balance"] == "0.00"


def test_claims_of_one_invoice_in_one_payment_are_posted_one_after_the_other(clinic: Clinic) -> None:
    invoice = of_lines(clinic, ("A4556", "60.00"), ("L0120", "40.00"))
    number = number_of(clinic, invoice)
    sent = (
        claim(number, "60.00", "60.00", lines=(remitted_line(1, "60.00", "60.00", code="A4556"),)),
        claim(number, "40.00", "40.00", lines=(remitted_line(1, "40.00", "40.00", code="L0120"),)),
    )
    assert posted(clinic, imported(clinic, payment(*sent)))["postedCount"] == 2
    seen = clinic.look(invoice)
    assert (seen["balance"], [one["transition"] for one in seen["history"]][-2:]) == ("0.00", ["post_remittance"] * 2)


def test_a_claim_names_its_coverage_where_the_payer_has_several(clinic: Clinic) -> None:
    case = clinic.case()
    kinds = [
        done(
            clinic.billing,
            "addCoverage",
            "coverage { id }",
            caseId=case,
            payerId=clinic.payer,
            kind="LETTER_OF_PROTECTION",
        )["id"]
        for _ in range(2)
    ]
    invoice = clinic.submitted("100.00", case)
    came = imported(clinic, payment(full(clinic, invoice)))
    now = posted(clinic, came)
    assert "several coverages" in claims_of(now)[0]["reason"]
    matched = {"claimId": claims_of(now)[0]["id"], "invoiceId": invoice, "coverageId": kinds[1]}
    done(clinic.billing, "matchRemittanceClaim", "remittanceClaim { id }", **matched)
    assert claims_of(posted(clinic, came))[0]["coverage"]["id"] == kinds[1]


def test_the_rest_of_a_posted_payment_is_allocated_by_hand(clinic: Clinic) -> None:
    first, second = clinic.submitted("100.00"), clinic.submitted("50.00")
    came = imported(clinic, payment(full(clinic, first), claim("9-NOBODY", "50.00", "50.00")))
    now = posted(clinic, came)
    cheque = now["payments"][0]["cheque"]["id"]
    parts = {"chequeId": cheque, "allocations": allocations({second: "50.00"})}
    assert done(clinic.billing, "allocateCheque", CHEQUE, **parts)["unappliedAmount"] == "0.00"
    done(
        clinic.billing,
        "closeRemittanceClaim",
        "remittanceClaim { id }",
        claimId=claims_of(now)[1]["id"],
        reason="By hand",
    )
    assert look(clinic.billing, came)["waitingCount"] == 0


def test_a_claim_of_another_remittance_is_refused(clinic: Clinic) -> None:
    first, second = (imported(clinic, payment(full(clinic, clinic.submitted("100.00")))) for _ in range(2))
    with nothing_changes(clinic.address):
        chosen = {"remittanceId": first["id"], "claimIds": [claims_of(second)[0]["id"]]}
        error = refused(clinic.billing, "postRemittance", REMITTANCE, **chosen)
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "claimIds", "0"])
    unknown = clinic.found.unknown("Remittance")
    assert refused(clinic.billing, "postRemittance", REMITTANCE, remittanceId=unknown)["code"] == "NOT_FOUND"


def test_a_payment_is_replaced_by_nothing_of_another_payer(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    sent = payment(full(clinic, invoice))
    posted(clinic, imported(clinic, sent))
    again = imported(clinic, replace(sent, trace=f"{sent.trace}-2"))
    now = posted(clinic, again)
    assert now["postedCount"] == 0
    assert claims_of(now)[0]["reason"]


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
