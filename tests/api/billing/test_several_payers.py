"""Several payers of one invoice: transfers, receipts of earlier payers, recoveries, small balances, and days of payment."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from domain.billing.invoices import InvoiceStatus
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes, today
from tests.support.api.scenarios import CHEQUE, INVOICE, TODAY, Clinic, broken_laws, line, transition_names

MONEY = """invoice { id status balance billedAmount openAmount agreedAmount receivedAmount writtenOffAmount recoveredAmount
    smallBalanceAmount contractualAmount fullyPaidOn submittedOn payer { id } responsibleSince
    responsibilities { number payer { id } fromOn until reason note decidedBy { name } }
    negotiation { reductionAmount reductionRate floorAmount conditionalUntil openOffer { amount }
        agreements { number kind amount endedBy } offers { amount status } } }"""


def days_ago(days: int) -> str:
    return (today() - timedelta(days=days)).isoformat()


def look(clinic: Clinic, invoice: str) -> Any:
    query = "query ($id: ID!) { invoice(id: $id) " + MONEY.removeprefix("invoice ") + " }"
    return clinic.billing.read(query, id=invoice)["invoice"]


@pytest.fixture(scope="module")
def firm(clinic: Clinic) -> str:
    made: str = done(clinic.billing, "createPayer", "payer { id }", name="Late Settlers LLP", kind="ATTORNEY")["id"]
    return made


@pytest.fixture(scope="module")
def stranger(clinic: Clinic) -> str:
    made: str = done(clinic.billing, "createPayer", "payer { id }", name="Unrelated Casualty", kind="INSURANCE")["id"]
    return made


@pytest.fixture(autouse=True)
def every_law_holds(clinic: Clinic) -> Iterator[None]:
    yield
    assert broken_laws(clinic.address) == ()


def transferred(clinic: Clinic, invoice: str, payer: str, **more: Any) -> Any:
    inputs = {"payerId": payer, "reason": "EXHAUSTED", "documentId": clinic.upload(), **more}
    return done(clinic.billing, "transferBalance", MONEY, invoiceId=invoice, **inputs)


def test_the_firm_owes_what_the_insurer_left_and_only_that_is_reduced(clinic: Clinic, firm: str) -> None:
    lines = [line("2712.32"), line("1538.72")]
    draft = {"caseId": clinic.case(), "payerId": clinic.payer, "serviceDate": "2026-03-02", "confirmDuplicate": True}
    invoice = done(clinic.billing, "createInvoice", INVOICE, lines=lines, **draft)["id"]
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="MAIL")
    clinic.pays("2800.00", {invoice: "2800.00"})
    part = look(clinic, invoice)
    assert (part["status"], part["balance"], part["agreedAmount"]) == ("PENDING_INVOICE", "1451.04", None)
    moved = transferred(clinic, invoice, firm, note="The limit of 10,000.00 is used up")
    assert (moved["payer"]["id"], moved["submittedOn"], moved["openAmount"]) == (firm, None, "1451.04")
    assert [(one["number"], one["reason"], one["until"]) for one in moved["responsibilities"]] == [
        (1, "FIRST", TODAY),
        (2, "EXHAUSTED", None),
    ]
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="MAIL")
    clinic.step("requestReduction", invoice, amount="900.00")
    clinic.step("agreeReduction", invoice)
    agreed = look(clinic, invoice)
    assert (agreed["agreedAmount"], agreed["balance"]) == ("900.00", "900.00")
    assert agreed["negotiation"]["reductionAmount"] == "551.04"
    assert round(agreed["negotiation"]["reductionRate"], 4) == 0.3798
    clinic.pays("900.00", {invoice: "900.00"}, payerId=firm)
    paid = look(clinic, invoice)
    assert (paid["status"], paid["receivedAmount"], paid["balance"]) == ("CHEQUE_RECEIVED", "3700.00", "0.00")
    assert round(float(paid["receivedAmount"]) / float(paid["billedAmount"]), 4) == 0.8704


def test_the_rest_of_an_agreed_amount_goes_to_the_firm_without_a_reduction(clinic: Clinic, firm: str) -> None:
    invoice = clinic.agreed("4075.00")
    clinic.pays("2800.00", {invoice: "2800.00"})
    moved = transferred(clinic, invoice, firm)
    assert (moved["status"], moved["openAmount"], moved["balance"]) == ("PENDING_INVOICE", "1275.00", "1275.00")
    assert (moved["agreedAmount"], moved["negotiation"]["reductionAmount"]) == (None, None)
    assert [(one["kind"], one["endedBy"]) for one in moved["negotiation"]["agreements"]] == [("FULL", "TRANSFERRED")]


def test_money_of_the_insurer_that_comes_late_shrinks_the_reduction_and_what_bounces_is_owed_again(
    clinic: Clinic, firm: str
) -> None:
    invoice = clinic.submitted("4251.04")
    first = clinic.pays("2800.00", {invoice: "2800.00"})["id"]
    transferred(clinic, invoice, firm)
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="MAIL")
    clinic.step("requestReduction", invoice, amount="900.00")
    clinic.step("agreeReduction", invoice)
    clinic.pays("900.00", {invoice: "900.00"}, payerId=firm)
    clinic.pays("51.04", {invoice: "51.04"})
    late = look(clinic, invoice)
    assert (late["status"], late["receivedAmount"]) == ("CHEQUE_RECEIVED", "3751.04")
    assert late["negotiation"]["reductionAmount"] == "500.00"
    clinic.bounces(first)
    bounced = look(clinic, invoice)
    assert (bounced["status"], bounced["balance"]) == ("PENDING_CHEQUE", "2748.96")
    assert bounced["negotiation"]["reductionAmount"] == "551.04"


def test_the_note_of_a_transfer_has_a_limit_and_a_blank_one_is_none(clinic: Clinic, firm: str) -> None:
    invoice = clinic.submitted("100.00")
    inputs = {"invoiceId": invoice, "payerId": firm, "reason": "OTHER"}
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "transferBalance", INVOICE, **inputs, note="x" * 2_001)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "note"])
    moved = done(clinic.billing, "transferBalance", MONEY, **inputs, note=" ")
    assert moved["responsibilities"][-1]["note"] is None


def test_a_kept_agreement_binds_the_new_firm_to_what_is_still_to_be_paid(clinic: Clinic, firm: str) -> None:
    invoice = clinic.submitted("1000.00")
    clinic.step("requestReduction", invoice, amount="600.00")
    until = (today() + timedelta(days=20)).isoformat()
    clinic.step("agreeReduction", invoice, conditionalUntil=until)
    clinic.pays("250.00", {invoice: "250.00"})
    inputs = {"invoiceId": invoice, "payerId": firm, "reason": "REPRESENTATION_ENDED"}
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "transferBalance", INVOICE, **inputs)
        assert error["path"] == ["input", "keepAgreement"]
        error = refused(clinic.billing, "transferBalance", INVOICE, **inputs, keepAgreement=False)
        assert error["path"] == ["input", "note"]
    kept = done(clinic.billing, "transferBalance", MONEY, **inputs, keepAgreement=True)
    assert (kept["status"], kept["agreedAmount"], kept["balance"]) == ("PENDING_CHEQUE", "350.00", "350.00")
    assert (kept["negotiation"]["reductionAmount"], kept["negotiation"]["conditionalUntil"]) == ("400.00", until)
    clinic.pays("350.00", {invoice: "350.00"}, payerId=firm)
    assert look(clinic, invoice)["status"] == "CHEQUE_RECEIVED"


def test_what_is_left_of_a_partly_paid_agreement_is_negotiated_again(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    done(clinic.billing, "setNegotiationLimits", INVOICE, invoiceId=invoice, floorAmount="700.00")
    clinic.step("requestReduction", invoice, amount="800.00")
    clinic.step("agreeReduction", invoice)
    clinic.pays("500.00", {invoice: "500.00"})
    clinic.step("reopenReduction", invoice, reason="They can pay no more")
    reopened = look(clinic, invoice)
    assert (reopened["status"], reopened["openAmount"], reopened["balance"]) == (
        "PENDING_REDUCTION",
        "500.00",
        "500.00",
    )
    assert reopened["negotiation"]["floorAmount"] == "200.00"
    nothing = done(clinic.admin, "agreeReduction", MONEY, invoiceId=invoice, amount="0.00")
    assert (nothing["status"], nothing["balance"]) == ("CHEQUE_RECEIVED", "0.00")
    assert nothing["negotiation"]["reductionAmount"] == "500.00"


def test_money_for_a_written_off_invoice_is_a_recovery(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    clinic.step("acceptInFull", invoice)
    cheque = clinic.pays("400.00", {invoice: "400.00"})["id"]
    clinic.step("writeOffInvoice", invoice, clinic.admin, reason="Lost")
    amounts = ("status", "receivedAmount", "writtenOffAmount", "recoveredAmount", "balance")
    steps = [[look(clinic, invoice)[name] for name in amounts]]
    clinic.bounces(cheque)
    steps.append([look(clinic, invoice)[name] for name in amounts])
    for part in ("400.00", "600.00"):
        clinic.pays(part, {invoice: part})
        steps.append([look(clinic, invoice)[name] for name in amounts])
    assert steps == [
        ["WRITTEN_OFF", "400.00", "600.00", "0.00", "0.00"],
        ["WRITTEN_OFF", "0.00", "1000.00", "0.00", "0.00"],
        ["WRITTEN_OFF", "400.00", "600.00", "400.00", "0.00"],
        ["CHEQUE_RECEIVED", "1000.00", "0.00", "1000.00", "0.00"],
    ]
    clinic.bounces(clinic.latest_cheque(invoice))
    back = look(clinic, invoice)
    assert (back["status"], back["writtenOffAmount"]) == ("WRITTEN_OFF", "600.00")


def test_a_write_off_is_reversed_to_the_status_before(clinic: Clinic) -> None:
    for status in (InvoiceStatus.PENDING_INVOICE, InvoiceStatus.PENDING_REDUCTION, InvoiceStatus.PENDING_CHEQUE):
        invoice = clinic.in_state(status)
        clinic.step("writeOffInvoice", invoice, clinic.admin, reason="Lost")
        again = clinic.step("reverseWriteOff", invoice, clinic.admin, reason="They pay after all")
        assert (again["status"], again["balance"], again["writtenOffAmount"]) == (status.name, "1000.00", "0.00")


def test_a_small_balance_is_given_up_once_and_due_again_when_money_comes(clinic: Clinic) -> None:
    invoice = clinic.agreed("1000.00")
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "closeSmallBalance", INVOICE, invoiceId=invoice)
    write_off = "Write off (writeOffInvoice, by an administrator)"
    assert error["message"] == (
        f"No money has been received for the invoice; instead: {write_off}. The balance is above $1.00, the clinic's tolerance for "
        f"small balances; instead: {write_off} or Reopen the negotiation (reopenReduction)"
    )
    clinic.pays("999.20", {invoice: "999.20"})
    closed = done(clinic.billing, "closeSmallBalance", MONEY, invoiceId=invoice)
    assert (closed["status"], closed["smallBalanceAmount"], closed["balance"]) == ("CHEQUE_RECEIVED", "0.80", "0.00")
    clinic.pays("0.50", {invoice: "0.50"})
    later = look(clinic, invoice)
    assert (later["status"], later["smallBalanceAmount"], later["balance"]) == ("PENDING_CHEQUE", "0.00", "0.30")


def test_an_empty_invoice_is_closed_without_a_day_of_payment(clinic: Clinic) -> None:
    invoice = clinic.invoice("0.00")
    closed = done(clinic.billing, "closeEmpty", MONEY, invoiceId=invoice, reason="A courtesy visit")
    assert (closed["status"], closed["fullyPaidOn"], closed["balance"]) == ("CHEQUE_RECEIVED", None, "0.00")
    assert refused(clinic.billing, "closeEmpty", INVOICE, invoiceId=clinic.invoice("1.00"), reason="No")["code"] == (
        "ILLEGAL_TRANSITION"
    )


def test_a_case_without_hope_is_closed_and_opened_again(clinic: Clinic) -> None:
    case = clinic.case()
    lost, covered = clinic.agreed("100.00", case), clinic.agreed("50.00", case)
    clinic.pays("50.00", {covered: "50.00"})
    asked = "case { status closedOn closedReason settledOn }"
    error = refused(clinic.billing, "closeCase", asked, caseId=case, reason="LOST")
    assert error["code"] == "ILLEGAL_TRANSITION"
    clinic.step("writeOffInvoice", lost, clinic.admin, reason="Lost")
    closed = done(clinic.billing, "closeCase", asked, caseId=case, reason="LOST", note="Verdict for the defence")
    assert closed == {"status": "CLOSED", "closedOn": TODAY, "closedReason": "LOST", "settledOn": None}
    assert look(clinic, covered)["status"] == "PAID"
    draft = {"caseId": case, "payerId": clinic.payer, "serviceDate": "2026-03-02", "lines": [line("1.00")]}
    assert refused(clinic.billing, "createInvoice", INVOICE, **draft)["code"] == "CONFLICT"
    clinic.pays("100.00", {lost: "100.00"})
    assert look(clinic, lost)["status"] == "CHEQUE_RECEIVED"
    again = done(clinic.admin, "reopenCase", asked, caseId=case, reason="An appeal")
    assert (again["status"], again["closedOn"], again["closedReason"]) == ("OPEN", None, None)
    assert look(clinic, covered)["status"] == "CHEQUE_RECEIVED"


def test_an_advance_counts_from_the_day_of_the_invoice(clinic: Clinic) -> None:
    cheque = clinic.pays("100.00", {}, receivedOn=days_ago(60), chequeDate=days_ago(61))["id"]
    invoice = clinic.agreed("100.00")
    parts = [{"invoiceId": invoice, "amount": "100.00"}]
    paid = done(clinic.billing, "allocateCheque", CHEQUE, chequeId=cheque, allocations=parts)
    assert paid["allocations"][0]["effectiveOn"] == TODAY
    assert look(clinic, invoice)["fullyPaidOn"] == TODAY


def test_who_may_pay_and_who_may_not(clinic: Clinic, firm: str, stranger: str) -> None:
    invoice = clinic.submitted("100.00")
    transferred(clinic, invoice, firm)
    with nothing_changes(clinic.address):
        inputs = clinic.cheque_of(
            "10.00", {invoice: "10.00"}, payerId=stranger, documentId=clinic.found.unknown("Upload")
        )
        refused(clinic.billing, "recordCheque", CHEQUE, **inputs)
    error = refused(
        clinic.billing, "recordCheque", CHEQUE, **clinic.cheque_of("10.00", {invoice: "10.00"}, payerId=stranger)
    )
    assert "transferBalance" in error["message"]
    for payer in (firm, clinic.payer, clinic.payer_of({**clinic.look(invoice), "status": "PAID"})):
        clinic.pays("10.00", {invoice: "10.00"}, payerId=payer)
    assert look(clinic, invoice)["balance"] == "70.00"


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"reason": "EXHAUSTED"}, "documentId"),
        ({"reason": "REFUSED"}, "documentId"),
        ({"reason": "FIRST"}, "reason"),
        ({"reason": "OTHER", "effectiveOn": (today() + timedelta(days=1)).isoformat()}, "effectiveOn"),
        ({"reason": "OTHER", "effectiveOn": "2026-01-01"}, "effectiveOn"),
        ({"reason": "OTHER", "keepAgreement": True}, "keepAgreement"),
        ({"reason": "OTHER", "payerId": None}, "payerId"),
    ],
)
def test_an_invalid_transfer_is_refused(clinic: Clinic, firm: str, inputs: dict[str, Any], path: str) -> None:
    invoice = clinic.submitted()
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "transferBalance", INVOICE, **{"invoiceId": invoice, "payerId": firm, **inputs})
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", path])


def test_nobody_owes_for_another_patient(clinic: Clinic, firm: str) -> None:
    named = {"mrn": "MRN-OTHER", "firstName": "Ilse", "lastName": "Example"}
    patient = done(clinic.billing, "createPatient", "patient { id }", **named)["id"]
    own = {"name": "Ilse Example", "kind": "PATIENT", "patientId": patient}
    other = done(clinic.billing, "createPayer", "payer { id }", **own)["id"]
    waiting, sent = clinic.invoice("10.00"), clinic.submitted("10.00")
    case = clinic.case()
    new = {"caseId": case, "serviceDate": TODAY, "lines": [line("10.00")]}
    refusals: list[tuple[str, str, dict[str, Any]]] = [
        ("createInvoice", INVOICE, new),
        ("changePayer", INVOICE, {"invoiceId": waiting, "reason": "Moved"}),
        ("transferBalance", INVOICE, {"invoiceId": sent, "reason": "OTHER", "note": "Moved"}),
        ("addCoverage", "coverage { id }", {"caseId": case, "kind": "PATIENT"}),
    ]
    with nothing_changes(clinic.address):
        for name, selection, inputs in refusals:
            error = refused(clinic.billing, name, selection, payerId=other, **inputs)
            assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "payerId"]), name
            assert error["message"] == "This payer is another patient", name


@pytest.mark.parametrize("reason", ["DEDUCTIBLE", "COINSURANCE"])
def test_what_the_patient_owes_by_contract_moves_also_where_balance_billing_is_forbidden(
    clinic: Clinic, firm: str, reason: str
) -> None:
    insurer = done(clinic.billing, "createPayer", "payer { id }", name=f"Health plan {reason}", kind="INSURANCE")["id"]
    case = clinic.case()
    done(clinic.billing, "addCoverage", "coverage { id }", caseId=case, payerId=insurer, kind="HEALTH")
    invoice = clinic.invoice("100.00", case)
    clinic.step("changePayer", invoice, payerId=insurer, reason="Insured")
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
    with nothing_changes(clinic.address):
        error = refused(
            clinic.billing,
            "transferBalance",
            INVOICE,
            invoiceId=invoice,
            payerId=firm,
            reason="OTHER",
            note="It is due",
        )
    assert "PR" in error["message"]
    moved = done(clinic.billing, "transferBalance", MONEY, invoiceId=invoice, payerId=firm, reason=reason)
    assert moved["responsibilities"][-1]["reason"] == reason


def test_a_denial_of_an_agreed_invoice_begins_a_new_round(clinic: Clinic, firm: str) -> None:
    invoice = clinic.agreed("500.00")
    clinic.pays("200.00", {invoice: "200.00"})
    clinic.step("recordDenial", invoice, deniedOn=TODAY, reasonCode="X1")
    denied = look(clinic, invoice)
    assert (denied["status"], denied["openAmount"], denied["balance"]) == ("PENDING_INVOICE", "300.00", "300.00")
    assert transition_names(clinic.look(invoice))[-1] == "record_denial"
    assert transferred(clinic, invoice, firm, reason="REFUSED")["payer"]["id"] == firm
