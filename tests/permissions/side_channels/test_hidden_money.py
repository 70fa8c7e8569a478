"""An attorney learns nothing of what is behind an invoice of the own client: coverages, earlier payers, payments, replaced invoices."""

from typing import Any

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import done
from tests.support.api.records import Found, find_records, uuid_of
from tests.support.api.scenarios import CHEQUE, Clinic, line
from tests.support.client import Client
from tests.support.databases import rows

_NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
_COUNT = "query ($f: InvoiceFilter) { invoices(filter: $f) { totalCount nodes { id } } cases { totalCount } }"
_SEARCH = (
    "query ($s: String) { invoices(filter: {search: $s}) { totalCount } cases(filter: {search: $s}) { totalCount } }"
)
_EXPORT = "mutation ($input: ExportInvoicesInput!) { exportInvoices(input: $input) { export { id } errors { message code path } } }"
_POLICY, _CLAIM, _NUMBER = "POL-SECRET-4711", "CLM-SECRET-4712", "CHQ-SECRET-4713"
_EARLIER = "Zebedee Mutual, which paid before"
_HIDDEN_COLUMNS = (
    *("replaces.number", "replacedBy.number", "receivedAmount", "balance", "updatedAt", "smallBalanceAmount"),
    *("coverage.policyNumber", "responsibilities", "payer.kind", "payer.firm.name", "adjustments", "recoveredAmount"),
)


@pytest.fixture(scope="module")
def found(address: DatabaseUrls) -> Found:
    return find_records(address)


@pytest.fixture(scope="module")
def story(address: DatabaseUrls, sign_in: SignIn, found: Found) -> dict[str, str]:
    """The ids of what is behind an invoice of the attorney's client: its first payer has paid, another owes, and it was replaced."""
    clinic = Clinic(sign_in(Role.BILLING), sign_in(Role.ADMIN), found, address)
    query = "select attorney_id from users where email = 'attorney@demo.example'"
    case = clinic.case(attorneyId=make_id("Attorney", rows(address, query)[0][0]))
    earlier = done(clinic.billing, "createPayer", "payer { id }", name=_EARLIER, kind="INSURANCE")["id"]
    terms = {"kind": "PIP", "policyNumber": _POLICY, "claimNumber": _CLAIM, "balanceBilling": "ALLOWED"}
    cover = done(clinic.billing, "addCoverage", "coverage { id }", caseId=case, payerId=earlier, **terms)["id"]
    present, clinic.payer = clinic.payer, earlier
    invoice = clinic.submitted("100.00", case)
    paid: dict[str, Any] = {"number": _NUMBER}
    cheque = done(clinic.billing, "recordCheque", CHEQUE, **clinic.cheque_of("40.00", {invoice: "40.00"}, **paid))["id"]
    step: dict[str, Any] = {"payerId": present, "reason": "DEDUCTIBLE", "note": "The deductible"}
    clinic.step("transferBalance", invoice, **step)
    lines: dict[str, Any] = {"lines": [line("90.00")], "reason": "Wrong", "confirmDuplicate": True}
    new = clinic.step("replaceInvoice", invoice, clinic.admin, **lines)["id"]
    names = {"responsibilities": "invoice_id", "cheque_allocations": "invoice_id"}
    below = {
        table: make_id(
            "Cheque", rows(address, f"select id from {table} where {column} = $1 limit 1", uuid_of(new))[0][0]
        )
        for table, column in names.items()
    }
    return {
        "case": case,
        "invoice": new,
        "earlier": earlier,
        "coverage": cover,
        "cheque": cheque,
        "old": invoice,
        **below,
    }


@pytest.fixture
def attorney(sign_in: SignIn) -> Client:
    return sign_in(Role.ATTORNEY)


def test_the_ids_of_what_is_behind_an_invoice_are_answered_like_unknown_ones(
    attorney: Client, story: dict[str, str], found: Found
) -> None:
    assert attorney.read(_NODE, id=story["invoice"])["node"]["id"] == story["invoice"]
    kinds = {"earlier": "Payer", "coverage": "Coverage", "cheque": "Cheque"}
    kinds |= dict.fromkeys(("responsibilities", "cheque_allocations"), "Cheque")
    for name, kind in kinds.items():
        real, unknown = (attorney.post(_NODE, id=identity) for identity in (story[name], found.unknown(kind)))
        assert (real.status_code, real.json()) == (unknown.status_code, unknown.json()), name
        assert real.json()["data"] == {"node": None}, name


def test_filters_and_searches_find_nothing_by_what_is_behind_an_invoice(
    attorney: Client, story: dict[str, str], found: Found
) -> None:
    for payer in (story["earlier"], found.unknown("Payer")):
        assert attorney.read(_COUNT, f={"payerId": [payer]})["invoices"] == {"totalCount": 0, "nodes": []}
    for text in (_POLICY, _CLAIM, _NUMBER, _EARLIER, "deductible", "SECRET", "Zebedee"):
        answer = attorney.read(_SEARCH, s=text)
        assert (answer["invoices"]["totalCount"], answer["cases"]["totalCount"]) == (0, 0), text


@pytest.mark.parametrize("column", _HIDDEN_COLUMNS)
def test_a_hidden_column_of_an_export_is_refused_like_one_that_does_not_exist(
    attorney: Client, story: dict[str, str], column: str
) -> None:
    refusals = []
    for name in (column, "x" * len(column)):
        answer = attorney.ask(_EXPORT, input={"format": "CSV", "columns": [name]})
        refusals.append(str(answer).replace(name, "…"))
    assert refusals[0] == refusals[1]
    assert "errors" in refusals[0]
