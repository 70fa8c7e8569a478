"""Contractual adjustments to the cent: what is left to negotiate, pay, transfer, write off and report, and the files that say so."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.storage.stores import Folder
from tests.support.api.contractual import adjust_by_contract
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import CHEQUE, INVOICE, TODAY, Clinic, broken_laws
from tests.support.files.export_files import Bureau, bureau_over

LOOK = """query ($id: ID!) { invoice(id: $id) { number status balance openAmount billedAmount contractualAmount agreedAmount receivedAmount
    writtenOffAmount negotiation { reductionAmount reductionRate } expectedPayments { amount calculatedAmount } } }"""
FIGURES = """query ($of: AnalyticsFilter!, $filter: InvoiceFilter) { aging(filter: $filter) { outstanding }
    agingByPayer(filter: $filter) { outstanding }
    analytics(filter: $of) { billed received contractual netCollectionRate { value numerator denominator }
        reductionRate { numerator denominator } amountsByCoverageKind { coverageKind billed received reducedAmount contractual outstanding }
        trend { contractual } } }"""
MOVED = "invoice { id }"


@pytest.fixture(autouse=True)
def every_law_holds(address: DatabaseUrls) -> Iterator[None]:
    yield
    assert broken_laws(address) == ()


@pytest.fixture
def insured(clinic: Clinic) -> Clinic:
    """A clinic whose invoices are billed to an insurer of its own."""
    own = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
    name = f"Contract {len(clinic.billing.read('{ payers(first: 500) { nodes { id } } }')['payers']['nodes'])}"
    own.payer = done(clinic.billing, "createPayer", "payer { id }", name=name, kind="INSURANCE")["id"]
    return own


def _look(clinic: Clinic, invoice: str) -> Any:
    return clinic.billing.read(LOOK, id=invoice)["invoice"]


def _figures(clinic: Clinic, *payers: str) -> Any:
    chosen = {"payerId": list(payers) or [clinic.payer]}
    return clinic.billing.read(FIGURES, of={"from": TODAY, "to": TODAY, **chosen}, filter=chosen)


def test_what_a_contract_takes_off_is_neither_negotiated_nor_paid(insured: Clinic, address: DatabaseUrls) -> None:
    invoice = insured.submitted("1000.00")
    adjust_by_contract(address, invoice, "120.55")
    found = _look(insured, invoice)
    assert (found["contractualAmount"], found["openAmount"], found["balance"]) == ("120.55", "879.45", "879.45")
    with nothing_changes(address):
        for name, values in (
            ("requestReduction", {"amount": "879.45"}),
            ("recordDenial", {"deniedOn": TODAY, "reasonCode": "45", "amount": "879.46"}),
            ("setNegotiationLimits", {"targetAmount": "879.46"}),
        ):
            assert refused(insured.billing, name, INVOICE, invoiceId=invoice, **values)["code"] == "INVALID_INPUT"
    insured.step("requestReduction", invoice, amount="700.00")
    insured.step("agreeReduction", invoice)
    found = _look(insured, invoice)
    assert (found["agreedAmount"], found["negotiation"]["reductionAmount"]) == ("700.00", "179.45")
    assert found["negotiation"]["reductionRate"] == pytest.approx(179.45 / 879.45)
    # A second adjustment shrinks the reduction, and not what was agreed upon.
    adjust_by_contract(address, invoice, "79.45")
    found = _look(insured, invoice)
    assert (found["agreedAmount"], found["negotiation"]["reductionAmount"], found["balance"]) == (
        "700.00",
        "100.00",
        "700.00",
    )
    error = refused(insured.billing, "recordCheque", CHEQUE, **insured.cheque_of("700.01", {invoice: "700.01"}))
    assert error["path"] == ["input", "allocations", "0", "amount"]
    insured.pays("700.00", {invoice: "700.00"})
    figures = _figures(insured)
    assert _look(insured, invoice)["status"] == "CHEQUE_RECEIVED"
    measures = figures["analytics"]
    assert (measures["billed"], measures["received"], measures["contractual"]) == ("1000.00", "700.00", "200.00")
    assert measures["netCollectionRate"] == {"value": 1.0, "numerator": "700.00", "denominator": "700.00"}
    assert measures["reductionRate"] == {"numerator": "100.00", "denominator": "800.00"}
    assert measures["trend"] == [{"contractual": "200.00"}]
    assert (figures["aging"]["outstanding"], figures["agingByPayer"]) == ("0.00", [])


def test_what_was_accepted_in_full_is_less_by_the_adjustment_and_can_be_given_back(
    insured: Clinic, address: DatabaseUrls
) -> None:
    invoice = insured.agreed("500.00")
    adjust_by_contract(address, invoice, "33.33")
    found = _look(insured, invoice)
    assert (found["agreedAmount"], found["balance"], found["negotiation"]["reductionAmount"]) == (
        "466.67",
        "466.67",
        "0.00",
    )
    adjust_by_contract(address, invoice, "-13.33")
    found = _look(insured, invoice)
    assert (found["contractualAmount"], found["agreedAmount"], found["balance"]) == ("20.00", "480.00", "480.00")
    insured.step("writeOffInvoice", invoice, insured.admin, reason="Lost")
    assert _look(insured, invoice)["writtenOffAmount"] == "480.00"


def test_the_rest_after_the_contract_moves_and_the_contract_stays_with_its_coverage(
    insured: Clinic, address: DatabaseUrls
) -> None:
    case = insured.case()
    firm = done(insured.billing, "createPayer", "payer { id }", name=f"Firm of {insured.payer}", kind="ATTORNEY")["id"]
    pip = {"caseId": case, "payerId": insured.payer, "kind": "PIP", "paysPercent": "80", "limit": "5000.00"}
    done(insured.billing, "addCoverage", "coverage { id }", **pip)
    letter = {"caseId": case, "payerId": firm, "kind": "LETTER_OF_PROTECTION"}
    done(insured.billing, "addCoverage", "coverage { id }", **letter)
    invoice = insured.submitted("1000.00", case)
    adjust_by_contract(address, invoice, "700.00")
    # Of what it would pay of the line, no more is expected than is open.
    expected = {one["amount"] for one in _look(insured, invoice)["expectedPayments"]}
    assert expected == {"300.00", None}
    insured.pays("240.00", {invoice: "240.00"})
    insured.step("transferBalance", invoice, payerId=firm, reason="COINSURANCE")
    found = _look(insured, invoice)
    assert (found["contractualAmount"], found["openAmount"], found["balance"]) == ("700.00", "60.00", "60.00")
    figures = _figures(insured, firm)
    assert figures["aging"]["outstanding"] == "60.00"
    by_kind = {row.pop("coverageKind"): row for row in figures["analytics"]["amountsByCoverageKind"]}
    nothing = {"received": "0.00", "reducedAmount": "0.00", "contractual": "0.00", "outstanding": "0.00"}
    assert by_kind == {
        "PIP": {**nothing, "billed": "940.00", "received": "240.00", "contractual": "700.00"},
        "LETTER_OF_PROTECTION": {**nothing, "billed": "60.00", "outstanding": "60.00"},
    }


def test_an_invoice_that_a_contract_takes_off_whole_is_closed_as_empty(insured: Clinic, address: DatabaseUrls) -> None:
    invoice = insured.submitted("50.00")
    adjust_by_contract(address, invoice, "50.00")
    assert _look(insured, invoice)["balance"] == "0.00"
    insured.step("closeEmpty", invoice, reason="The contract pays nothing for it")
    assert _look(insured, invoice)["status"] == "CHEQUE_RECEIVED"


@pytest.fixture
def bureau(address: DatabaseUrls, tmp_path: Path) -> Iterator[Bureau]:
    with bureau_over(address, Folder(tmp_path)) as made:
        yield made


def test_the_files_say_what_the_contract_took_off(insured: Clinic, address: DatabaseUrls, bureau: Bureau) -> None:
    invoice = insured.agreed("500.00")
    adjust_by_contract(address, invoice, "33.33")
    insured.pays("466.67", {invoice: "466.67"})
    number = _look(insured, invoice)["number"]
    of_payer = {"filter": {"payerId": [insured.payer]}}
    adjustments = [
        row for row in bureau.rows(Role.BILLING, "exportAdjustments", **of_payer) if row["Invoice number"] == number
    ]
    assert [(row["Kind"], Decimal(row["Amount"])) for row in adjustments] == [("CONTRACTUAL", Decimal("33.33"))]
    [row] = bureau.rows(Role.BILLING, "exportInvoices", **of_payer)
    [payment] = bureau.rows(Role.BILLING, "exportPayments", **of_payer)
    billed, balance = Decimal(row["Billed amount"]), Decimal(row["Balance"])
    assert billed - sum(Decimal(one["Amount"]) for one in adjustments) - Decimal(payment["Amount"]) == balance == 0
