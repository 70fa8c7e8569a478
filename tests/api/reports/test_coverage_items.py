"""Action items of coverages: exhausted ones, those that will not suffice, and invoices that must be filed; one item for each invoice."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from tests.api.reports.test_action_items import items, kinds
from tests.support.api.mutations import NEW, done
from tests.support.api.records import today
from tests.support.api.scenarios import Clinic, line
from tests.support.client import Client

COVERAGE = "coverage { id version }"
TODAY, DAY = today(), timedelta(days=1)
_names = count(1)


@pytest.fixture
def insured(billing: Client, admin: Client, clinic: Clinic) -> Clinic:
    """A clinic whose invoices are billed to an insurer of its own."""
    own = Clinic(billing, admin, clinic.found, clinic.address)
    name = f"Items Mutual {next(_names)}"
    own.payer = done(billing, "createPayer", "payer { id }", name=name, kind="INSURANCE")["id"]
    return own


def cover(clinic: Clinic, case: str, kind: str = "PIP", **values: Any) -> str:
    """The id of a coverage of the clinic's payer in a case."""
    new = {"caseId": case, "payerId": clinic.payer, "kind": kind, **values}
    identity: str = done(clinic.billing, "addCoverage", COVERAGE, **new)["id"]
    return identity


def exhaust(clinic: Clinic, coverage: str, **values: Any) -> None:
    done(clinic.billing, "closeCoverage", COVERAGE, coverageId=coverage, status="EXHAUSTED", **values)


def test_a_coverage_whose_limit_is_used_up_is_an_item_of_each_open_invoice_of_its_payer(insured: Clinic) -> None:
    case = insured.case()
    cover(insured, case, limit="500.00")
    paid, first, second = (
        insured.agreed("500.00", case),
        insured.submitted("300.00", case),
        insured.agreed("200.00", case),
    )
    elsewhere = insured.submitted("900.00")
    insured.pays("500.00", {paid: "500.00"})
    assert [kinds(insured.billing, one) for one in (paid, elsewhere)] == [[], []]
    for invoice, balance in ((first, "300.00"), (second, "200.00")):
        [item] = items(insured.billing, invoice)
        assert (item["kind"], item["dueOn"]) == ("COVERAGE_EXHAUSTED", TODAY.isoformat())
        assert item["subject"] == f"The coverage is exhausted: transfer the balance of ${balance}"
    insured.step("writeOffInvoice", second, insured.admin, reason="Nobody owes it")
    insured.step("changePayer", first, payerId=insured.found.own["Payer"], reason="The firm pays")
    assert [kinds(insured.billing, one) for one in (first, second)] == [[], []]


def test_a_coverage_that_staff_call_exhausted_is_an_item_whatever_its_figures_say(insured: Clinic) -> None:
    case = insured.case()
    coverage, invoice = cover(insured, case, limit="5000.00"), insured.submitted("300.00", case)
    assert kinds(insured.billing, invoice) == []
    exhaust(insured, coverage, closedOn="2026-05-01")
    assert [kind for kind, _ in kinds(insured.billing, invoice)] == ["COVERAGE_EXHAUSTED"]
    done(insured.billing, "verifyCoverage", COVERAGE, coverageId=coverage, reason="The letter was about another case")
    assert kinds(insured.billing, invoice) == []


def test_another_coverage_of_the_same_payer_still_pays(insured: Clinic) -> None:
    case = insured.case()
    pip, medpay = cover(insured, case, limit="5000.00"), cover(insured, case, "MEDPAY", limit="400.00")
    invoice = insured.submitted("300.00", case)
    exhaust(insured, pip)
    assert kinds(insured.billing, invoice) == []
    exhaust(insured, medpay)
    assert [kind for kind, _ in kinds(insured.billing, invoice)] == ["COVERAGE_EXHAUSTED"]


@pytest.mark.parametrize("status", ["REFUSED", "CLOSED"])
def test_a_coverage_that_was_refused_or_closed_is_no_item(insured: Clinic, status: str) -> None:
    case = insured.case()
    coverage, invoice = cover(insured, case, limit="100.00", fileWithinDays=1), insured.invoice("300.00", case)
    assert len(kinds(insured.billing, invoice)) == 2
    ends = {"coverageId": coverage, "status": status, "reason": "The policy had lapsed"}
    done(insured.billing, "closeCoverage", COVERAGE, **ends)
    assert kinds(insured.billing, invoice) == []


def test_a_coverage_that_does_not_suffice_is_an_item_of_the_invoices_that_it_does_not_reach(insured: Clinic) -> None:
    case = insured.case()
    coverage = cover(insured, case, limit="500.00", otherPayments="100.00")
    first, second, third = (insured.submitted(price, case) for price in ("250.00", "150.00", "0.01"))
    assert [kinds(insured.billing, one) for one in (first, second)] == [[], []]
    [item] = items(insured.billing, third)
    assert (item["kind"], item["dueOn"]) == ("COVERAGE_NEARLY_EXHAUSTED", TODAY.isoformat())
    assert item["subject"] == "$400.00 of the coverage remains, less than the open balances"
    done(insured.billing, "updateCoverage", COVERAGE, coverageId=coverage, version=1, limit="500.01")
    assert kinds(insured.billing, third) == []
    done(insured.billing, "updateCoverage", COVERAGE, coverageId=coverage, version=2, limit=None)
    assert kinds(insured.billing, third) == []


def _served(clinic: Clinic, case: str, days_ago: int) -> str:
    """The id of an invoice for a service some days ago."""
    served = (TODAY - days_ago * DAY).isoformat()
    draft = {"caseId": case, "payerId": clinic.payer, "serviceDate": served, "lines": [line("100.00")]}
    identity: str = done(clinic.billing, "createInvoice", NEW, **draft)["id"]
    return identity


def test_filing_is_due_from_a_week_before_its_last_day_until_the_invoice_is_submitted(insured: Clinic) -> None:
    case = insured.case()
    cover(insured, case, fileWithinDays=35)
    cover(insured, case, "MEDPAY", fileWithinDays=90)
    invoice = _served(insured, case, 20)
    due_on, last = (TODAY + 8 * DAY).isoformat(), (TODAY + 15 * DAY).isoformat()
    assert kinds(insured.billing, invoice, on=(TODAY + 7 * DAY).isoformat()) == []
    [item] = items(insured.billing, invoice, on=due_on)
    assert (item["kind"], item["dueOn"]) == ("FILING_DUE", due_on)
    assert item["subject"] == f"File the invoice with the payer by {last}"
    insured.step("submitInvoice", invoice, submittedOn=TODAY.isoformat(), method="PORTAL")
    assert kinds(insured.billing, invoice, on=due_on) == []
    # A denied invoice was filed in time; another payer has not got it yet.
    insured.step("recordDenial", invoice, deniedOn=TODAY.isoformat(), reasonCode="50")
    assert kinds(insured.billing, invoice, on=due_on) == []
    insured.step("changePayer", invoice, payerId=insured.found.own["Payer"], reason="Wrong insurer")
    assert kinds(insured.billing, invoice, on=due_on) == []
    insured.step("changePayer", invoice, payerId=insured.payer, reason="It was right")
    assert kinds(insured.billing, invoice, on=due_on) == [("FILING_DUE", due_on)]


def test_filing_that_is_overdue_is_due_since_the_invoice_was_created(insured: Clinic) -> None:
    case = insured.case()
    cover(insured, case, fileWithinDays=10)
    assert kinds(insured.billing, _served(insured, case, 60)) == [("FILING_DUE", TODAY.isoformat())]


def test_items_of_coverages_are_paged_and_counted_with_the_others(insured: Clinic) -> None:
    case = insured.case()
    cover(insured, case, limit="1.00", fileWithinDays=1)
    invoice = _served(insured, case, 3)
    found = items(insured.billing, invoice)
    assert sorted(item["kind"] for item in found) == ["COVERAGE_NEARLY_EXHAUSTED", "FILING_DUE"]
    assert len({item["id"] for item in found}) == 2
