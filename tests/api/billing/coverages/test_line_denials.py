"""A denial of one line is a record: it names a line of this invoice, moves nothing, and is seen by billing staff alone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from db.laws import histories, invoices
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes, today
from tests.support.api.scenarios import INVOICE, TODAY, Clinic, broken_laws, line
from tests.support.client import Client

LINES = "invoice { id lines { id amount } }"
DENIED = """invoice { id status balance submittedOn agreedAmount version updatedAt
    denials { line { id amount } amount reasonCode note appealDueOn recordedBy { name } } history { transition fromStatus toStatus } }"""
ITEMS = "{ actionItems(first: 500) { nodes { kind dueOn invoice { id } } } }"
STATE = ("status", "balance", "submittedOn", "agreedAmount")


@pytest.fixture(autouse=True)
def every_law_holds(address: DatabaseUrls) -> Iterator[None]:
    yield
    laws = (*histories.LAWS, *invoices.LAWS)
    assert [breach for breach in broken_laws(address) if breach.law in laws] == []


def _billed(clinic: Clinic, *prices: str) -> Any:
    """A submitted invoice with lines of these prices."""
    of = {"caseId": clinic.case(), "payerId": clinic.payer, "serviceDate": "2026-03-02", "confirmDuplicate": True}
    codes = [{**line(price), "code": code} for price, code in zip(prices, ("A4556", "L0120"), strict=False)]
    made = done(clinic.billing, "createInvoice", LINES, lines=codes, **of)
    clinic.step("submitInvoice", made["id"], submittedOn=TODAY, method="EMAIL")
    return made


def _look(clinic: Clinic, invoice: str) -> Any:
    query = "query ($id: ID!) { invoice(id: $id) " + DENIED.removeprefix("invoice ") + " }"
    return clinic.billing.read(query, id=invoice)["invoice"]


def _denial(invoice: Any, place: int = 0, **values: Any) -> dict[str, Any]:
    line_id = invoice["lines"][place]["id"]
    return {"invoiceId": invoice["id"], "lineId": line_id, "deniedOn": TODAY, "reasonCode": "50", **values}


@pytest.mark.parametrize("status", ["PENDING_INVOICE", "PENDING_REDUCTION", "PENDING_CHEQUE"])
def test_a_denial_of_one_line_is_recorded_and_the_invoice_stays_as_it_is(clinic: Clinic, status: str) -> None:
    made = _billed(clinic, "600.00", "400.00")
    if status == "PENDING_REDUCTION":
        clinic.step("requestReduction", made["id"], amount="700.00")
    if status == "PENDING_CHEQUE":
        clinic.step("acceptInFull", made["id"])
    before = _look(clinic, made["id"])
    denied = done(clinic.billing, "recordDenial", DENIED, **_denial(made, 1, amount="400.00", note="Not necessary"))
    assert [denied[name] for name in STATE] == [before[name] for name in STATE]
    assert denied["status"] == status
    [denial] = denied["denials"]
    assert denial["line"] == made["lines"][1]
    assert (denial["amount"], denial["reasonCode"], denial["note"]) == ("400.00", "50", "Not necessary")
    assert denial["recordedBy"] is not None
    assert denied["history"][-1] == {"transition": "record_denial", "fromStatus": status, "toStatus": status}
    # The whole invoice is denied as before.
    whole = done(clinic.billing, "recordDenial", DENIED, invoiceId=made["id"], deniedOn=TODAY, reasonCode="50")
    assert (whole["status"], whole["submittedOn"]) == ("PENDING_INVOICE", None)
    assert [one["line"] is None for one in whole["denials"]] == [False, True]


def test_a_line_of_another_invoice_or_clinic_is_refused_alike(clinic: Clinic, address: DatabaseUrls) -> None:
    made, other = _billed(clinic, "600.00"), _billed(clinic, "500.00")
    wrong = [other["lines"][0]["id"], clinic.found.unknown("InvoiceLine")]
    with nothing_changes(address):
        errors = [refused(clinic.billing, "recordDenial", INVOICE, **{**_denial(made), "lineId": one}) for one in wrong]
    assert errors == [errors[0]] * len(wrong)
    assert (errors[0]["code"], errors[0]["path"]) == ("NOT_FOUND", ["input", "lineId"])


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "600.01"])
def test_no_more_than_the_line_is_denied(clinic: Clinic, address: DatabaseUrls, amount: str) -> None:
    made = _billed(clinic, "600.00", "400.00")
    with nothing_changes(address):
        error = refused(clinic.billing, "recordDenial", INVOICE, **_denial(made, amount=amount))
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "amount"])
    assert "the line" in error["message"]


def test_the_appeal_of_a_line_is_due_while_the_invoice_is_open(clinic: Clinic) -> None:
    made, due = _billed(clinic, "600.00", "400.00"), (today() + timedelta(days=7)).isoformat()

    def items() -> list[str]:
        nodes = clinic.billing.read(ITEMS)["actionItems"]["nodes"]
        return [one["kind"] for one in nodes if one["invoice"] and one["invoice"]["id"] == made["id"]]

    done(clinic.billing, "recordDenial", DENIED, **_denial(made, appealDueOn=due))
    assert items() == ["APPEAL_DEADLINE"]
    # A later denial of another line is another appeal; one of the same line takes its place.
    done(clinic.billing, "recordDenial", DENIED, **_denial(made, 1, appealDueOn=due))
    assert items() == ["APPEAL_DEADLINE"] * 2
    done(clinic.billing, "recordDenial", DENIED, **_denial(made, 1))
    assert items() == ["APPEAL_DEADLINE"]
    clinic.step("acceptInFull", made["id"])
    clinic.pays("1000.00", {made["id"]: "1000.00"})
    assert items() == []


def test_a_replaced_invoice_takes_the_denied_line_along_where_it_has_one_like_it(clinic: Clinic) -> None:
    made = _billed(clinic, "600.00", "400.00")
    for place in (0, 1):
        done(clinic.billing, "recordDenial", DENIED, **_denial(made, place))
    values = {"lines": [line("550.00")], "reason": "The second line was wrong", "confirmDuplicate": True}
    new = done(clinic.billing, "replaceInvoice", LINES, invoiceId=made["id"], **values)
    denials = _look(clinic, new["id"])["denials"]
    assert len(denials) == 2
    assert new["lines"][0] in [one["line"] for one in denials]
    assert None in [one["line"] for one in denials]
    # The line stays as long as a denial names it.
    error = refused(clinic.billing, "replaceInvoiceLines", INVOICE, invoiceId=new["id"], lines=[line("500.00")])
    assert "replaceInvoice" in error["message"]


def test_attorneys_see_nothing_of_the_denial_of_a_line(
    clinic: Clinic, attorney: Client, own_attorney: str, listen: Any, received: Any
) -> None:
    made = _billed(clinic, "600.00")
    case = clinic.look(made["id"])["case"]["id"]
    done(clinic.billing, "assignAttorney", "case { id }", caseId=case, attorneyId=own_attorney)
    whole = "query ($id: ID!) { invoice(id: $id) { id number status billedAmount lines { amount } } }"
    before = attorney.read(whole, id=made["id"])
    assert before["invoice"] is not None
    with listen("attorney") as of_attorney, listen("billing") as of_staff:
        done(clinic.billing, "recordDenial", DENIED, **_denial(made))
        heard = received(of_staff, of_attorney)
    assert heard == [[clinic.look(made["id"])["number"]], []]
    assert attorney.read(whole, id=made["id"]) == before
    for hidden in ("denials { line { id } }", "denials { id }"):
        answer = attorney.ask(whole.replace("lines {", f"{hidden} lines {{"), id=made["id"])
        assert "errors" in answer
