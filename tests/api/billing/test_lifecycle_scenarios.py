"""The GraphQL API alone takes an invoice through every life cycle that the transitions allow; each test is one scenario."""

from datetime import timedelta
from typing import Any

import pytest

from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from tests.conftest import SignIn
from tests.support.api.mutations import CASE, done, refused
from tests.support.api.records import nothing_changes, today
from tests.support.api.scenarios import CHEQUE, INVOICE, SETTLED, TODAY, Clinic, allowed, broken_laws, transition_names
from tests.support.client import Client


def offers(invoice: Any) -> list[tuple[int, str, str, str]]:
    """The rounds of a negotiation: number, party, amount, status."""
    made = invoice["negotiation"]["offers"]
    return sorted((offer["round"], offer["party"], offer["amount"], offer["status"]) for offer in made)


def test_a_negotiation_of_three_rounds_ends_in_a_cheque_and_a_settled_case(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    requested = clinic.step("requestReduction", invoice, amount="500.00", reason="Little insurance")
    assert (requested["status"], requested["balance"], requested["agreedAmount"]) == (
        "PENDING_REDUCTION",
        "1000.00",
        None,
    )
    clinic.step("counterReduction", invoice, party="CLINIC", amount="900.00", note="Not so low")
    third = clinic.step("counterReduction", invoice, party="PAYER", amount="750.00")
    assert third["negotiation"]["openOffer"] == {"amount": "750.00"}
    assert third["negotiation"]["reductionAmount"] is None
    agreed = clinic.step("agreeReduction", invoice)
    assert offers(agreed) == [
        (1, "PAYER", "500.00", "SUPERSEDED"),
        (2, "CLINIC", "900.00", "SUPERSEDED"),
        (3, "PAYER", "750.00", "ACCEPTED"),
    ]
    assert (agreed["status"], agreed["agreedAmount"], agreed["balance"]) == ("PENDING_CHEQUE", "750.00", "750.00")
    assert agreed["negotiation"]["reductionAmount"] == "250.00"
    cheque = clinic.pays("750.00", {invoice: "750.00"})
    assert cheque["allocations"] == [
        {
            "amount": "750.00",
            "effectiveOn": TODAY,
            "invoice": {"id": invoice, "status": "CHEQUE_RECEIVED", "balance": "0.00"},
        }
    ]
    settled = clinic.settles(agreed["case"]["id"])
    assert (settled["status"], settled["settledOn"]) == ("SETTLED", TODAY)
    paid = clinic.look(invoice)
    assert (paid["status"], paid["paidOn"], paid["fullyPaidOn"], paid["balance"]) == ("PAID", TODAY, TODAY, "0.00")
    assert transition_names(paid) == [
        "create_invoice",
        "submit_invoice",
        "request_reduction",
        "counter_reduction",
        "counter_reduction",
        "agree_reduction",
        "record_cheque",
        "settle_case",
    ]
    assert {event["by"]["name"] for event in paid["history"]} == {"Bill Ingfield"}


def test_an_invoice_that_is_accepted_in_full_is_paid_in_full(clinic: Clinic) -> None:
    invoice = clinic.submitted("120.50")
    accepted = clinic.step("acceptInFull", invoice)
    assert (accepted["agreedAmount"], accepted["negotiation"]["reductionAmount"]) == ("120.50", "0.00")
    clinic.pays("120.50", {invoice: "120.50"})
    clinic.settles(accepted["case"]["id"])
    assert clinic.look(invoice)["status"] == "PAID"


def test_a_denied_invoice_is_submitted_again(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    clinic.step("requestReduction", invoice, amount="10.00")
    appeal = (today() + timedelta(days=30)).isoformat()
    denied = clinic.step(
        "recordDenial", invoice, deniedOn=TODAY, reasonCode="CO-50", amount="400.00", note="Why?", appealDueOn=appeal
    )
    assert (denied["status"], denied["submittedOn"]) == ("PENDING_INVOICE", None)
    assert offers(denied) == [(1, "PAYER", "10.00", "DECLINED")]
    assert denied["denials"] == [
        {"reasonCode": "CO-50", "deniedOn": TODAY, "amount": "400.00", "note": "Why?", "appealDueOn": appeal}
    ]
    assert list(allowed(denied)) == [
        "submit_invoice",
        "record_denial",
        "record_cheque",
        "allocate_cheque",
        "post_remittance",
        "correct_cheque",
        "move_allocation",
        "change_payer",
        "transfer_balance",
        "replace_invoice",
    ]
    again = clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="PORTAL")
    assert (again["submittedOn"], again["status"]) == (TODAY, "PENDING_INVOICE")
    assert clinic.step("acceptInFull", invoice)["agreedAmount"] == "1000.00"


def test_a_denial_is_not_before_the_submission_and_its_appeal_not_before_the_denial(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    yesterday = (today() - timedelta(days=1)).isoformat()
    denial = {"invoiceId": invoice, "reasonCode": "50"}
    for days, path in (
        ({"deniedOn": yesterday}, ["input", "deniedOn"]),
        ({"deniedOn": "2001-06-01", "appealDueOn": "2000-01-01"}, ["input", "deniedOn"]),
        ({"deniedOn": TODAY, "appealDueOn": yesterday}, ["input", "appealDueOn"]),
    ):
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "recordDenial", INVOICE, **denial, **days)
        assert (error["code"], error["path"]) == ("INVALID_INPUT", path)
    assert done(clinic.billing, "recordDenial", INVOICE, **denial, deniedOn=TODAY, appealDueOn=TODAY)["denials"] != []


def test_a_retired_or_unknown_payer_is_refused(clinic: Clinic) -> None:
    invoice = clinic.invoice("1000.00")
    other = done(clinic.billing, "createPayer", "payer { id }", name="Soon Retired Mutual", kind="INSURANCE")["id"]
    done(clinic.billing, "retirePayer", "payer { id }", payerId=other)
    unknown = clinic.found.unknown("Payer"), clinic.found.foreign["Payer"]
    with nothing_changes(clinic.address):
        for payer, code in ((other, "CONFLICT"), *((identity, "NOT_FOUND") for identity in unknown)):
            error = refused(clinic.billing, "changePayer", INVOICE, invoiceId=invoice, payerId=payer, reason="Moved")
            assert (error["code"], error["path"]) == (code, ["input", "payerId"])


def test_a_declined_reduction_leaves_the_invoice_at_its_billed_amount(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    clinic.step("requestReduction", invoice, amount="10.00")
    declined = clinic.step("declineReduction", invoice, reason="Too little")
    assert (declined["status"], declined["balance"], declined["submittedOn"]) == ("PENDING_INVOICE", "1000.00", TODAY)
    assert offers(declined) == [(1, "PAYER", "10.00", "DECLINED")]
    assert {"field": "reason", "before": None, "after": "Too little"} in declined["history"][-1]["changes"]


def test_a_blank_text_counts_as_absent(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    requested = clinic.step("requestReduction", invoice, amount="10.00", reason=" \n ")
    assert (requested["negotiation"]["offers"][0]["reason"], requested["history"][-1]["changes"]) == (None, [])


def test_a_reopened_agreement_is_negotiated_further(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    clinic.step("requestReduction", invoice, amount="700.00")
    until = (today() + timedelta(days=14)).isoformat()
    agreed = clinic.step("agreeReduction", invoice, conditionalUntil=until)
    assert agreed["negotiation"]["conditionalUntil"] == until
    reopened = clinic.step("reopenReduction", invoice, reason="They cannot pay that")
    assert (reopened["status"], reopened["agreedAmount"], reopened["balance"]) == ("PENDING_REDUCTION", None, "1000.00")
    assert reopened["negotiation"]["conditionalUntil"] is None
    assert offers(reopened) == [(1, "PAYER", "700.00", "SUPERSEDED")]
    error = refused(clinic.billing, "agreeReduction", INVOICE, invoiceId=invoice)
    assert error["message"].startswith("There is no open offer")
    again = clinic.step("agreeReduction", invoice, amount="650.00")
    assert offers(again)[1:] == [(2, "CLINIC", "650.00", "ACCEPTED")]


def test_only_an_administrator_agrees_below_the_floor(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    done(
        clinic.billing, "setNegotiationLimits", INVOICE, invoiceId=invoice, floorAmount="600.00", targetAmount="800.00"
    )
    clinic.step("requestReduction", invoice, amount="599.99")
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "agreeReduction", INVOICE, invoiceId=invoice)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "amount"])
    assert clinic.step("agreeReduction", invoice, clinic.admin)["agreedAmount"] == "599.99"


# Voided and written-off invoices.


def test_an_invoice_issued_in_error_is_voided_and_keeps_its_number(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    void = clinic.step("voidInvoice", invoice, clinic.admin, reason="Wrong patient")
    assert (void["status"], void["balance"], void["writtenOffAmount"]) == ("VOID", "0.00", "0.00")
    assert list(allowed(void)) == []
    following = clinic.look(clinic.invoice())["number"]
    assert int(following.split("-")[2]) == int(void["number"].split("-")[2]) + 1


def test_an_invoice_for_which_money_was_received_is_voided_only_when_the_money_was_returned(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    cheque = clinic.pays("10.00", {invoice: "10.00"})["id"]
    with nothing_changes(clinic.address):
        error = refused(clinic.admin, "voidInvoice", INVOICE, invoiceId=invoice, reason="Too late")
    words = "Money has been received for the invoice; first: Move an allocation (moveAllocation)"
    assert (error["code"], error["message"]) == ("ILLEGAL_TRANSITION", words)
    clinic.bounces(cheque)
    assert clinic.step("voidInvoice", invoice, clinic.admin, reason="Wrong patient")["status"] == "VOID"


def test_the_balance_after_a_partial_payment_is_written_off(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    clinic.step("requestReduction", invoice, amount="700.00")
    clinic.step("agreeReduction", invoice)
    clinic.pays("300.00", {invoice: "300.00"})
    lost = clinic.step("writeOffInvoice", invoice, clinic.admin, reason="Case dropped")
    assert (lost["status"], lost["writtenOffAmount"], lost["receivedAmount"]) == ("WRITTEN_OFF", "400.00", "300.00")
    assert lost["balance"] == "0.00"


def test_an_open_offer_ends_with_its_invoice(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    clinic.step("requestReduction", invoice, amount="700.00")
    lost = clinic.step("writeOffInvoice", invoice, clinic.admin, reason="Case dropped")
    assert (offers(lost), lost["writtenOffAmount"]) == ([(1, "PAYER", "700.00", "DECLINED")], "1000.00")


@pytest.mark.parametrize("name", ["voidInvoice", "writeOffInvoice", "reopenCase"])
def test_billing_staff_have_no_such_mutation(clinic: Clinic, name: str) -> None:
    query = f"mutation {{ {name}(input: {{}}) {{ __typename }} }}"
    assert clinic.billing.refusals(query)[0].startswith(f"Cannot query field '{name}'")


# Cases.


def test_a_case_is_settled_as_a_whole_or_not_at_all(clinic: Clinic) -> None:
    case = clinic.case()
    covered, waiting = clinic.agreed("10.00", case), clinic.agreed("20.00", case)
    void = clinic.invoice("5.00", case)
    clinic.step("voidInvoice", void, clinic.admin, reason="Twice")
    clinic.pays("10.00", {covered: "10.00"})
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "settleCase", SETTLED, caseId=case)
    assert (error["code"], error["currentStatus"]) == ("ILLEGAL_TRANSITION", "PENDING_CHEQUE")
    assert clinic.look(waiting)["number"] in error["message"]
    clinic.pays("20.00", {waiting: "20.00"})
    settled = clinic.settles(case)
    states = {invoice["id"]: invoice["status"] for invoice in settled["invoices"]["nodes"]}
    assert states == {covered: "PAID", waiting: "PAID", void: "VOID"}


def test_a_case_without_invoices_or_with_none_that_is_covered_is_not_settled(clinic: Clinic) -> None:
    case = clinic.case()
    assert refused(clinic.billing, "settleCase", SETTLED, caseId=case)["code"] == "CONFLICT"
    clinic.step("voidInvoice", clinic.invoice("5.00", case), clinic.admin, reason="Twice")
    error = refused(clinic.billing, "settleCase", SETTLED, caseId=case)
    assert (error["code"], error["currentStatus"]) == ("ILLEGAL_TRANSITION", "VOID")


def test_a_settled_case_takes_a_new_invoice_only_when_an_administrator_has_reopened_it(clinic: Clinic) -> None:
    case = clinic.case()
    invoice = clinic.agreed("10.00", case)
    clinic.pays("10.00", {invoice: "10.00"})
    clinic.settles(case)
    line = {"code": "A4556"}
    of = {"caseId": case, "payerId": clinic.payer, "serviceDate": "2026-03-02"}
    draft = {**of, "lines": [line], "confirmDuplicate": True}
    with nothing_changes(clinic.address):
        assert refused(clinic.billing, "createInvoice", INVOICE, **draft)["code"] == "CONFLICT"
    reopened = done(clinic.admin, "reopenCase", SETTLED, caseId=case, reason="One more visit")
    assert (reopened["status"], reopened["settledOn"]) == ("OPEN", None)
    now = clinic.look(invoice)
    assert (now["status"], now["paidOn"], transition_names(now)[-1]) == ("CHEQUE_RECEIVED", None, "reopen_case")
    assert done(clinic.billing, "createInvoice", INVOICE, **draft)["status"] == "PENDING_INVOICE"


def test_a_new_payer_has_to_be_sent_the_invoice_first(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    insurance = clinic.another_payer(clinic.look(invoice))
    moved = clinic.step("changePayer", invoice, payerId=insurance, reason="Insured elsewhere")
    assert (moved["payer"]["id"], moved["submittedOn"], moved["status"]) == (insurance, None, "PENDING_INVOICE")
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="MAIL")
    clinic.step("acceptInFull", invoice)
    with nothing_changes(clinic.address):
        inputs = clinic.cheque_of("100.00", {invoice: "100.00"}, documentId=clinic.found.unknown("Upload"))
        refused(clinic.billing, "recordCheque", CHEQUE, **inputs)
    stranger = done(clinic.billing, "createPayer", "payer { id }", name="Stranger Mutual", kind="INSURANCE")["id"]
    wrong_payer = clinic.cheque_of("100.00", {invoice: "100.00"})
    error = refused(clinic.billing, "recordCheque", CHEQUE, **{**wrong_payer, "payerId": stranger})
    assert error["message"].startswith("This payer was never responsible for the invoice")
    done(clinic.billing, "recordCheque", CHEQUE, **{**wrong_payer, "payerId": insurance})
    assert clinic.look(invoice)["status"] == "CHEQUE_RECEIVED"


# Attorneys.

SEEN = "query ($id: ID!) { invoice(id: $id) { number status billedAmount case { number } } }"


def test_a_case_s_change_of_attorney_applies_to_its_invoices_at_once(
    clinic: Clinic, sign_in: SignIn, attorney: Client, own_attorney: str
) -> None:
    assert attorney is sign_in(Role.ATTORNEY)
    case = clinic.case(attorneyId=own_attorney)
    invoice = clinic.submitted("100.00", case)
    assert attorney.read(SEEN, id=invoice)["invoice"]["billedAmount"] == "100.00"
    other = clinic.found.own["Attorney"]
    assert other != own_attorney
    done(clinic.billing, "assignAttorney", CASE, caseId=case, attorneyId=other)
    unknown = attorney.post(SEEN, id=clinic.found.unknown("Invoice"))
    assert attorney.post(SEEN, id=invoice).content == unknown.content
    clinic.step("acceptInFull", invoice)
    clinic.pays("100.00", {invoice: "100.00"})
    assert attorney.read(SEEN, id=invoice)["invoice"] is None
    done(clinic.billing, "assignAttorney", CASE, caseId=case, attorneyId=own_attorney)
    assert attorney.read(SEEN, id=invoice)["invoice"]["status"] == "CHEQUE_RECEIVED"
    clinic.settles(case)
    assert attorney.read(SEEN, id=invoice)["invoice"]["status"] == "PAID"


def test_an_attorney_cannot_see_a_void_invoice(clinic: Clinic, attorney: Client, own_attorney: str) -> None:
    invoice = clinic.submitted("100.00", clinic.case(attorneyId=own_attorney))
    clinic.step("voidInvoice", invoice, clinic.admin, reason="Wrong case")
    assert attorney.read(SEEN, id=invoice)["invoice"] is None


def test_after_these_scenarios_every_law_of_the_records_holds(clinic: Clinic) -> None:
    clinic.in_state(InvoiceStatus.PAID)
    assert broken_laws(clinic.address) == ()
