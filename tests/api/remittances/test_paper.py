"""Remittances from paper: typed as a file would say it, under the same three laws, and posted at once or not at all."""

from itertools import count
from typing import Any

import pytest

from tests.api.payments.paying import CHEQUE, electronic
from tests.api.payments.test_recoupment import ask
from tests.api.remittances.remitting import REMITTANCE, claim, claims_of, imported, number_of, of_lines, payment, posted
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import nothing_changes, uuid_of
from tests.support.api.scenarios import TODAY, Clinic, broken_laws
from tests.support.databases import rows

_numbers = count(1)


def typed(clinic: Clinic, amount: str, *claims: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The input of an ACH payment of claims."""
    known = {
        "payerId": clinic.payer,
        "method": "ACH",
        "number": f"EOB-{next(_numbers)}",
        "amount": amount,
        "receivedOn": TODAY,
    }
    return {**known, "claims": list(claims), **values}


def lines_of(clinic: Clinic, invoice: str) -> list[str]:
    """The ids of the lines of an invoice."""
    read = clinic.billing.read("query ($id: ID!) { invoice(id: $id) { lines { id } } }", id=invoice)
    return [one["id"] for one in read["invoice"]["lines"]]


def paid(line: str, amount: str, *adjustments: tuple[str, str, str], **values: Any) -> dict[str, Any]:
    """A line of a claim as it is typed."""
    told = [{"group": group, "reasonCode": code, "amount": off} for group, code, off in adjustments]
    return {"lineId": line, "paid": amount, "adjustments": told, **values}


def test_a_paper_remittance_is_recorded_with_its_payment_and_posted(clinic: Clinic) -> None:
    invoice = of_lines(clinic, ("A4556", "100.00"), ("L0120", "50.00"))
    first, second = lines_of(clinic, invoice)
    lines = [
        paid(first, "70.00", ("CO", "45", "20.00"), ("PR", "2", "10.00"), remarkCodes=["n1"]),
        paid(second, "50.00"),
    ]
    sent = {"invoiceId": invoice, "paid": "120.00", "patientAmount": "10.00", "lines": lines, "payerNumber": "PCN-P1"}
    scan = clinic.upload()
    inputs = typed(clinic, "115.00", sent, method="PAPER", documentId=scan, chequeDate="2026-06-01", receivedOn=TODAY)
    inputs["providerAdjustments"] = [{"code": "wo", "amount": "5.00", "reference": "R-1"}]
    now = done(clinic.billing, "recordRemittance", REMITTANCE, **inputs)
    assert (now["origin"], now["postedCount"], now["documentUrl"] is not None) == ("PAPER", 1, True)
    [of] = now["payments"]
    assert (of["cheque"]["amount"], of["cheque"]["unappliedAmount"], of["cheque"]["chequeDate"]) == (
        "115.00",
        "0.00",
        "2026-06-01",
    )
    assert of["providerAdjustments"] == [{"code": "WO", "amount": "5.00", "reference": "R-1"}]
    [found] = claims_of(now)
    assert (found["invoice"]["balance"], found["invoice"]["contractualAmount"]) == ("10.00", "20.00")
    assert [one["line"]["id"] for one in found["lines"]] == [first, second]
    assert found["lines"][0]["remarkCodes"] == ["N1"]
    assert [(one["kind"], one["amount"], one["reason"]) for one in found["proposals"]] == [
        ("TRANSFER_BALANCE", "10.00", "COINSURANCE")
    ]


def test_a_row_that_withholds_what_the_payer_asked_back_warns_and_answers_the_request(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    request = ask(clinic, reference="take-back-1", amount="30.00")["id"]
    inputs = typed(clinic, "70.00", {"invoiceId": invoice, "paid": "100.00"})
    inputs["providerAdjustments"] = [
        {"code": "wo", "amount": "30.00", "reference": " Take-back-1 "},
        {"code": "fb", "amount": "-1.00", "reference": "TAKE-BACK-1"},
        {"code": "fb", "amount": "1.00", "reference": "OTHER"},
    ]
    now = answered(
        clinic.billing,
        "recordRemittance",
        "remittance { payments { cheque { id } } } warnings { code message amount }",
        **inputs,
    )
    assert now["errors"] == []
    [warning] = [one for one in now["warnings"] if one["code"] == "RECOUPMENT_PROPOSED"]
    assert warning["amount"] == "30.00"
    assert warning["message"] == (
        f"The payer has withheld $30.00, as it seems because of its request of {TODAY} (Paid by another insurer, too): "
        "answer the request (answerRecoupmentRequest)"
    )
    query = "query ($id: ID!) { node(id: $id) { ... on RecoupmentRequest { proposedAdjustments { id amount cheque { id } } } } }"
    [row] = clinic.billing.read(query, id=request)["node"]["proposedAdjustments"]
    assert (row["amount"], row["cheque"]) == ("30.00", now["remittance"]["payments"][0]["cheque"])
    answer = {"requestId": request, "step": "WITHHOLDING", "providerAdjustmentId": row["id"]}
    status = done(clinic.billing, "answerRecoupmentRequest", "recoupmentRequest { status }", **answer)["status"]
    assert status == "WITHHELD"


def test_each_law_that_is_broken_is_refused_with_both_figures_and_nothing_is_recorded(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    [line] = lines_of(clinic, invoice)
    whole = {
        "invoiceId": invoice,
        "paid": "80.00",
        "adjustments": [{"group": "CO", "reasonCode": "45", "amount": "20.00"}],
    }
    by_line = {"invoiceId": invoice, "paid": "80.00", "lines": [paid(line, "80.00", ("CO", "45", "19.99"))]}
    for amount, sent, path, figures in (
        ("80.01", whole, ["amount"], ("$80.00", "$80.01")),
        ("80.00", {**whole, "paid": "79.99"}, ["claims", "0", "paid"], ("$99.99", "$100.00")),
        ("80.00", by_line, ["claims", "0", "lines", "0", "paid"], ("$99.99", "$100.00")),
    ):
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "recordRemittance", REMITTANCE, **typed(clinic, amount, sent))
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", *path])
        assert all(figure in error["message"] for figure in figures)


def test_an_input_that_cannot_be_posted_is_refused_at_its_claim_and_nothing_is_recorded(clinic: Clinic) -> None:
    good, draft = clinic.submitted("100.00"), clinic.invoice("100.00")
    of_good = {"invoiceId": good, "paid": "100.00"}
    unknown = {"invoiceId": clinic.found.unknown("Invoice"), "paid": "100.00"}
    line = {**of_good, "lines": [paid(clinic.found.unknown("InvoiceLine"), "100.00")]}
    twice = {**of_good, "lines": [paid(lines_of(clinic, good)[0], "100.00")] * 2}
    code = {**of_good, "statusCode": "25"}
    none = {**of_good, "paid": "90.00", "adjustments": [{"group": "CO", "reasonCode": " ", "amount": "10.00"}]}
    for inputs, problem, path in (
        (
            typed(clinic, "200.00", of_good, {"invoiceId": draft, "paid": "100.00"}),
            "ILLEGAL_TRANSITION",
            ["claims", "1", "invoiceId"],
        ),
        (typed(clinic, "100.00", unknown), "NOT_FOUND", ["claims", "0", "invoiceId"]),
        (typed(clinic, "100.00", line), "NOT_FOUND", ["claims", "0", "lines", "0", "lineId"]),
        (typed(clinic, "200.00", twice), "INVALID_INPUT", ["claims", "0", "lines", "1", "lineId"]),
        (typed(clinic, "100.00", code), "INVALID_INPUT", ["claims", "0", "statusCode"]),
        (typed(clinic, "90.00", none), "INVALID_INPUT", ["claims", "0", "adjustments", "0", "reasonCode"]),
        (typed(clinic, "0.00"), "INVALID_INPUT", ["claims"]),
        (typed(clinic, "-1.00", of_good), "INVALID_INPUT", ["amount"]),
        (typed(clinic, "100.00", of_good, method="PAPER"), "INVALID_INPUT", ["documentId"]),
        (typed(clinic, "100.00", of_good, receivedOn="2031-01-01"), "INVALID_INPUT", ["receivedOn"]),
        (typed(clinic, "100.00", of_good, payerId=clinic.found.foreign["Payer"]), "NOT_FOUND", ["payerId"]),
    ):
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "recordRemittance", REMITTANCE, **inputs)
        assert (error["code"], error["path"]) == (problem, ["input", *path]), error


def test_the_same_payment_from_paper_and_from_a_file_is_posted_once(clinic: Clinic) -> None:
    first, second = clinic.submitted("100.00"), clinic.submitted("100.00")
    inputs = typed(clinic, "100.00", {"invoiceId": first, "paid": "100.00"})
    done(clinic.billing, "recordRemittance", REMITTANCE, **inputs)
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "recordRemittance", REMITTANCE, **inputs)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "number"])
    came = imported(clinic, payment(claim(number_of(clinic, second), "100.00", "100.00"), trace=inputs["number"]))
    assert came["payments"][0]["status"] == "DUPLICATE"


def test_a_payment_that_was_typed_before_is_attached_to(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    inputs = typed(clinic, "100.00", {"invoiceId": invoice, "paid": "100.00"})
    cheque = done(
        clinic.billing,
        "recordCheque",
        CHEQUE,
        **electronic(clinic, "100.00", {invoice: "40.00"}, number=inputs["number"]),
    )["id"]
    now = done(clinic.billing, "recordRemittance", REMITTANCE, **inputs)
    assert (now["payments"][0]["isAttached"], now["payments"][0]["cheque"]["id"]) == (True, cheque)
    assert clinic.look(invoice)["balance"] == "0.00"
    other = typed(clinic, "80.00", {"invoiceId": clinic.submitted("80.00"), "paid": "80.00"})
    done(clinic.billing, "recordCheque", CHEQUE, **electronic(clinic, "81.00", number=other["number"]))
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "recordRemittance", REMITTANCE, **other)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "number"])
    assert "correctCheque" in error["message"]


def test_a_denial_and_a_reversal_are_typed(clinic: Clinic) -> None:
    invoice, other = clinic.submitted("100.00"), clinic.submitted("150.00")
    posted(clinic, imported(clinic, payment(claim(number_of(clinic, invoice), "100.00", "100.00"))))
    denied: dict[str, Any] = {"invoiceId": clinic.submitted("70.00"), "paid": "0.00", "statusCode": "4"}
    denied["adjustments"] = [{"group": "CO", "reasonCode": "29", "amount": "70.00"}]
    back = {"invoiceId": invoice, "paid": "-100.00", "statusCode": "22"}
    inputs = typed(clinic, "50.00", denied, back, {"invoiceId": other, "paid": "150.00"})
    now = done(clinic.billing, "recordRemittance", REMITTANCE, **inputs)
    assert (now["postedCount"], [one["status"] for one in claims_of(now)]) == (3, ["MATCHED", "REVERSAL", "MATCHED"])
    assert (clinic.look(invoice)["balance"], clinic.look(other)["balance"]) == ("100.00", "0.00")
    found = rows(clinic.address, "select count(*) from denials where invoice_id = $1", uuid_of(denied["invoiceId"]))
    assert found[0][0] == 1


@pytest.mark.parametrize("key", ["paper-key"])
def test_a_retry_with_the_same_key_records_once(clinic: Clinic, key: str) -> None:
    inputs = typed(clinic, "100.00", {"invoiceId": clinic.submitted("100.00"), "paid": "100.00"}, idempotencyKey=key)
    first = done(clinic.billing, "recordRemittance", REMITTANCE, **inputs)
    assert done(clinic.billing, "recordRemittance", REMITTANCE, **inputs)["id"] == first["id"]


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
