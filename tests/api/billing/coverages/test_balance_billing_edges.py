"""Balance billing at its edges: coverages that have ended or change, former law firms, and invoices that replace others."""

from typing import Any

import pytest

from server.database_urls import DatabaseUrls
from tests.api.billing.coverages.bound import COVERAGE, MOVED, WHY, Bound, new_payer
from tests.api.payments.paying import electronic
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import nothing_changes, today
from tests.support.api.scenarios import CHEQUE, INVOICE, Clinic

TODAY = today().isoformat()
CASE = "case { id }"


@pytest.mark.parametrize("status", ["EXHAUSTED", "REFUSED", "CLOSED"])
def test_nothing_is_transferred_to_a_coverage_that_has_ended(bound: Bound, address: DatabaseUrls, status: str) -> None:
    ends = {"coverageId": bound.other, "status": status, "reason": "It has ended"}
    done(bound.clinic.billing, "closeCoverage", COVERAGE, **ends)
    with nothing_changes(address):
        for client in (bound.clinic.billing, bound.clinic.admin):
            [error] = bound.transfer(client, reason="DEDUCTIBLE", coverageId=bound.other, note=WHY)["errors"]
            assert (error["code"], error["path"]) == ("CONFLICT", ["input", "coverageId"])
            assert "verifyCoverage" in error["message"]
    done(bound.clinic.billing, "verifyCoverage", COVERAGE, coverageId=bound.other, reason="It pays again")
    assert bound.transfer(reason="DEDUCTIBLE", coverageId=bound.other)["errors"] == []


@pytest.mark.parametrize("change", [{"balanceBilling": "ALLOWED"}, {"kind": "PIP"}, {"payerId": None}])
def test_a_coverage_under_which_invoices_are_billed_forbids_until_an_administrator_says_why_not(
    bound: Bound, address: DatabaseUrls, change: dict[str, Any]
) -> None:
    wanted = {"payerId": new_payer(bound.clinic.billing)} if "payerId" in change else change
    inputs = {"coverageId": bound.coverage, "version": 1, **wanted}
    with nothing_changes(address):
        error = refused(bound.clinic.billing, "updateCoverage", COVERAGE, **inputs, reason=WHY)
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "balanceBilling"])
        error = refused(bound.clinic.admin, "updateCoverage", COVERAGE, **inputs, reason=" ")
        assert error["path"] == ["input", "reason"]
    changed = done(bound.clinic.admin, "updateCoverage", COVERAGE, **inputs, reason=WHY)
    assert {"field": "reason", "before": None, "after": WHY} in changed["history"][-1]["changes"]


def test_billing_staff_correct_a_coverage_under_which_nothing_is_billed_or_that_goes_on_forbidding(
    bound: Bound, clinic: Clinic
) -> None:
    unused = bound.cover("HEALTH", new_payer(clinic.billing))
    change = {"version": 1, "balanceBilling": "ALLOWED"}
    changed = done(clinic.billing, "updateCoverage", COVERAGE, coverageId=unused, **change)
    assert changed["balanceBilling"] == "ALLOWED"
    other = {"version": 1, "kind": "WORKERS_COMP", "limit": "100.00"}
    assert done(clinic.billing, "updateCoverage", COVERAGE, coverageId=bound.coverage, **other)["version"] == 2


def test_what_a_former_firm_owes_under_a_forbidding_letter_is_moved_by_an_administrator_alone(
    bound: Bound, clinic: Clinic, address: DatabaseUrls
) -> None:
    attorneys = [
        done(clinic.billing, "createAttorney", "attorney { id lawFirm { id } }", name=name, firm=f"{name} & Co")
        for name in ("Former Letter", "Present Letter")
    ]
    former = new_payer(clinic.billing, "ATTORNEY", firmId=attorneys[0]["lawFirm"]["id"])
    letter = bound.cover("LETTER_OF_PROTECTION", former, balanceBilling="FORBIDDEN")
    assert bound.transfer(bound.clinic.admin, coverageId=letter, note=WHY)["errors"] == []
    bound.clinic.step("submitInvoice", bound.invoice, submittedOn=TODAY, method="EMAIL")
    own = {"caseId": bound.case, "payerId": former, "serviceDate": "2026-03-02", "confirmDuplicate": True}
    waiting = done(clinic.billing, "createInvoice", "invoice { id }", lines=[{"code": "A4556"}], **own)["id"]
    earlier = {"attorneyId": attorneys[0]["id"], "effectiveOn": "2026-02-01"}
    done(clinic.billing, "assignAttorney", CASE, caseId=bound.case, **earlier)
    done(clinic.billing, "assignAttorney", CASE, caseId=bound.case, attorneyId=attorneys[1]["id"])
    of = {"caseId": bound.case, "payerId": bound.firm, "keepAgreements": True}
    with nothing_changes(address):
        error = refused(clinic.billing, "transferFromFormerFirm", CASE, **of, note=WHY)
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "payerId"])
        # The note that is written where none is given is no reason of an administrator.
        error = refused(clinic.admin, "transferFromFormerFirm", CASE, **of)
        assert error["path"] == ["input", "note"]
    done(clinic.admin, "transferFromFormerFirm", CASE, **of, note=WHY)
    payers = [
        clinic.billing.read("query ($id: ID!) { invoice(id: $id) { payer { id } } }", id=one)["invoice"]["payer"]["id"]
        for one in (bound.invoice, waiting)
    ]
    assert payers == [bound.firm, bound.firm]


def test_an_invoice_that_replaces_another_keeps_the_rule(bound: Bound, address: DatabaseUrls) -> None:
    lines = [{"code": "A4556", "overridePrice": "900.00", "overrideReason": "Corrected"}]
    values = {"invoiceId": bound.invoice, "lines": lines, "reason": "Wrong line", "confirmDuplicate": True}
    bound.invoice = done(bound.clinic.billing, "replaceInvoice", INVOICE, **values)["id"]
    with nothing_changes(address):
        change = {"invoiceId": bound.invoice, "payerId": bound.firm, "reason": WHY}
        for answer in (answered(bound.clinic.billing, "changePayer", MOVED, **change), bound.transfer(note=WHY)):
            assert "group PR" in answer["errors"][0]["message"]


def test_money_under_a_forbidding_coverage_binds_although_another_coverage_of_the_payer_owes(
    bound: Bound, clinic: Clinic, address: DatabaseUrls
) -> None:
    # The firm owes first, and then a coverage of the same insurer that allows it, which staff have added themselves.
    assert bound.transfer(bound.clinic.admin, note=WHY)["errors"] == []
    bound.clinic.step("submitInvoice", bound.invoice, submittedOn=TODAY, method="EMAIL")
    assert bound.transfer(coverageId=bound.other)["errors"] == []
    paid = [{"invoiceId": bound.invoice, "amount": "800.00", "coverageId": bound.coverage}]
    done(clinic.billing, "recordCheque", CHEQUE, **electronic(bound.clinic, "800.00", {}, allocations=paid))
    patient = new_payer(clinic.billing, "ATTORNEY")
    with nothing_changes(address):
        assert "group PR" in bound.transfer(payerId=patient)["errors"][0]["message"]
    assert bound.transfer(bound.clinic.admin, payerId=patient, note=WHY)["errors"] == []
