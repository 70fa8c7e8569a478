"""An allocation is moved to another invoice, under another coverage, or to unapplied; nothing counts as returned."""

from typing import Any

from tests.api.payments.paying import day, paid, returned
from tests.api.payments.test_corrections import CHEQUE, at, corrected, ledger
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import TODAY, Clinic, broken_laws, line

YESTERDAY = day(-1)


def moved(clinic: Clinic, cheque: str, invoice: str, **values: Any) -> Any:
    """The payment after a move of what it pays of an invoice."""
    given = {"chequeId": cheque, "invoiceId": invoice, "reason": "Of another visit", **values}
    return done(clinic.admin, "moveAllocation", CHEQUE, **given)


def test_the_whole_is_moved_to_another_invoice(clinic: Clinic) -> None:
    of, to = clinic.agreed("100.00"), clinic.agreed("80.00")
    cheque = paid(clinic, "80.00", {of: "80.00"})
    now = moved(clinic, cheque["id"], of, toInvoiceId=to)
    assert {(part["amount"], part["reversalKind"]) for part in at(now, of)} == {("80.00", None), ("-80.00", "MOVED")}
    assert [(part["amount"], part["reversalKind"]) for part in at(now, to)] == [("80.00", None)]
    assert (now["status"], now["isBounced"], now["unappliedAmount"]) == ("RECEIVED", False, "0.00")
    assert ledger(clinic, of) == ("PENDING_CHEQUE", "0.00", "100.00", None)
    assert ledger(clinic, to) == ("CHEQUE_RECEIVED", "80.00", "0.00", TODAY)
    for invoice in (of, to):
        step = clinic.look(invoice)["history"][-1]
        assert step["transition"] == "move_allocation"
        assert {"field": "reason", "before": None, "after": "Of another visit"} in step["changes"]
    assert broken_laws(clinic.address) == ()


def test_a_part_is_moved_to_unapplied_and_the_rest_keeps_its_day(clinic: Clinic) -> None:
    of = clinic.agreed("100.00")
    cheque = paid(clinic, "100.00", {of: "100.00"})
    now = moved(clinic, cheque["id"], of, amount="30.00")
    assert sorted(part["amount"] for part in at(now, of)) == ["-100.00", "100.00", "70.00"]
    assert (now["unappliedAmount"], ledger(clinic, of)) == ("30.00", ("PENDING_CHEQUE", "70.00", "30.00", None))
    rest = [part for part in done_allocations(clinic, now["id"]) if part["amount"] == "70.00"]
    again = done(clinic.billing, "moveAllocation", CHEQUE, allocationId=rest[0]["id"], reason="All of it")
    assert (again["unappliedAmount"], ledger(clinic, of)[1]) == ("100.00", "0.00")


def done_allocations(clinic: Clinic, cheque: str) -> Any:
    """The allocations of a payment, with their ids."""
    query = "query ($id: ID!) { node(id: $id) { ... on Cheque { allocations { id amount } } } }"
    return clinic.billing.read(query, id=cheque)["node"]["allocations"]


def test_money_of_a_settled_case_is_moved_by_an_administrator_and_opens_it(clinic: Clinic) -> None:
    case = clinic.case()
    of, to = clinic.agreed("100.00", case), clinic.agreed("50.00")
    cheque = paid(clinic, "100.00", {of: "100.00"})
    clinic.settles(case)
    given = {"chequeId": cheque["id"], "invoiceId": of, "toInvoiceId": to, "amount": "50.00", "reason": "Moved"}
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "moveAllocation", CHEQUE, **given)
    assert (error["code"], "ask an administrator" in error["message"]) == ("ILLEGAL_TRANSITION", True)
    moved(clinic, cheque["id"], of, toInvoiceId=to, amount="50.00")
    now = clinic.look(of)
    assert (now["status"], now["case"]["status"], now["balance"]) == ("PENDING_CHEQUE", "OPEN", "50.00")
    assert ledger(clinic, to)[0] == "CHEQUE_RECEIVED"


def test_what_cannot_be_moved_is_refused_with_the_step_that_helps(clinic: Clinic) -> None:
    of, unsent = clinic.agreed("100.00"), clinic.invoice("100.00")
    small = clinic.agreed("10.00")
    payer = clinic.another_payer(clinic.look(of))
    draft = {"caseId": clinic.case(), "payerId": payer, "serviceDate": "2026-03-02", "confirmDuplicate": True}
    foreign = done(clinic.billing, "createInvoice", "invoice { id }", lines=[line("100.00")], **draft)["id"]
    clinic.step("submitInvoice", foreign, submittedOn=TODAY, method="EMAIL")
    cheque = paid(clinic, "60.00", {of: "60.00"})
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"toInvoiceId": unsent}, "ILLEGAL_TRANSITION", "first: Submit (submitInvoice)"),
        ({"toInvoiceId": foreign}, "INVALID_INPUT", "transfer its balance first (transferBalance)"),
        ({"toInvoiceId": small}, "INVALID_INPUT", "at most $10.00"),
        ({"toInvoiceId": of}, "INVALID_INPUT", "It already pays this invoice"),
        ({"amount": "60.01"}, "INVALID_INPUT", "at most $60.00"),
        ({"amount": "0.00"}, "INVALID_INPUT", "above 0"),
        ({"toInvoiceId": clinic.found.unknown("Invoice")}, "NOT_FOUND", "no such invoice"),
        ({"invoiceId": small}, "NOT_FOUND", "no such allocation"),
        ({"invoiceId": None}, "INVALID_INPUT", "Give the allocation, or the payment and the invoice"),
        ({"reason": ""}, "INVALID_INPUT", ""),
    ]
    for values, code, words in wrong:
        with nothing_changes(clinic.address):
            given = {"chequeId": cheque["id"], "invoiceId": of, "reason": "Moved", **values}
            error = refused(clinic.billing, "moveAllocation", CHEQUE, **given)
        assert error["code"] == code, (values, error)
        assert words in error["message"], (values, error)
    moved(clinic, cheque["id"], of)
    with nothing_changes(clinic.address):
        given = {"chequeId": cheque["id"], "invoiceId": of, "reason": "Moved"}
        error = refused(clinic.billing, "moveAllocation", CHEQUE, **given)
    assert error["message"] == "This allocation has been reversed: it pays nothing any more"


def test_a_returned_payment_is_corrected_instead(clinic: Clinic) -> None:
    of = clinic.agreed("100.00")
    cheque = paid(clinic, "60.00", {of: "60.00"})
    returned(clinic, cheque["id"])
    error = refused(clinic.billing, "moveAllocation", CHEQUE, chequeId=cheque["id"], invoiceId=of, reason="Moved")
    assert error["message"] == "This cheque has been returned: correct it instead (correctCheque)"


def test_a_payment_with_moved_allocations_is_corrected_and_returned(clinic: Clinic) -> None:
    of, to = clinic.agreed("100.00"), clinic.agreed("80.00")
    cheque = paid(clinic, "90.00", {of: "90.00"}, receivedOn=YESTERDAY, chequeDate=YESTERDAY)
    moved(clinic, cheque["id"], of, toInvoiceId=to, amount="50.00")
    right = corrected(clinic, cheque["id"], number="right")
    assert sorted(part["amount"] for part in right["allocations"]) == ["40.00", "50.00"]
    back = returned(clinic, right["id"])
    assert (back["isBounced"], ledger(clinic, of)[1], ledger(clinic, to)[1]) == (True, "0.00", "0.00")
    assert broken_laws(clinic.address) == ()


def test_nothing_is_moved_to_a_void_invoice(clinic: Clinic) -> None:
    case = clinic.case()
    of, to = clinic.agreed("100.00", case), clinic.submitted("50.00", case)
    cheque = paid(clinic, "100.00", {of: "100.00"})
    done(clinic.admin, "voidInvoice", "invoice { id }", invoiceId=to, reason="Issued in error")
    with nothing_changes(clinic.address):
        given = {"chequeId": cheque["id"], "invoiceId": of, "toInvoiceId": to, "reason": "Moved"}
        error = refused(clinic.admin, "moveAllocation", CHEQUE, **given)
    assert error["code"] == "ILLEGAL_TRANSITION"
    assert broken_laws(clinic.address) == ()
