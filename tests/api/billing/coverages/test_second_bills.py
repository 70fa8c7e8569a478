"""What a coverage that forbids balance billing leaves is not billed to somebody else by a second invoice, either."""

from typing import Any

import pytest

from server.database_urls import DatabaseUrls
from tests.api.billing.coverages.bound import WHY, Bound, new_payer
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import nothing_changes, today
from tests.support.api.scenarios import INVOICE, Clinic, broken_laws, line

TODAY = today().isoformat()
NEW = "invoice { id status payer { id } history { changes { field before after } } }"


def second(bound: Bound, payer: str, **values: Any) -> dict[str, Any]:
    """The input of an invoice that bills the treatment of the first one to a payer."""
    of = {"caseId": bound.case, "payerId": payer, "serviceDate": "2026-03-02", "lines": [line("1000.00")]}
    return {**of, "confirmDuplicate": True, **values}


def test_a_second_invoice_to_somebody_else_is_an_administrators_override_with_a_reason(
    bound: Bound, address: DatabaseUrls
) -> None:
    number = bound.clinic.look(bound.invoice)["number"]
    with nothing_changes(address):
        error = refused(bound.clinic.billing, "createInvoice", NEW, **second(bound, bound.firm))
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "lines"])
        assert error["message"].startswith(f"Invoice {number} bills the same treatment to another payer. ")
        assert "an administrator can override this with a reason" in error["message"]
        error = refused(bound.clinic.admin, "createInvoice", NEW, **second(bound, bound.firm))
        assert error["path"] == ["input", "duplicateReason"]
    made = done(bound.clinic.admin, "createInvoice", NEW, **second(bound, bound.firm, duplicateReason=WHY))
    assert {"field": "duplicateReason", "before": None, "after": WHY} in made["history"][0]["changes"]
    assert broken_laws(address) == ()


def test_staff_do_not_know_the_reason_of_an_administrator(bound: Bound) -> None:
    inputs = second(bound, bound.firm, duplicateReason=WHY)
    query = "mutation ($i: CreateInvoiceInput!) { createInvoice(input: $i) { invoice { id } } }"
    assert "duplicateReason" in str(bound.clinic.billing.ask(query, i=inputs)["errors"])


def test_lines_that_are_added_later_and_invoices_that_are_replaced_keep_the_rule(
    bound: Bound, address: DatabaseUrls
) -> None:
    billing = bound.clinic.billing
    other = second(bound, bound.firm, lines=[{"code": "E0114", "overridePrice": "5.00", "overrideReason": "Agreed"}])
    invoice = done(billing, "createInvoice", NEW, **other)["id"]
    lines = {"invoiceId": invoice, "lines": [line("1000.00")], "confirmDuplicate": True}
    with nothing_changes(address):
        error = refused(billing, "replaceInvoiceLines", NEW, **lines)
        assert "bills the same treatment to another payer" in error["message"]
        error = refused(bound.clinic.admin, "replaceInvoiceLines", NEW, **lines)
        assert error["path"] == ["input", "duplicateReason"]
    bound.clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="MAIL")
    with nothing_changes(address):
        error = refused(billing, "replaceInvoice", NEW, **lines, reason="Wrong line")
        assert "bills the same treatment to another payer" in error["message"]
    done(bound.clinic.admin, "replaceInvoice", NEW, **lines, reason=WHY)
    assert broken_laws(address) == ()


def test_what_a_replaced_invoice_asked_the_insurer_for_is_not_billed_to_the_firm(
    bound: Bound, address: DatabaseUrls
) -> None:
    lines = [{"code": "E0114", "overridePrice": "900.00", "overrideReason": "Corrected"}]
    values = {"invoiceId": bound.invoice, "lines": lines, "reason": "Wrong line", "confirmDuplicate": True}
    done(bound.clinic.billing, "replaceInvoice", INVOICE, **values)
    with nothing_changes(address):
        error = refused(bound.clinic.billing, "createInvoice", NEW, **second(bound, bound.firm))
        assert "bills the same treatment to another payer" in error["message"]


def test_what_somebody_else_was_billed_for_is_not_billed_under_the_coverage_beside(
    bound: Bound, clinic: Clinic, address: DatabaseUrls
) -> None:
    """The other way round: the firm first, then the insurer whose coverage forbids it."""
    bound.clinic.step("voidInvoice", bound.invoice, bound.clinic.admin, reason="For this scenario")
    done(clinic.billing, "createInvoice", NEW, **second(bound, bound.firm))
    with nothing_changes(address):
        error = refused(clinic.billing, "createInvoice", NEW, **second(bound, bound.payer))
        assert "bills the same treatment to another payer" in error["message"]


@pytest.mark.parametrize("differs", ["payer", "day", "code", "case", "void"])
def test_other_treatment_and_other_cases_are_billed_as_before(bound: Bound, clinic: Clinic, differs: str) -> None:
    inputs = second(bound, bound.payer if differs == "payer" else bound.firm)
    if differs == "day":
        inputs["serviceDate"] = "2026-03-03"
    elif differs == "code":
        inputs["lines"] = [{"code": "E0114", "overridePrice": "5.00", "overrideReason": "Agreed"}]
    elif differs == "case":
        inputs["caseId"] = clinic.case()
    elif differs == "void":
        bound.clinic.step("voidInvoice", bound.invoice, bound.clinic.admin, reason="For this scenario")
    assert done(clinic.billing, "createInvoice", NEW, **inputs)["status"] == "PENDING_INVOICE"


def test_a_coverage_that_allows_it_lets_the_treatment_be_billed_twice(clinic: Clinic) -> None:
    case, insurer, firm = clinic.case(), new_payer(clinic.billing), new_payer(clinic.billing, "ATTORNEY")
    covered = {"caseId": case, "kind": "MEDPAY", "payerId": insurer}
    done(clinic.billing, "addCoverage", "coverage { id }", **covered)
    of = {"caseId": case, "serviceDate": "2026-03-02", "lines": [line("10.00")], "confirmDuplicate": True}
    for payer in (insurer, firm):
        assert answered(clinic.billing, "createInvoice", NEW, payerId=payer, **of)["errors"] == []
