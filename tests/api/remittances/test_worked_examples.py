"""The worked examples of remittances, to the cent: PIP that is used up, a negative payment, and a file that is out of balance."""

from typing import Any

import pytest

from tests.api.remittances.remitting import (
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
from tests.support.api.mutations import done
from tests.support.api.records import today
from tests.support.api.scenarios import Clinic

_TODAY = today().isoformat()


@pytest.fixture(scope="module")
def insurer(clinic: Clinic) -> Any:
    """The clinic's payer is an insurer, as in the examples."""
    clinic.payer = done(clinic.billing, "createPayer", "payer { id }", name="Example PIP Mutual", kind="INSURANCE")["id"]
    return clinic.payer


def test_pip_that_is_used_up_is_posted_and_what_it_leaves_is_proposed_and_transferred(clinic: Clinic, insurer: str) -> None:
    firm = done(clinic.billing, "createFirm", "firm { id }", name="Example & Partners")["id"]
    payer = done(clinic.billing, "createPayer", "payer { id }", name="Example & Partners", kind="ATTORNEY", firmId=firm)["id"]
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
    assert (exhaust["kind"], exhaust["coverage"]["id"], exhaust["coverage"]["remaining"]) == ("EXHAUST_COVERAGE", coverage, "0.00")
    assert (transfer["kind"], transfer["amount"], transfer["reason"]) == ("TRANSFER_BALANCE", "1451.04", "EXHAUSTED")
    assert (transfer["coverage"], transfer["payer"]["id"]) == (None, payer)
    closed = {"coverageId": exhaust["coverage"]["id"], "status": "EXHAUSTED", "version": exhaust["coverage"]["version"]}
    assert done(clinic.billing, "closeCoverage", "coverage { status }", **closed)["status"] == "EXHAUSTED"
    to = {"payerId": transfer["payer"]["id"], "reason": transfer["reason"], "remittanceClaimId": found["id"]}
    after = clinic.step("transferBalance", invoice, **to)
    assert (after["payer"]["id"], after["balance"]) == (payer, "1451.04")
    assert claims_of(look(clinic.billing, came))[0]["proposals"] == []
