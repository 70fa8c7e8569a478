"""An invoice with wrong lines is replaced: another number, the right lines, and the money that was received."""

from typing import Any

from tests.api.payments.paying import day
from tests.support.api.mutations import NEW, done, refused
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import TODAY, Clinic, backdate, broken_laws, line
from tests.support.client import Client

REPLACED = """invoice { id number status version billedAmount receivedAmount balance createdOn responsibleSince payer { id } encounter { id }
    replaces { id status replacedBy { id } } replacedBy { id } submittedOn responsibilities { number payer { id } reason }
    denials { reasonCode } cheques { amount cheque { id unappliedAmount } } negotiation { agreements { kind endedBy } }
    history { transition changes { field after } } }"""


def look(clinic: Clinic, invoice: str) -> Any:
    query = "query ($id: ID!) { invoice(id: $id) " + REPLACED.removeprefix("invoice ") + " }"
    return clinic.billing.read(query, id=invoice)["invoice"]


def replaced(client: Client, invoice: str, *prices: str, **more: Any) -> Any:
    lines = [line(price) for price in prices]
    inputs = {"lines": lines, "reason": "Two units were billed as one", "confirmDuplicate": True, **more}
    return done(client, "replaceInvoice", REPLACED, invoiceId=invoice, **inputs)


def test_the_new_invoice_takes_the_number_the_money_the_payers_and_the_denials(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    clinic.step("recordDenial", invoice, deniedOn=TODAY, reasonCode="X7")
    firm = clinic.another_payer(clinic.look(invoice))
    clinic.step("transferBalance", invoice, payerId=firm, reason="REFUSED", documentId=clinic.upload())
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="MAIL")
    clinic.pays("300.00", {invoice: "300.00"})
    clinic.pays("200.00", {invoice: "200.00"}, payerId=firm)
    with nothing_changes(clinic.address):
        inputs = {"lines": [line("800.00")], "reason": "Wrong", "confirmDuplicate": True}
        error = refused(clinic.billing, "replaceInvoice", NEW, invoiceId=invoice, **inputs)
    words = "ask an administrator for: Replace (replaceInvoice)"
    assert error["message"] == f"Money has been received for the invoice; {words}"
    new = replaced(clinic.admin, invoice, "800.00")
    old = look(clinic, invoice)
    assert (old["status"], old["receivedAmount"], old["replacedBy"]["id"]) == ("VOID", "0.00", new["id"])
    assert new["replaces"]["id"] == invoice
    assert new["number"] != old["number"]
    assert (new["status"], new["billedAmount"], new["receivedAmount"], new["balance"]) == (
        *("PENDING_INVOICE", "800.00", "500.00", "300.00"),
    )
    assert [(one["number"], one["reason"]) for one in new["responsibilities"]] == [(1, "FIRST"), (2, "REFUSED")]
    assert (new["payer"]["id"], new["submittedOn"]) == (firm, None)
    assert [one["reasonCode"] for one in new["denials"]] == ["X7"]
    assert broken_laws(clinic.address) == ()


def test_what_the_new_invoice_does_not_need_is_unapplied_and_can_still_bounce(clinic: Clinic) -> None:
    invoice = clinic.agreed("1000.00")
    cheque = clinic.pays("700.00", {invoice: "700.00"})["id"]
    new = replaced(clinic.admin, invoice, "250.00", "250.00")
    assert (new["status"], new["balance"]) == ("CHEQUE_RECEIVED", "0.00")
    assert new["cheques"] == [{"amount": "500.00", "cheque": {"id": cheque, "unappliedAmount": "200.00"}}]
    assert look(clinic, invoice)["negotiation"]["agreements"] == [{"kind": "FULL", "endedBy": "REPLACED"}]
    clinic.bounces(cheque)
    back = look(clinic, new["id"])
    assert (back["status"], back["receivedAmount"], back["balance"]) == ("PENDING_INVOICE", "0.00", "500.00")
    assert look(clinic, invoice)["receivedAmount"] == "0.00"
    assert broken_laws(clinic.address) == ()


def test_a_replacement_has_a_day_of_its_own_and_its_payer_owes_it_since_the_day_that_it_did(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    backdate(clinic, invoice)
    new = replaced(clinic.billing, invoice, "90.00")
    assert (new["createdOn"], new["responsibleSince"]) == (TODAY, day(-10))


def test_a_replacement_bills_at_least_one_line(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "replaceInvoice", NEW, invoiceId=invoice, lines=[], reason="Nothing was done")
    words = "At least one line is required; instead: Void (voidInvoice, by an administrator)"
    assert (error["code"], error["path"], error["message"]) == ("INVALID_INPUT", ["input", "lines"], words)


def test_an_invoice_without_money_is_replaced_by_billing_staff_once(clinic: Clinic) -> None:
    invoice = clinic.submitted("90.00")
    new = replaced(clinic.billing, invoice, "80.00")
    assert (new["status"], new["billedAmount"]) == ("PENDING_INVOICE", "80.00")
    inputs = {"lines": [line("70.00")], "reason": "Again", "confirmDuplicate": True}
    error = refused(clinic.billing, "replaceInvoice", NEW, invoiceId=invoice, **inputs)
    assert error["code"] == "ILLEGAL_TRANSITION"
    changed = done(
        clinic.billing, "replaceInvoiceLines", NEW, invoiceId=new["id"], lines=[line("75.00")], confirmDuplicate=True
    )
    assert changed["billedAmount"] == "75.00"


def test_lines_of_which_nothing_would_be_due_are_refused_with_what_helps(clinic: Clinic) -> None:
    invoice = clinic.agreed("90.00")
    clinic.pays("30.00", {invoice: "30.00"})
    new = replaced(clinic.admin, invoice, "80.00")
    for price in ("30.00", "29.99", "0.00"):
        with nothing_changes(clinic.address):
            inputs = {"lines": [line(price)], "confirmDuplicate": True}
            error = refused(clinic.admin, "replaceInvoiceLines", NEW, invoiceId=new["id"], **inputs)
        assert (error["code"], error["path"]) == ("CONFLICT", ["input", "lines"])
        assert "moveAllocation" in error["message"]
    inputs = {"lines": [line("30.01")], "confirmDuplicate": True}
    changed = done(clinic.admin, "replaceInvoiceLines", NEW, invoiceId=new["id"], **inputs)
    assert changed["billedAmount"] == "30.01"


def test_a_replacement_runs_once_for_each_idempotency_key(clinic: Clinic) -> None:
    invoice = clinic.submitted("60.00")
    first, again = (replaced(clinic.billing, invoice, "50.00", idempotencyKey="replace once") for _ in range(2))
    assert first["id"] == again["id"]
    assert first["id"] != invoice


def test_an_attorney_sees_the_new_invoice_and_nothing_of_the_old_one(
    clinic: Clinic, attorney: Client, own_attorney: str
) -> None:
    invoice = clinic.submitted("100.00", clinic.case(attorneyId=own_attorney))
    new = replaced(clinic.billing, invoice, "90.00")
    seen = "query ($id: ID!) { invoice(id: $id) { number status billedAmount } }"
    assert attorney.read(seen, id=new["id"])["invoice"]["billedAmount"] == "90.00"
    assert attorney.post(seen, id=invoice).json()["data"]["invoice"] is None
    assert "replaces" in attorney.refusals("{ invoices { nodes { replaces { id } } } }")[0]


def test_a_refused_line_is_named_by_its_place_in_the_input(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    clinic.step("requestReduction", invoice, amount="50.00")
    error = refused(clinic.billing, "replaceInvoiceLines", NEW, invoiceId=invoice, lines=[line("90.00")])
    assert error["message"].endswith("replace the invoice (replaceInvoice)")
    twice = {"lines": [line("90.00"), line("90.00")], "reason": "Two units were billed as one"}
    error = refused(clinic.billing, "replaceInvoice", NEW, invoiceId=invoice, **twice)
    assert (error["code"], error["path"][:2]) == ("CONFLICT", ["input", "lines"])
