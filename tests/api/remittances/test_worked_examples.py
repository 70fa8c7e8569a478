"""The worked examples of remittances, to the cent: PIP that is used up, a negative payment, and a file that is out of balance."""

from decimal import Decimal
from typing import Any

import pytest

from domain.remittances.remittance import ProviderAdjustment
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
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import Clinic, broken_laws
from tests.support.databases import rows


@pytest.fixture(scope="module")
def insurer(clinic: Clinic) -> Any:
    """The clinic's payer is an insurer, as in the examples."""
    clinic.payer = done(clinic.billing, "createPayer", "payer { id }", name="Example PIP Mutual", kind="INSURANCE")[
        "id"
    ]
    return clinic.payer


def test_pip_that_is_used_up_is_posted_and_what_it_leaves_is_proposed_and_transferred(
    clinic: Clinic, insurer: str
) -> None:
    firm = done(clinic.billing, "createFirm", "firm { id }", name="Example & Partners")["id"]
    payer = done(
        clinic.billing, "createPayer", "payer { id }", name="Example & Partners", kind="ATTORNEY", firmId=firm
    )["id"]
    attorney = done(clinic.billing, "createAttorney", "attorney { id }", name="Ann Example", firmId=firm)["id"]
    case = clinic.case(attorneyId=attorney)
    pip = {"caseId": case, "payerId": insurer, "kind": "PIP", "limit": "10000.00", "paysPercent": "80"}
    coverage = done(clinic.billing, "addCoverage", "coverage { id }", **pip, otherPayments="7200.00")["id"]
    done(clinic.billing, "verifyCoverage", "coverage { id }", coverageId=coverage)
    invoice = of_lines(clinic, ("A4556", "2712.32"), ("L0120", "1538.72"), case=case)
    lines = (
        remitted_line(1, "2712.32", "2169.86", "PR-2 542.46", code="A4556"),
        remitted_line(2, "1538.72", "630.14", "PR-2 307.74", "PI-119 600.84", code="L0120"),
    )
    sent = claim(number_of(clinic, invoice), "4251.04", "2800.00", lines=lines, patient_amount=money("850.20"))
    came = imported(clinic, payment(sent))
    [found] = claims_of(came)
    assert (found["status"], found["isPosted"], found["invoice"]["id"]) == ("MATCHED", False, invoice)
    assert all(one["line"] for one in found["lines"])
    now = posted(clinic, came)
    [paid] = now["payments"]
    assert (paid["cheque"]["amount"], paid["cheque"]["unappliedAmount"]) == ("2800.00", "0.00")
    assert paid["cheque"]["allocations"] == [{"amount": "2800.00", "invoice": {"id": invoice}}]
    [found] = claims_of(now)
    assert (found["invoice"]["balance"], found["invoice"]["contractualAmount"]) == ("1451.04", "0.00")
    exhaust, transfer = found["proposals"]
    assert (exhaust["kind"], exhaust["coverage"]["id"], exhaust["coverage"]["remaining"]) == (
        "EXHAUST_COVERAGE",
        coverage,
        "0.00",
    )
    assert (transfer["kind"], transfer["amount"], transfer["reason"]) == ("TRANSFER_BALANCE", "1451.04", "EXHAUSTED")
    assert (transfer["coverage"], transfer["payer"]["id"]) == (None, payer)
    closed = {"coverageId": exhaust["coverage"]["id"], "status": "EXHAUSTED", "version": exhaust["coverage"]["version"]}
    assert done(clinic.billing, "closeCoverage", "coverage { status }", **closed)["status"] == "EXHAUSTED"
    to = {"payerId": transfer["payer"]["id"], "reason": transfer["reason"], "remittanceClaimId": found["id"]}
    after = clinic.step("transferBalance", invoice, **to)
    assert (after["payer"]["id"], after["balance"]) == (payer, "1451.04")
    assert claims_of(look(clinic.billing, came))[0]["proposals"] == []


def test_a_payment_in_which_more_is_taken_back_than_paid_is_made_up_by_the_provider_adjustments(
    clinic: Clinic, insurer: str
) -> None:
    first, second = (of_lines(clinic, ("A4556", price)) for price in ("1510.25", "1000.00"))
    before = imported(clinic, payment(claim(number_of(clinic, first), "1510.25", "1510.25", payer_number="OLD-1")))
    assert posted(clinic, before)["postedCount"] == 1
    back = claim(number_of(clinic, first), "-1510.25", "-1510.25", status_code="22", payer_number="OLD-1")
    paid = claim(number_of(clinic, second), "1000.00", "1000.00")
    provider = (ProviderAdjustment("WO", money("-977.94"), "RECOVERY"),)
    # The claims are -510.25 and the provider adjustments -977.94, which makes 467.69.
    came = imported(clinic, payment(back, paid, provider_adjustments=provider))
    assert came["payments"][0]["amount"] == "467.69"
    assert [one["status"] for one in claims_of(came)] == ["REVERSAL", "MATCHED"]
    now = posted(clinic, came)
    [of] = now["payments"]
    assert (of["cheque"]["amount"], of["cheque"]["unappliedAmount"]) == ("467.69", "0.00")
    assert sorted(Decimal(one["amount"]) for one in of["cheque"]["allocations"]) == [
        Decimal("-1510.25"),
        Decimal("1000.00"),
    ]
    assert [one["invoice"]["balance"] for one in claims_of(now)] == ["1510.25", "0.00"]
    [(code, amount)] = rows(
        clinic.address,
        "select p.code, p.amount from provider_adjustments p join cheques c on c.id = p.cheque_id where c.number = $1",
        of["cheque"]["number"],
    )
    assert (code, amount) == ("WO", Decimal("-977.94"))


def test_a_payment_that_is_out_of_balance_is_shown_with_the_figures_and_never_posted(
    clinic: Clinic, insurer: str
) -> None:
    invoice = of_lines(clinic, ("A4556", "5950.20"))
    wrong = payment(claim(number_of(clinic, invoice), "5950.20", "5950.20"), amount=money("5950.21"))
    came = imported(clinic, wrong)
    [broken] = came["payments"][0]["brokenLaws"]
    assert broken == {
        "law": "PAYMENT",
        "stated": "5950.21",
        "computed": "5950.20",
        "claimPlace": None,
        "linePlace": None,
    }
    [found] = claims_of(came)
    assert (found["status"], found["isWaiting"], found["isPosted"]) == ("OUT_OF_BALANCE", True, False)
    for chosen in ({}, {"claimIds": [found["id"]]}):
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "postRemittance", REMITTANCE, remittanceId=came["id"], **chosen)
        assert "do not add up" in error["message"]
    # The corrected file of the same payment is posted.
    right = imported(clinic, payment(claim(number_of(clinic, invoice), "5950.20", "5950.20"), trace=wrong.trace))
    assert posted(clinic, right)["payments"][0]["cheque"]["amount"] == "5950.20"


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
